//! Reading files and directories, with errors that name them.

use crate::{Result, StoreError};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A file opened for reading.
#[derive(Debug)]
pub struct ReadFile {
    file: File,
    path: PathBuf,
    len: u64,
}

impl ReadFile {
    /// The file's length in bytes when it was opened.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file had no bytes when it was opened.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fills `buf` from `offset` without moving the cursor; safe from many threads at once.
    ///
    /// # Errors
    /// The file ends before `offset + buf.len()`, or the system refuses.
    pub fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        read_exact_at(&self.file, buf, offset)
            .map_err(|source| StoreError::io("read", &self.path, source))
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buf, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buf, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                buf = &mut buf[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}

impl Read for ReadFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read(buf)
    }
}

impl Seek for ReadFile {
    fn seek(&mut self, pos: SeekFrom) -> io::Result<u64> {
        self.file.seek(pos)
    }
}

/// Opens a file for reading; a directory is refused.
///
/// # Errors
/// It is missing, unreadable or a directory.
pub fn open(path: &Path) -> Result<ReadFile> {
    let wrap = |source| StoreError::io("open", path, source);
    let file = File::open(path).map_err(wrap)?;
    let metadata = file.metadata().map_err(wrap)?;
    if metadata.is_dir() {
        return Err(wrap(io::ErrorKind::IsADirectory.into()));
    }
    Ok(ReadFile { file, path: path.to_path_buf(), len: metadata.len() })
}

/// Reads a whole file.
///
/// # Errors
/// It is missing or unreadable.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut file = open(path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(file.len()).unwrap_or(0));
    file.read_to_end(&mut bytes).map_err(|source| StoreError::io("read", path, source))?;
    Ok(bytes)
}

/// Reads a whole file as UTF-8 text.
///
/// # Errors
/// It is missing, unreadable or not UTF-8.
pub fn read_to_string(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|error| StoreError::NotUtf8 {
        path: path.to_path_buf(),
        offset: error.utf8_error().valid_up_to() as u64,
    })
}

/// Whether anything is at `path`.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// Whether `path` is a directory.
pub fn is_dir(path: &Path) -> bool {
    path.is_dir()
}

/// Makes a directory and its parents.
///
/// # Errors
/// The system refuses, or a file is in the way.
pub fn create_dir_all(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|source| StoreError::io("create directory", path, source))
}

/// Removes a file; one that is not there is no error.
///
/// # Errors
/// The system refuses.
pub fn remove_file(path: &Path) -> Result<()> {
    ignore_missing(fs::remove_file(path))
        .map_err(|source| StoreError::io("remove file", path, source))
}

/// Removes a directory with all it holds; one that is not there is no error.
///
/// # Errors
/// The system refuses.
pub fn remove_dir_all(path: &Path) -> Result<()> {
    ignore_missing(fs::remove_dir_all(path))
        .map_err(|source| StoreError::io("remove directory", path, source))
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Flushes a directory's entries to the disk, so that renames in it outlive a power cut.
///
/// # Errors
/// The system refuses. On systems where a directory cannot be opened this does nothing.
pub fn sync_dir(path: &Path) -> Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(|source| StoreError::io("flush directory", path, source))
}

/// The files directly inside a directory, sorted by name. Links to files count as files.
///
/// # Errors
/// The directory is missing or unreadable.
pub fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(dir)?.into_iter().filter(|path| path.is_file()).collect())
}

/// The directories directly inside a directory, sorted by name; links to directories are left out.
///
/// # Errors
/// The directory is missing or unreadable.
pub fn list_dirs(dir: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(dir)?.into_iter().filter(|path| path.is_dir() && !path.is_symlink()).collect())
}

/// The files inside a directory at any depth, sorted by path; links to directories are not followed.
///
/// # Errors
/// A directory is missing or unreadable.
pub fn list_recursive(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut pending = vec![dir.to_path_buf()];
    while let Some(dir) = pending.pop() {
        for path in entries(&dir)? {
            if path.is_dir() {
                if !path.is_symlink() {
                    pending.push(path);
                }
            } else if path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let wrap = |source| StoreError::io("list directory", dir, source);
    let mut paths = fs::read_dir(dir)
        .map_err(wrap)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(wrap)?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_path_and_the_bad_byte() {
        let tmp = tempfile::tempdir().unwrap();
        let missing = tmp.path().join("missing");
        assert!(read(&missing).unwrap_err().to_string().contains("missing"));
        assert!(matches!(open(tmp.path()), Err(StoreError::Io { action: "open", .. })));
        let bad = tmp.path().join("bad.txt");
        fs::write(&bad, b"ok\xffno").unwrap();
        assert!(matches!(read_to_string(&bad), Err(StoreError::NotUtf8 { offset: 2, .. })));
    }

    #[test]
    fn positioned_reads_do_not_move_the_cursor() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("f");
        fs::write(&path, b"0123456789").unwrap();
        let mut file = open(&path).unwrap();
        let mut buf = [0; 3];
        file.read_exact_at(&mut buf, 4).unwrap();
        assert_eq!(&buf, b"456");
        file.read_exact(&mut buf).unwrap();
        assert_eq!(&buf, b"012");
        assert!(file.read_exact_at(&mut buf, 8).is_err());
        assert_eq!(file.len(), 10);
    }

    #[test]
    fn listings_are_sorted_and_keep_kinds_apart() {
        let tmp = tempfile::tempdir().unwrap();
        for name in ["b", "a", "d/c", "d/e/f"] {
            let path = tmp.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let names = |paths: Vec<PathBuf>| -> Vec<String> {
            let strip = |p: &PathBuf| p.strip_prefix(tmp.path()).unwrap().display().to_string();
            paths.iter().map(strip).collect()
        };
        assert_eq!(names(list(tmp.path()).unwrap()), ["a", "b"]);
        assert_eq!(names(list_dirs(tmp.path()).unwrap()), ["d"]);
        assert_eq!(names(list_recursive(tmp.path()).unwrap()), ["a", "b", "d/c", "d/e/f"]);
        remove_file(&tmp.path().join("never was")).unwrap();
    }
}
