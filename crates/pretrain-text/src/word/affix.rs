//! Prefixes, suffixes and infixes of one chunk: spaCy 3.8's English rules as straight code.

use super::Span;
use super::special::Specials;
use super::url;
use crate::class::{
    Classes, TOKENIZER_ALPHA, TOKENIZER_BEFORE_STOP, TOKENIZER_ICON, TOKENIZER_LOWER,
    TOKENIZER_PREFIX, TOKENIZER_QUOTE, TOKENIZER_SUFFIX, TOKENIZER_UPPER,
};

/// Reusable memory of [`split`].
#[derive(Default)]
pub(super) struct Scratch {
    suffixes: Vec<Span>,
    infixes: Vec<Span>,
}

/// Cuts `chunk` (a stretch of `text` without white space) into tokens at the end of `out`. Without
/// `specials`, as if there were no special cases.
pub(super) fn split(
    text: &str,
    chunk: Span,
    specials: Option<&Specials>,
    scratch: &mut Scratch,
    out: &mut Vec<Span>,
) {
    scratch.suffixes.clear();
    let middle = strip_affixes(text, chunk, specials, &mut scratch.suffixes, out);
    if !middle.is_empty() && !specials.is_some_and(|s| s.push(middle, text, out)) {
        split_infixes(text, middle, &mut scratch.infixes, out);
    }
    out.extend(scratch.suffixes.iter().rev());
}

/// Takes prefixes (to `out`) and suffixes off the chunk, one of each per round, until a round finds
/// neither or a special case is left. Returns what is left.
fn strip_affixes(
    text: &str,
    chunk: Span,
    specials: Option<&Specials>,
    suffixes: &mut Vec<Span>,
    out: &mut Vec<Span>,
) -> Span {
    let is_special = |span: Span| specials.is_some_and(|s| s.contains(span.of(text)));
    let mut rest = chunk;
    while !rest.is_empty() && !is_special(rest) {
        let prefix = prefix_length(rest.of(text));
        let without_prefix = Span { start: rest.start + prefix, end: rest.end };
        let prefix_span = Span { start: rest.start, end: without_prefix.start };
        if prefix > 0 && is_special(without_prefix) {
            out.push(prefix_span);
            return without_prefix;
        }
        let suffix = suffix_length(without_prefix.of(text));
        let without_suffix = Span { start: rest.start, end: rest.end - suffix };
        let suffix_span = Span { start: without_suffix.end, end: rest.end };
        if suffix > 0 && is_special(without_suffix) {
            suffixes.push(suffix_span);
            return without_suffix;
        }
        if prefix == 0 && suffix == 0 {
            break;
        }
        if prefix > 0 {
            out.push(prefix_span);
        }
        if suffix > 0 {
            suffixes.push(suffix_span);
        }
        rest = Span { start: without_prefix.start, end: without_suffix.end };
    }
    rest
}

/// Cuts `middle` at its infixes, unless it is a URL.
fn split_infixes(text: &str, middle: Span, infixes: &mut Vec<Span>, out: &mut Vec<Span>) {
    infixes.clear();
    find_infixes(middle.of(text), infixes);
    // An infix at the very start is ignored: there is nothing before it to cut off.
    let inner = infixes.iter().filter(|infix| infix.start > 0);
    if inner.clone().next().is_none() || url::is_url(middle.of(text)) {
        out.push(middle);
        return;
    }
    let mut start = middle.start;
    for infix in inner {
        let infix = Span { start: middle.start + infix.start, end: middle.start + infix.end };
        if infix.start > start {
            out.push(Span { start, end: infix.start });
        }
        out.push(infix);
        start = infix.end;
    }
    if start < middle.end {
        out.push(Span { start, end: middle.end });
    }
}

/// Length in bytes of the prefix that is cut off `chunk`; 0 for none.
pub(super) fn prefix_length(chunk: &str) -> usize {
    let Some(first) = chunk.chars().next() else { return 0 };
    if Classes::get().is(first, TOKENIZER_PREFIX) {
        return first.len_utf8();
    }
    match first {
        '+' => usize::from(!chunk.as_bytes().get(1).is_some_and(u8::is_ascii_digit)),
        '.' => match chunk.bytes().take_while(|&b| b == b'.').count() {
            1 => 0,
            run => run,
        },
        'U' if chunk.starts_with("US$") => 3,
        'C' | 'A' if chunk[1..].starts_with('$') => 2,
        _ => 0,
    }
}

