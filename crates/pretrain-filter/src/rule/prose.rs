//! Documentation that is not prose: tables, code blocks, lists of links.

use pretrain_text::{TextView, is_alphabetic, is_space, strip};
use serde::{Deserialize, Serialize};

use crate::checks::{Checks, Outcome, share};
use crate::config::Faults;
use crate::name::RuleName;

/// Limits on Markdown and doc comments. Lines are those that are not blank. Absent limits are not
/// checked; the order is that of the fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prose {
    /// Smallest share of letters among the characters that are not white space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_alphabetic: Option<f64>,
    /// Largest share of lines in fenced code blocks (between lines that begin with three backticks or
    /// tildes, those lines included).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_fenced_lines: Option<f64>,
    /// Largest share of lines that begin with `|`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_table_lines: Option<f64>,
    /// Largest share of lines that are a link: they begin with `[` (after a bullet), `![`, `<http` or
    /// `http`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_link_lines: Option<f64>,
    /// Smallest mean of words, between white space, over the lines outside code blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_words_per_line: Option<f64>,
}

/// Lines of a text by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Lines {
    all: usize,
    fenced: usize,
    table: usize,
    link: usize,
    /// Words outside fences.
    words: usize,
}

impl Prose {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        faults.share("min_alphabetic", self.min_alphabetic);
        faults.share("max_fenced_lines", self.max_fenced_lines);
        faults.share("max_table_lines", self.max_table_lines);
        faults.share("max_link_lines", self.max_link_lines);
        faults.number("min_words_per_line", self.min_words_per_line);
    }

    pub(crate) fn check(&self, view: &TextView<'_>, checks: &mut Checks<'_>) -> Outcome {
        checks.at_least(RuleName::ProseMinAlphabetic, self.min_alphabetic, || {
            let visible = view.text().chars().filter(|&c| !is_space(c));
            let (all, letters) = visible.fold((0, 0), |(all, letters), c| {
                (all + 1, letters + usize::from(is_alphabetic(c)))
            });
            share(letters, all)
        })?;
        let lines = Lines::of(view);
        let of_all = |part| move || share(part, lines.all);
        checks.at_most(
            RuleName::ProseMaxFencedLines,
            self.max_fenced_lines,
            of_all(lines.fenced),
        )?;
        checks.at_most(RuleName::ProseMaxTableLines, self.max_table_lines, of_all(lines.table))?;
        checks.at_most(RuleName::ProseMaxLinkLines, self.max_link_lines, of_all(lines.link))?;
        checks.at_least(RuleName::ProseMinWordsPerLine, self.min_words_per_line, || {
            share(lines.words, lines.all - lines.fenced)
        })
    }
}

impl Lines {
    fn of(view: &TextView<'_>) -> Self {
        let mut lines = Lines::default();
        let mut fence: Option<&str> = None;
        for line in view.lines().map(strip).filter(|line| !line.is_empty()) {
            lines.all += 1;
            let mark = ["```", "~~~"].into_iter().find(|mark| line.starts_with(mark));
            if fence.is_some() || mark.is_some() {
                lines.fenced += 1;
                match fence {
                    None => fence = mark,
                    Some(open) if mark == Some(open) => fence = None,
                    Some(_) => {}
                }
                continue;
            }
            lines.words += line.split(is_space).filter(|word| !word.is_empty()).count();
            let item = line.trim_start_matches(['-', '*', '+', ' ']);
            let link = ["[", "![", "<http", "http"].iter().any(|start| item.starts_with(start));
            lines.table += usize::from(line.starts_with('|'));
            lines.link += usize::from(link);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_by_kind() {
        let text = "# Title\n\n```rust\nlet a = 1;\n~~~\n```\n| a | b |\n- [x](y)\n![b](c)\nWords of prose.\n";
        let lines = Lines::of(&TextView::new(text));
        assert_eq!(lines, Lines { all: 9, fenced: 4, table: 1, link: 2, words: 2 + 5 + 2 + 1 + 3 });
    }
}
