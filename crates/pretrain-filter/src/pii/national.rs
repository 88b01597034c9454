//! Numbers that states give to persons, by their published rules.

use super::is_word;

/// The number around the run of `run` digits at `digit`, if it is one.
pub(super) fn at(bytes: &[u8], digit: usize, run: usize) -> Option<(usize, usize)> {
    let before = digit.checked_sub(1).and_then(|i| bytes.get(i));
    if let Some(found) = uk(bytes, digit) {
        return Some(found);
    }
    if is_word(before) || matches!(before, Some(b'-' | b'.' | b',')) {
        return None;
    }
    let end = match run {
        3 => us(bytes, digit),
        17 | 18 => china(bytes, digit),
        11 => germany(&bytes[digit..digit + 11]).then_some(digit + 11),
        1 | 13 | 15 => france(bytes, digit),
        _ => None,
    }?;
    let after = bytes.get(end);
    let joined = matches!(after, Some(b'-' | b'.' | b','))
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    (!is_word(after) && !joined).then_some((digit, end))
}

fn value(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |v, b| v * 10 + u64::from(b - b'0'))
}

/// Social security number: `AAA-GG-SSSS`, no part zero, area not 666 or from 900 (SSA, since 2011).
fn us(bytes: &[u8], start: usize) -> Option<usize> {
    let text = bytes.get(start..start + 11)?;
    let shape = text.iter().enumerate().all(|(i, b)| match i {
        3 | 6 => *b == b'-',
        _ => b.is_ascii_digit(),
    });
    if !shape {
        return None;
    }
    let (area, group, serial) = (value(&text[..3]), value(&text[4..6]), value(&text[7..]));
    (area != 0 && area != 666 && area < 900 && group != 0 && serial != 0).then_some(start + 11)
}

/// National insurance number: two letters, six digits (in pairs or not), a letter from A to D.
fn uk(bytes: &[u8], digit: usize) -> Option<(usize, usize)> {
    let spaced = digit >= 1 && bytes[digit - 1] == b' ';
    let start = digit.checked_sub(2 + usize::from(spaced))?;
    let (a, b) = (bytes[start], bytes[start + 1]);
    let first = a.is_ascii_uppercase() && !b"DFIQUV".contains(&a);
    let second = b.is_ascii_uppercase() && !b"DFIOQUV".contains(&b);
    let unused = [*b"BG", *b"GB", *b"NK", *b"KN", *b"TN", *b"NT", *b"ZZ"].contains(&[a, b]);
    if !first || !second || unused || (start > 0 && is_word(bytes.get(start - 1))) {
        return None;
    }
    let mut at = digit;
    for i in 0..6 {
        if spaced && i > 0 && i % 2 == 0 {
            at += usize::from(*bytes.get(at)? == b' ');
        }
        if !bytes.get(at)?.is_ascii_digit() {
            return None;
        }
        at += 1;
    }
    at += usize::from(spaced && *bytes.get(at)? == b' ');
    (matches!(bytes.get(at)?, b'A'..=b'D') && !is_word(bytes.get(at + 1)))
        .then_some((start, at + 1))
}

/// Citizen number: six digits of place, date of birth, three of order, check character (GB 11643).
fn china(bytes: &[u8], start: usize) -> Option<usize> {
    let text = bytes.get(start..start + 18)?;
    let (body, check) = (&text[..17], text[17]);
    if !body.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (year, month, day) = (value(&body[6..10]), value(&body[10..12]), value(&body[12..14]));
    let weights = [7u64, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u64 = body.iter().zip(weights).map(|(b, w)| u64::from(b - b'0') * w).sum();
    let right = b"10X98765432"[(sum % 11) as usize] == check.to_ascii_uppercase();
    let dated =
        (1900..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    (right && dated && body[0] != b'0').then_some(start + 18)
}

/// Tax number: eleven digits; of the first ten one occurs two or three times and the rest at most
/// once; check digit by ISO 7064, MOD 11,10.
fn germany(text: &[u8]) -> bool {
    let mut counts = [0u8; 10];
    let mut product = 10;
    for b in &text[..10] {
        let digit = usize::from(b - b'0');
        counts[digit] += 1;
        let sum = (digit + product) % 10;
        product = 2 * if sum == 0 { 10 } else { sum } % 11;
    }
    let repeated = counts.iter().filter(|&&n| n > 1).count();
    let most = counts.iter().max().copied().unwrap_or(0);
    let check = (11 - product) % 10;
    text[0] != b'0' && repeated == 1 && most <= 3 && check == usize::from(text[10] - b'0')
}

/// Social security number: sex, year, month, place, order, and 97 less the remainder of these by 97;
/// in one piece or as `1 84 12 76 451 089 46`.
fn france(bytes: &[u8], start: usize) -> Option<usize> {
    const GROUPS: [usize; 7] = [1, 2, 2, 2, 3, 3, 2];
    let (mut digits, mut at) = (Vec::with_capacity(15), start);
    let spaced = bytes.get(start + 1) == Some(&b' ');
    for (i, &group) in GROUPS.iter().enumerate() {
        if i > 0 && (spaced || (i == 6 && bytes.get(at) == Some(&b' '))) {
            if bytes.get(at) != Some(&b' ') {
                return None;
            }
            at += 1;
        }
        let text = bytes.get(at..at + group)?;
        if !text.iter().all(u8::is_ascii_digit) {
            return None;
        }
        digits.extend_from_slice(text);
        at += group;
    }
    let month = value(&digits[3..5]);
    let known = matches!(digits[0], b'1' | b'2') && ((1..=12).contains(&month) || month >= 20);
    (known && 97 - value(&digits[..13]) % 97 == value(&digits[13..])).then_some(at)
}
