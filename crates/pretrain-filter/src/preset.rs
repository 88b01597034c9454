//! The presets. `gopher`, `c4` and `fineweb` are datatrove 0.10's filters with their default
//! thresholds; the others are ours.

use crate::config::{FilterConfig, RuleConfig};
use crate::error::{FilterError, Result};
use crate::pii::{PiiAction, PiiConfig};
use crate::rule::{
    C4, Code, Entropy, FinewebQuality, GopherQuality, GopherRepetition, Length, NgramLimit,
    PiiRule, Prose, Residue,
};

const NAMES: &[&str] =
    &["gopher", "c4", "fineweb", "fineweb-0.10", "pii", "residue", "prose", "code"];

impl FilterConfig {
    /// The preset of this name: plain data, to print, change and pass on.
    ///
    /// # Errors
    ///
    /// [`FilterError::UnknownPreset`] with the names there are.
    pub fn preset(name: &str) -> Result<Self> {
        by_name(name).ok_or_else(|| FilterError::UnknownPreset {
            name: name.to_owned(),
            known: Self::preset_names().to_vec(),
        })
    }

    /// The names of the presets.
    pub fn preset_names() -> &'static [&'static str] {
        NAMES
    }
}

fn by_name(name: &str) -> Option<FilterConfig> {
    let rules = match name {
        "gopher" => gopher(),
        "c4" => vec![RuleConfig::C4(c4(true))],
        // The newest of its kind, and by its version: the rules of datatrove 0.10.
        "fineweb" | "fineweb-0.10" => fineweb(),
        "pii" => pii(),
        "residue" => residue(),
        "prose" => prose(),
        "code" => code(),
        _ => return None,
    };
    Some(FilterConfig { rules })
}

/// Gopher, in the order in which FineWeb applies the two halves.
fn gopher() -> Vec<RuleConfig> {
    vec![RuleConfig::GopherRepetition(repetition()), RuleConfig::GopherQuality(quality())]
}

/// The order of FineWeb's published pipeline, without what comes before the heuristics (URL,
/// extraction, language) and after them (deduplication, PII). Its C4 keeps lines without terminal
/// punctuation.
fn fineweb() -> Vec<RuleConfig> {
    let mut rules = gopher();
    rules.push(RuleConfig::C4(c4(false)));
    rules.push(RuleConfig::FinewebQuality(FinewebQuality {
        min_punctuated_lines: Some(0.12),
        spare_unpunctuated: false,
        max_short_lines: Some(0.67),
        short_line_chars: 30,
        max_duplicate_line_chars: Some(0.01),
        max_newlines_per_word: Some(0.3),
    }));
    rules
}

fn limits(limits: &[(usize, f64)]) -> Vec<NgramLimit> {
    limits.iter().map(|&(n, max)| NgramLimit { n, max }).collect()
}

fn repetition() -> GopherRepetition {
    GopherRepetition {
        max_duplicate_paragraphs: Some(0.3),
        max_duplicate_paragraph_chars: Some(0.2),
        max_duplicate_lines: Some(0.3),
        max_duplicate_line_chars: Some(0.2),
        top_ngrams: limits(&[(2, 0.2), (3, 0.18), (4, 0.16)]),
        duplicate_ngrams: limits(&[
            (5, 0.15),
            (6, 0.14),
            (7, 0.13),
            (8, 0.12),
            (9, 0.11),
            (10, 0.10),
        ]),
    }
}

fn quality() -> GopherQuality {
    GopherQuality {
        min_words: Some(50),
        max_words: Some(100_000),
        min_mean_word_length: Some(3.0),
        max_mean_word_length: Some(10.0),
        max_hash_ratio: Some(0.1),
        max_ellipsis_ratio: Some(0.1),
        max_bullet_lines: Some(0.9),
        max_ellipsis_lines: Some(0.3),
        min_alphabetic_words: Some(0.8),
        min_stop_words: Some(2),
        stop_words: stop_words(),
    }
}

fn stop_words() -> Vec<String> {
    ["the", "be", "to", "of", "and", "that", "have", "with"].map(str::to_owned).to_vec()
}

fn c4(require_terminal_punctuation: bool) -> C4 {
    C4 {
        max_word_chars: Some(1000),
        remove_citations: true,
        require_terminal_punctuation,
        min_line_words: Some(3),
        drop_lorem_ipsum: true,
        remove_javascript_lines: true,
        drop_curly_bracket: true,
        remove_policy_lines: true,
        min_sentences: Some(5),
    }
}

/// Every kind of personal data is masked.
fn pii() -> Vec<RuleConfig> {
    vec![RuleConfig::Pii(PiiRule { find: PiiConfig::default(), action: PiiAction::Mask })]
}

/// Texts that are mostly what extraction and decoding left behind, or say nothing.
fn residue() -> Vec<RuleConfig> {
    vec![
        RuleConfig::Residue(Residue {
            max_lorem_ipsum: Some(0),
            max_html: Some(0.1),
            max_mojibake: Some(0.01),
        }),
        RuleConfig::Entropy(Entropy { min_char_bits: Some(2.0), ..Entropy::default() }),
    ]
}

/// Markdown and doc comments of software projects. Gopher's limits on symbols and on the share of
/// alphabetic words drop most good documentation (identifiers, code, bullets), so this preset asks
/// for running English text and otherwise only sorts out what is not text.
fn prose() -> Vec<RuleConfig> {
    vec![
        RuleConfig::Length(Length {
            min_words: Some(40),
            max_bytes: Some(1 << 20),
            ..Length::default()
        }),
        RuleConfig::Prose(Prose {
            min_alphabetic: Some(0.65),
            max_fenced_lines: Some(0.8),
            max_table_lines: Some(0.5),
            max_link_lines: Some(0.5),
            min_words_per_line: Some(3.0),
        }),
        RuleConfig::GopherQuality(GopherQuality {
            max_mean_word_length: Some(9.0),
            min_stop_words: Some(2),
            stop_words: stop_words(),
            ..GopherQuality::default()
        }),
        RuleConfig::GopherRepetition(GopherRepetition {
            max_duplicate_paragraph_chars: Some(0.5),
            max_duplicate_line_chars: Some(0.5),
            top_ngrams: limits(&[(4, 0.16)]),
            duplicate_ngrams: limits(&[(10, 0.3)]),
            ..GopherRepetition::default()
        }),
    ]
}

/// Source files that a person wrote.
fn code() -> Vec<RuleConfig> {
    // Whole phrases of generators: "auto-generated" or "code generated by" alone is what people write
    // about derive macros.
    let markers = [
        "@generated",
        "do not edit",
        "do not modify",
        "don't edit",
        "automatically generated by",
        "auto-generated by",
        "autogenerated by",
        "auto-generated file",
        "autogenerated file",
        "file is auto-generated",
        "file is autogenerated",
        "file was generated",
        "file is generated",
    ];
    vec![
        RuleConfig::Length(Length {
            min_bytes: Some(100),
            max_bytes: Some(1 << 20),
            ..Length::default()
        }),
        RuleConfig::Code(Code {
            generated_markers: markers.map(str::to_owned).to_vec(),
            generated_head_lines: 20,
            max_line_chars: Some(1000),
            max_mean_line_chars: Some(60.0),
            min_alphabetic: Some(0.3),
            max_numeric: Some(0.25),
            max_escaped: Some(0.15),
            max_same_line_start: Some(0.6),
            max_repeated_runs: Some(0.75),
            repeated_run_lines: 3,
            repetition_min_lines: 100,
        }),
    ]
}
