//! Source files that no person wrote: generated, minified, or mostly numbers.

use std::collections::{HashMap, HashSet};

use pretrain_text::{TextView, is_alphabetic, is_space, n_chars, strip};
use serde::{Deserialize, Serialize};

use crate::checks::{Checks, Outcome, share};
use crate::config::Faults;
use crate::error::Problem;
use crate::name::RuleName;

/// Limits on a source file in any language. Absent ones are not checked; the order is that of the
/// fields. Shares of characters are of those that are not white space.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Code {
    /// Drop a file with one of these in a comment near its beginning, upper or lower case (ASCII).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub generated_markers: Vec<String>,
    /// How many lines are the beginning.
    pub generated_head_lines: usize,
    /// Most code points in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_line_chars: Option<usize>,
    /// Largest mean of code points over the lines that are neither blank nor comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_mean_line_chars: Option<f64>,
    /// Smallest share of letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_alphabetic: Option<f64>,
    /// Largest share of characters in number literals: a digit that does not follow a letter, digit
    /// or `_`, and the letters, digits, `_` and `.` after it (`0x1F`, `1_000u32`, `2.5e3`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_numeric: Option<f64>,
    /// Largest share of characters in escapes by number (`\x1F`, `\u{1f4}`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_escaped: Option<f64>,
    /// Largest share of lines that begin alike. A line begins with its first two tokens, where every
    /// number and every string is the same; comments and lines without a letter or digit are not
    /// counted. Only for files of at least `repetition_min_lines` such lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_same_line_start: Option<f64>,
    /// Largest share of lines in runs of `repeated_run_lines` lines that look like an earlier run:
    /// every word, every number and every string is the same, the rest has to be equal. Comments are
    /// lines that repeat nothing, blank lines are not counted. Only for files of at least `repetition_min_lines` lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_repeated_runs: Option<f64>,
    /// See `max_repeated_runs`.
    pub repeated_run_lines: usize,
    /// Fewest lines for the two limits above.
    pub repetition_min_lines: usize,
}

impl Code {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        faults.strings("generated_markers", &self.generated_markers);
        if !self.generated_markers.is_empty() && self.generated_head_lines == 0 {
            faults.add("generated_head_lines", Problem::Zero);
        }
        faults.number("max_mean_line_chars", self.max_mean_line_chars);
        faults.share("min_alphabetic", self.min_alphabetic);
        faults.share("max_numeric", self.max_numeric);
        faults.share("max_escaped", self.max_escaped);
        faults.share("max_same_line_start", self.max_same_line_start);
        faults.share("max_repeated_runs", self.max_repeated_runs);
        if self.max_repeated_runs.is_some() && self.repeated_run_lines == 0 {
            faults.add("repeated_run_lines", Problem::Zero);
        }
    }

    pub(crate) fn check(&self, view: &TextView<'_>, checks: &mut Checks<'_>) -> Outcome {
        if let Some(line) = self.generated_line(view) {
            let head = self.generated_head_lines as f64;
            checks.check(RuleName::CodeGenerated, line as f64, head, true)?;
        }
        if self.max_line_chars.is_some() || self.max_mean_line_chars.is_some() {
            let (mut n, mut all, mut longest) = (0, 0, 0);
            for line in view.lines() {
                let chars = n_chars(line);
                longest = chars.max(longest);
                let code = strip(line);
                if !code.is_empty() && !is_comment(code) {
                    n += 1;
                    all += chars;
                }
            }
            let max = self.max_line_chars.map(|max| max as f64);
            checks.at_most(RuleName::CodeMaxLineChars, max, || longest as f64)?;
            let max = self.max_mean_line_chars;
            checks.at_most(RuleName::CodeMaxMeanLineChars, max, || share(all, n))?;
        }
        if self.min_alphabetic.is_some() || self.max_numeric.is_some() || self.max_escaped.is_some()
        {
            let counts = Counts::of(view.text());
            let of_all = |part| move || share(part, counts.all);
            checks.at_least(
                RuleName::CodeMinAlphabetic,
                self.min_alphabetic,
                of_all(counts.letters),
            )?;
            checks.at_most(RuleName::CodeMaxNumeric, self.max_numeric, of_all(counts.numeric))?;
            checks.at_most(RuleName::CodeMaxEscaped, self.max_escaped, of_all(counts.escaped))?;
        }
        if let Some(max) = self.max_same_line_start {
            let (most, n) = same_line_starts(view);
            if n >= self.repetition_min_lines {
                checks.at_most(RuleName::CodeMaxSameLineStart, Some(max), || share(most, n))?;
            }
        }
        if let Some(max) = self.max_repeated_runs {
            let (repeated, n) = repeated_runs(view, self.repeated_run_lines);
            if n >= self.repetition_min_lines {
                checks.at_most(RuleName::CodeMaxRepeatedRuns, Some(max), || share(repeated, n))?;
            }
        }
        Outcome::Continue(())
    }

    /// Number, from 1, of the line that says the file is generated.
    fn generated_line(&self, view: &TextView<'_>) -> Option<usize> {
        if self.generated_markers.is_empty() {
            return None;
        }
        let marked = |line: &str| {
            is_comment(line)
                && self.generated_markers.iter().any(|marker| contains_ignoring_case(line, marker))
        };
        let head = view.lines().take(self.generated_head_lines);
        head.map(strip).position(marked).map(|line| line + 1)
    }
}

