//! From the scores of the next token to a token: pure functions on the host.

use crate::error::{ModelError, Result};
use serde::{Deserialize, Serialize};

/// How to choose the next tokens and when to end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationConfig {
    /// Tokens to make at most.
    pub max_new_tokens: usize,
    /// Divides the scores; 0 takes the most likely token, 1 samples from the model as it is.
    pub temperature: f64,
    /// Keep this many of the most likely tokens; absent = all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<usize>,
    /// Keep the most likely tokens that reach this probability together; absent = all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Key of the random numbers; number `i` decides new token `i`.
    pub seed: u64,
    /// Any of these ends the text and is not part of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<u32>,
}

impl GenerationConfig {
    /// Always the most likely token.
    pub fn greedy(max_new_tokens: usize) -> Self {
        Self {
            max_new_tokens,
            temperature: 0.0,
            top_k: None,
            top_p: None,
            seed: 0,
            stop: Vec::new(),
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let range = |ok: bool, field, found, expected| {
            if ok { Ok(()) } else { Err(ModelError::Generation { field, found, expected }) }
        };
        let t = self.temperature;
        range(t >= 0.0 && t.is_finite(), "temperature", t, "0 and above")?;
        let k = self.top_k.unwrap_or(1);
        range(k > 0, "top_k", k as f64, "1 and above")?;
        let p = self.top_p.unwrap_or(1.0);
        range(p > 0.0 && p <= 1.0, "top_p", p, "above 0, up to 1")
    }
}

/// The most likely token; the lowest id of several.
///
/// # Errors
/// A score is not a number.
pub fn most_likely(logits: &[f32]) -> Result<u32> {
    let mut best = 0;
    for (token, logit) in logits.iter().enumerate() {
        if logit.is_nan() {
            return Err(not_finite(token, *logit));
        }
        if *logit > logits[best] {
            best = token;
        }
    }
    Ok(best as u32)
}

/// The scores after temperature, top-k and top-p; minus infinity for a token that is left out.
///
/// Scores are divided by the temperature; then only the `top_k` highest stay (with all that equal
/// the last of them); then only the smallest set of most likely tokens whose probability reaches
/// `top_p`, lower ids first among equals. A temperature of 0 keeps the most likely token alone.
///
/// # Errors
/// A score is not a number or is infinite, or no score is finite.
pub fn filtered_scores(logits: &[f32], config: &GenerationConfig) -> Result<Vec<f64>> {
    let bad = |logit: &f32| logit.is_nan() || *logit == f32::INFINITY;
    if let Some(token) = logits.iter().position(bad) {
        return Err(not_finite(token, logits[token]));
    }
    let greedy = config.temperature == 0.0;
    let (temperature, top_k) =
        if greedy { (1.0, Some(1)) } else { (config.temperature, config.top_k) };
    let mut scores: Vec<f64> = logits.iter().map(|logit| f64::from(*logit) / temperature).collect();
    // Most likely first, lowest id first among equals.
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    let Some(highest) = order.first().map(|token| scores[*token]).filter(|l| l.is_finite()) else {
        return Err(not_finite(0, logits.first().copied().unwrap_or(f32::NAN)));
    };
    let mut kept = order.len();
    if let Some(k) = top_k.filter(|k| *k < order.len()) {
        let last = scores[order[k - 1]];
        let tied = |token: &&usize| !greedy && scores[**token] == last;
        kept = k + order[k..].iter().take_while(tied).count();
    }
    if let Some(p) = config.top_p {
        let weight = |token: &usize| libm::exp(scores[*token] - highest);
        let total: f64 = order[..kept].iter().map(weight).sum();
        let mut mass = 0.0;
        let needed = order[..kept].iter().take_while(|token| {
            let needed = mass < p * total;
            mass += weight(token);
            needed
        });
        kept = needed.count().max(1);
    }
    order[kept..].iter().for_each(|token| scores[*token] = f64::NEG_INFINITY);
    Ok(scores)
}

/// The token that a uniform number `u` in `[0, 1)` falls on, among the [`filtered_scores`].
///
/// The cumulative distribution runs over the tokens in the order of their ids; the token is the
/// number of its entries that are at most `u`.
///
/// # Errors
/// As [`filtered_scores`].
pub fn sample(logits: &[f32], config: &GenerationConfig, u: f64) -> Result<u32> {
    if config.temperature == 0.0 {
        return most_likely(logits);
    }
    let scores = filtered_scores(logits, config)?;
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|score| libm::exp(score - highest)).collect();
    let total: f64 = weights.iter().sum();
    let mut cumulative = 0.0;
    for (token, weight) in weights.iter().enumerate() {
        cumulative += weight;
        if cumulative > u * total {
            return Ok(token as u32);
        }
    }
    // For a `u` of 1 and above: the last token that can occur at all.
    let possible = weights.iter().rposition(|weight| *weight > 0.0);
    Ok(possible.expect("the highest score has weight 1") as u32)
}

