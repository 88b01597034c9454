//! Names of the checks: what a report calls the reason for which a text was dropped.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::FilterError;

/// One check of one rule. Its text form is `rule.check`, such as `gopher-quality.min-words`, in
/// configuration, reports and serde.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the text form below says it, the rule's field documents it")]
pub enum RuleName {
    GopherQualityEmpty,
    GopherQualityMinWords,
    GopherQualityMaxWords,
    GopherQualityMinMeanWordLength,
    GopherQualityMaxMeanWordLength,
    GopherQualityMaxHashRatio,
    GopherQualityMaxEllipsisRatio,
    GopherQualityMaxBulletLines,
    GopherQualityMaxEllipsisLines,
    GopherQualityMinAlphabeticWords,
    GopherQualityMinStopWords,
    GopherRepetitionEmpty,
    GopherRepetitionMaxDuplicateParagraphs,
    GopherRepetitionMaxDuplicateParagraphChars,
    GopherRepetitionMaxDuplicateLines,
    GopherRepetitionMaxDuplicateLineChars,
    /// The most frequent n-gram, for the given n.
    GopherRepetitionTopNgram(usize),
    /// Repeated n-grams, for the given n.
    GopherRepetitionDuplicateNgrams(usize),
    C4LoremIpsum,
    C4CurlyBracket,
    C4MinSentences,
    C4ParagraphsMinParagraphs,
    FinewebQualityEmpty,
    FinewebQualityMinPunctuatedLines,
    FinewebQualityMaxShortLines,
    FinewebQualityMaxDuplicateLineChars,
    FinewebQualityMaxNewlinesPerWord,
    LengthMinBytes,
    LengthMaxBytes,
    LengthMinChars,
    LengthMaxChars,
    LengthMinWords,
    LengthMaxWords,
    CodeGenerated,
    CodeMaxLineChars,
    CodeMaxMeanLineChars,
    CodeMinAlphabetic,
    CodeMaxNumeric,
    CodeMaxEscaped,
    CodeMaxSameLineStart,
    CodeMaxRepeatedRuns,
    ProseMinAlphabetic,
    ProseMaxFencedLines,
    ProseMaxTableLines,
    ProseMaxLinkLines,
    ProseMinWordsPerLine,
    PhrasesMaxFound,
    UrlDomain,
    UrlSubdomain,
    UrlExact,
    UrlWord,
    UrlSoftWords,
    UrlSubstring,
    EntropyMinCharBits,
    EntropyMaxCharBits,
    EntropyMinWordNats,
    EntropyMaxWordNats,
    EntropyMinUniqueWords,
    EntropyMaxUniqueWords,
    ResidueMaxLoremIpsum,
    ResidueMaxHtml,
    ResidueMaxMojibake,
    LanguageUnwanted,
    LanguageMinScore,
    PiiMaxFound,
}

