//! Documents into files: complete and checksummed, or not there.

mod jsonl;
mod parquet;

pub use jsonl::JsonlWriter;
pub use parquet::ParquetWriter;
