//! Documents out of web archives.

use crate::data::{gzip, put, records, sorted_out};
use pretrain_corpus::{BadReason, Position, ReadOptions, Record};

fn record(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("WARC/1.0\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body, b"\r\n\r\n"].concat()
}

#[test]
fn conversion_records_are_documents() {
    let tmp = tempfile::tempdir().unwrap();
    let parts = [
        record("WARC-Type: warcinfo\r\n", b"software: x"),
        record(
            "WARC-Type: conversion\r\nWARC-Target-URI: http://a.example/\r\n\
             WARC-Date: 2024-05-18T01:58:10Z\r\nWARC-Record-ID: <urn:uuid:1>\r\n",
            "Grüße\n".as_bytes(),
        ),
        record("WARC-Type: response\r\n", b"HTTP/1.1 200 OK\r\n\r\n<html>"),
        record("WARC-Type: conversion\r\n", b""),
        record("WARC-Type: conversion\r\n", b"a\xff"),
        record("WARC-Type: conversion\r\n", b"no id"),
        record("WARC-Type: conversion\r\n", &[b'x'; 300]),
        b"garbage\r\n".to_vec(),
    ];
    let packed: Vec<Vec<u8>> = parts.iter().map(|part| gzip(part)).collect();
    let options = ReadOptions {
        source: Some("crawl".into()),
        max_document_bytes: 100,
        ..ReadOptions::default()
    };
    for (name, parts) in [("a.warc.wet", parts.to_vec()), ("a.wet.gz", packed)] {
        let offsets: Vec<u64> = parts
            .iter()
            .scan(0, |end, part| Some(std::mem::replace(end, *end + part.len() as u64)))
            .collect();
        let found = records(&put(tmp.path(), name, parts.concat()), &options);
        let Record::Document(first) = &found[0] else { panic!("{found:?}") };
        assert_eq!(first.url.as_deref(), Some("http://a.example/"));
        assert_eq!(first.source.as_deref(), Some("crawl"));
        assert_eq!(first.metadata["date"], "2024-05-18T01:58:10Z");
        let (good, bad) = sorted_out(found);
        let made = format!("{name}:{}", offsets[5]);
        let expected = [("<urn:uuid:1>", "Grüße\n"), (&*made, "no id")];
        assert_eq!(good, expected.map(|(id, text)| (id.to_owned(), text.to_owned())));
        let places: Vec<_> = bad.iter().map(|(place, reason)| (*place, reason.name())).collect();
        let at = |part: usize| Position::Offset(offsets[part]);
        assert_eq!(
            places,
            [
                (at(2), "not-text"),
                (at(3), "empty-text"),
                (at(4), "invalid-utf8"),
                (at(6), "too-long"),
                (at(7), "malformed-warc"),
            ]
        );
        assert_eq!(bad[0].1, BadReason::NotText { record_type: "response".into() });
    }
}