/// The checks whose name is fixed.
const NAMES: &[(RuleName, &str)] = &[
    (RuleName::GopherQualityEmpty, "gopher-quality.empty"),
    (RuleName::GopherQualityMinWords, "gopher-quality.min-words"),
    (RuleName::GopherQualityMaxWords, "gopher-quality.max-words"),
    (RuleName::GopherQualityMinMeanWordLength, "gopher-quality.min-mean-word-length"),
    (RuleName::GopherQualityMaxMeanWordLength, "gopher-quality.max-mean-word-length"),
    (RuleName::GopherQualityMaxHashRatio, "gopher-quality.max-hash-ratio"),
    (RuleName::GopherQualityMaxEllipsisRatio, "gopher-quality.max-ellipsis-ratio"),
    (RuleName::GopherQualityMaxBulletLines, "gopher-quality.max-bullet-lines"),
    (RuleName::GopherQualityMaxEllipsisLines, "gopher-quality.max-ellipsis-lines"),
    (RuleName::GopherQualityMinAlphabeticWords, "gopher-quality.min-alphabetic-words"),
    (RuleName::GopherQualityMinStopWords, "gopher-quality.min-stop-words"),
    (RuleName::GopherRepetitionEmpty, "gopher-repetition.empty"),
    (
        RuleName::GopherRepetitionMaxDuplicateParagraphs,
        "gopher-repetition.max-duplicate-paragraphs",
    ),
    (
        RuleName::GopherRepetitionMaxDuplicateParagraphChars,
        "gopher-repetition.max-duplicate-paragraph-chars",
    ),
    (RuleName::GopherRepetitionMaxDuplicateLines, "gopher-repetition.max-duplicate-lines"),
    (RuleName::GopherRepetitionMaxDuplicateLineChars, "gopher-repetition.max-duplicate-line-chars"),
    (RuleName::C4LoremIpsum, "c4.lorem-ipsum"),
    (RuleName::C4CurlyBracket, "c4.curly-bracket"),
    (RuleName::C4MinSentences, "c4.min-sentences"),
    (RuleName::C4ParagraphsMinParagraphs, "c4-paragraphs.min-paragraphs"),
    (RuleName::FinewebQualityEmpty, "fineweb-quality.empty"),
    (RuleName::FinewebQualityMinPunctuatedLines, "fineweb-quality.min-punctuated-lines"),
    (RuleName::FinewebQualityMaxShortLines, "fineweb-quality.max-short-lines"),
    (RuleName::FinewebQualityMaxDuplicateLineChars, "fineweb-quality.max-duplicate-line-chars"),
    (RuleName::FinewebQualityMaxNewlinesPerWord, "fineweb-quality.max-newlines-per-word"),
    (RuleName::LengthMinBytes, "length.min-bytes"),
    (RuleName::LengthMaxBytes, "length.max-bytes"),
    (RuleName::LengthMinChars, "length.min-chars"),
    (RuleName::LengthMaxChars, "length.max-chars"),
    (RuleName::LengthMinWords, "length.min-words"),
    (RuleName::LengthMaxWords, "length.max-words"),
    (RuleName::CodeGenerated, "code.generated"),
    (RuleName::CodeMaxLineChars, "code.max-line-chars"),
    (RuleName::CodeMaxMeanLineChars, "code.max-mean-line-chars"),
    (RuleName::CodeMinAlphabetic, "code.min-alphabetic"),
    (RuleName::CodeMaxNumeric, "code.max-numeric"),
    (RuleName::CodeMaxEscaped, "code.max-escaped"),
    (RuleName::CodeMaxSameLineStart, "code.max-same-line-start"),
    (RuleName::CodeMaxRepeatedRuns, "code.max-repeated-runs"),
    (RuleName::ProseMinAlphabetic, "prose.min-alphabetic"),
    (RuleName::ProseMaxFencedLines, "prose.max-fenced-lines"),
    (RuleName::ProseMaxTableLines, "prose.max-table-lines"),
    (RuleName::ProseMaxLinkLines, "prose.max-link-lines"),
    (RuleName::ProseMinWordsPerLine, "prose.min-words-per-line"),
    (RuleName::PhrasesMaxFound, "phrases.max-found"),
    (RuleName::UrlDomain, "url-lists.domain"),
    (RuleName::UrlSubdomain, "url-lists.subdomain"),
    (RuleName::UrlExact, "url-lists.url"),
    (RuleName::UrlWord, "url-lists.word"),
    (RuleName::UrlSoftWords, "url-lists.soft-words"),
    (RuleName::UrlSubstring, "url-lists.substring"),
    (RuleName::EntropyMinCharBits, "entropy.min-char-bits"),
    (RuleName::EntropyMaxCharBits, "entropy.max-char-bits"),
    (RuleName::EntropyMinWordNats, "entropy.min-word-nats"),
    (RuleName::EntropyMaxWordNats, "entropy.max-word-nats"),
    (RuleName::EntropyMinUniqueWords, "entropy.min-unique-words"),
    (RuleName::EntropyMaxUniqueWords, "entropy.max-unique-words"),
    (RuleName::ResidueMaxLoremIpsum, "residue.max-lorem-ipsum"),
    (RuleName::ResidueMaxHtml, "residue.max-html"),
    (RuleName::ResidueMaxMojibake, "residue.max-mojibake"),
    (RuleName::LanguageUnwanted, "language.unwanted"),
    (RuleName::LanguageMinScore, "language.min-score"),
    (RuleName::PiiMaxFound, "pii.max-found"),
];

const TOP: (&str, &str) = ("gopher-repetition.top-", "-gram");
const DUPLICATE: (&str, &str) = ("gopher-repetition.duplicate-", "-grams");

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuleName::GopherRepetitionTopNgram(n) => write!(f, "{}{n}{}", TOP.0, TOP.1),
            RuleName::GopherRepetitionDuplicateNgrams(n) => {
                write!(f, "{}{n}{}", DUPLICATE.0, DUPLICATE.1)
            }
            fixed => {
                let name = NAMES.iter().find(|(rule, _)| rule == fixed).map(|(_, name)| name);
                f.write_str(name.expect("every fixed name is in the table"))
            }
        }
    }
}

impl FromStr for RuleName {
    type Err = FilterError;

    fn from_str(name: &str) -> Result<Self, FilterError> {
        if let Some((rule, _)) = NAMES.iter().find(|(_, known)| *known == name) {
            return Ok(*rule);
        }
        let number = |(before, after): (&str, &str)| -> Option<usize> {
            name.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
        };
        let top = number(TOP).map(RuleName::GopherRepetitionTopNgram);
        let duplicate = || number(DUPLICATE).map(RuleName::GopherRepetitionDuplicateNgrams);
        top.or_else(duplicate).ok_or_else(|| FilterError::UnknownRule { name: name.to_owned() })
    }
}

impl Serialize for RuleName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RuleName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        let mut rules: Vec<RuleName> = NAMES.iter().map(|(rule, _)| *rule).collect();
        rules.push(RuleName::GopherRepetitionTopNgram(2));
        rules.push(RuleName::GopherRepetitionDuplicateNgrams(10));
        for rule in &rules {
            assert_eq!(rule.to_string().parse::<RuleName>(), Ok(*rule));
        }
        let mut names: Vec<String> = rules.iter().map(RuleName::to_string).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), rules.len());
        assert_eq!(rules[1].to_string(), "gopher-quality.min-words");
        assert!("gopher-quality.min-word".parse::<RuleName>().is_err());
        assert!("gopher-repetition.top--1-gram".parse::<RuleName>().is_err());
    }
}
