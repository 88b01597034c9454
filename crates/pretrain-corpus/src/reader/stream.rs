//! Decompressed bytes of a file, with errors that tell a failing disk from failing content.

use crate::{BadReason, Compression, CorpusError, InputFile, Result};
use flate2::bufread::MultiGzDecoder;
use pretrain_store::{self as store, ReadFile};
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

const BUFFER: usize = 1 << 17;

pub(crate) type Stream = Box<dyn BufRead + Send>;

/// Opens a file and decodes it on the way: all gzip members, all Zstandard frames.
pub(crate) fn open(file: &InputFile) -> Result<Stream> {
    let raw = BufReader::with_capacity(BUFFER, open_raw(&file.path)?);
    let decoder_failed = |source| CorpusError::Read { path: file.path.clone(), source };
    Ok(match file.compression {
        Compression::None => Box::new(raw),
        Compression::Gzip => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(raw))),
        Compression::Zstd => Box::new(BufReader::with_capacity(
            BUFFER,
            zstd::Decoder::with_buffer(raw).map_err(decoder_failed)?,
        )),
    })
}

/// Opens a file without decoding it.
pub(crate) fn open_raw(path: &Path) -> Result<RawFile> {
    Ok(RawFile(store::open(path)?))
}

/// Marks the errors of the file itself, so that they can be told from those of a decoder above it.
pub(crate) struct RawFile(ReadFile);

impl Read for RawFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => io::Error::other(FileFault(error)),
        })
    }
}

#[derive(Debug)]
struct FileFault(io::Error);

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for FileFault {}

/// Sorts an error of a [`Stream`]: content that does not decode is a reason to set it aside, a
/// file that does not read is an error.
pub(crate) fn sort_error(path: &Path, error: io::Error) -> Result<BadReason> {
    let kind = error.kind();
    match error.downcast::<FileFault>() {
        Ok(FileFault(source)) => Err(CorpusError::Read { path: path.to_path_buf(), source }),
        Err(_) if kind == io::ErrorKind::UnexpectedEof => Ok(BadReason::Truncated),
        Err(error) => Ok(BadReason::Corrupt { message: error.to_string() }),
    }
}
