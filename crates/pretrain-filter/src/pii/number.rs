//! Everything that begins with, or closely around, a digit: one scan for all.

use super::{PiiConfig, PiiKind, address, is_word, national, phone};

/// The next digit at or after `from`.
fn next_digit(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // Sixteen bytes at a time without a branch for each.
    for block in bytes.get(from..)?.chunks(16) {
        if block.iter().fold(false, |any, b| any | (b.wrapping_sub(b'0') < 10)) {
            return Some(at + block.iter().position(u8::is_ascii_digit)?);
        }
        at += block.len();
    }
    None
}

pub(super) fn find(text: &str, config: &PiiConfig, mut add: impl FnMut(PiiKind, usize, usize)) {
    let bytes = text.as_bytes();
    let wanted = |kind| config.kinds.contains(&kind);
    let (v4, v4_public) = (wanted(PiiKind::Ipv4), config.public_addresses_only);
    let phones = wanted(PiiKind::Phone);
    let (cards, ibans, nationals) =
        (wanted(PiiKind::Card), wanted(PiiKind::Iban), wanted(PiiKind::NationalId));
    let mut from = 0;
    while let Some(digit) = next_digit(bytes, from) {
        // The end of the run of digits: every number below begins with the run, or just before it.
        let run = bytes[digit..].iter().take_while(|b| b.is_ascii_digit()).count();
        from = digit + run;
        if v4 && run <= 3 && bytes.get(from) == Some(&b'.') {
            let (run_end, end) = address::v4(bytes, digit, v4_public);
            if let Some(end) = end {
                add(PiiKind::Ipv4, digit, end);
                from = run_end;
                continue;
            }
        }
        if ibans && let Some((start, end)) = iban(bytes, digit) {
            add(PiiKind::Iban, start, end);
            from = end;
            continue;
        }
        if cards && let Some(end) = card(bytes, digit, run) {
            add(PiiKind::Card, digit, end);
            from = end;
            continue;
        }
        if nationals && let Some((start, end)) = national::at(bytes, digit, run) {
            add(PiiKind::NationalId, start, end);
            from = end;
            continue;
        }
        if phones && let Some((start, end)) = phone::at(bytes, digit, &config.regions) {
            add(PiiKind::Phone, start, end);
            from = end;
        }
    }
}

/// Whether the digits sum up as Luhn's formula asks (ISO/IEC 7812-1).
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = (digits.iter().rev().enumerate())
        .map(|(i, &d)| match (i % 2, u32::from(d)) {
            (0, d) => d,
            (_, d) if d > 4 => 2 * d - 9,
            (_, d) => 2 * d,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Digits from `start` on, in groups separated by one space or one hyphen (the same throughout).
/// Gives the digits, the lengths of the groups and the end; at most `max` digits.
pub(super) fn grouped(bytes: &[u8], start: usize, max: usize) -> (Vec<u8>, Vec<usize>, usize) {
    let (mut digits, mut groups) = (Vec::new(), Vec::new());
    let mut separator = None;
    let mut at = start;
    loop {
        let run = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if run == 0 || digits.len() + run > max {
            // The separator before a group that is not taken is not taken either.
            at -= usize::from(!groups.is_empty());
            break;
        }
        digits.extend(bytes[at..at + run].iter().map(|b| b - b'0'));
        groups.push(run);
        at += run;
        match bytes.get(at) {
            Some(&b) if (b == b' ' || b == b'-') && separator.is_none_or(|s| s == b) => {
                separator = Some(b);
                at += 1;
            }
            _ => break,
        }
    }
    (digits, groups, at)
}

fn card(bytes: &[u8], start: usize, run: usize) -> Option<usize> {
    // Written in one piece, or as on the card: 4-4-4-4, 4-6-5 or 4-6-4.
    if !(run == 4 || (13..=19).contains(&run)) || !bordered_before(bytes, start) {
        return None;
    }
    let (digits, groups, end) = if run == 4 {
        let (digits, groups, end) = grouped(bytes, start, 16);
        if !matches!(groups.as_slice(), [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4]) {
            return None;
        }
        (digits, groups, end)
    } else {
        grouped(bytes, start, run)
    };
    let digits = &digits[..];
    let first = |n: usize| digits[..n].iter().fold(0u32, |v, &d| v * 10 + u32::from(d));
    let n = digits.len();
    let (two, three, four, six) = (first(2), first(3), first(4), first(6));
    let issued = match n {
        13 => digits[0] == 4,
        14 => (300..=305).contains(&three) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        16..=19 if digits[0] == 4 => n != 17 && n != 18,
        16 if (51..=55).contains(&two) || (2221..=2720).contains(&four) => true,
        16..=19 => {
            four == 6011
                || two == 65
                || two == 62
                || (644..=649).contains(&three)
                || (622_126..=622_925).contains(&six)
                || (3528..=3589).contains(&four)
        }
        _ => false,
    };
    let end_bordered = !is_word(bytes.get(end)) && groups.len() < 6;
    (issued && end_bordered && luhn(digits)).then_some(end)
}

fn bordered_before(bytes: &[u8], start: usize) -> bool {
    let before = start.checked_sub(1).and_then(|i| bytes.get(i));
    !is_word(before) && !matches!(before, Some(b'-' | b'.' | b','))
}

/// Lengths of the countries' account numbers (SWIFT IBAN registry).
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NL", 18),
    (b"NO", 15),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
];

/// An account number whose first digit is at `digit`: two capital letters stand before it.
fn iban(bytes: &[u8], digit: usize) -> Option<(usize, usize)> {
    let start = digit.checked_sub(2)?;
    let country: &[u8; 2] = bytes[start..digit].try_into().ok()?;
    let (_, length) = IBAN_LENGTHS.iter().find(|(known, _)| *known == country)?;
    if start > 0 && is_word(bytes.get(start - 1)) {
        return None;
    }
    // Single spaces are allowed between groups of four.
    let (mut n, mut at, mut all) = (0, start, [0u8; 34]);
    while n < *length {
        match bytes.get(at) {
            Some(b) if b.is_ascii_digit() || b.is_ascii_uppercase() => {
                all[n] = *b;
                n += 1;
            }
            Some(b' ') if n % 4 == 0 && n > 0 && bytes[at - 1] != b' ' => {}
            _ => return None,
        }
        at += 1;
    }
    if is_word(bytes.get(at)) {
        return None;
    }
    let rotated = all[4..n].iter().chain(&all[..4]);
    let remainder = rotated.fold(0u32, |r, &b| match b {
        b'0'..=b'9' => (r * 10 + u32::from(b - b'0')) % 97,
        _ => (r * 100 + u32::from(b - b'A') + 10) % 97,
    });
    (remainder == 1).then_some((start, at))
}
