//! Files that are documents.

use crate::data::{documents, gzip, put, records, sorted_out, zstd};
use pretrain_corpus::{BadReason, Position, ReadOptions, discover};

#[test]
fn a_file_is_a_document_named_after_it() {
    let tmp = tempfile::tempdir().unwrap();
    put(tmp.path(), "in/a.txt", "\u{feff}one\r\n\0two");
    put(tmp.path(), "in/deep/b.md.gz", gzip("# Ü".as_bytes()));
    put(tmp.path(), "in/deep/c.txt.zst", zstd(b"c"));
    let mut found = Vec::new();
    for file in discover(&[tmp.path().join("in")]).unwrap() {
        for record in pretrain_corpus::read(&file, &ReadOptions::default()).unwrap() {
            let document = record.unwrap().document().unwrap();
            found.push((document.id.to_string(), document.text));
        }
    }
    let expected = [("a.txt", "one\r\n\0two"), ("deep/b.md.gz", "# Ü"), ("deep/c.txt.zst", "c")];
    assert_eq!(found, expected.map(|(id, text)| (id.to_owned(), text.to_owned())));
    assert_eq!(documents(&tmp.path().join("in/deep/c.txt.zst"))[0].id.as_str(), "c.txt.zst");
}

#[test]
fn what_is_no_text_is_set_aside() {
    let tmp = tempfile::tempdir().unwrap();
    let options = ReadOptions { max_document_bytes: 8, ..ReadOptions::default() };
    for (name, bytes, position, reason) in [
        (
            "a.txt",
            b"ab\xffc".to_vec(),
            Position::Offset(2),
            BadReason::InvalidUtf8 { valid_up_to: 2 },
        ),
        ("b.txt", b"".to_vec(), Position::File, BadReason::EmptyText),
        ("c.txt", b"\xef\xbb\xbf".to_vec(), Position::File, BadReason::EmptyText),
        ("d.txt", b"123456789".to_vec(), Position::File, BadReason::TooLong { limit: 8 }),
        ("e.txt.gz", gzip(b"12345678")[..20].to_vec(), Position::Offset(8), BadReason::Truncated),
    ] {
        let found = sorted_out(records(&put(tmp.path(), name, bytes), &options));
        assert_eq!(found, (vec![], vec![(position, reason)]), "{name}");
    }
    let (good, bad) = sorted_out(records(&put(tmp.path(), "f.txt", "12345678"), &options));
    assert_eq!((good.len(), bad.len()), (1, 0));
}