/// Length in bytes of the suffix that is cut off `chunk`; 0 for none. Where several rules match, the
/// longest does.
pub(super) fn suffix_length(chunk: &str) -> usize {
    let classes = Classes::get();
    let Some(last) = chunk.chars().next_back() else { return 0 };
    let before = &chunk[..chunk.len() - last.len_utf8()];
    let previous = before.chars().next_back();
    let single = if classes.is(last, TOKENIZER_SUFFIX) { last.len_utf8() } else { 0 };
    match last {
        '.' => {
            let run = chunk.bytes().rev().take_while(|&b| b == b'.').count();
            if run > 1 { run } else { usize::from(stop_is_cut_off(before)) }
        }
        '…' if previous == Some('…') => 2 * '…'.len_utf8(),
        's' | 'S' if previous == Some('\'') => 2,
        's' | 'S' if previous == Some('’') => 1 + '’'.len_utf8(),
        '+' => usize::from(previous.is_some_and(|c| c.is_ascii_digit())),
        _ => after_digit_length(chunk).max(single),
    }
}

/// Whether one full stop after `before` is cut off.
fn stop_is_cut_off(before: &str) -> bool {
    let classes = Classes::get();
    let mut back = before.chars().rev();
    let Some(previous) = back.next() else { return false };
    if classes.is(previous, TOKENIZER_BEFORE_STOP) {
        return true;
    }
    back.next().is_some_and(|second| {
        (classes.is(previous, TOKENIZER_UPPER) && classes.is(second, TOKENIZER_UPPER))
            || (second == '°' && matches!(previous, 'F' | 'f' | 'C' | 'c' | 'K' | 'k'))
    })
}

/// A digit and the longest unit have no more bytes.
const AFTER_DIGIT_MAX_BYTES: usize = 12;

/// Units and currencies, cut off after an ASCII digit.
const AFTER_DIGIT: &[&str] = &[
    "km",
    "km²",
    "km³",
    "m",
    "m²",
    "m³",
    "dm",
    "dm²",
    "dm³",
    "cm",
    "cm²",
    "cm³",
    "mm",
    "mm²",
    "mm³",
    "ha",
    "µm",
    "nm",
    "yd",
    "in",
    "ft",
    "kg",
    "g",
    "mg",
    "µg",
    "t",
    "lb",
    "oz",
    "m/s",
    "km/h",
    "kmh",
    "mph",
    "hPa",
    "Pa",
    "mbar",
    "mb",
    "MB",
    "kb",
    "KB",
    "gb",
    "GB",
    "tb",
    "TB",
    "T",
    "G",
    "M",
    "K",
    "%",
    "км",
    "км²",
    "км³",
    "м",
    "м²",
    "м³",
    "дм",
    "дм²",
    "дм³",
    "см",
    "см²",
    "см³",
    "мм",
    "мм²",
    "мм³",
    "нм",
    "кг",
    "г",
    "мг",
    "м/с",
    "км/ч",
    "кПа",
    "Па",
    "мбар",
    "Кб",
    "КБ",
    "кб",
    "Мб",
    "МБ",
    "мб",
    "Гб",
    "ГБ",
    "гб",
    "Тб",
    "ТБ",
    "тбكم",
    "كم²",
    "كم³",
    "م",
    "م²",
    "م³",
    "سم",
    "سم²",
    "سم³",
    "مم",
    "مم²",
    "مم³",
    "كم",
    "غرام",
    "جرام",
    "جم",
    "كغ",
    "ملغ",
    "كوب",
    "اكواب",
    "$",
    "US$",
    "C$",
    "A$",
    "£",
    "€",
    "¥",
    "฿",
    "₽",
    "﷼",
    "₴",
    "₠",
    "₡",
    "₢",
    "₣",
    "₤",
    "₥",
    "₦",
    "₧",
    "₨",
    "₩",
    "₪",
    "₫",
    "₭",
    "₮",
    "₯",
    "₰",
    "₱",
    "₲",
    "₳",
    "₵",
    "₶",
    "₷",
    "₸",
    "₹",
    "₺",
    "₻",
    "₼",
    "₾",
    "₿",
];

