//! A table row per document.

use crate::schema::{arrow_schema, to_record_batch};
use crate::{CorpusError, Document, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use pretrain_store::{AtomicFile, FileEntry};
use std::path::{Path, PathBuf};

/// Text held before it is handed to the encoder.
const BATCH_BYTES: usize = 8 << 20;
const BATCH_DOCUMENTS: usize = 1024;
/// Encoded bytes held before they are written: bounds the memory here and in every reader.
const ROW_GROUP_BYTES: usize = 64 << 20;
const ROW_GROUP_DOCUMENTS: usize = 1 << 17;
const PAGE_CHECK_DOCUMENTS: usize = 16;

/// Writes documents as Parquet in the columns of [`arrow_schema()`], Zstandard inside.
///
/// A row group closes at 131,072 documents or about 64 MiB of encoded columns, whichever comes
/// first; memory is about that and 8 MiB of text, or one document if it is longer. The same calls
/// give the same bytes. The file appears under its name when [`finish`](Self::finish) succeeds.
pub struct ParquetWriter {
    writer: ArrowWriter<AtomicFile>,
    batch: Vec<Document>,
    batch_bytes: usize,
    path: PathBuf,
}

impl ParquetWriter {
    /// Begins a file. Missing parent directories are made.
    ///
    /// # Errors
    /// The system refuses.
    pub fn create(path: &Path) -> Result<Self> {
        let level = ZstdLevel::try_new(3).expect("3 is a level of Zstandard");
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(ROW_GROUP_DOCUMENTS))
            // How often the size of a page (1 MiB) is looked at: texts are long.
            .set_write_batch_size(PAGE_CHECK_DOCUMENTS)
            .set_created_by(concat!("pretrain ", env!("CARGO_PKG_VERSION")).to_owned())
            // A dictionary of texts or ids would only be built to be thrown away.
            .set_column_dictionary_enabled("text".into(), false)
            .set_column_dictionary_enabled("id".into(), false)
            .set_column_dictionary_enabled("url".into(), false)
            .build();
        let file = AtomicFile::create(path)?;
        let writer = ArrowWriter::try_new(file, arrow_schema(), Some(properties))
            .map_err(|source| parquet_failed(path, source))?;
        Ok(Self { writer, batch: Vec::new(), batch_bytes: 0, path: path.to_path_buf() })
    }

    /// Appends a document.
    ///
    /// # Errors
    /// The system refuses.
    pub fn write(&mut self, document: &Document) -> Result<()> {
        self.batch.push(document.clone());
        self.batch_bytes += document.text.len();
        if self.batch.len() >= BATCH_DOCUMENTS || self.batch_bytes >= BATCH_BYTES {
            self.encode_batch()?;
        }
        Ok(())
    }

    fn encode_batch(&mut self) -> Result<()> {
        let batch = to_record_batch(&self.batch)?;
        self.batch.clear();
        self.batch_bytes = 0;
        let failed = |source| parquet_failed(&self.path, source);
        self.writer.write(&batch).map_err(failed)?;
        if self.writer.in_progress_size() >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(failed)?;
        }
        Ok(())
    }

    /// Completes the file, makes it real, and describes it.
    ///
    /// # Errors
    /// The system refuses; no file appears then.
    pub fn finish(mut self) -> Result<FileEntry> {
        if !self.batch.is_empty() {
            self.encode_batch()?;
        }
        let file = self.writer.into_inner().map_err(|source| parquet_failed(&self.path, source))?;
        Ok(file.commit()?)
    }
}

fn parquet_failed(path: &Path, source: ParquetError) -> CorpusError {
    CorpusError::Parquet { path: path.to_path_buf(), source }
}
