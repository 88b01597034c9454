//! From a file to a stream of records.

mod jsonl;
mod lines;
mod parquet;
mod stream;
mod text;
mod wet;

use crate::{CorpusError, Format, InputFile, Record, Result};
use serde::{Deserialize, Serialize};

/// How records become documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadOptions {
    /// The field (JSON) or column (Parquet) that holds the id.
    pub id_field: String,
    /// The field or column that holds the text.
    pub text_field: String,
    /// The `source` of documents that name none.
    pub source: Option<String>,
    /// The longest record in bytes: a line of JSON, a text of Parquet, a file, a WARC body. A longer
    /// one is set aside; except for Parquet it is never held in memory.
    pub max_document_bytes: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            id_field: "id".to_owned(),
            text_field: "text".to_owned(),
            source: None,
            max_document_bytes: 64 << 20,
        }
    }
}

impl ReadOptions {
    fn validate(&self) -> Result<()> {
        let problem = |option, problem| Err(CorpusError::ReadOptions { option, problem });
        if self.text_field.is_empty() {
            return problem("text_field", "it is empty");
        }
        if self.id_field == self.text_field {
            return problem("id_field", "it is the same as text_field");
        }
        if self.max_document_bytes == 0 {
            return problem("max_document_bytes", "it is zero");
        }
        Ok(())
    }
}

/// What [`read`] gives: records in the file's order.
///
/// An `Err` is the last item: the system refused to go on. Content that cannot be understood comes
/// as [`Record::Bad`].
pub type Records = Box<dyn Iterator<Item = Result<Record>> + Send>;

/// Reads the records of a file, one after another.
///
/// Holds one record in memory (Parquet: a page and a batch of 64 rows) plus buffers of a few
/// hundred kilobytes.
///
/// - **JSONL.** Lines end at LF only, one CR before it belongs to the line end, empty lines are
///   passed over, a byte order mark at the start of the file too. Fields other than id, text,
///   `source` and `url` go into the metadata; where the line has an object `metadata` of its own,
///   its entries win. A missing, null or empty id is made: `<name>:<line>`, with the name of
///   [`InputFile`]; a number becomes its decimal text as written.
/// - **Parquet.** Reads the columns of id, text, `source`, `url` and `metadata` and no other. A made
///   id is `<name>:<row>`, rows from 0. Compression inside: none, Snappy, Gzip, Zstandard. What does
///   not decode costs its row group; where the decoder panics on damage (it has assertions), that is
///   caught, though the panic hook has spoken by then.
/// - **Text.** The file is one document; its id is the name of [`InputFile`].
/// - **WARC, WET.** A document for each conversion record: the id is its record id, or
///   `<name>:<offset>`, the url its target. Response and resource records hold pages, not text, and
///   are set aside; request, metadata, warcinfo and revisit records are passed over.
///
/// # Errors
/// The options contradict themselves, the file cannot be opened, or (Parquet) it has no text column.
pub fn read(file: &InputFile, options: &ReadOptions) -> Result<Records> {
    options.validate()?;
    match file.format {
        Format::Jsonl => jsonl::read(file, options),
        Format::Parquet => parquet::read(file, options),
        Format::Text => text::read(file, options),
        Format::Warc => wet::read(file, options),
    }
}

/// A limit in bytes as a length in memory.
fn memory_limit(options: &ReadOptions) -> usize {
    usize::try_from(options.max_document_bytes).unwrap_or(usize::MAX - 1).min(usize::MAX - 1)
}
