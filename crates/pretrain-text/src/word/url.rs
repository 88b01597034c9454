//! Whether a chunk is a URL, which is one word whatever it contains.
//!
//! The pattern is spaCy's (after Diego Perini's): an optional scheme, an optional user part, a host
//! of dotted labels with a lower-case top-level domain or a public IPv4 address, an optional port,
//! and an optional rest after `/`, `?` or `#`. Because the host ends at the first of `: / ? #`, it
//! can be checked without backtracking.

use crate::class::{Classes, DECIMAL_14, TOKENIZER_LOWER, WORD_CHARACTER};

/// Whether all of `chunk` (which has no white space) is a URL. Linear in its length.
pub(super) fn is_url(chunk: &str) -> bool {
    if !chunk.contains('.') {
        return false;
    }
    let mut start = 0;
    if let Some(scheme) = chunk.find("://") {
        let classes = Classes::get();
        let in_scheme = |c| classes.is(c, WORD_CHARACTER) || matches!(c, '+' | '-' | '.');
        if chunk[..scheme].chars().all(in_scheme) && chunk[..scheme].chars().nth(1).is_some() {
            start = scheme + 3;
        }
    }
    if is_host_and_rest(chunk) || (start > 0 && is_host_and_rest(&chunk[start..])) {
        return true;
    }
    // A user part is anything before an `@`, but not nothing.
    chunk.match_indices('@').any(|(at, _)| at > 0 && is_host_and_rest(&chunk[at + 1..]))
}

/// Host, port and rest.
fn is_host_and_rest(text: &str) -> bool {
    let end = text.find([':', '/', '?', '#', '@']).unwrap_or(text.len());
    is_port_and_rest(&text[end..]) && (is_name(&text[..end]) || is_public_ipv4(&text[..end]))
}

fn is_port_and_rest(text: &str) -> bool {
    let text = match text.strip_prefix(':') {
        None => text,
        Some(after) => {
            let classes = Classes::get();
            let rest = after.trim_start_matches(|c| classes.is(c, DECIMAL_14));
            let n_digits = after[..after.len() - rest.len()].chars().count();
            if !(2..=5).contains(&n_digits) {
                return false;
            }
            rest
        }
    };
    text.is_empty() || text.starts_with(['/', '?', '#'])
}

/// Labels of 1 to 64 characters, each followed by a full stop, then a top-level domain of 2 to 63
/// lower-case letters.
fn is_name(host: &str) -> bool {
    let Some((labels, top)) = host.rsplit_once('.') else { return false };
    let classes = Classes::get();
    let n_top = top.chars().take(64).filter(|&c| classes.is(c, TOKENIZER_LOWER)).count();
    (2..=63).contains(&n_top) && top.chars().nth(n_top).is_none() && labels.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let is_end = |c: char| c.is_ascii_alphanumeric() || ('\u{a1}'..='\u{ffff}').contains(&c);
    label.starts_with(is_end)
        && label.ends_with(is_end)
        && label.chars().nth(64).is_none()
        && label.chars().all(|c| is_end(c) || matches!(c, '_' | '-'))
}

/// Four numbers in the ranges of public unicast addresses.
fn is_public_ipv4(host: &str) -> bool {
    let mut parts = host.split('.');
    let (Some(a), Some(b), Some(c), Some(d), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let private = matches!(a, "10" | "127")
        || matches!((a, b), ("169", "254") | ("192", "168"))
        || (a == "172" && is_private_172(b));
    !private && is_first(a) && is_middle(b) && is_middle(c) && is_last(d)
}

/// The digits of a part: ASCII ones as they are, those of other scripts as `x`; the pattern takes
/// any script's digits in most places.
fn shape(part: &str) -> Option<([u8; 3], usize)> {
    let classes = Classes::get();
    let mut out = [0; 3];
    let mut n = 0;
    for c in part.chars() {
        *out.get_mut(n)? = match u8::try_from(c) {
            Ok(digit @ b'0'..=b'9') => digit,
            _ if classes.is(c, DECIMAL_14) => b'x',
            _ => return None,
        };
        n += 1;
    }
    Some((out, n))
}

fn is_private_172(part: &str) -> bool {
    matches!(shape(part), Some(([b'1', b'6'..=b'9', _] | [b'2', _, _] | [b'3', b'0' | b'1', _], 2)))
}

/// `[1-9]\d?|1\d\d|2[01]\d|22[0-3]`
fn is_first(part: &str) -> bool {
    match shape(part) {
        Some(([first, _, _], 1 | 2)) => matches!(first, b'1'..=b'9'),
        Some((digits, 3)) => {
            matches!(digits, [b'1', _, _] | [b'2', b'0' | b'1', _] | [b'2', b'2', b'0'..=b'3'])
        }
        _ => false,
    }
}

/// `1?\d{1,2}|2[0-4]\d|25[0-5]`
fn is_middle(part: &str) -> bool {
    match shape(part) {
        Some((_, 1 | 2)) => true,
        Some((digits, 3)) => {
            matches!(digits, [b'1', _, _] | [b'2', b'0'..=b'4', _] | [b'2', b'5', b'0'..=b'5'])
        }
        _ => false,
    }
}

/// `[1-9]\d?|1\d\d|2[0-4]\d|25[0-4]`
fn is_last(part: &str) -> bool {
    match shape(part) {
        Some(([first, _, _], 1 | 2)) => matches!(first, b'1'..=b'9'),
        Some((digits, 3)) => {
            matches!(digits, [b'1', _, _] | [b'2', b'0'..=b'4', _] | [b'2', b'5', b'0'..=b'4'])
        }
        _ => false,
    }
}
