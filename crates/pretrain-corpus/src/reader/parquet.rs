//! A table row per document.

mod shard;

use self::shard::Shard;
use super::{ReadOptions, Records};
use crate::{
    BadReason, BadRecord, CorpusError, DocId, Document, InputFile, Position, Record, Result,
};
use arrow::array::AsArray;
use arrow::array::{Array, BinaryArray, RecordBatch};
use arrow::datatypes::DataType;
use arrow::datatypes::{
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use pretrain_store::StoreError;
use serde_json::{Map, Value};
use std::panic::{self, AssertUnwindSafe};
use std::vec::IntoIter;

/// Rows decoded at a time. A batch of long documents must stay small; a row of overhead is cheap.
const BATCH_ROWS: usize = 64;

pub(super) fn read(file: &InputFile, options: &ReadOptions) -> Result<Records> {
    let shard = Shard::open(&file.path)?;
    let metadata = match fenced(|| shard.metadata()) {
        Ok(metadata) => metadata,
        Err(error) => {
            let reason = sort_error(error)?;
            let (path, position) = (file.path.clone(), Position::File);
            return Ok(Box::new(std::iter::once(Ok(Record::Bad(BadRecord {
                path,
                position,
                reason,
            })))));
        }
    };
    let columns = Columns::find(file, options, &metadata)?;
    let n_groups = metadata.metadata().num_row_groups();
    let (file, options) = (file.clone(), options.clone());
    Ok(Box::new(Rows {
        shard,
        metadata,
        columns,
        file,
        options,
        groups: 0..n_groups,
        group_end: 0,
        row: 0,
        batches: None,
        pending: Vec::new().into_iter(),
        failed: false,
    }))
}

/// The decoder asserts here and there what a damaged file does not keep; that is a fault of the
/// file, not ours. What it was working on must not be used again.
fn fenced<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    panic::catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("no reason given");
        Err(ParquetError::General(format!("the decoder gave up: {text}")))
    })
}

/// Content that does not decode is a reason, a file that does not read is an error.
fn sort_error(error: ParquetError) -> Result<BadReason> {
    match error {
        ParquetError::External(source) => match source.downcast::<StoreError>() {
            Ok(error) => Err((*error).into()),
            Err(other) => Ok(BadReason::Corrupt { message: other.to_string() }),
        },
        ParquetError::EOF(_) => Ok(BadReason::Truncated),
        other => Ok(BadReason::Corrupt { message: other.to_string() }),
    }
}

struct Rows {
    shard: Shard,
    metadata: ArrowReaderMetadata,
    columns: Columns,
    file: InputFile,
    options: ReadOptions,
    groups: std::ops::Range<usize>,
    /// The first row behind the group at hand.
    group_end: u64,
    /// The row that the next batch starts with.
    row: u64,
    batches: Option<ParquetRecordBatchReader>,
    pending: IntoIter<Record>,
    failed: bool,
}

impl Iterator for Rows {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            if let Some(record) = self.pending.next() {
                return Some(Ok(record));
            }
            let batch = match &mut self.batches {
                Some(batches) => fenced(|| batches.next().transpose().map_err(parquet_error)),
                None => Ok(None),
            };
            let step = match batch {
                Ok(None) => match self.groups.next() {
                    None => return None,
                    Some(group) => fenced(|| self.start_group(group)),
                },
                Ok(Some(batch)) => {
                    self.pending = self.documents(&batch).into_iter();
                    self.row += batch.num_rows() as u64;
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = step {
                // The rest of the row group is lost; the next one stands on its own.
                self.batches = None;
                match sort_error(error) {
                    Ok(reason) => return Some(Ok(self.bad(self.row, reason))),
                    Err(error) => {
                        self.failed = true;
                        return Some(Err(error));
                    }
                }
            }
        }
        None
    }
}

/// A reader of record batches wraps what went wrong below it.
fn parquet_error(error: ArrowError) -> ParquetError {
    match error {
        ArrowError::ExternalError(source) => match source.downcast::<ParquetError>() {
            Ok(error) => *error,
            Err(other) => ParquetError::External(other),
        },
        other => ParquetError::ArrowError(other.to_string()),
    }
}

