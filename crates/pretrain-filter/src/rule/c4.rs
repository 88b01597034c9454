//! The rules of C4 (Raffel et al. 2020, JMLR 21/140), as datatrove 0.10 has them.

use pretrain_text::{TextView, is_decimal, lowercase, n_chars, sentences, strip};
use serde::{Deserialize, Serialize};

use crate::checks::{Checks, Outcome, limit};
use crate::config::Faults;
use crate::error::Problem;
use crate::name::RuleName;

/// Removes lines, and drops the text for a placeholder, a curly bracket or too few sentences left.
/// What passes is rewritten: kept lines, stripped and without citation marks, joined by line feeds.
///
/// Each line ([`pretrain_text::lines`]) is taken through the fields in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct C4 {
    /// Remove a line with a word (between white space) of more code points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_word_chars: Option<usize>,
    /// Remove `[12]`, `[]`, `[edit]` and `[citation needed]` from the line.
    pub remove_citations: bool,
    /// Remove a line that does not end with `.`, `?`, `!`, `"` or `'`, or ends with `...`.
    pub require_terminal_punctuation: bool,
    /// Remove a line of fewer words (between white space, citations included).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_line_words: Option<usize>,
    /// Drop the text at "lorem ipsum".
    pub drop_lorem_ipsum: bool,
    /// Remove a line with "javascript".
    pub remove_javascript_lines: bool,
    /// Drop the text at `{`.
    pub drop_curly_bracket: bool,
    /// Remove a line about cookies, terms of use or a privacy policy.
    pub remove_policy_lines: bool,
    /// Drop the text when fewer sentences are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_sentences: Option<usize>,
}

const POLICY: [&str; 6] = [
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
];

/// What becomes of one line.
enum Line {
    Keep(String),
    Remove,
    Drop(RuleName),
}

impl C4 {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        if self.max_word_chars == Some(0) {
            faults.add("max_word_chars", Problem::Zero);
        }
    }

    /// The text that is left.
    pub(crate) fn rewrite(&self, view: &TextView<'_>, checks: &mut Checks<'_>) -> Outcome<String> {
        let mut out = String::with_capacity(view.text().len());
        let mut n_sentences = 0;
        for line in view.lines() {
            match self.line(strip(line)) {
                Line::Keep(line) => {
                    if self.min_sentences.is_some_and(|min| n_sentences < min) {
                        // A blank line, which only `min_line_words` = 0 lets through, is one.
                        n_sentences += sentences(&line).count().max(1);
                    }
                    if !out.is_empty() {
                        out.push('\n');
                    }
                    out.push_str(&line);
                }
                Line::Remove => {}
                Line::Drop(rule) => return checks.fail(rule, 1.0, 0.0),
            }
        }
        let min = limit(self.min_sentences);
        checks.at_least(RuleName::C4MinSentences, min, || n_sentences as f64)?;
        let stripped = strip(&out);
        Outcome::Continue(if stripped.len() == out.len() { out } else { stripped.to_owned() })
    }

    fn line(&self, line: &str) -> Line {
        let words = || line.split(pretrain_text::is_space).filter(|word| !word.is_empty());
        if let Some(max) = self.max_word_chars
            && line.len() > max
            && words().any(|word| n_chars(word) > max)
        {
            return Line::Remove;
        }
        let n_words = words().count();
        let line = if self.remove_citations { without_citations(line) } else { line.to_owned() };
        let terminal = line.ends_with(['.', '?', '!', '"', '\'']) && !line.ends_with("...");
        if self.require_terminal_punctuation && !terminal {
            return Line::Remove;
        }
        if self.min_line_words.is_some_and(|min| n_words < min) {
            return Line::Remove;
        }
        let lower = lowercase(&line);
        if self.drop_lorem_ipsum && lower.contains("lorem ipsum") {
            return Line::Drop(RuleName::C4LoremIpsum);
        }
        if self.remove_javascript_lines && lower.contains("javascript") {
            return Line::Remove;
        }
        if self.drop_curly_bracket && line.contains('{') {
            return Line::Drop(RuleName::C4CurlyBracket);
        }
        if self.remove_policy_lines && POLICY.iter().any(|policy| lower.contains(policy)) {
            return Line::Remove;
        }
        Line::Keep(line)
    }
}

/// `line` without `\[\d*]|\[edit]|\[citation needed]`.
fn without_citations(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find('[') {
        out.push_str(&rest[..start]);
        let inside = &rest[start + 1..];
        let close = ["edit]", "citation needed]"]
            .iter()
            .find_map(|mark| inside.strip_prefix(mark))
            .or_else(|| inside.trim_start_matches(is_decimal).strip_prefix(']'));
        match close {
            Some(after) => rest = after,
            None => {
                out.push('[');
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The paragraph rule of mC4: enough long lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct C4Paragraphs {
    /// Drop the text when fewer lines (separated by line feeds) are that long.
    pub min_paragraphs: usize,
    /// How long, in code points.
    pub min_paragraph_chars: usize,
}

impl C4Paragraphs {
    pub(crate) fn check(&self, view: &TextView<'_>, checks: &mut Checks<'_>) -> Outcome {
        let min = Some(self.min_paragraphs as f64);
        checks.at_least(RuleName::C4ParagraphsMinParagraphs, min, || {
            let long = |line: &&str| n_chars(line) >= self.min_paragraph_chars;
            view.text().split('\n').filter(long).count() as f64
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_go_and_other_brackets_stay() {
        let text = "a[1] b[] c[edit] d[citation needed] e[a1] f[[٣] g[12";
        assert_eq!(without_citations(text), "a b c d e[a1] f[ g[12");
    }
}