fn not_finite(token: usize, value: f32) -> ModelError {
    ModelError::NotFinite { token: token as u32, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn config(temperature: f64, top_k: Option<usize>, top_p: Option<f64>) -> GenerationConfig {
        GenerationConfig { temperature, top_k, top_p, ..GenerationConfig::greedy(1) }
    }

    #[test]
    fn a_uniform_number_falls_on_its_share() {
        // Probabilities 1/8, 1/2, 1/4, 1/8.
        let logits = [1f32, 4.0, 2.0, 1.0].map(f32::ln);
        let at = |config: &GenerationConfig, u| sample(&logits, config, u).unwrap();
        let plain = config(1.0, None, None);
        let found: Vec<u32> =
            [0.0, 0.124, 0.126, 0.624, 0.626, 0.874, 0.876, 0.999].map(|u| at(&plain, u)).into();
        assert_eq!(found, [0, 0, 1, 1, 2, 2, 3, 3]);
        // Two are left: 2/3 and 1/3.
        for narrow in [config(1.0, Some(2), None), config(1.0, None, Some(0.7))] {
            assert_eq!([0.0, 0.66, 0.67, 0.999].map(|u| at(&narrow, u)), [1, 1, 2, 2]);
        }
        // A tie at the edge of top-k stays whole.
        assert_eq!(at(&config(1.0, Some(3), None), 0.999), 3);
        // A high temperature flattens, a low one sharpens.
        assert_eq!(at(&config(100.0, None, None), 0.76), 3);
        assert_eq!(at(&config(0.01, None, None), 0.001), 1);
        assert_eq!(at(&config(0.0, None, None), 0.999), 1);
    }

    #[test]
    fn numbers_that_are_none_are_refused_and_ties_go_to_the_lowest_id() {
        let config = config(1.0, None, None);
        assert!(matches!(
            sample(&[0.0, f32::NAN], &config, 0.5),
            Err(ModelError::NotFinite { token: 1, .. })
        ));
        assert!(sample(&[f32::NEG_INFINITY; 2], &config, 0.5).is_err());
        assert!(sample(&[f32::INFINITY, 0.0], &config, 0.5).is_err());
        assert!(most_likely(&[1.0, f32::NAN]).is_err());
        assert_eq!(sample(&[f32::NEG_INFINITY, 0.0], &config, 0.0).unwrap(), 1);
        assert_eq!(most_likely(&[0.0, 3.0, 3.0]).unwrap(), 1);
    }

    proptest! {
        #[test]
        fn top_k_of_one_is_greedy(logits in prop::collection::vec(-9f32..9.0, 1..40), u in 0f64..1.0) {
            let mut sorted = logits.clone();
            sorted.sort_by(f32::total_cmp);
            sorted.dedup();
            prop_assume!(sorted.len() == logits.len());
            let greedy = most_likely(&logits).unwrap();
            prop_assert_eq!(sample(&logits, &config(1.0, Some(1), None), u).unwrap(), greedy);
            prop_assert_eq!(sample(&logits, &config(1.0, None, Some(1e-9)), u).unwrap(), greedy);
        }
    }
}
