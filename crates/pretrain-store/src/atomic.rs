//! Writing a file that is complete or absent.

use crate::digest::Digester;
use crate::file::{create_dir_all, sync_dir};
use crate::{FileEntry, Result, StoreError};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Ends the name of a file that is being written. A stage removes such leavings when it is opened.
pub(crate) const PARTIAL_SUFFIX: &str = ".partial";

/// A file under a temporary name in its final directory, which [`commit`](Self::commit) makes real.
///
/// Commit flushes the content to the disk, renames, and flushes the directory, in that order; a
/// crash at any moment leaves the old file or the new one, never a mixture. Dropped without a
/// commit, nothing remains. Parent directories are made when missing.
#[derive(Debug)]
pub struct AtomicFile {
    // `None` only after commit or on drop.
    writer: Option<BufWriter<File>>,
    digester: Box<Digester>,
    bytes: u64,
    path: PathBuf,
    partial: PathBuf,
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digester")
    }
}

impl AtomicFile {
    /// Begins to write `path`.
    ///
    /// # Errors
    /// The path has no file name, or the directory or temporary file cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        let no_name = || {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name");
            StoreError::io("create", path, source)
        };
        let name = path.file_name().ok_or_else(no_name)?;
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            create_dir_all(parent)?;
        }
        // One writer per name is the rule (a stage is locked), so the name needs no randomness.
        let mut partial_name = name.to_owned();
        partial_name.push(PARTIAL_SUFFIX);
        let partial = path.with_file_name(partial_name);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&partial)
            .map_err(|source| StoreError::io("create", &partial, source))?;
        Ok(Self {
            writer: Some(BufWriter::with_capacity(1 << 17, file)),
            digester: Box::new(Digester::new()),
            bytes: 0,
            path: path.to_path_buf(),
            partial,
        })
    }

    /// The final path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the file real and describes it; the entry's name is the file name.
    ///
    /// # Errors
    /// The disk refuses (for example, it is full); the temporary file is removed then.
    pub fn commit(mut self) -> Result<FileEntry> {
        let writer = self.writer.take().expect("present until commit, which consumes self");
        let file = writer
            .into_inner()
            .map_err(|error| StoreError::io("write", &self.path, error.into_error()))?;
        file.sync_all().map_err(|source| StoreError::io("flush", &self.path, source))?;
        drop(file);
        fs::rename(&self.partial, &self.path)
            .map_err(|source| StoreError::io("rename into place", &self.path, source))?;
        if let Some(parent) = self.path.parent().filter(|p| !p.as_os_str().is_empty()) {
            sync_dir(parent)?;
        }
        let name = self.path.file_name().expect("checked in create").to_string_lossy().into_owned();
        Ok(FileEntry { name, bytes: self.bytes, xxh3: self.digester.finish() })
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let writer = self.writer.as_mut().expect("present until commit, which consumes self");
        let n = writer.write(buf).map_err(|error| with_path(&self.path, error))?;
        self.digester.update(&buf[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        let writer = self.writer.as_mut().expect("present until commit, which consumes self");
        writer.flush().map_err(|error| with_path(&self.path, error))
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After a successful rename the temporary name is gone and this finds nothing.
        drop(self.writer.take());
        let _ = fs::remove_file(&self.partial);
    }
}

/// An `io::Error` that passes through encoders and serialisers still has to name its file.
fn with_path(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
}

/// Writes a whole file atomically; see [`AtomicFile`].
///
/// # Errors
/// As [`AtomicFile::create`] and [`AtomicFile::commit`].
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<FileEntry> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(|source| StoreError::io("write", path, source))?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;

    #[test]
    fn a_committed_file_is_described_and_a_dropped_one_is_gone() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("deep/er/file.bin");
        let entry = write_atomic(&path, b"content").unwrap();
        assert_eq!(
            entry,
            FileEntry { name: "file.bin".into(), bytes: 7, xxh3: Digest::of(b"content") }
        );
        {
            let mut second = AtomicFile::create(&path).unwrap();
            second.write_all(b"never seen").unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), b"content");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_full_disk_names_the_file() {
        // /dev/full accepts the open and refuses every byte.
        let target = Path::new("/dev/full");
        if !target.exists() {
            println!("skipped: this system has no /dev/full");
            return;
        }
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("out");
        std::os::unix::fs::symlink(target, tmp.path().join("out.partial")).unwrap();
        let error = write_atomic(&path, &[0; 10]).unwrap_err();
        assert!(error.to_string().contains("out"), "{error}");
        assert!(!path.exists());
    }
}
