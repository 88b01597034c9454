//! What is written can be read, and is the same each time.

use crate::data::documents;
use pretrain_corpus::{
    CorpusError, DocId, Document, JsonlWriter, ParquetWriter, from_record_batch, to_record_batch,
};
use pretrain_store::{Digest, FileEntry};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::path::Path;

fn write_all(path: &Path, documents: &[Document]) -> FileEntry {
    if path.extension().is_some_and(|extension| extension == "parquet") {
        let mut writer = ParquetWriter::create(path).unwrap();
        documents.iter().for_each(|document| writer.write(document).unwrap());
        return writer.finish().unwrap();
    }
    let mut writer = JsonlWriter::create(path).unwrap();
    documents.iter().for_each(|document| writer.write(document).unwrap());
    writer.finish().unwrap()
}

const NAMES: [&str; 4] = ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.parquet"];

fn some_documents(n: usize) -> Vec<Document> {
    let document = |i: usize| {
        let mut document =
            Document::new(DocId::new(format!("d{i}")).unwrap(), format!("text {i}\n"));
        document.text.push_str(&"Füllung ".repeat(i % 97));
        document.source = i.is_multiple_of(3).then(|| "prose".to_owned());
        document.metadata.extend(i.is_multiple_of(5).then(|| ("i".to_owned(), i.into())));
        document
    };
    (0..n).map(document).collect()
}

#[test]
fn the_same_documents_give_the_same_bytes() {
    let tmp = tempfile::tempdir().unwrap();
    let written = some_documents(3000);
    for name in NAMES {
        let (one, two) = (tmp.path().join("1").join(name), tmp.path().join("2").join(name));
        let (entry, again) = (write_all(&one, &written), write_all(&two, &written));
        assert_eq!(entry, again, "{name}");
        let bytes = std::fs::read(&one).unwrap();
        assert_eq!(bytes, std::fs::read(&two).unwrap(), "{name}");
        let xxh3 = Digest::of(&bytes);
        assert_eq!(entry, FileEntry { name: name.into(), bytes: bytes.len() as u64, xxh3 });
        assert_eq!(documents(&one), written, "{name}");
    }
    let gzip = std::fs::read(tmp.path().join("1/a.jsonl.gz")).unwrap();
    assert_eq!(gzip[4..8], [0; 4], "no time stamp");
}

#[test]
fn nothing_written_is_a_file_without_documents() {
    let tmp = tempfile::tempdir().unwrap();
    for name in NAMES {
        let path = tmp.path().join(name);
        write_all(&path, &[]);
        assert_eq!(documents(&path), [], "{name}");
    }
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    for name in NAMES {
        let path = tmp.path().join(name);
        let document = &some_documents(1)[0];
        if name.ends_with("parquet") {
            ParquetWriter::create(&path).unwrap().write(document).unwrap();
        } else {
            JsonlWriter::create(&path).unwrap().write(document).unwrap();
        }
    }
    assert_eq!(std::fs::read_dir(tmp.path()).unwrap().count(), 0);
}

#[test]
fn a_value_without_json_form_is_refused() {
    let tmp = tempfile::tempdir().unwrap();
    let mut writer = JsonlWriter::create(&tmp.path().join("a.jsonl")).unwrap();
    let keys = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert!(matches!(writer.write_json(&keys), Err(CorpusError::Json { .. })));
}

#[test]
fn a_row_group_is_bounded() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("a.parquet");
    let mut writer = ParquetWriter::create(&path).unwrap();
    // Text that does not compress, so that encoded bytes are as many as bytes of text.
    let mut state = 1u64;
    for i in 0..40 {
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b' ' + ((state >> 33) % 95) as u8)
        });
        let text: String = noise.take(4 << 20).collect();
        writer.write(&Document::new(DocId::new(i.to_string()).unwrap(), text)).unwrap();
    }
    writer.finish().unwrap();
    let file = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    let groups = file.metadata().row_groups();
    assert!(groups.len() >= 2, "{} row groups", groups.len());
    assert!(groups.iter().all(|group| group.compressed_size() <= (64 + 16) << 20));
    assert_eq!(groups.iter().map(|group| group.num_rows()).sum::<i64>(), 40);
    assert_eq!(documents(&path).len(), 40);
}

fn any_document() -> impl Strategy<Value = Document> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        vec(any::<u64>(), 0..3).prop_map(Value::from),
    ];
    let metadata = vec((".{0,6}", scalar), 0..4);
    let optional = || proptest::option::of(".{0,12}");
    (vec(any::<char>(), 1..6), vec(any::<char>(), 1..200), optional(), optional(), metadata)
        .prop_map(|(id, text, source, url, metadata)| Document {
            id: DocId::new(id.into_iter().collect::<String>()).unwrap(),
            text: text.into_iter().collect(),
            source,
            url,
            metadata: metadata.into_iter().collect::<Map<_, _>>(),
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_undoes_writing(written in vec(any_document(), 0..20)) {
        let tmp = tempfile::tempdir().unwrap();
        for name in NAMES {
            let path = tmp.path().join(name);
            write_all(&path, &written);
            prop_assert_eq!(&documents(&path), &written, "{}", name);
        }
        prop_assert_eq!(from_record_batch(&to_record_batch(&written).unwrap()).unwrap(), written);
    }
}
