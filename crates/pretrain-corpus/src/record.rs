//! What a reader yields: a document, or the place and reason of something that is none.

use crate::Document;
use crate::warc::WarcFault;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::PathBuf;

/// One item of a reader.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A document.
    Document(Document),
    /// Something that was set aside; the reader has gone on behind it where it could.
    Bad(BadRecord),
}

impl Record {
    /// The document, if it is one.
    pub fn document(self) -> Option<Document> {
        match self {
            Self::Document(document) => Some(document),
            Self::Bad(_) => None,
        }
    }
}

/// A piece of input that is no document.
///
/// As JSON: `{"path", "line" | "row" | "offset" (absent for a whole file), "reason", "message"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub position: Position,
    /// Why.
    pub reason: BadReason,
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}", self.path.display(), self.position, self.reason)
    }
}

impl Serialize for BadRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("path", &self.path.to_string_lossy())?;
        match self.position {
            Position::Line(line) => map.serialize_entry("line", &line)?,
            Position::Row(row) => map.serialize_entry("row", &row)?,
            Position::Offset(offset) => map.serialize_entry("offset", &offset)?,
            Position::File => {}
        }
        map.serialize_entry("reason", self.reason.name())?;
        map.serialize_entry("message", &self.reason.to_string())?;
        map.end()
    }
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Position {
    /// A line of the decompressed text, from 1.
    Line(u64),
    /// A row of the table, from 0.
    Row(u64),
    /// A byte: of the file for WARC records (compressed where the file is), of the decompressed
    /// text elsewhere. From 0.
    Offset(u64),
    /// The file as a whole.
    File,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, ":{line}"),
            Self::Row(row) => write!(f, " row {row}"),
            Self::Offset(offset) => write!(f, " offset {offset}"),
            Self::File => Ok(()),
        }
    }
}

/// Why something is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadReason {
    /// The line is not JSON.
    #[error("invalid JSON: {message}")]
    InvalidJson {
        /// The parser's words, with the column.
        message: String,
    },
    /// The line is JSON but not an object.
    #[error("expected a JSON object, found {found}")]
    NotAnObject {
        /// The kind of value.
        found: &'static str,
    },
    /// The bytes are not UTF-8.
    #[error("invalid UTF-8 after {valid_up_to} bytes")]
    InvalidUtf8 {
        /// Bytes of the record (line, value, file) before the first bad one.
        valid_up_to: u64,
    },
    /// The text field is absent or null.
    #[error("no text field {field:?}")]
    MissingText {
        /// The field's name.
        field: String,
    },
    /// The text field is not a string.
    #[error("text field {field:?} is {found}, expected a string")]
    TextNotString {
        /// The field's name.
        field: String,
        /// The kind of value.
        found: &'static str,
    },
    /// The text has no characters.
    #[error("the text is empty")]
    EmptyText,
    /// The id is neither a string nor a number.
    #[error("id field {field:?} is {found}, expected a string or a number")]
    InvalidId {
        /// The field's name.
        field: String,
        /// The kind of value.
        found: &'static str,
    },
    /// The record is longer than the reader may hold.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The limit, `ReadOptions::max_document_bytes`.
        limit: u64,
    },
    /// The compressed stream ends early; everything behind this place is lost.
    #[error("the compressed data ends early")]
    Truncated,
    /// The compressed or encoded data cannot be decoded here.
    #[error("cannot decode: {message}")]
    Corrupt {
        /// The decoder's words.
        message: String,
    },
    /// A record of a web archive is malformed.
    #[error("malformed WARC record: {0}")]
    Warc(WarcFault),
    /// A record of a web archive that holds a page or file rather than text.
    #[error("a WARC {record_type} record holds no plain text")]
    NotText {
        /// `response` or `resource`.
        record_type: String,
    },
}

impl BadReason {
    /// A stable short name, to count by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InvalidJson { .. } => "invalid-json",
            Self::NotAnObject { .. } => "not-an-object",
            Self::InvalidUtf8 { .. } => "invalid-utf8",
            Self::MissingText { .. } => "missing-text",
            Self::TextNotString { .. } => "text-not-string",
            Self::EmptyText => "empty-text",
            Self::InvalidId { .. } => "invalid-id",
            Self::TooLong { .. } => "too-long",
            Self::Truncated => "truncated",
            Self::Corrupt { .. } => "corrupt",
            Self::Warc(_) => "malformed-warc",
            Self::NotText { .. } => "not-text",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_record_says_where_and_why() {
        let reason = BadReason::TooLong { limit: 8 };
        let bad = BadRecord { path: "d/a.jsonl".into(), position: Position::Line(3), reason };
        assert_eq!(bad.to_string(), "d/a.jsonl:3: longer than 8 bytes");
        assert_eq!(
            serde_json::to_string(&bad).unwrap(),
            r#"{"path":"d/a.jsonl","line":3,"reason":"too-long","message":"longer than 8 bytes"}"#
        );
        let whole = BadRecord { position: Position::File, ..bad };
        assert!(!serde_json::to_string(&whole).unwrap().contains("offset"));
    }
}
