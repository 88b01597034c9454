//! A Parquet file as the decoder wants it: positioned reads, and strings left undecoded.

use crate::Result;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};
use pretrain_store::{self as store, ReadFile};
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

#[derive(Clone)]
pub(super) struct Shard(Arc<ReadFile>);

impl Shard {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self(Arc::new(store::open(path)?)))
    }

    /// The footer, with every string column declared as bytes.
    ///
    /// The decoder refuses a whole batch for one invalid string; as bytes, the row alone is set
    /// aside.
    pub(super) fn metadata(&self) -> Result<ArrowReaderMetadata, ParquetError> {
        // The types embedded by Arrow writers would bring back dictionaries and views.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let declared = ArrowReaderMetadata::load(self, options.clone())?;
        self.check_ranges(&declared)?;
        let root = declared.metadata().file_metadata().schema();
        let fields = root.get_fields().iter().map(undeclared).collect::<Result<Vec<_>, _>>()?;
        let root = Type::group_type_builder(root.name()).with_fields(fields).build()?;
        let schema = Arc::new(SchemaDescriptor::new(Arc::new(root)));
        ArrowReaderMetadata::load(self, options.with_parquet_schema(schema))
    }
}

impl Shard {
    /// Every column chunk has to lie inside the file: the decoder takes that for granted.
    fn check_ranges(&self, metadata: &ArrowReaderMetadata) -> Result<(), ParquetError> {
        for (i, group) in metadata.metadata().row_groups().iter().enumerate() {
            let inside = |chunk: &ColumnChunkMetaData| {
                let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
                let (start, length) =
                    (u64::try_from(start), u64::try_from(chunk.compressed_size()));
                let end = start.ok().zip(length.ok()).and_then(|(at, n)| at.checked_add(n));
                chunk.data_page_offset() >= 0 && end.is_some_and(|end| end <= self.0.len())
            };
            if group.num_rows() < 0 || !group.columns().iter().all(inside) {
                return Err(ParquetError::General(format!("row group {i} lies outside the file")));
            }
        }
        Ok(())
    }
}

fn undeclared(field: &TypePtr) -> Result<TypePtr, ParquetError> {
    if !field.is_primitive() || field.get_physical_type() != PhysicalType::BYTE_ARRAY {
        return Ok(field.clone());
    }
    let info = field.get_basic_info();
    Type::primitive_type_builder(field.name(), PhysicalType::BYTE_ARRAY)
        .with_repetition(info.repetition())
        .build()
        .map(Arc::new)
}

impl Length for Shard {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Shard {
    type T = BufReader<Cursor>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(Cursor { file: self.0.clone(), position: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // A length from a damaged page header must not become an allocation.
        let end = start.checked_add(length as u64).filter(|&end| end <= self.0.len());
        if end.is_none() {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at offset {start} of a file of {} bytes",
                self.0.len()
            )));
        }
        let mut buf = vec![0; length];
        self.0
            .read_exact_at(&mut buf, start)
            .map_err(|error| ParquetError::External(Box::new(error)))?;
        Ok(buf.into())
    }
}

/// Reads on from a position of its own.
pub(super) struct Cursor {
    file: Arc<ReadFile>,
    position: u64,
}

impl Read for Cursor {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.file.len().saturating_sub(self.position);
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        self.file.read_exact_at(&mut buf[..n], self.position).map_err(io::Error::other)?;
        self.position += n as u64;
        Ok(n)
    }
}
