//! Telephone numbers: with a country code, or in a national form with its separators. Bare runs of
//! digits are not taken for numbers.

use super::{Region, is_word};

/// Country calling codes with the lengths of the numbers after them (ITU E.164 and the national
/// plans, rounded to what is in use). Codes that are not listed take 7 to 12 digits.
const CODES: &[(&str, usize, usize)] = &[
    ("1", 10, 10),
    ("7", 10, 10),
    ("20", 8, 10),
    ("27", 9, 9),
    ("30", 10, 10),
    ("31", 9, 9),
    ("32", 8, 9),
    ("33", 9, 9),
    ("34", 9, 9),
    ("36", 8, 9),
    ("39", 6, 11),
    ("40", 9, 9),
    ("41", 9, 9),
    ("43", 7, 12),
    ("44", 9, 10),
    ("45", 8, 8),
    ("46", 7, 10),
    ("47", 8, 8),
    ("48", 9, 9),
    ("49", 6, 11),
    ("51", 8, 9),
    ("52", 10, 10),
    ("53", 6, 8),
    ("54", 10, 11),
    ("55", 10, 11),
    ("56", 9, 9),
    ("57", 8, 10),
    ("58", 10, 10),
    ("60", 7, 10),
    ("61", 9, 9),
    ("62", 7, 12),
    ("63", 8, 10),
    ("64", 8, 10),
    ("65", 8, 8),
    ("66", 8, 9),
    ("81", 9, 10),
    ("82", 8, 10),
    ("84", 9, 10),
    ("86", 10, 11),
    ("90", 10, 10),
    ("91", 10, 10),
    ("92", 9, 10),
    ("93", 9, 9),
    ("94", 9, 9),
    ("95", 7, 10),
    ("98", 10, 10),
    ("351", 9, 9),
    ("352", 6, 11),
    ("353", 7, 9),
    ("354", 7, 7),
    ("358", 6, 11),
    ("359", 8, 9),
    ("370", 8, 8),
    ("371", 8, 8),
    ("372", 7, 8),
    ("380", 9, 9),
    ("385", 8, 9),
    ("386", 8, 8),
    ("420", 9, 9),
    ("421", 9, 9),
    ("852", 8, 8),
    ("886", 8, 9),
    ("966", 9, 9),
    ("971", 8, 9),
    ("972", 8, 9),
];

/// The number whose first digit is at `digit`: where it begins (with `+` or `(`) and ends.
pub(super) fn at(bytes: &[u8], digit: usize, regions: &[Region]) -> Option<(usize, usize)> {
    let before = |i: usize| i.checked_sub(1).map(|i| bytes[i]);
    let (start, international) = match before(digit) {
        Some(b'+') => (digit - 1, true),
        _ => (digit, false),
    };
    let glued = |b: Option<u8>| {
        is_word(b.as_ref())
            || matches!(b, Some(b'.' | b',' | b'-' | b'/' | b'+' | b'$' | b'#' | b'=' | b'&'))
    };
    if international {
        if glued(before(start)) && before(start) != Some(b'=') {
            return None;
        }
        return international_end(bytes, digit).map(|end| (start, end));
    }
    let opened = before(digit) == Some(b'(');
    if glued(before(digit)) || (opened && glued(before(digit - 1))) {
        return None;
    }
    regions.iter().find_map(|region| {
        let found = match region {
            Region::US => north_america(bytes, digit, opened),
            Region::GB => {
                led_by_zero(bytes, digit, 10..=11, |d| matches!(d, b'1' | b'2' | b'3' | b'7'))
            }
            Region::DE => led_by_zero(bytes, digit, 9..=12, |d| d != b'0'),
            Region::FR => led_by_zero(bytes, digit, 10..=10, |d| d != b'0' && d != b'8'),
        };
        found.filter(|&(_, end)| bordered_after(bytes, end))
    })
}

fn bordered_after(bytes: &[u8], end: usize) -> bool {
    let continued = matches!(bytes.get(end), Some(b'-' | b'.' | b',' | b'/' | b':'))
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    !is_word(bytes.get(end)) && !continued
}

