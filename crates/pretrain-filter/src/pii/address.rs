//! Internet addresses. What is public follows the IANA special-purpose registries.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::is_word;

/// Longest text form.
const MAX_V4: usize = 15;

/// A dotted quad that begins at `start` (a digit). Gives the end of the run of digits and dots, and of
/// the address, if it is one.
pub(super) fn v4(bytes: &[u8], start: usize, public: bool) -> (usize, Option<usize>) {
    // Two more than the longest address and a full stop: enough to see that it is none.
    let window = bytes[start..].iter().take(MAX_V4 + 2);
    let run = window.take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let run_end = start + run;
    let mut end = run_end;
    while bytes[end - 1] == b'.' {
        end -= 1;
    }
    let before = start.checked_sub(1).and_then(|i| bytes.get(i));
    // Seven to fifteen characters; more than one full stop at the end is not a sentence's.
    if !(7..=MAX_V4).contains(&(end - start)) || run_end - end > 1 {
        return (run_end, None);
    }
    let file_name = before == Some(&b'-') && start >= 2 && is_word(bytes.get(start - 2));
    if is_word(before) || before == Some(&b'.') || file_name || is_word(bytes.get(run_end)) {
        return (run_end, None);
    }
    let address = std::str::from_utf8(&bytes[start..end]).ok();
    let address = address.and_then(|text| text.parse::<Ipv4Addr>().ok());
    (run_end, address.filter(|a| !public || is_public_v4(*a)).map(|_| end))
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a == 10
        || a == 127
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let [a, b, ..] = address.segments();
    // Global unicast is 2000::/3; of it 2001::/23 (protocols), 2001:db8::/32, 2002::/16 (6to4) and
    // 3fff::/20 are not.
    a & 0xe000 == 0x2000
        && !(a == 0x2001 && (b < 0x200 || b == 0xdb8))
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
}

pub(super) fn find_v6(text: &str, public: bool, mut each: impl FnMut(usize, usize)) {
    /// Longest text form, with an embedded dotted quad.
    const MAX: usize = 45;
    let bytes = text.as_bytes();
    let part = |b: u8| b.is_ascii_hexdigit() || b == b':' || b == b'.';
    let mut from = 0;
    while let Some(found) = text[from..].find(':') {
        let colon = from + found;
        from = colon + 1;
        if !bytes.get(from).is_some_and(|b| b.is_ascii_hexdigit() || *b == b':') {
            continue;
        }
        let mut start = colon;
        while start > 0 && colon - start <= 4 && bytes[start - 1].is_ascii_hexdigit() {
            start -= 1;
        }
        let mut end = colon;
        while end < bytes.len() && part(bytes[end]) {
            end += 1;
        }
        from = end;
        while end > colon && (bytes[end - 1] == b'.' || bytes[end - 1] == b':') {
            if bytes[end - 1] == b':' && bytes[end - 2] == b':' {
                break;
            }
            end -= 1;
        }
        let before = start.checked_sub(1).and_then(|i| bytes.get(i));
        let bordered = !is_word(before) && before != Some(&b':') && !is_word(bytes.get(end));
        if end - start > MAX || !bordered {
            continue;
        }
        let address = text[start..end].parse::<Ipv6Addr>();
        if address.is_ok_and(|address| !public || is_public_v6(address)) {
            each(start, end);
        }
    }
}
