//! Applying rules to texts.

use std::ops::ControlFlow;

use pretrain_text::{TextView, ViewBuffers};

use crate::checks::{Checks, Outcome};
use crate::config::{FilterConfig, RuleConfig};
use crate::duplicate::NgramScratch;
use crate::error::Result;
use crate::verdict::{Measurement, Verdict};

/// Rules whose thresholds have been checked. A pure function of the text: the same verdict for the
/// same text, from any thread, in any order.
#[derive(Clone, Debug)]
pub struct Filter {
    config: FilterConfig,
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
        Ok(Self { config })
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
    pub fn judge(&self, text: &str) -> Verdict {
        self.judge_with(text, &mut Scratch::default())
    }

    /// [`judge`](Self::judge) with memory of an earlier call.
    pub fn judge_with(&self, text: &str, scratch: &mut Scratch) -> Verdict {
        match self.run(text, scratch, &mut Checks::until_failure()) {
            ControlFlow::Break(reason) => Verdict::Drop(reason),
            ControlFlow::Continue(Some(rewritten)) => Verdict::Rewrite(rewritten),
            ControlFlow::Continue(None) => Verdict::Keep,
        }
    }

    /// Every check with its value, in order, those after a failed one too. A rule that rewrites and
    /// drops at the same time ends the list: there is no text for the rules after it. A check that
    /// counts up to its limit (sentences of C4) says the count at which it stopped.
    pub fn measure(&self, text: &str) -> Vec<Measurement> {
        let mut all = Vec::new();
        // The outcome is in the list.
        let _ = self.run(text, &mut Scratch::default(), &mut Checks::recording(&mut all));
        all
    }

    /// The rewritten text, if some rule changed it.
    fn run(
        &self,
        text: &str,
        scratch: &mut Scratch,
        checks: &mut Checks<'_>,
    ) -> Outcome<Option<String>> {
        let mut rewritten: Option<String> = None;
        let mut rules = self.config.rules.iter();
        loop {
            let current = rewritten.as_deref().unwrap_or(text);
            let view = TextView::with_buffers(current, std::mem::take(&mut scratch.buffers));
            let outcome = apply(&mut rules, &view, &mut scratch.ngrams, checks);
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
    rules: &mut impl Iterator<Item = &'r RuleConfig>,
    view: &TextView<'_>,
    ngrams: &mut NgramScratch,
    checks: &mut Checks<'_>,
) -> Outcome<Option<String>> {
    for rule in rules {
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
        }
    }
    Outcome::Continue(None)
}
