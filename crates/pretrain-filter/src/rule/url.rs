//! Rules on where a text comes from, as FineWeb's URL filter has them, case apart.

use std::collections::HashSet;

use aho_corasick::AhoCorasick;
use serde::{Deserialize, Serialize};

use crate::checks::{Checks, Outcome};
use crate::config::Faults;
use crate::name::RuleName;
use crate::url::{host, registered_domain};

/// Lists of what is not wanted in a URL. Empty ones are not checked; the order is that of the fields.
/// Hosts, words and substrings are compared in lower case (datatrove compares hosts and words as they
/// are written, so that `HTTPS://EXAMPLE.COM/WORD` passes there); whole URLs as they are. A text
/// without a URL passes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UrlLists {
    /// Hosts: of a registered domain everything under it, of another name or an IP address just that
    /// host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// Whole URLs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Words, between anything but ASCII letters and digits, of which one is enough. One with any other
    /// character never matches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Words of which `min_soft_words` different ones are needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub soft_words: Vec<String>,
    /// See `soft_words`.
    pub min_soft_words: usize,
    /// Strings that may not occur in the URL without all that is not an ASCII letter or digit
    /// (`https` stands right before the host's name).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub substrings: Vec<String>,
}

/// [`UrlLists`] ready for use.
#[derive(Clone, Debug)]
pub(crate) struct CompiledUrlLists {
    domains: HashSet<String>,
    urls: HashSet<String>,
    words: HashSet<String>,
    soft_words: HashSet<String>,
    substrings: Option<AhoCorasick>,
}

/// Lower-case ASCII letters and digits only.
fn squeezed(text: &str) -> String {
    let kept = text.bytes().filter(u8::is_ascii_alphanumeric);
    kept.map(|b| char::from(b.to_ascii_lowercase())).collect()
}

impl UrlLists {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        faults.strings("domains", &self.domains);
        faults.strings("urls", &self.urls);
        faults.strings("words", &self.words);
        faults.strings("soft_words", &self.soft_words);
        faults.strings("substrings", &self.substrings);
        if !self.soft_words.is_empty() && self.min_soft_words == 0 {
            faults.add("min_soft_words", crate::error::Problem::Zero);
        }
    }

    pub(crate) fn compile(&self) -> Option<CompiledUrlLists> {
        let lower = |list: &[String]| list.iter().map(|entry| entry.to_lowercase()).collect();
        let squeezed: Vec<String> =
            self.substrings.iter().map(|s| squeezed(s)).filter(|s| !s.is_empty()).collect();
        let substrings = match squeezed.is_empty() {
            true => None,
            false => Some(AhoCorasick::new(squeezed).ok()?),
        };
        Some(CompiledUrlLists {
            domains: lower(&self.domains),
            urls: self.urls.iter().cloned().collect(),
            words: lower(&self.words),
            soft_words: lower(&self.soft_words),
            substrings,
        })
    }

    pub(crate) fn check(
        &self,
        compiled: &CompiledUrlLists,
        url: &str,
        checks: &mut Checks<'_>,
    ) -> Outcome {
        let found = |found: bool| f64::from(u8::from(found));
        let mut one = |rule, list: &HashSet<String>, hit: &dyn Fn() -> bool| {
            let max = (!list.is_empty()).then_some(0.0);
            checks.at_most(rule, max, || found(hit()))
        };
        let host = host(url).unwrap_or_default();
        let registered = registered_domain(&host).unwrap_or_default();
        one(RuleName::UrlDomain, &compiled.domains, &|| compiled.domains.contains(registered))?;
        one(RuleName::UrlSubdomain, &compiled.domains, &|| compiled.domains.contains(&host))?;
        one(RuleName::UrlExact, &compiled.urls, &|| compiled.urls.contains(url))?;
        let lower = url.to_lowercase();
        let words: HashSet<&str> = lower
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let among = |list: &HashSet<String>| words.iter().filter(|w| list.contains(**w)).count();
        one(RuleName::UrlWord, &compiled.words, &|| among(&compiled.words) > 0)?;
        if !self.soft_words.is_empty() {
            let max = Some(self.min_soft_words as f64 - 1.0);
            checks.at_most(RuleName::UrlSoftWords, max, || among(&compiled.soft_words) as f64)?;
        }
        if let Some(substrings) = &compiled.substrings {
            checks.at_most(RuleName::UrlSubstring, Some(0.0), || {
                found(substrings.is_match(&squeezed(url)))
            })?;
        }
        Outcome::Continue(())
    }
}
