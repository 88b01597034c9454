//! A JSON object per line.

use crate::{CorpusError, Document, Result};
use flate2::GzBuilder;
use flate2::write::GzEncoder;
use pretrain_store::{AtomicFile, FileEntry};
use serde::Serialize;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Fixed, so that the same documents give the same bytes whoever writes them.
const LEVEL: i32 = 3;
const BUFFER: usize = 1 << 16;

/// Writes documents, or any values, as lines of JSON.
///
/// The extension chooses the compression: `.gz` gzip (no time stamp), `.zst` Zstandard (with
/// checksum), both at level 3, anything else none. The same calls give the same bytes. The file
/// appears under its name when [`finish`](Self::finish) succeeds; a writer that is dropped before
/// leaves nothing.
pub struct JsonlWriter {
    sink: BufWriter<Sink>,
    path: PathBuf,
}

enum Sink {
    Plain(AtomicFile),
    Gzip(Box<GzEncoder<AtomicFile>>),
    Zstd(zstd::Encoder<'static, AtomicFile>),
}

impl JsonlWriter {
    /// Begins a file. Missing parent directories are made.
    ///
    /// # Errors
    /// The system refuses.
    pub fn create(path: &Path) -> Result<Self> {
        let file = AtomicFile::create(path)?;
        let extension = path.extension().unwrap_or_default();
        let sink = if extension.eq_ignore_ascii_case("gz") {
            // Byte 9 of the header: the operating system is "unknown", everywhere.
            let level = flate2::Compression::new(LEVEL.unsigned_abs());
            Sink::Gzip(Box::new(GzBuilder::new().mtime(0).operating_system(255).write(file, level)))
        } else if extension.eq_ignore_ascii_case("zst") {
            let encoder = zstd::Encoder::new(file, LEVEL).and_then(|mut encoder| {
                encoder.include_checksum(true)?;
                Ok(encoder)
            });
            let failed = |source| CorpusError::Write { path: path.to_path_buf(), source };
            Sink::Zstd(encoder.map_err(failed)?)
        } else {
            Sink::Plain(file)
        };
        Ok(Self { sink: BufWriter::with_capacity(BUFFER, sink), path: path.to_path_buf() })
    }

    /// Appends a document.
    ///
    /// # Errors
    /// The system refuses.
    pub fn write(&mut self, document: &Document) -> Result<()> {
        self.write_json(document)
    }

    /// Appends any value as a line.
    ///
    /// # Errors
    /// The value has no JSON form (a map with keys that are no strings), or the system refuses.
    pub fn write_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let written = serde_json::to_writer(&mut self.sink, value);
        written.map_err(|source| match source.is_io() {
            true => CorpusError::Write { path: self.path.clone(), source: source.into() },
            false => CorpusError::Json { path: self.path.clone(), source },
        })?;
        self.sink.write_all(b"\n").map_err(|source| self.failed(source))
    }

    /// Completes the file, makes it real, and describes it.
    ///
    /// # Errors
    /// The system refuses; no file appears then.
    pub fn finish(self) -> Result<FileEntry> {
        let Self { sink, path } = self;
        let failed = |source| CorpusError::Write { path: path.clone(), source };
        let sink = sink.into_inner().map_err(|error| failed(error.into_error()))?;
        let file = match sink {
            Sink::Plain(file) => file,
            Sink::Gzip(encoder) => encoder.finish().map_err(failed)?,
            Sink::Zstd(encoder) => encoder.finish().map_err(failed)?,
        };
        Ok(file.commit()?)
    }

    fn failed(&self, source: io::Error) -> CorpusError {
        CorpusError::Write { path: self.path.clone(), source }
    }
}

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(buf),
            Self::Gzip(encoder) => encoder.write(buf),
            Self::Zstd(encoder) => encoder.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}
