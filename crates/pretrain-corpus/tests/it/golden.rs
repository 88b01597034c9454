//! Against what other programs found in the same files.

use crate::data::{records, reference};
use crate::sha1;
use pretrain_corpus::warc::{WarcHeader, WarcItem, WarcReader};
use pretrain_corpus::{BadReason, InputFile, ReadOptions, Record, discover, read};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The listing has a line per record: `{"file", "index", "offset", "type", "uri", "date", "status",
/// "http_ct", "decoded_len", "decoded_sha1"}`, or `{"file", "index", "error"}` where the reference
/// gave up.
fn listing(path: &Path) -> BTreeMap<String, Vec<Value>> {
    let mut json = String::new();
    zstd::Decoder::new(File::open(path).unwrap()).unwrap().read_to_string(&mut json).unwrap();
    let mut files: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in json.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        files.entry(record["file"].as_str().unwrap().to_owned()).or_default().push(record);
    }
    files
}

/// The payload as the reference sees it, if it lies in the body as it is: behind the head of an
/// HTTP message, where that declares no encoding.
fn plain_payload<'a>(header: &WarcHeader, body: &'a [u8]) -> Option<&'a [u8]> {
    let http = header.content_type().is_some_and(|kind| kind.starts_with("application/http"));
    if !http || !matches!(header.record_type(), "response" | "request" | "revisit") {
        return Some(body);
    }
    let end = body.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&body[..end]).to_ascii_lowercase();
    let encoded = head.contains("\ntransfer-encoding:") || head.contains("\ncontent-encoding:");
    (!encoded).then_some(&body[end..])
}

/// The next record, or what is there of one that is cut. Where a content length is wrong the
/// reference warns and goes on; here that is an item, which has no counterpart.
fn next_header(
    name: &str,
    reader: &mut WarcReader<File>,
) -> Option<(u64, WarcHeader, Option<Vec<u8>>)> {
    loop {
        match reader.next()?.unwrap() {
            WarcItem::Record(record) => {
                return Some((record.offset, record.header, Some(record.body)));
            }
            WarcItem::Malformed(bad) => match bad.header {
                Some(header) => return Some((bad.offset, header, None)),
                None => println!("{name}, offset {}: {}", bad.offset, bad.fault),
            },
        }
    }
}

#[test]
fn golden_warc_records_are_those_of_warcio() {
    let Some(folder) = reference("web/warc") else { return };
    let Some(path) = reference("web/warc-records.warcio.jsonl.zst") else { return };
    let (mut n_records, mut n_digests) = (0, 0);
    for (name, expected) in listing(&path) {
        if name.ends_with(".arc") || name.ends_with(".arc.gz") {
            println!("skipped: {name} is in the ARC format, which is not read");
            continue;
        }
        let mut reader = WarcReader::new(File::open(folder.join(&name)).unwrap());
        for record in &expected {
            if let Some(error) = record.get("error") {
                println!("{name}: the reference stops here with {error}");
                break;
            }
            let index = &record["index"];
            let (offset, header, body) = next_header(&name, &mut reader)
                .unwrap_or_else(|| panic!("{name} ends before {index}"));
            let text = |key: &str| record[key].as_str();
            assert_eq!(Some(offset), record["offset"].as_u64(), "{name} {index}");
            assert_eq!(Some(header.record_type()), text("type"), "{name} {index}");
            assert_eq!(header.target_uri().as_deref(), text("uri"), "{name} {index}");
            assert_eq!(header.date(), text("date"), "{name} {index}");
            n_records += 1;
            if let Some(payload) = body.as_ref().and_then(|body| plain_payload(&header, body)) {
                let length = record["decoded_len"].as_u64();
                assert_eq!(Some(payload.len() as u64), length, "{name} {index}");
                assert_eq!(Some(&*sha1::hex(payload)), text("decoded_sha1"), "{name} {index}");
                n_digests += 1;
            }
        }
        if expected.iter().all(|record| record.get("error").is_none()) {
            let more = next_header(&name, &mut reader).map(|(offset, ..)| offset);
            assert_eq!(more, None, "{name} has more records than the reference");
        }
    }
    println!("{n_records} records agree, {n_digests} of them with the digest of the payload");
    assert!(n_records > 0 && n_digests > 0);
}

/// What a reader found, without places and made ids, which may differ between packings.
fn content(file: &InputFile) -> Vec<String> {
    let records = read(file, &ReadOptions::default()).unwrap();
    let content = records.map(|record| match record.unwrap() {
        Record::Document(doc) => format!("{:?} {:?} {:?}", doc.text, doc.url, doc.metadata),
        Record::Bad(bad) => bad.reason.to_string(),
    });
    content.collect()
}

/// The reference data has some files in several packings.
#[test]
fn golden_packings_of_a_file_hold_the_same() {
    let Some(folder) = reference("web") else { return };
    let mut by_stem: BTreeMap<String, Vec<InputFile>> = BTreeMap::new();
    for file in discover(&[folder]).unwrap() {
        let stem = file.name.trim_end_matches(".gz").trim_end_matches(".zst").to_owned();
        by_stem.entry(stem).or_default().push(file);
    }
    let mut n_pairs = 0;
    for files in by_stem.values() {
        let first = content(&files[0]);
        for other in &files[1..] {
            assert_eq!(first, content(other), "{} and {}", files[0].name, other.name);
            n_pairs += 1;
        }
    }
    println!("{n_pairs} pairs agree");
}

/// The manifest of the reference data says how many documents each file holds.
#[test]
fn golden_every_document_of_the_reference_data_is_read() {
    let Some(manifest) = reference("MANIFEST.md") else { return };
    let mut n_files = 0;
    for row in std::fs::read_to_string(&manifest).unwrap().lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, name, _, raw, n_docs, ..] = cells[..] else { continue };
        let (Ok(raw), Ok(n_docs)) = (raw.parse::<u64>(), n_docs.parse::<usize>()) else { continue };
        if !name.starts_with("docs/") || !name.ends_with(".jsonl.zst") {
            continue;
        }
        let Some(path) = reference(name) else { continue };
        let mut bytes = 0;
        let found = records(&path, &ReadOptions::default());
        for record in &found {
            match record {
                Record::Document(doc) => bytes += doc.text.len() as u64,
                // Some source files of the reference data are empty.
                Record::Bad(bad) => assert_eq!(bad.reason, BadReason::EmptyText, "{bad}"),
            }
        }
        assert_eq!(found.len(), n_docs, "{name}");
        assert!(bytes > 0 && bytes <= 2 * raw, "{name}: {bytes} bytes of text, {raw} in the file");
        n_files += 1;
    }
    match n_files {
        0 => println!("skipped: {} counts no documents", manifest.display()),
        _ => println!("{n_files} files agree"),
    }
}