/// Groups of digits with at most one separator between them, a bracketed one among them, taken one by
/// one while `max` digits are not passed. Gives the longest end with `min` digits or more.
fn international_end(bytes: &[u8], digit: usize) -> Option<usize> {
    let digits =
        |n: usize| bytes.get(digit..digit + n).filter(|d| d.iter().all(u8::is_ascii_digit));
    // Codes are prefix-free; the longest is three digits.
    let known = CODES.iter().find(|(code, ..)| digits(code.len()) == Some(code.as_bytes()));
    let (code_len, min, max) = match known {
        Some(&(code, min, max)) => (code.len(), min, max),
        None if bytes[digit] != b'0' && digits(3).is_some() => (3, 7, 12),
        None => return None,
    };
    let (mut at, mut n, mut best) = (digit + code_len, 0, None);
    loop {
        let mut next = at;
        if matches!(bytes.get(next), Some(b' ' | b'-' | b'.' | b'/')) {
            next += 1;
        }
        let bracket = bytes.get(next) == Some(&b'(');
        next += usize::from(bracket);
        let mut run = bytes.get(next..)?.iter().take_while(|b| b.is_ascii_digit()).count();
        // "(0)" after the code is the national prefix, which is not dialled.
        let trunk =
            bracket && run == 1 && bytes[next] == b'0' && bytes.get(next + 1) == Some(&b')');
        if trunk {
            run = 0;
            next += 1;
        }
        if (run == 0 && !trunk) || n + run > max {
            break;
        }
        n += run;
        next += run;
        if bracket {
            if bytes.get(next) != Some(&b')') {
                break;
            }
            next += 1;
        }
        at = next;
        if n >= min && bordered_after(bytes, at) {
            best = Some(at);
        }
    }
    best
}

/// `NXX-NXX-XXXX` with one kind of separator, `(NXX) NXX-XXXX`, either after `1`.
fn north_america(bytes: &[u8], digit: usize, opened: bool) -> Option<(usize, usize)> {
    let mut at = digit;
    let mut start = digit;
    if bytes.get(at) == Some(&b'1') && matches!(bytes.get(at + 1), Some(b'-' | b'.' | b' ')) {
        at += 2;
        at += usize::from(bytes.get(at) == Some(&b'('));
    }
    let three = |at: usize| {
        let d = bytes.get(at..at + 3)?;
        (d.iter().all(u8::is_ascii_digit) && d[0] >= b'2' && &d[1..] != b"11").then_some(())
    };
    three(at)?;
    at += 3;
    let mut separator = *bytes.get(at)?;
    at += 1;
    if separator == b')' {
        let bracket = bytes[..at - 4].last() == Some(&b'(');
        if !bracket {
            return None;
        }
        if opened && start == digit && at - 4 == digit {
            start = digit - 1;
        }
        at += usize::from(matches!(bytes.get(at), Some(b' ' | b'-')));
        separator = *bytes.get(at + 3)?;
    }
    if !matches!(separator, b'-' | b'.' | b' ') {
        return None;
    }
    three(at)?;
    at += 3;
    if *bytes.get(at)? != separator {
        return None;
    }
    at += 1;
    let last = bytes.get(at..at + 4)?;
    if !last.iter().all(u8::is_ascii_digit) || bytes.get(at + 4).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((start, at + 4))
}

/// A number led by the trunk prefix 0, in two groups or more with one kind of separator.
fn led_by_zero(
    bytes: &[u8],
    digit: usize,
    length: std::ops::RangeInclusive<usize>,
    second: impl Fn(u8) -> bool,
) -> Option<(usize, usize)> {
    if bytes[digit] != b'0'
        || !bytes.get(digit + 1).is_some_and(|&b| b.is_ascii_digit() && second(b))
    {
        return None;
    }
    let (mut at, mut n, mut groups, mut separator, mut best) = (digit, 0, 0, None, None);
    loop {
        let run = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if run == 0 || n + run > *length.end() {
            break;
        }
        n += run;
        at += run;
        groups += 1;
        if groups > 1 && length.contains(&n) {
            best = Some((digit, at));
        }
        match bytes.get(at) {
            Some(&b)
                if matches!(b, b' ' | b'-' | b'.' | b'/')
                    && separator.is_none_or(|s| s == b || s == b'/') =>
            {
                separator = Some(b);
                at += 1;
            }
            _ => break,
        }
    }
    best
}
