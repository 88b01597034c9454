//! Applying rules to texts.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use aho_corasick::AhoCorasick;
use pretrain_text::{TextView, ViewBuffers};

use crate::checks::{Checks, Outcome};
use crate::config::{FilterConfig, RuleConfig};
use crate::duplicate::NgramScratch;
use crate::error::{FilterError, Result};
use crate::rule::CompiledUrlLists;
use crate::verdict::{Measurement, Verdict};

/// Rules whose thresholds have been checked. A pure function of the text: the same verdict for the
/// same text, from any thread, in any order.
#[derive(Clone, Debug)]
pub struct Filter {
    config: FilterConfig,
    /// What each rule needs built, in the order of the rules.
    compiled: Vec<Compiled>,
}

/// What is made of a rule's lists once, for all texts.
#[derive(Clone, Debug)]
enum Compiled {
    Nothing,
    Phrases(BTreeMap<String, AhoCorasick>),
    Url(CompiledUrlLists),
}

/// A text with what rules may ask about it besides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Input<'a> {
    /// The text.
    pub text: &'a str,
    /// The document's identity: pseudonyms of personal data differ between documents.
    pub id: &'a str,
    /// Where it comes from. URL rules pass a text that does not say.
    pub url: Option<&'a str>,
    /// Its language, in the codes of the phrase lists.
    pub language: Option<&'a str>,
}

impl<'a> From<&'a str> for Input<'a> {
    fn from(text: &'a str) -> Self {
        Self { text, ..Self::default() }
    }
}

impl<'a> From<&'a String> for Input<'a> {
    fn from(text: &'a String) -> Self {
        Self::from(text.as_str())
    }
}

/// Memory that [`Filter::judge_with`] uses again for the next text. It never changes a verdict.
#[derive(Debug, Default)]
pub struct Scratch {
    buffers: ViewBuffers,
    ngrams: NgramScratch,
}

impl Filter {
    /// A filter of these rules. One without rules keeps everything.
    ///
    /// # Errors
    ///
    /// [`FilterError::Invalid`](crate::FilterError::Invalid) with all faults of the configuration.
    pub fn new(config: FilterConfig) -> Result<Self> {
        config.validate()?;
        let compile = |rule: &RuleConfig| match rule {
            RuleConfig::Phrases(rule) => rule.compile().map(Compiled::Phrases),
            RuleConfig::UrlLists(rule) => rule.compile().map(Compiled::Url),
            _ => Some(Compiled::Nothing),
        };
        let compiled: Option<Vec<Compiled>> = config.rules.iter().map(compile).collect();
        let compiled = compiled.ok_or(FilterError::ListsTooLarge)?;
        Ok(Self { config, compiled })
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &FilterConfig {
        &self.config
    }

    /// Applies the rules in their order until one drops the text. A rule after one that rewrites sees
    /// the rewritten text.
    ///
    /// Cannot fail, whatever the text. Time is linear in its length; memory is a few times the
    /// text's.
    pub fn judge<'a>(&self, input: impl Into<Input<'a>>) -> Verdict {
        self.judge_with(input, &mut Scratch::default())
    }

    /// [`judge`](Self::judge) with memory of an earlier call.
    pub fn judge_with<'a>(&self, input: impl Into<Input<'a>>, scratch: &mut Scratch) -> Verdict {
        match self.run(input.into(), scratch, &mut Checks::until_failure()) {
            ControlFlow::Break(reason) => Verdict::Drop(reason),
            ControlFlow::Continue(Some(rewritten)) => Verdict::Rewrite(rewritten),
            ControlFlow::Continue(None) => Verdict::Keep,
        }
    }

    /// Every check with its value, in order, those after a failed one too. A rule that rewrites and
    /// drops at the same time ends the list: there is no text for the rules after it. A check that
    /// counts up to its limit (sentences of C4) says the count at which it stopped.
    pub fn measure<'a>(&self, input: impl Into<Input<'a>>) -> Vec<Measurement> {
        let mut all = Vec::new();
        // The outcome is in the list.
        let _ = self.run(input.into(), &mut Scratch::default(), &mut Checks::recording(&mut all));
        all
    }

    /// The rewritten text, if some rule changed it.
    fn run(
        &self,
        input: Input<'_>,
        scratch: &mut Scratch,
        checks: &mut Checks<'_>,
    ) -> Outcome<Option<String>> {
        let mut rewritten: Option<String> = None;
        let mut rules = self.config.rules.iter().zip(&self.compiled);
        loop {
            let current = rewritten.as_deref().unwrap_or(input.text);
            let view = TextView::with_buffers(current, std::mem::take(&mut scratch.buffers));
            let outcome = apply(&mut rules, &input, &view, &mut scratch.ngrams, checks);
            scratch.buffers = view.into_buffers();
            match outcome? {
                None => return Outcome::Continue(rewritten),
                changed => rewritten = changed,
            }
        }
    }
}

/// Applies rules until one changes the text, which is then returned.
fn apply<'r>(
    rules: &mut impl Iterator<Item = (&'r RuleConfig, &'r Compiled)>,
    input: &Input<'_>,
    view: &TextView<'_>,
    ngrams: &mut NgramScratch,
    checks: &mut Checks<'_>,
) -> Outcome<Option<String>> {
    for (rule, compiled) in rules {
        match rule {
            RuleConfig::Length(rule) => rule.check(view, checks)?,
            RuleConfig::GopherRepetition(rule) => rule.check(view, ngrams, checks)?,
            RuleConfig::GopherQuality(rule) => rule.check(view, checks)?,
            RuleConfig::C4(rule) => {
                let rewritten = rule.rewrite(view, checks)?;
                if rewritten != view.text() {
                    return Outcome::Continue(Some(rewritten));
                }
            }
            RuleConfig::C4Paragraphs(rule) => rule.check(view, checks)?,
            RuleConfig::FinewebQuality(rule) => rule.check(view, checks)?,
            RuleConfig::Code(rule) => rule.check(view, checks)?,
            RuleConfig::Prose(rule) => rule.check(view, checks)?,
            RuleConfig::Entropy(rule) => rule.check(view, checks)?,
            RuleConfig::Residue(rule) => rule.check(view, checks)?,
            RuleConfig::Language(rule) => rule.check(view, checks)?,
            RuleConfig::Pii(rule) => {
                let rewritten = rule.rewrite(view, input.id, checks)?;
                if rewritten.is_some() {
                    return Outcome::Continue(rewritten);
                }
            }
            RuleConfig::Phrases(rule) => {
                if let Compiled::Phrases(lists) = compiled {
                    rule.check(lists, input.language, view, checks)?;
                }
            }
            RuleConfig::UrlLists(rule) => {
                if let (Compiled::Url(lists), Some(url)) = (compiled, input.url) {
                    rule.check(lists, url, checks)?;
                }
            }
        }
    }
    Outcome::Continue(None)
}
