//! Span corruption (Raffel et al. 2020, arXiv 1910.10683), with the counts of its `seqio` task.

use super::Faults;
use crate::rng::{Purpose, below, keyed};
use crate::{PackError, Result};
use rand_core::Rng;
use serde::{Deserialize, Serialize};

/// Settings of [`SpanCorruption`]; the paper's are density 0.15 and spans of 3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpanConfig {
    /// Share of tokens that are taken out, above 0 and below 1.
    pub density: f64,
    /// Mean length of a span in tokens, at least 1.
    pub mean_span_length: f64,
    /// The id that stands for the first span; the following ids count down from it.
    pub first_sentinel: u32,
    /// Sentinels there are.
    pub n_sentinels: u32,
    /// The id that ends inputs and targets.
    pub end_of_text: u32,
}

impl SpanConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// All faults at once.
    pub fn resolve(self) -> Result<SpanCorruption> {
        let mut faults = Faults::default();
        if !(self.density > 0.0 && self.density < 1.0) {
            faults.0.push(format!("density: {} is not between 0 and 1", self.density));
        }
        if !(self.mean_span_length >= 1.0 && self.mean_span_length.is_finite()) {
            let mean = self.mean_span_length;
            faults.0.push(format!("mean_span_length: {mean} is not at least 1"));
        }
        if self.n_sentinels == 0 || u64::from(self.n_sentinels) > u64::from(self.first_sentinel) + 1
        {
            let Self { first_sentinel, n_sentinels, .. } = self;
            faults.0.push(format!("n_sentinels: {n_sentinels} do not fit from {first_sentinel}"));
        }
        faults.finish()?;
        Ok(SpanCorruption { config: self })
    }
}

/// How many tokens are taken out of a sequence, and in how many spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanCounts {
    /// Tokens taken out.
    pub noise: usize,
    /// Tokens left in place.
    pub clean: usize,
    /// Spans.
    pub spans: usize,
}

/// What an encoder-decoder is given and asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrupted {
    /// The sequence with a sentinel for each span, and the end.
    pub inputs: Vec<u32>,
    /// Each span after its sentinel, and the end.
    pub targets: Vec<u32>,
}

/// Takes spans out of a sequence and asks for them.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanCorruption {
    config: SpanConfig,
}

impl SpanCorruption {
    /// The counts for a sequence of `length` tokens. Of fewer than two tokens, two are assumed.
    pub fn counts(&self, length: usize) -> SpanCounts {
        let n = length.max(2);
        let noise = (self.rounded(n).0 as usize).clamp(1, n - 1);
        let spans = (noise as f64 / self.config.mean_span_length).round_ties_even();
        SpanCounts { noise, clean: n - noise, spans: (spans as usize).max(1) }
    }

    /// The longest sequence whose inputs fit in `inputs_length`, sentinels and end included, and the
    /// length of its targets: with the paper's settings 568 and 114 for 512. Cost: O(length).
    ///
    /// # Errors
    /// Nothing fits in `inputs_length`.
    pub fn lengths(&self, inputs_length: usize) -> Result<(usize, usize)> {
        let parts = |n: usize| {
            let (noise, spans) = self.rounded(n);
            (n + spans as usize + 1 - noise as usize, (noise + spans) as usize + 1)
        };
        if inputs_length < 2 {
            let faults = vec![format!("inputs_length: {inputs_length} holds no token and an end")];
            return Err(PackError::Config { faults });
        }
        let mut length = inputs_length - 1;
        while parts(length + 1).0 <= inputs_length {
            length += 1;
        }
        let (inputs, targets) = parts(length);
        // At density one half, targets may come out one longer than inputs.
        if self.config.density == 0.5 && targets > inputs {
            return Ok((length - 1, targets - 1));
        }
        Ok((length, targets))
    }

