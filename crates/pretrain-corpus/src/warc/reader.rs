//! Records one after another.

use super::header::WarcHeader;
use super::source::Source;
use std::io::{self, BufRead, Read};

/// The longest line and the longest header that are taken in, in bytes.
const MAX_LINE: u64 = 64 << 10;
const MAX_HEADER: u64 = 1 << 20;
const DEFAULT_MAX_BODY: u64 = 64 << 20;

/// A record of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarcRecord {
    /// The byte of the file to start at to read this record again: the record's first in a plain
    /// file, its gzip member's in a compressed one (shared by all records of that member).
    pub offset: u64,
    /// The named fields.
    pub header: WarcHeader,
    /// `Content-Length` bytes.
    pub body: Vec<u8>,
}

/// A place of an archive where a record was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedRecord {
    /// As [`WarcRecord::offset`].
    pub offset: u64,
    /// The header, where that much was well-formed.
    pub header: Option<WarcHeader>,
    /// What is wrong.
    pub fault: WarcFault,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WarcFault {
    /// No version line.
    #[error("expected a line that begins with WARC/, found {line:?}")]
    NotARecord {
        /// The beginning of the line that is there.
        line: String,
    },
    /// A line of the header that is no field.
    #[error("expected a header field, found {line:?}")]
    HeaderLine {
        /// The beginning of the line.
        line: String,
    },
    /// The header does not end where a header should have ended.
    #[error("the header is longer than {limit} bytes")]
    HeaderTooLong {
        /// The limit in bytes.
        limit: u64,
    },
    /// `Content-Length` is absent or no number.
    #[error("expected a number as content length, found {found:?}")]
    ContentLength {
        /// The value, empty if absent.
        found: String,
    },
    /// The body is longer than the reader may hold; it was passed over.
    #[error("the body has {bytes} bytes, more than {limit}")]
    BodyTooLong {
        /// The declared length.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file, or the gzip member, ends inside the record.
    #[error("the record ends early: expected a body of {expected} bytes, found {found}")]
    Truncated {
        /// The declared length of the body; 0 where the header itself is cut.
        expected: u64,
        /// The bytes of body that are there.
        found: u64,
    },
    /// The gzip member cannot be decoded.
    #[error("cannot decode the gzip member: {message}")]
    Gzip {
        /// The decoder's words.
        message: String,
    },
}

/// One item of a [`WarcReader`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WarcItem {
    /// A record.
    Record(WarcRecord),
    /// A place where none could be read.
    Malformed(MalformedRecord),
}

/// Reads an archive record by record; see the [module](super).
///
/// Holds one body. Each item is an error only if the reader below fails, and then it is the last.
pub struct WarcReader<R> {
    source: Source<R>,
    max_body: u64,
    /// A version line that was found while damage was passed over, and its offset.
    found: Option<(u64, Vec<u8>)>,
    done: bool,
}

impl<R: Read> WarcReader<R> {
    /// Reads `inner` from its beginning; buffers on its own.
    pub fn new(inner: R) -> Self {
        let source = Source::new(inner);
        Self { source, max_body: DEFAULT_MAX_BODY, found: None, done: false }
    }

