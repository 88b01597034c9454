//! Tables of others, and damaged ones.

use crate::data::{records, sorted_out};
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, DictionaryArray, Float64Array, Int64Array,
    LargeStringArray, RecordBatch, StringArray, StringViewArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use pretrain_corpus::{
    BadReason, CorpusError, DocId, Document, InputFile, ParquetWriter, Position, ReadOptions,
    Record, read,
};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

fn write_table(path: &Path, columns: Vec<(&str, ArrayRef)>, compression: Compression) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(3))
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn strings(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[test]
fn rows_of_every_layout_are_read() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("a.parquet");
    let texts = ["a", "b", "c", "d"];
    let layouts: Vec<ArrayRef> = vec![
        strings(&texts),
        Arc::new(LargeStringArray::from(texts.to_vec())),
        Arc::new(StringViewArray::from(texts.to_vec())),
        Arc::new(BinaryArray::from_iter_values(texts)),
        Arc::new(texts.into_iter().collect::<DictionaryArray<Int32Type>>()),
    ];
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ];
    for (i, layout) in layouts.into_iter().enumerate() {
        let ids: ArrayRef = match i % 3 {
            0 => Arc::new(Int64Array::from(vec![-1, 2, 3, 4])),
            1 => Arc::new(UInt64Array::from(vec![u64::MAX, 2, 3, 4])),
            _ => strings(&["-1", "2", "3", "4"]),
        };
        let score: ArrayRef = Arc::new(Float64Array::from(vec![0.5; 4]));
        let columns = vec![("score", score), ("text", layout), ("id", ids)];
        write_table(&path, columns, codecs[i % 4]);
        let (good, bad) = sorted_out(records(&path, &ReadOptions::default()));
        let first = if i % 3 == 1 { u64::MAX.to_string() } else { "-1".to_owned() };
        let ids = [first.as_str(), "2", "3", "4"];
        let expected =
            ids.into_iter().zip(texts).map(|(id, text)| (id.to_owned(), text.to_owned()));
        assert_eq!(good, expected.collect::<Vec<_>>(), "layout {i}");
        assert_eq!(bad, []);
    }
}

#[test]
fn a_bad_value_costs_its_row() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("a.parquet");
    // Declared as a string and not UTF-8, as no Arrow array may hold it.
    let good: ArrayRef = Arc::new(StringArray::from(vec![
        Some("first"),
        None,
        Some(""),
        Some("QQQQ"),
        Some("too long"),
        Some("last"),
    ]));
    let metadata: ArrayRef = Arc::new(StringArray::from(vec![
        Some("{\"k\": 1}"),
        None,
        None,
        None,
        None,
        Some("free words"),
    ]));
    let ids: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None, None, None, None, None]));
    let columns = vec![("id", ids), ("text", good), ("metadata", metadata)];
    write_table(&path, columns, Compression::UNCOMPRESSED);
    let bytes = std::fs::read(&path).unwrap();
    let mut damaged = bytes.clone();
    for at in 0..bytes.len() - 4 {
        if &bytes[at..at + 4] == b"QQQQ" {
            damaged[at..at + 4].copy_from_slice(b"Q\xffQQ");
        }
    }
    std::fs::write(&path, damaged).unwrap();
    let options = ReadOptions { max_document_bytes: 7, ..ReadOptions::default() };
    let found = records(&path, &options);
    let metadata: Vec<String> = found
        .iter()
        .filter_map(|record| record.clone().document())
        .map(|doc| serde_json::to_string(&doc.metadata).unwrap())
        .collect();
    assert_eq!(metadata, ["{\"k\":1}", "{\"metadata\":\"free words\"}"]);
    let (good, bad) = sorted_out(found);
    let texts = [("x", "first"), ("a.parquet:5", "last")];
    assert_eq!(good, texts.map(|(id, text)| (id.to_owned(), text.to_owned())));
    let missing = BadReason::MissingText { field: "text".into() };
    assert_eq!(
        bad,
        [
            (Position::Row(1), missing),
            (Position::Row(2), BadReason::EmptyText),
            (Position::Row(3), BadReason::InvalidUtf8 { valid_up_to: 1 }),
            (Position::Row(4), BadReason::TooLong { limit: 7 }),
        ]
    );
}

#[test]
fn a_table_of_another_shape_is_an_error() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("a.parquet");
    let error =
        |options: &ReadOptions| read(&InputFile::new(&path).unwrap(), options).err().unwrap();
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
    write_table(&path, vec![("content", strings(&["a"])), ("id", flags)], Compression::SNAPPY);
    match error(&ReadOptions::default()) {
        CorpusError::MissingColumn { column, available, .. } => {
            assert_eq!((column.as_str(), available), ("text", vec!["content".into(), "id".into()]));
        }
        other => panic!("{other}"),
    }
    let named = ReadOptions { text_field: "content".into(), ..ReadOptions::default() };
    match error(&named) {
        CorpusError::ColumnType { column, found, .. } => {
            assert_eq!((column.as_str(), found.as_str()), ("id", "Boolean"));
        }
        other => panic!("{other}"),
    }
    let without_id = ReadOptions { id_field: "name".into(), ..named };
    let (good, _) = sorted_out(records(&path, &without_id));
    assert_eq!(good, [("a.parquet:0".to_owned(), "a".to_owned())]);
}

#[test]
fn a_file_that_is_no_table_is_set_aside() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("a.parquet");
    let mut writer = ParquetWriter::create(&path).unwrap();
    writer.write(&Document::new(DocId::new("a").unwrap(), "t")).unwrap();
    writer.finish().unwrap();
    let whole = std::fs::read(&path).unwrap();
    for bytes in [&b""[..], b"PAR1", b"no table at all, but longer", &whole[..whole.len() - 1]] {
        std::fs::write(&path, bytes).unwrap();
        match &records(&path, &ReadOptions::default())[..] {
            [Record::Bad(bad)] => {
                assert_eq!(bad.position, Position::File);
                let expected = ["truncated", "corrupt"];
                assert!(expected.contains(&bad.reason.name()), "{bad}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A page that does not decode costs its row group; the one behind it is read.
#[test]
fn the_next_row_group_stands_on_its_own() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("a.parquet");
    let texts: Vec<String> = (0..9).map(|i| format!("{i}").repeat(400)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    write_table(&path, vec![("text", strings(&texts))], Compression::ZSTD(ZstdLevel::default()));
    let metadata = parquet::file::metadata::ParquetMetaDataReader::new()
        .parse_and_finish(&File::open(&path).unwrap())
        .unwrap();
    let (start, length) = metadata.row_group(1).column(0).byte_range();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[start as usize..(start + length) as usize].fill(0xee);
    std::fs::write(&path, bytes).unwrap();
    let (good, bad) = sorted_out(records(&path, &ReadOptions::default()));
    let ids: Vec<&str> = good.iter().map(|(id, _)| id.as_str()).collect();
    let expected = [0, 1, 2, 6, 7, 8].map(|row| format!("a.parquet:{row}"));
    assert_eq!(ids, expected);
    assert!(matches!(bad[..], [(Position::Row(3), _)]), "{bad:?}");
}