impl Rows {
    fn start_group(&mut self, group: usize) -> Result<(), ParquetError> {
        self.row = self.group_end;
        let n_rows = self.metadata.metadata().row_group(group).num_rows();
        self.group_end += u64::try_from(n_rows).unwrap_or(0);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.shard.clone(),
            self.metadata.clone(),
        )
        .with_projection(self.columns.mask.clone())
        .with_batch_size(BATCH_ROWS)
        .with_row_groups(vec![group])
        .build()?;
        self.batches = Some(reader);
        Ok(())
    }

    fn bad(&self, row: u64, reason: BadReason) -> Record {
        let position = Position::Row(row);
        Record::Bad(BadRecord { path: self.file.path.clone(), position, reason })
    }

    fn documents(&self, batch: &RecordBatch) -> Vec<Record> {
        let rows = 0..batch.num_rows();
        rows.map(|i| {
            let row = self.row + i as u64;
            match self.document(batch, i, row) {
                Ok(document) => Record::Document(document),
                Err(reason) => self.bad(row, reason),
            }
        })
        .collect()
    }

    fn document(&self, batch: &RecordBatch, i: usize, row: u64) -> Result<Document, BadReason> {
        let options = &self.options;
        let string = |column: Option<&String>| -> Result<Option<&str>, BadReason> {
            let array = column.and_then(|name| batch.column_by_name(name));
            array.and_then(|array| array.as_binary_opt::<i32>()).map_or(Ok(None), |a| utf8(a, i))
        };
        let limit = options.max_document_bytes;
        let text = match string(Some(&options.text_field))? {
            None => return Err(BadReason::MissingText { field: options.text_field.clone() }),
            Some("") => return Err(BadReason::EmptyText),
            Some(text) if text.len() as u64 > limit => return Err(BadReason::TooLong { limit }),
            Some(text) => text,
        };
        let id = match batch.column_by_name(&options.id_field) {
            Some(array) if array.data_type().is_integer() => integer(array, i),
            _ => string(Some(&options.id_field))?.map(str::to_owned),
        };
        let id = id.and_then(|id| DocId::new(id).ok()).unwrap_or_else(|| {
            DocId::new(format!("{}:{row}", self.file.name)).expect("it has a colon in it")
        });
        let source = string(self.columns.source.as_ref())?.map(str::to_owned);
        let mut metadata = Map::new();
        match string(self.columns.metadata.as_ref())? {
            None | Some("") => {}
            // Somebody else's column of this name need not be JSON; it is kept as it is then.
            Some(json) => match serde_json::from_str(json) {
                Ok(Value::Object(object)) => metadata = object,
                _ => drop(metadata.insert("metadata".to_owned(), json.into())),
            },
        }
        Ok(Document {
            id,
            text: text.to_owned(),
            source: source.or_else(|| options.source.clone()),
            url: string(self.columns.url.as_ref())?.map(str::to_owned),
            metadata,
        })
    }
}

fn utf8(array: &BinaryArray, row: usize) -> Result<Option<&str>, BadReason> {
    if array.is_null(row) {
        return Ok(None);
    }
    std::str::from_utf8(array.value(row))
        .map(Some)
        .map_err(|error| BadReason::InvalidUtf8 { valid_up_to: error.valid_up_to() as u64 })
}

fn integer(array: &dyn Array, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).to_string(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).to_string(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).to_string(),
        _ => return None,
    })
}

/// The columns that are read, and the optional ones that are there.
struct Columns {
    mask: ProjectionMask,
    source: Option<String>,
    url: Option<String>,
    metadata: Option<String>,
}

impl Columns {
    fn find(file: &InputFile, options: &ReadOptions, meta: &ArrowReaderMetadata) -> Result<Self> {
        let schema = meta.schema();
        let wrong_type = |column: &str, expected| {
            let found = schema.field_with_name(column).map(|field| field.data_type().to_string());
            CorpusError::ColumnType {
                path: file.path.clone(),
                column: column.to_owned(),
                expected,
                found: found.unwrap_or_default(),
            }
        };
        let kind = |name: &str| schema.field_with_name(name).ok().map(|field| field.data_type());
        match kind(&options.text_field) {
            Some(DataType::Binary) => {}
            Some(_) => return Err(wrong_type(&options.text_field, "a string")),
            None => {
                return Err(CorpusError::MissingColumn {
                    path: file.path.clone(),
                    column: options.text_field.clone(),
                    available: schema.fields().iter().map(|f| f.name().clone()).collect(),
                });
            }
        }
        match kind(&options.id_field) {
            None | Some(DataType::Binary) => {}
            Some(number) if number.is_integer() => {}
            Some(_) => return Err(wrong_type(&options.id_field, "a string or an integer")),
        }
        let optional = |name: &str| {
            let taken = name == options.text_field || name == options.id_field;
            let is_string = kind(name) == Some(&DataType::Binary);
            (is_string && !taken).then(|| name.to_owned())
        };
        let (source, url, metadata) = (optional("source"), optional("url"), optional("metadata"));
        let wanted = [Some(&options.id_field), Some(&options.text_field)];
        let wanted = wanted.into_iter().chain([source.as_ref(), url.as_ref(), metadata.as_ref()]);
        let roots: Vec<usize> =
            wanted.flatten().filter_map(|name| schema.index_of(name).ok()).collect();
        let mask = ProjectionMask::roots(meta.parquet_schema(), roots);
        Ok(Self { mask, source, url, metadata })
    }
}
