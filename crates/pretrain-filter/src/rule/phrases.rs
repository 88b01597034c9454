//! Lists of phrases by language: C4's bad words, and any other list of its kind.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;
use pretrain_text::{TextView, is_alphabetic, lowercase};
use serde::{Deserialize, Serialize};

use crate::checks::{Checks, Outcome};
use crate::config::Faults;
use crate::name::RuleName;

/// Drops a text with a phrase of its language's list. The text is put in lower case, the phrases are
/// not: one with a capital never matches, as in datatrove (Raffel et al. 2020; lists such as LDNOOBW,
/// CC-BY, are the user's to bring).
///
/// A phrase has to stand between characters that are neither letters, digits nor `_`, or at the ends
/// of the text; in the languages of `anywhere` it may stand inside a word.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Phrases {
    /// Phrases by language code. A language without a list passes.
    pub lists: BTreeMap<String, Vec<String>>,
    /// The language of a text that says none.
    pub default_language: String,
    /// Languages written without spaces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub anywhere: Vec<String>,
    /// Most occurrences that pass.
    pub max_found: usize,
}

impl Phrases {
    /// C4's rule with these lists: phrases that are no insult in Japanese and Chinese left out as C4
    /// does, no border asked for in Japanese, Thai and Chinese, English by default.
    pub fn c4_bad_words(mut lists: BTreeMap<String, Vec<String>>) -> Self {
        const ALLOWED: &[(&str, &[&str])] = &[("ja", &["sm", "グロ", "女の子"]), ("zh", &["性"])];
        for (language, allowed) in ALLOWED {
            if let Some(list) = lists.get_mut(*language) {
                list.retain(|phrase| !allowed.contains(&phrase.as_str()));
            }
        }
        let anywhere = ["ja", "th", "zh"].map(str::to_owned).to_vec();
        Self { lists, default_language: "en".to_owned(), anywhere, max_found: 0 }
    }

    pub(crate) fn validate(&self, faults: &mut Faults) {
        for (language, list) in &self.lists {
            faults.strings(&format!("lists.{language}"), list);
        }
    }

    pub(crate) fn compile(&self) -> Option<BTreeMap<String, AhoCorasick>> {
        let compile = |(language, list): (&String, &Vec<String>)| {
            Some((language.clone(), AhoCorasick::new(list).ok()?))
        };
        self.lists.iter().map(compile).collect()
    }

    pub(crate) fn check(
        &self,
        compiled: &BTreeMap<String, AhoCorasick>,
        language: Option<&str>,
        view: &TextView<'_>,
        checks: &mut Checks<'_>,
    ) -> Outcome {
        let language = language.unwrap_or(&self.default_language);
        let Some(phrases) = compiled.get(language) else { return Outcome::Continue(()) };
        let anywhere = self.anywhere.iter().any(|other| other == language);
        let max = self.max_found;
        checks.at_most(RuleName::PhrasesMaxFound, Some(max as f64), || {
            let lower = lowercase(view.text());
            let word = |c: Option<char>| c.is_some_and(is_word);
            let found = phrases.find_overlapping_iter(&lower).filter(|found| {
                anywhere
                    || !(word(lower[..found.start()].chars().next_back())
                        || word(lower[found.end()..].chars().next()))
            });
            // One more than the limit decides.
            found.take(max + 1).count() as f64
        })
    }
}

/// Python's `\w`: letters, numbers, `_`.
fn is_word(c: char) -> bool {
    c == '_' || is_alphabetic(c) || c.is_numeric()
}
