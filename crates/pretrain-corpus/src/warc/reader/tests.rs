//! The laws and cases of `reader`.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

fn record(kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("WARC/1.0\r\nWARC-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}\r\n\r\n")
        .into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Offset and body, or offset and fault.
fn items(file: &[u8]) -> Vec<(u64, Result<String, WarcFault>)> {
    limited(file, 1 << 20)
}

fn limited(file: &[u8], max_body: u64) -> Vec<(u64, Result<String, WarcFault>)> {
    let reader = WarcReader::new(file).max_body_bytes(max_body);
    let items = reader.map(|item| match item.unwrap() {
        WarcItem::Record(record) => (record.offset, Ok(String::from_utf8(record.body).unwrap())),
        WarcItem::Malformed(bad) => (bad.offset, Err(bad.fault)),
    });
    items.collect()
}

fn ok(body: &str) -> Result<String, WarcFault> {
    Ok(body.to_owned())
}

#[test]
fn offsets_are_those_of_the_file() {
    let (a, b) = (record("warcinfo", ""), record("conversion", "zwei\n\nWARC/1.0\n"));
    let plain = [&a[..], &b[..]].concat();
    let expected_b = ok("zwei\n\nWARC/1.0\n");
    assert_eq!(items(&plain), [(0, ok("")), (a.len() as u64, expected_b.clone())]);
    let (packed_a, packed_b) = (gzip(&a), gzip(&b));
    let members = [&packed_a[..], &gzip(b"")[..], &packed_b[..], &[0; 512][..]].concat();
    let offset_b = (packed_a.len() + gzip(b"").len()) as u64;
    assert_eq!(items(&members), [(0, ok("")), (offset_b, expected_b.clone())]);
    // One member for the whole file: both records can only be reached from its beginning.
    assert_eq!(items(&gzip(&plain)), [(0, ok("")), (0, expected_b)]);
    assert_eq!(items(b""), []);
    assert_eq!(items(b"\r\n\n"), []);
}

#[test]
fn reading_goes_on_behind_a_fault() {
    let good = record("conversion", "good");
    let not_a_record = WarcFault::NotARecord { line: "<html>".into() };
    let length = WarcFault::ContentLength { found: "12x".into() };
    let line = WarcFault::HeaderLine { line: "no field".into() };
    for (bad, fault) in [
        (&b"<html>\nmore\n"[..], not_a_record),
        (b"WARC/1.0\r\nContent-Length: 12x\r\n\r\n", length),
        (b"WARC/1.0\r\nno field\r\n\r\n", line),
        (b"WARC/1.0\r\n\r\n", WarcFault::ContentLength { found: String::new() }),
    ] {
        let plain = [bad, &good[..]].concat();
        let behind = bad.len() as u64;
        assert_eq!(items(&plain), [(0, Err(fault.clone())), (behind, ok("good"))]);
        let packed = gzip(bad);
        let members = [&packed[..], &gzip(&good)[..]].concat();
        assert_eq!(items(&members), [(0, Err(fault)), (packed.len() as u64, ok("good"))]);
    }
}

#[test]
fn a_damaged_member_costs_itself_only() {
    let good = gzip(&record("conversion", "good"));
    let text: String = (0..500).map(|n| n.to_string()).collect();
    let mut bad = gzip(&record("conversion", &text));
    let middle = bad.len() / 2;
    bad[middle] ^= 0xff;
    let file = [&good[..], &bad[..], &good[..]].concat();
    let found = items(&file);
    assert_eq!(found[0], (0, ok("good")));
    assert!(matches!(found[1].1, Err(WarcFault::Gzip { .. })), "{found:?}");
    assert_eq!(found[1].0, good.len() as u64);
    assert_eq!(found.last(), Some(&((good.len() + bad.len()) as u64, ok("good"))));
    let garbage = [&good[..], b"abc", &good[..]].concat();
    let found = items(&garbage);
    assert!(matches!(found[1], (at, Err(WarcFault::Gzip { .. })) if at == good.len() as u64));
    assert_eq!(found[2], ((good.len() + 3) as u64, ok("good")));
    assert_eq!(found.len(), 3);
}

#[test]
fn a_cut_record_says_how_much_is_there() {
    let whole = record("conversion", "0123456789");
    let body_at = whole.len() - 14;
    let cut = &whole[..body_at + 3];
    let truncated = |found| Err(WarcFault::Truncated { expected: 10, found });
    assert_eq!(items(cut), [(0, truncated(3))]);
    assert_eq!(items(&gzip(cut)), [(0, truncated(3))]);
    let header_only = Err(WarcFault::Truncated { expected: 0, found: 0 });
    assert_eq!(items(&whole[..20]), [(0, header_only)]);
    let packed = gzip(&whole);
    for n in 1..packed.len() {
        let found = items(&packed[..n]);
        assert!(matches!(found[..], [(0, Err(_))]), "{n}: {found:?}");
    }
    let lengths = [10, 9].map(|limit| limited(&[&whole[..], &whole[..]].concat(), limit));
    assert_eq!(lengths[0].iter().filter(|item| item.1.is_ok()).count(), 2);
    let too_long = WarcFault::BodyTooLong { bytes: 10, limit: 9 };
    assert_eq!(lengths[1], [(0, Err(too_long.clone())), (whole.len() as u64, Err(too_long))]);
}

#[test]
fn a_failing_file_ends_the_records() {
    struct Failing(u8);
    impl Read for Failing {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => Ok((&b"WARC/1.0\r\nContent-Length: 99\r\n\r\nx"[..]).read(buf)?),
                _ => Err(io::Error::other("unplugged")),
            }
        }
    }
    let mut reader = WarcReader::new(Failing(0));
    assert_eq!(reader.next().unwrap().unwrap_err().to_string(), "unplugged");
    assert!(reader.next().is_none());
}

#[test]
fn no_bytes_make_it_panic() {
    let record = record("conversion", "text of a record");
    let sources = [[&record[..], &record[..]].concat(), gzip(&record)];
    for bytes in sources {
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                let n = WarcReader::new(&damaged[..]).filter(|item| item.is_ok()).count();
                assert!(n <= 8, "{n} items");
            }
        }
    }
}
