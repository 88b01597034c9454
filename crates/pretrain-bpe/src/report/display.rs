//! The report as tables to read.

use std::fmt;

use super::{DigitPolicy, QualityReport, TextStats, VocabularyReport};

impl fmt::Display for QualityReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "tokenizer {}\n\n{}", self.fingerprint, self.vocabulary)?;
        let usage = &self.usage;
        writeln!(f, "tokens in use       {} of {}", usage.n_used, usage.n_used + usage.n_unused)?;
        writeln!(f, "95 % occur at least {} times", usage.frequency_at_95)?;
        writeln!(f, "entropy             {:.3} bits per token", usage.entropy_bits)?;
        writeln!(
            f,
            "efficiency          {:.4} (Shannon), {:.4} (Renyi, 2.5)\n",
            usage.shannon_efficiency, usage.renyi_efficiency
        )?;
        let width = self.labels.keys().map(|label| label.chars().count()).max().unwrap_or(0).max(5);
        writeln!(
            f,
            "{:width$} {:>9} {:>13} {:>13} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}",
            "label",
            "texts",
            "bytes",
            "tokens",
            "bytes/tok",
            "chars/tok",
            "tok/word",
            "1 byte",
            "partial",
            "per char",
            "per byte"
        )?;
        let rows = self.labels.iter().map(|(label, stats)| (label.as_str(), stats));
        for (label, stats) in rows.chain([("all", &self.total)]) {
            write_row(f, width, label, stats)?;
        }
        match &self.reference {
            Some(label) => writeln!(f, "\nparity: tokens per character and per byte, {label} = 1"),
            None => Ok(()),
        }
    }
}

fn write_row(
    f: &mut fmt::Formatter<'_>,
    width: usize,
    label: &str,
    stats: &TextStats,
) -> fmt::Result {
    writeln!(
        f,
        "{label:width$} {:>9} {:>13} {:>13} {:>9.3} {:>9.3} {:>9.3} {:>7.2}% {:>7.2}% {:>8.3} {:>8.3}",
        stats.texts,
        stats.bytes,
        stats.tokens,
        stats.bytes_per_token,
        stats.chars_per_token,
        stats.tokens_per_word,
        100.0 * stats.single_byte_share,
        100.0 * stats.partial_share,
        stats.parity.per_char,
        stats.parity.per_byte,
    )
}

impl fmt::Display for VocabularyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "vocabulary          {} tokens and {} added", self.n_tokens, self.n_added)?;
        writeln!(f, "bytes of a token    {:.3}, at most {}", self.mean_bytes, self.longest)?;
        writeln!(f, "partial characters  {} tokens of several bytes", self.n_partial)?;
        if let Some(unmade) = &self.unmade {
            writeln!(f, "merges do not make  {} tokens", unmade.len())?;
        }
        if let Some(not_found) = &self.not_found {
            writeln!(f, "own text not found  {} tokens", not_found.len())?;
        }
        writeln!(
            f,
            "digits              {}, {} tokens against it, {} mixed with letters",
            self.digits, self.n_against_digit_policy, self.n_digits_with_letters
        )
    }
}

impl fmt::Display for DigitPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(n) => write!(f, "at most {n} together"),
            Self::Unlimited => f.write_str("not cut"),
            Self::Unknown => f.write_str("not examined"),
        }
    }
}
