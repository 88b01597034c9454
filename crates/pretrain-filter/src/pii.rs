//! Personal data and secrets: where they are, and texts without them.
//!
//! Every kind is recognised by its own grammar and, where it has one, its check digits, with borders on
//! both sides: a version number, a section number or a part of a longer token is not an address. The
//! scan looks at the few bytes that can be part of a match (`@`, `:`, digits, prefixes of tokens), so
//! that prose costs little; it is linear in the text.

mod address;
mod email;
mod national;
mod number;
mod phone;
mod pseudonym;
mod secret;

use pretrain_text::Span;
use serde::{Deserialize, Serialize};

/// A kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PiiKind {
    /// API keys, tokens, private keys, passwords in URLs: by prefix or by name, length and entropy.
    Secret,
    /// `name@domain.tld`: a dot-atom and a domain name whose last label is a word.
    Email,
    /// International bank account numbers: the country's length, and the remainder by 97.
    Iban,
    /// Payment cards: an issuer's prefix and length, and Luhn's check digit.
    Card,
    /// Social security and tax numbers of the US, UK, China, France and Germany.
    NationalId,
    /// IPv6 addresses.
    Ipv6,
    /// IPv4 addresses: exactly four parts.
    Ipv4,
    /// Telephone numbers: with `+` and a country code, or in the national form of `regions`.
    Phone,
}

impl PiiKind {
    /// All kinds; where two overlap, the one that comes first here stays.
    pub const ALL: [PiiKind; 8] = [
        PiiKind::Secret,
        PiiKind::Email,
        PiiKind::Iban,
        PiiKind::Card,
        PiiKind::NationalId,
        PiiKind::Ipv6,
        PiiKind::Ipv4,
        PiiKind::Phone,
    ];

    /// The name in masks: `<EMAIL>`.
    pub fn label(self) -> &'static str {
        match self {
            PiiKind::Secret => "SECRET",
            PiiKind::Email => "EMAIL",
            PiiKind::Iban => "IBAN",
            PiiKind::Card => "CARD",
            PiiKind::NationalId => "NATIONAL_ID",
            PiiKind::Ipv6 => "IPV6",
            PiiKind::Ipv4 => "IPV4",
            PiiKind::Phone => "PHONE",
        }
    }
}

/// Which countries' national forms of telephone numbers are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Region {
    /// United States, Canada and the rest of the North American plan.
    US,
    /// United Kingdom.
    GB,
    /// Germany.
    DE,
    /// France.
    FR,
}

/// What to do with a text that has personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PiiAction {
    /// Drop it.
    Drop,
    /// Write `<EMAIL>` and the like instead.
    Mask,
    /// Write an invented value of the same form instead: the same for the same value in the same
    /// document, from reserved ranges where there are any (example.com, 192.0.2.0/24, 2001:db8::/32).
    Pseudonym {
        /// The secret without which a value cannot be looked up from its pseudonym by trial.
        seed: u64,
    },
}

/// What to look for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PiiConfig {
    /// The kinds.
    pub kinds: Vec<PiiKind>,
    /// Leave addresses that are not routed on the public internet (private, loopback,
    /// documentation) in the text.
    pub public_addresses_only: bool,
    /// National forms of telephone numbers.
    pub regions: Vec<Region>,
}

impl Default for PiiConfig {
    fn default() -> Self {
        Self {
            kinds: PiiKind::ALL.to_vec(),
            public_addresses_only: true,
            regions: vec![Region::US],
        }
    }
}

/// A stretch of a text that is personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PiiSpan {
    /// Where, in bytes.
    pub span: Span,
    /// What.
    pub kind: PiiKind,
}

/// All personal data of the kinds asked for, in order, without overlap.
///
/// ```
/// use pretrain_filter::pii::{PiiConfig, PiiKind, find};
///
/// let text = "Ask jane@example.org (server 8.8.4.4, v1.2.3.4).";
/// let found: Vec<_> = find(text, &PiiConfig::default())
///     .into_iter()
///     .map(|found| (found.kind, found.span.of(text)))
///     .collect();
/// assert_eq!(found, [(PiiKind::Email, "jane@example.org"), (PiiKind::Ipv4, "8.8.4.4")]);
/// ```
pub fn find(text: &str, config: &PiiConfig) -> Vec<PiiSpan> {
    let wanted = |kind| config.kinds.contains(&kind);
    let mut found = Vec::new();
    let mut add = |kind: PiiKind, start: usize, end: usize| {
        found.push(PiiSpan { span: Span { start, end }, kind });
    };
    if wanted(PiiKind::Secret) {
        secret::find(text, |start, end| add(PiiKind::Secret, start, end));
    }
    if wanted(PiiKind::Email) {
        email::find(text, |start, end| add(PiiKind::Email, start, end));
    }
    if wanted(PiiKind::Ipv6) {
        let public = config.public_addresses_only;
        address::find_v6(text, public, |start, end| add(PiiKind::Ipv6, start, end));
    }
    let numeric =
        [PiiKind::Iban, PiiKind::Card, PiiKind::NationalId, PiiKind::Ipv4, PiiKind::Phone];
    if numeric.into_iter().any(wanted) {
        number::find(text, config, add);
    }
    if found.len() > 1 {
        without_overlaps(&mut found);
    }
    found
}

/// Keeps, of spans that overlap, the kind that comes first, then the longer, then the earlier.
fn without_overlaps(found: &mut Vec<PiiSpan>) {
    found.sort_by_key(|f| (f.kind, std::cmp::Reverse(f.span.len()), f.span.start));
    let mut kept: std::collections::BTreeMap<usize, PiiSpan> = std::collections::BTreeMap::new();
    for candidate in found.drain(..) {
        let before = kept.range(..candidate.span.end).next_back();
        if before.is_none_or(|(_, other)| other.span.end <= candidate.span.start) {
            kept.insert(candidate.span.start, candidate);
        }
    }
    found.extend(kept.into_values());
}

/// The text with every span replaced as the action says (dropping masks too: the caller drops).
///
/// `document` is the identity of the document, for pseudonyms: an empty one makes them the same in
/// all documents of a run.
pub fn redact(text: &str, spans: &[PiiSpan], action: PiiAction, document: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for found in spans {
        out.push_str(&text[at..found.span.start]);
        match action {
            PiiAction::Drop | PiiAction::Mask => {
                out.push('<');
                out.push_str(found.kind.label());
                out.push('>');
            }
            PiiAction::Pseudonym { seed } => {
                pseudonym::push(found.kind, found.span.of(text), seed, document, &mut out);
            }
        }
        at = found.span.end;
    }
    out.push_str(&text[at..]);
    out
}

/// A byte of a word: what may not stand beside a match. Bytes of other scripts are no border problem:
/// Chinese and Japanese write numbers without spaces around.
fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
}