    /// Corrupts a sequence, with cuts that depend on `seed` and `index` only. Every way to cut has
    /// the same probability.
    ///
    /// # Errors
    /// The spans need more sentinels than there are.
    pub fn apply(&self, ids: &[u32], seed: u64, index: u64) -> Result<Corrupted> {
        let SpanCounts { noise, clean, spans } = self.counts(ids.len());
        let spans = spans.min(noise).min(clean);
        let mut rng = keyed(seed, Purpose::SpanCorruption, 0, index);
        let noise_cuts = cuts(&mut rng, noise, spans - 1);
        let clean_cuts = cuts(&mut rng, clean, spans - 1);
        self.apply_with(ids, &noise_cuts, &clean_cuts)
    }

    /// The same without randomness: the tokens taken out are cut at `noise_cuts`, those left at
    /// `clean_cuts`, and the parts alternate, beginning with one that is left.
    ///
    /// # Errors
    /// The numbers of cuts differ, cuts do not rise strictly inside their range, or there are more
    /// spans than sentinels.
    pub fn apply_with(
        &self,
        ids: &[u32],
        noise_cuts: &[usize],
        clean_cuts: &[usize],
    ) -> Result<Corrupted> {
        let SpanCounts { noise, clean, .. } = self.counts(ids.len());
        let mut faults = Faults::default();
        for (name, cuts, n) in
            [("noise_cuts", noise_cuts, noise), ("clean_cuts", clean_cuts, clean)]
        {
            let rising = cuts.windows(2).all(|pair| pair[0] < pair[1]);
            if !rising || cuts.first() == Some(&0) || cuts.last().is_some_and(|&last| last >= n) {
                faults.0.push(format!("{name}: {cuts:?} do not rise inside 1..{n}"));
            }
        }
        let (spans, clean_spans) = (noise_cuts.len() + 1, clean_cuts.len() + 1);
        if spans != clean_spans {
            faults.0.push(format!("clean_cuts: {clean_spans} parts for {spans} spans"));
        }
        if spans > self.config.n_sentinels as usize {
            faults.0.push(format!("n_sentinels: {} for {spans} spans", self.config.n_sentinels));
        }
        faults.finish()?;

        let mut out = Corrupted { inputs: Vec::new(), targets: Vec::new() };
        let mut rest = ids;
        let mut take = |n: usize| {
            // A sequence of one token is treated as two, the second of which is not there.
            let (now, later) = rest.split_at(n.min(rest.len()));
            rest = later;
            now
        };
        for (k, (noise, clean)) in
            parts(noise_cuts, noise).zip(parts(clean_cuts, clean)).enumerate()
        {
            let sentinel = self.config.first_sentinel - k as u32;
            out.inputs.extend(take(clean));
            out.targets.push(sentinel);
            let span = take(noise);
            if !span.is_empty() {
                out.inputs.push(sentinel);
                out.targets.extend(span);
            }
        }
        out.inputs.push(self.config.end_of_text);
        out.targets.push(self.config.end_of_text);
        Ok(out)
    }

    /// Noise tokens and spans of `n` tokens before any clamping, halves to even.
    fn rounded(&self, n: usize) -> (u64, u64) {
        let noise = (n as f64 * self.config.density).round_ties_even();
        (noise as u64, (noise / self.config.mean_span_length).round_ties_even() as u64)
    }
}

/// Lengths of the parts of `0..n` between cuts.
fn parts(cuts: &[usize], n: usize) -> impl Iterator<Item = usize> + '_ {
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    starts.zip(cuts.iter().copied().chain([n])).map(|(start, end)| end - start)
}

/// `count` of the places `1..n`, every choice equally likely (selection sampling, Knuth 3.4.2 S).
fn cuts(rng: &mut impl Rng, n: usize, count: usize) -> Vec<usize> {
    let mut chosen = Vec::with_capacity(count);
    for place in 1..n {
        if below(rng, (n - place) as u64) < (count - chosen.len()) as u64 {
            chosen.push(place);
        }
    }
    chosen
}