/// Length in bytes of the unit or currency at the end of `chunk`, after an ASCII digit; 0 for none.
/// None of them has a digit inside, so it can only be what comes after the last one.
fn after_digit_length(chunk: &str) -> usize {
    let longest = AFTER_DIGIT_MAX_BYTES.min(chunk.len());
    let tail = &chunk.as_bytes()[chunk.len() - longest..];
    match tail.iter().rposition(u8::is_ascii_digit) {
        Some(digit) if digit + 1 < longest => {
            let unit = &tail[digit + 1..];
            let known = AFTER_DIGIT.iter().any(|known| known.as_bytes() == unit);
            if known { unit.len() } else { 0 }
        }
        _ => 0,
    }
}

/// Every infix of `middle`, leftmost first, without overlap.
pub(super) fn find_infixes(middle: &str, out: &mut Vec<Span>) {
    let mut previous = None;
    let mut at = 0;
    while at < middle.len() {
        match infix_length(&middle[at..], previous) {
            0 => {
                let c = middle[at..].chars().next().expect("`at` is before the end");
                previous = Some(c);
                at += c.len_utf8();
            }
            length => {
                out.push(Span { start: at, end: at + length });
                at += length;
                previous = middle[..at].chars().next_back();
            }
        }
    }
}

/// Length in bytes of the infix at the start of `rest`, which comes after `previous`; 0 for none.
#[inline]
fn infix_length(rest: &str, previous: Option<char>) -> usize {
    let classes = Classes::get();
    let mut chars = rest.chars();
    let Some(c) = chars.next() else { return 0 };
    if c.is_ascii_alphanumeric() {
        return 0;
    }
    let next = chars.next();
    let was = |kinds| previous.is_some_and(|p| classes.is(p, kinds));
    let will = |kinds| next.is_some_and(|n| classes.is(n, kinds));
    let after_digit = previous.is_some_and(|p| p.is_ascii_digit());
    match c {
        '…' => c.len_utf8(),
        '.' if next == Some('.') => rest.bytes().take_while(|&b| b == b'.').count(),
        '.' => usize::from(
            was(TOKENIZER_LOWER | TOKENIZER_QUOTE) && will(TOKENIZER_UPPER | TOKENIZER_QUOTE),
        ),
        '+' | '-' | '*' | '^'
            if after_digit && next.is_some_and(|n| n.is_ascii_digit() || n == '-') =>
        {
            1
        }
        ',' => usize::from(was(TOKENIZER_ALPHA) && will(TOKENIZER_ALPHA)),
        ':' | '<' | '>' | '=' | '/' => {
            usize::from((after_digit || was(TOKENIZER_ALPHA)) && will(TOKENIZER_ALPHA))
        }
        '-' | '–' | '—' | '~' if after_digit || was(TOKENIZER_ALPHA) => hyphen_length(rest),
        _ if classes.is(c, TOKENIZER_ICON) => c.len_utf8(),
        _ => 0,
    }
}

/// The first of the hyphens that a letter follows.
fn hyphen_length(rest: &str) -> usize {
    let classes = Classes::get();
    let before_letter = |hyphen: &&str| {
        let after = rest.strip_prefix(*hyphen).and_then(|after| after.chars().next());
        after.is_some_and(|c| classes.is(c, TOKENIZER_ALPHA))
    };
    ["-", "–", "—", "--", "---", "——", "~"].iter().copied().find(before_letter).map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_found_by_what_follows_the_last_digit() {
        for unit in AFTER_DIGIT {
            assert!(!unit.contains(|c: char| c.is_ascii_digit()), "{unit}");
            assert!(unit.len() < AFTER_DIGIT_MAX_BYTES, "{unit}");
            assert_eq!(after_digit_length(&format!("x1{unit}")), unit.len(), "{unit}");
            assert_eq!(after_digit_length(unit), 0, "{unit}");
        }
        assert_eq!(
            (after_digit_length("12"), after_digit_length(""), after_digit_length("1x")),
            (0, 0, 0)
        );
    }
}