    /// Changes the longest body that is held, 64 MiB by default.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: u64) -> Self {
        self.max_body = bytes;
        self
    }

    fn read_record(&mut self) -> io::Result<Option<WarcItem>> {
        let (offset, version) = match self.found.take() {
            Some(found) => found,
            None => {
                let Some(offset) = self.source.seek_record()? else { return Ok(None) };
                let (line, _) = self.read_line()?;
                if !line.starts_with(b"WARC/") {
                    let fault = WarcFault::NotARecord { line: excerpt(&line) };
                    self.find_record()?;
                    return Ok(malformed(offset, None, fault));
                }
                (offset, line)
            }
        };
        let mut header = WarcHeader::new(&version);
        if let Some(fault) = self.read_header(&mut header)? {
            self.find_record()?;
            return Ok(malformed(offset, None, fault));
        }
        let Some(length) = header.content_length() else {
            let found = header.get("Content-Length").unwrap_or_default().to_owned();
            self.find_record()?;
            return Ok(malformed(offset, Some(header), WarcFault::ContentLength { found }));
        };
        self.read_body(offset, header, length).map(Some)
    }

    /// Takes in the lines up to the empty one.
    fn read_header(&mut self, header: &mut WarcHeader) -> io::Result<Option<WarcFault>> {
        let mut n_bytes = 0;
        loop {
            let (line, whole) = self.read_line()?;
            n_bytes += line.len() as u64;
            if line.is_empty() {
                return Ok(Some(WarcFault::Truncated { expected: 0, found: 0 }));
            }
            if !whole || n_bytes > MAX_HEADER {
                return Ok(Some(WarcFault::HeaderTooLong { limit: MAX_HEADER }));
            }
            if line.trim_ascii().is_empty() {
                return Ok(None);
            }
            if !header.push_line(&line) {
                return Ok(Some(WarcFault::HeaderLine { line: excerpt(&line) }));
            }
        }
    }

    fn read_body(&mut self, offset: u64, header: WarcHeader, length: u64) -> io::Result<WarcItem> {
        let mut limited = (&mut self.source).take(length);
        let too_long = length > self.max_body;
        let mut body = Vec::new();
        let read = if too_long {
            io::copy(&mut limited, &mut io::sink())
        } else {
            limited.read_to_end(&mut body).map(|n| n as u64)
        };
        let found = length - limited.limit();
        // A member's checksum comes last: a body is whole and wrong until its end was looked at.
        let read =
            if found == length { self.source.skip_blanks().map(drop) } else { read.map(drop) };
        let fault = match read {
            Err(error) if self.source.io_failed() => return Err(error),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && found < length => {
                self.pass_over_damage()?;
                WarcFault::Truncated { expected: length, found }
            }
            Err(error) => {
                self.pass_over_damage()?;
                WarcFault::Gzip { message: error.to_string() }
            }
            Ok(_) if found < length => WarcFault::Truncated { expected: length, found },
            Ok(_) if too_long => WarcFault::BodyTooLong { bytes: length, limit: self.max_body },
            Ok(_) => {
                return Ok(WarcItem::Record(WarcRecord { offset, header, body }));
            }
        };
        let header = Some(header);
        Ok(WarcItem::Malformed(MalformedRecord { offset, header, fault }))
    }

    /// A line with its end, and whether it is whole; empty at the end of the file or member.
    fn read_line(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let mut line = Vec::new();
        (&mut self.source).take(MAX_LINE).read_until(b'\n', &mut line)?;
        let whole = (line.len() as u64) < MAX_LINE || line.last() == Some(&b'\n');
        if !whole {
            self.source.skip_until(b'\n')?;
        }
        Ok((line, whole))
    }

    /// Passes over lines until one looks like the beginning of a record, or the member ends.
    fn find_record(&mut self) -> io::Result<()> {
        loop {
            let offset = self.source.offset();
            let (line, _) = self.read_line()?;
            if line.is_empty() {
                return Ok(());
            }
            if line.starts_with(b"WARC/") {
                self.found = Some((offset, line));
                return Ok(());
            }
        }
    }

    fn pass_over_damage(&mut self) -> io::Result<()> {
        if !self.source.skip_damage()? {
            self.done = true;
        }
        Ok(())
    }
}

impl<R: Read> Iterator for WarcReader<R> {
    type Item = io::Result<WarcItem>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let offset = self.source.offset();
        match self.read_record() {
            Ok(None) => {
                self.done = true;
                None
            }
            Ok(Some(item)) => Some(Ok(item)),
            Err(error) if self.source.io_failed() => {
                self.done = true;
                Some(Err(error))
            }
            Err(error) => Some(self.damaged(offset, &error)),
        }
    }
}

impl<R: Read> WarcReader<R> {
    /// The content failed outside a body.
    fn damaged(&mut self, before: u64, error: &io::Error) -> io::Result<WarcItem> {
        let offset = self.source.offset().max(before);
        if let Err(error) = self.pass_over_damage() {
            self.done = true;
            return Err(error);
        }
        let fault = match error.kind() {
            io::ErrorKind::UnexpectedEof => WarcFault::Truncated { expected: 0, found: 0 },
            _ => WarcFault::Gzip { message: error.to_string() },
        };
        Ok(WarcItem::Malformed(MalformedRecord { offset, header: None, fault }))
    }
}

fn malformed(offset: u64, header: Option<WarcHeader>, fault: WarcFault) -> Option<WarcItem> {
    Some(WarcItem::Malformed(MalformedRecord { offset, header, fault }))
}

/// Enough of a line for a message.
fn excerpt(line: &[u8]) -> String {
    let line = line.trim_ascii_end();
    String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned()
}

#[cfg(test)]
mod tests;