fn contains_ignoring_case(line: &str, marker: &str) -> bool {
    line.as_bytes()
        .windows(marker.len())
        .any(|window| window.eq_ignore_ascii_case(marker.as_bytes()))
}

/// Whether a line, stripped, is a comment in one of the usual languages. Rust attributes count as
/// well: some generators put their mark there.
fn is_comment(line: &str) -> bool {
    ["//", "/*", "*", "#", "--", ";", "<!--", "%", "\"\"\""]
        .iter()
        .any(|mark| line.starts_with(mark))
}

/// Characters of a file by kind, white space not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    all: usize,
    letters: usize,
    numeric: usize,
    escaped: usize,
}

impl Counts {
    fn of(text: &str) -> Self {
        let mut counts = Counts::default();
        let mut chars = text.chars().peekable();
        let mut in_word = false;
        while let Some(c) = chars.next() {
            if is_space(c) {
                in_word = false;
                continue;
            }
            counts.all += 1;
            if c.is_ascii_digit() && !in_word {
                counts.numeric += 1;
                while let Some(next) =
                    chars.next_if(|&n| n.is_ascii_alphanumeric() || n == '_' || n == '.')
                {
                    counts.all += 1;
                    counts.numeric += 1;
                    counts.letters += usize::from(next.is_ascii_alphabetic());
                }
                continue;
            }
            if c == '\\' {
                let (n, by_number) = escape(&mut chars);
                counts.all += n;
                counts.escaped += if by_number { 1 + n } else { 0 };
                in_word = false;
                continue;
            }
            let letter = is_alphabetic(c);
            counts.letters += usize::from(letter);
            in_word = letter || c == '_' || (in_word && c.is_ascii_digit());
        }
        counts
    }
}

/// Takes what an escape has after its backslash: how many characters, and whether they are a number.
fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> (usize, bool) {
    let Some(kind) = chars.next_if(|&c| !is_space(c)) else { return (0, false) };
    let longest = match kind {
        'x' => 3,
        'u' => 10,
        _ => return (1, false),
    };
    let mut n = 1;
    while n < longest
        && let Some(next) = chars.next_if(|&c| c.is_ascii_hexdigit() || matches!(c, '{' | '}'))
    {
        n += 1;
        if next == '}' {
            break;
        }
    }
    (n, true)
}

