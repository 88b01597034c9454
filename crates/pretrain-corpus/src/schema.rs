//! Documents as Arrow record batches.

use crate::{CorpusError, DocId, Document, Result};
use arrow::array::AsArray;
use arrow::array::{Array, ArrayRef, LargeStringArray, RecordBatch, StringArray, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// The columns of a batch of documents.
///
/// | column | type | null | holds |
/// |---|---|---|---|
/// | `id` | `Utf8` | no | the name |
/// | `text` | `LargeUtf8` | no | the text; 64-bit offsets, so that a batch may pass 2 GiB |
/// | `source` | `Utf8` | yes | the part of the corpus |
/// | `url` | `Utf8` | yes | where it was published |
/// | `metadata` | `Utf8` | yes | a JSON object; null when empty |
pub fn arrow_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("text", DataType::LargeUtf8, false),
        Field::new("source", DataType::Utf8, true),
        Field::new("url", DataType::Utf8, true),
        Field::new("metadata", DataType::Utf8, true),
    ]))
}

/// Copies documents into a record batch, one row each, in order.
///
/// # Errors
/// [`CorpusError::BatchTooLarge`] if a column other than `text` passes 2 GiB.
pub fn to_record_batch(documents: &[Document]) -> Result<RecordBatch> {
    let metadata: Vec<Option<String>> = documents
        .iter()
        .map(|doc| (!doc.metadata.is_empty()).then(|| metadata_json(&doc.metadata)))
        .collect();
    let ids = || documents.iter().map(|doc| Some(doc.id.as_str()));
    let sources = || documents.iter().map(|doc| doc.source.as_deref());
    let urls = || documents.iter().map(|doc| doc.url.as_deref());
    let columns: Vec<ArrayRef> = vec![
        utf8("id", ids)?,
        Arc::new(LargeStringArray::from_iter_values(documents.iter().map(|doc| &doc.text))),
        utf8("source", sources)?,
        utf8("url", urls)?,
        utf8("metadata", || metadata.iter().map(Option::as_deref))?,
    ];
    Ok(RecordBatch::try_new(arrow_schema(), columns)
        .expect("every column has a value per document and the type of the schema"))
}

/// The JSON text of a metadata object.
pub(crate) fn metadata_json(metadata: &Map<String, Value>) -> String {
    serde_json::to_string(metadata).expect("a JSON value with string keys always has a text")
}

fn utf8<'a, I: Iterator<Item = Option<&'a str>>>(
    column: &'static str,
    values: impl Fn() -> I,
) -> Result<ArrayRef> {
    let bytes = values().flatten().map(|value| value.len() as u64).sum::<u64>();
    let limit = i32::MAX as u64;
    if bytes > limit {
        return Err(CorpusError::BatchTooLarge { column, bytes, limit });
    }
    Ok(Arc::new(values().collect::<StringArray>()))
}

/// Copies the rows of a record batch out as documents, in order.
///
/// `id` and `text` must be there and without nulls; the other columns may be absent. Each may be
/// `Utf8`, `LargeUtf8` or `Utf8View`. Columns of other names are passed over.
///
/// # Errors
/// A column is missing or of another type; an empty id, a null, or metadata that is no JSON object.
pub fn from_record_batch(batch: &RecordBatch) -> Result<Vec<Document>> {
    let ids = TextColumn::required(batch, "id")?;
    let texts = TextColumn::required(batch, "text")?;
    let sources = TextColumn::optional(batch, "source")?;
    let urls = TextColumn::optional(batch, "url")?;
    let metadata = TextColumn::optional(batch, "metadata")?;
    let owned = |column: &Option<TextColumn<'_>>, row| {
        column.as_ref().and_then(|c| c.get(row)).map(str::to_owned)
    };
    (0..batch.num_rows())
        .map(|row| {
            let problem = |column, problem: &str| CorpusError::BatchValue {
                column,
                row,
                problem: problem.to_owned(),
            };
            let id = ids.get(row).ok_or_else(|| problem("id", "null"))?;
            let text = texts.get(row).ok_or_else(|| problem("text", "null"))?;
            let metadata = match metadata.as_ref().and_then(|column| column.get(row)) {
                None => Map::new(),
                Some(json) => serde_json::from_str(json)
                    .map_err(|error| problem("metadata", &error.to_string()))?,
            };
            Ok(Document {
                id: DocId::new(id).map_err(|_| problem("id", "empty"))?,
                text: text.to_owned(),
                source: owned(&sources, row),
                url: owned(&urls, row),
                metadata,
            })
        })
        .collect()
}

