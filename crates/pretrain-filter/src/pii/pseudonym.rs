//! Invented values in place of real ones.

use std::fmt::Write;

use xxhash_rust::xxh3::Xxh3;

use super::PiiKind;

/// A stream of numbers that depends on the seed, the document and the value, and on nothing else.
struct Stream {
    hasher: Xxh3,
    count: u64,
}

impl Stream {
    fn next(&mut self) -> u64 {
        self.count += 1;
        let mut hasher = self.hasher.clone();
        hasher.update(&self.count.to_le_bytes());
        hasher.digest()
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

pub(super) fn push(kind: PiiKind, value: &str, seed: u64, document: &str, out: &mut String) {
    let mut hasher = Xxh3::with_seed(seed);
    for part in [document, kind.label(), value] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut stream = Stream { hasher, count: 0 };
    let written = match kind {
        PiiKind::Email => write!(out, "user{:08x}@example.com", stream.next() as u32),
        PiiKind::Ipv4 => {
            let net = ["192.0.2", "198.51.100", "203.0.113"][stream.below(3) as usize];
            write!(out, "{net}.{}", 1 + stream.below(254))
        }
        PiiKind::Ipv6 => {
            write!(out, "2001:db8::{:x}:{:x}", 1 + stream.below(0xfffe), 1 + stream.below(0xfffe))
        }
        _ => {
            // The same form: digits for digits, letters for letters, everything else as it is.
            for c in value.chars() {
                out.push(match c {
                    '0'..='9' => char::from(b'0' + stream.below(10) as u8),
                    'a'..='z' => char::from(b'a' + stream.below(26) as u8),
                    'A'..='Z' => char::from(b'A' + stream.below(26) as u8),
                    other => other,
                });
            }
            Ok(())
        }
    };
    // Writing to a string cannot fail.
    debug_assert!(written.is_ok());
}