/// How many lines begin in the most usual way, and how many lines there are.
fn same_line_starts(view: &TextView<'_>) -> (usize, usize) {
    let mut starts: HashMap<[&str; 2], usize> = HashMap::new();
    let mut n = 0;
    for line in view.lines().map(strip) {
        if is_comment(line) || !line.contains(|c: char| c.is_alphanumeric()) {
            continue;
        }
        let (first, rest) = next_token(line);
        let (second, _) = next_token(rest);
        *starts.entry([first, second]).or_default() += 1;
        n += 1;
    }
    // Only the largest count is taken, so the order of the map does not matter.
    (starts.into_values().max().unwrap_or(0), n)
}

/// How many lines are in runs of `run` lines of code that look like an earlier run, and how many lines
/// are not blank.
fn repeated_runs(view: &TextView<'_>, run: usize) -> (usize, usize) {
    let mut shapes: Vec<u64> = Vec::new();
    let mut n_lines = 0;
    for line in view.lines().map(strip).filter(|line| !line.is_empty()) {
        n_lines += 1;
        if !is_comment(line) {
            shapes.push(shape(line));
        }
    }
    // Two shapes of equal hash count as equal; only membership in the set is asked.
    let mut seen = HashSet::new();
    let (mut repeated, mut covered) = (0, 0);
    for (i, window) in shapes.windows(run.max(1)).enumerate() {
        if !seen.insert(window) {
            let end = i + window.len();
            repeated += end - covered.max(i);
            covered = end;
        }
    }
    (repeated, n_lines)
}

/// Hash (FNV-1a, 64 bits) of a line in which every word is `a`, every number `0` and every string
/// `"`, without white space.
fn shape(line: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut rest = line;
    while !rest.is_empty() {
        let (token, after) = next_token(rest);
        let first = token.chars().next().unwrap_or(' ');
        let kind = if first.is_alphabetic() || first == '_' { 'a' } else { first };
        hash = (hash ^ u64::from(u32::from(kind))).wrapping_mul(0x0100_0000_01b3);
        rest = after;
    }
    hash
}

/// The first token of `text`, and what is after it: a word, `0` for any number, `"` for any string,
/// or one other character.
fn next_token(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches(is_space);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    match text.chars().next() {
        None => ("", ""),
        Some('"') => {
            let inside = &text[1..];
            ("\"", inside.find('"').map_or("", |end| &inside[end + 1..]))
        }
        Some(c) if c.is_ascii_digit() => ("0", text.trim_start_matches(is_word)),
        Some(c) if is_word(c) => {
            let rest = text.trim_start_matches(is_word);
            (&text[..text.len() - rest.len()], rest)
        }
        Some(c) => text.split_at(c.len_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_by_kind() {
        let counts = Counts::of("let x1 = [0x1F, 2.5]; \"\\x00é\"");
        assert_eq!(counts, Counts { all: 24, letters: 7, numeric: 7, escaped: 4 });
        assert_eq!(Counts::of("\\"), Counts { all: 1, ..Counts::default() });
        assert_eq!(Counts::of("\\u{1f4}a").escaped, 7);
    }

    #[test]
    fn lines_that_begin_alike() {
        let view = TextView::new("(1, \"a\"),\n(22, \"b\"),\n// (3)\n}\nfn f() {\n(x, 1)\n");
        assert_eq!(same_line_starts(&view), (2, 4));
        assert_eq!(same_line_starts(&TextView::new("\"a\" => A,\n\"bc\" => B,\n")), (2, 2));
    }

    #[test]
    fn runs_that_look_alike() {
        let text =
            "fn a(x: u8) {\n  one(x)\n}\n\n// two\nfn bc(y: i16) {\n  other(y)\n}\nstruct A;\n";
        assert_eq!(repeated_runs(&TextView::new(text), 3), (3, 8));
        assert_eq!(repeated_runs(&TextView::new(text), 8), (0, 8));
        assert_eq!(repeated_runs(&TextView::new("a\nb\nc\nd\n"), 2), (3, 4));
        assert_eq!(shape("x = \"a b\" + 0x1f;"), shape("yy=\"\"+2;"));
    }
}