/// A column of strings of any of Arrow's layouts.
enum TextColumn<'a> {
    Utf8(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
}

impl<'a> TextColumn<'a> {
    fn optional(batch: &'a RecordBatch, column: &str) -> Result<Option<Self>> {
        let Some(array) = batch.column_by_name(column) else { return Ok(None) };
        match array.data_type() {
            DataType::Utf8 => Ok(Some(Self::Utf8(array.as_string()))),
            DataType::LargeUtf8 => Ok(Some(Self::Large(array.as_string()))),
            DataType::Utf8View => Ok(Some(Self::View(array.as_string_view()))),
            DataType::Null => Ok(None),
            other => Err(CorpusError::ColumnType {
                path: in_memory(),
                column: column.to_owned(),
                expected: "a string column",
                found: other.to_string(),
            }),
        }
    }

    fn required(batch: &'a RecordBatch, column: &str) -> Result<Self> {
        Self::optional(batch, column)?.ok_or_else(|| CorpusError::MissingColumn {
            path: in_memory(),
            column: column.to_owned(),
            available: batch.schema().fields().iter().map(|field| field.name().clone()).collect(),
        })
    }

    fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Utf8(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Large(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

fn in_memory() -> PathBuf {
    PathBuf::from("record batch")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_survive_the_batch() {
        let mut full = Document::new(DocId::new("1").unwrap(), "a\0\u{2028}é");
        full.source = Some(String::new());
        full.url = Some("https://example.org/".into());
        full.metadata.insert("n".into(), Value::from(1.5));
        let documents = vec![full, Document::new(DocId::new("2").unwrap(), "")];
        let batch = to_record_batch(&documents).unwrap();
        assert_eq!(batch.schema(), arrow_schema());
        assert_eq!(from_record_batch(&batch).unwrap(), documents);
        assert_eq!(from_record_batch(&to_record_batch(&[]).unwrap()).unwrap(), []);
    }

    #[test]
    fn what_no_document_can_have_is_named() {
        let batch = |id: Option<&str>, metadata: &str| {
            let columns: Vec<(&str, ArrayRef)> = vec![
                ("id", Arc::new(StringArray::from(vec![id]))),
                ("text", Arc::new(StringViewArray::from(vec!["t"]))),
                ("metadata", Arc::new(StringArray::from(vec![metadata]))),
            ];
            from_record_batch(&RecordBatch::try_from_iter(columns).unwrap())
        };
        assert_eq!(batch(Some("a"), "{}").unwrap()[0].text, "t");
        for (id, metadata, column) in
            [(None, "{}", "id"), (Some(""), "{}", "id"), (Some("a"), "[]", "metadata")]
        {
            match batch(id, metadata) {
                Err(CorpusError::BatchValue { column: found, row: 0, .. }) => {
                    assert_eq!(found, column);
                }
                other => panic!("{other:?}"),
            }
        }
        let text: ArrayRef = Arc::new(StringArray::from(vec!["t"]));
        let only_text = RecordBatch::try_from_iter([("text", text)]).unwrap();
        assert!(matches!(
            from_record_batch(&only_text),
            Err(CorpusError::MissingColumn { column, .. }) if column == "id"
        ));
    }
}
