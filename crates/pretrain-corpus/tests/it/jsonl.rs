//! JSON lines, packed and broken in every way.

use crate::data::{documents, gzip, put, records, sorted_out, zstd};
use pretrain_corpus::{
    BadReason, Compression, CorpusError, Format, InputFile, Position, ReadOptions, Record, read,
};

const LINES: &str = "\u{feff}{\"id\": \"a\", \"text\": \"x\u{2028}\u{85}y\"}\r\n\
    \n  \n\
    {\"text\": \"no id\"}\n\
    not json\n\
    {\"id\": 3, \"text\": \"\\u0000\"}";

fn expected() -> (Vec<(String, String)>, Vec<Position>) {
    let good = [("a", "x\u{2028}\u{85}y"), ("NAME:4", "no id"), ("3", "\0")];
    (good.map(|(id, text)| (id.to_owned(), text.to_owned())).to_vec(), vec![Position::Line(5)])
}

#[test]
fn every_packing_gives_the_same_records() {
    let tmp = tempfile::tempdir().unwrap();
    let (one, two) = LINES.as_bytes().split_at(30);
    let packings = [
        ("a.jsonl", LINES.as_bytes().to_vec()),
        ("a.jsonl.gz", gzip(LINES.as_bytes())),
        ("a.ndjson.zst", zstd(LINES.as_bytes())),
        ("members.json.gz", [gzip(one), gzip(b""), gzip(two)].concat()),
        ("frames.jsonl.zst", [zstd(one), zstd(b""), zstd(two)].concat()),
    ];
    for (name, bytes) in packings {
        let path = put(tmp.path(), name, bytes);
        let (good, bad) = sorted_out(records(&path, &ReadOptions::default()));
        let good: Vec<_> =
            good.into_iter().map(|(id, text)| (id.replace(name, "NAME"), text)).collect();
        let places: Vec<_> = bad.iter().map(|(position, _)| *position).collect();
        assert_eq!((good, places), expected(), "{name}");
    }
}

#[test]
fn a_cut_file_gives_what_is_whole_and_says_so() {
    let tmp = tempfile::tempdir().unwrap();
    let lines: String =
        (0..5000).map(|n| format!("{{\"id\": {n}, \"text\": \"text {}\"}}\n", n * n)).collect();
    for (name, whole) in
        [("a.jsonl.gz", gzip(lines.as_bytes())), ("a.jsonl.zst", zstd(lines.as_bytes()))]
    {
        for part in [0, 1, 7, 20, whole.len() / 2, whole.len() - 1] {
            let path = put(tmp.path(), name, &whole[..part]);
            let (good, bad) = sorted_out(records(&path, &ReadOptions::default()));
            let ids: Vec<_> = good.iter().map(|(id, _)| id.clone()).collect();
            let counted: Vec<_> = (0..good.len()).map(|n| n.to_string()).collect();
            assert_eq!(ids, counted, "{name} {part}");
            if part > 0 {
                let last = Position::Line(good.len() as u64 + 1);
                assert_eq!(bad, [(last, BadReason::Truncated)], "{name} {part}");
            }
        }
        let path = put(tmp.path(), name, b"{\"text\": \"not packed\"}\n");
        let (good, bad) = sorted_out(records(&path, &ReadOptions::default()));
        assert!(good.is_empty());
        assert!(matches!(bad[..], [(Position::Line(1), BadReason::Corrupt { .. })]), "{bad:?}");
    }
}

#[test]
fn bytes_that_are_no_utf8_cost_their_line() {
    let tmp = tempfile::tempdir().unwrap();
    let bytes =
        b"{\"text\": \"a\xff\"}\n{\"text\": \"\xed\xa0\x80\"}\n{\"text\": \"b\"}\n\xff\xfe{\0";
    let path = put(tmp.path(), "a.jsonl", bytes);
    let (good, bad) = sorted_out(records(&path, &ReadOptions::default()));
    assert_eq!(good, [("a.jsonl:3".to_owned(), "b".to_owned())]);
    let utf8 = |valid_up_to| BadReason::InvalidUtf8 { valid_up_to };
    assert_eq!(
        bad,
        [
            (Position::Line(1), utf8(11)),
            (Position::Line(2), utf8(10)),
            (Position::Line(4), utf8(0))
        ]
    );
}

#[test]
fn a_line_over_the_limit_is_passed_over() {
    let tmp = tempfile::tempdir().unwrap();
    let long = format!("{{\"text\": \"{}\"}}", "a".repeat(3 << 20));
    let lines = format!("{{\"text\": \"1\"}}\n{long}\n{{\"text\": \"3\"}}\n{long}");
    let options = ReadOptions { max_document_bytes: 1 << 10, ..ReadOptions::default() };
    for (name, bytes) in
        [("a.jsonl", lines.clone().into_bytes()), ("a.jsonl.gz", gzip(lines.as_bytes()))]
    {
        let (good, bad) = sorted_out(records(&put(tmp.path(), name, bytes), &options));
        assert_eq!(good.iter().map(|doc| &*doc.1).collect::<Vec<_>>(), ["1", "3"]);
        let too_long = || BadReason::TooLong { limit: 1 << 10 };
        assert_eq!(bad, [(Position::Line(2), too_long()), (Position::Line(4), too_long())]);
    }
}

#[test]
fn the_source_of_the_options_stands_in() {
    let tmp = tempfile::tempdir().unwrap();
    let path =
        put(tmp.path(), "a.jsonl", "{\"text\": \"a\", \"source\": \"own\"}\n{\"text\": \"b\"}");
    let options = ReadOptions { source: Some("given".into()), ..ReadOptions::default() };
    let sources: Vec<_> = records(&path, &options)
        .into_iter()
        .filter_map(Record::document)
        .map(|doc| doc.source.unwrap())
        .collect();
    assert_eq!(sources, ["own", "given"]);
    assert_eq!(documents(&put(tmp.path(), "empty.jsonl", "")), []);
}

#[test]
fn what_the_caller_has_to_mend_is_an_error() {
    let tmp = tempfile::tempdir().unwrap();
    let missing = InputFile {
        path: tmp.path().join("gone.jsonl"),
        name: "gone.jsonl".into(),
        format: Format::Jsonl,
        compression: Compression::None,
    };
    let error = read(&missing, &ReadOptions::default()).err().unwrap();
    assert!(matches!(error, CorpusError::Store(_)));
    assert!(error.to_string().contains("gone.jsonl"), "{error}");
    let same = ReadOptions { id_field: "text".into(), ..ReadOptions::default() };
    let error = read(&missing, &same).err().unwrap();
    assert!(matches!(error, CorpusError::ReadOptions { option: "id_field", .. }), "{error}");
}
