//! What extraction and decoding leave behind: HTML, placeholder text, mojibake.

use pretrain_text::TextView;
use serde::{Deserialize, Serialize};

use crate::checks::{Checks, Outcome, share};
use crate::config::Faults;
use crate::name::RuleName;

/// Limits on residue. Absent ones are not checked; shares are of all bytes of the text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Residue {
    /// Most occurrences of "lorem ipsum", upper or lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lorem_ipsum: Option<usize>,
    /// Largest share of bytes in HTML tags (`<` and a letter or `/`, up to `>` within 300 bytes) and
    /// entities (`&` and letters or `#` and digits, up to `;`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_html: Option<f64>,
    /// Largest share of bytes in characters that show a wrong decoding: U+FFFD, C1 controls, and
    /// UTF-8 read as Latin-1 or Windows-1252 (`Ã©`, `â€™`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_mojibake: Option<f64>,
}

impl Residue {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        faults.share("max_html", self.max_html);
        faults.share("max_mojibake", self.max_mojibake);
    }

    pub(crate) fn check(&self, view: &TextView<'_>, checks: &mut Checks<'_>) -> Outcome {
        let text = view.text();
        let max = self.max_lorem_ipsum.map(|max| max as f64);
        checks.at_most(RuleName::ResidueMaxLoremIpsum, max, || {
            let lower = text.to_ascii_lowercase();
            lower.matches("lorem ipsum").count() as f64
        })?;
        let n = text.len().max(1);
        checks.at_most(RuleName::ResidueMaxHtml, self.max_html, || share(html(text), n))?;
        checks.at_most(RuleName::ResidueMaxMojibake, self.max_mojibake, || share(mojibake(text), n))
    }
}

/// Bytes in tags and entities.
fn html(text: &str) -> usize {
    const MAX_TAG: usize = 300;
    const MAX_ENTITY: usize = 32;
    let bytes = text.as_bytes();
    let mut n = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(['<', '&']) {
        let start = at + found;
        at = start + 1;
        let next = bytes.get(at).copied().unwrap_or(0);
        let end = if bytes[start] == b'<' {
            if !(next.is_ascii_alphabetic() || matches!(next, b'/' | b'!')) {
                continue;
            }
            bytes[at..].iter().take(MAX_TAG).position(|&b| b == b'>')
        } else {
            let entity = bytes[at..].iter().take(MAX_ENTITY);
            let len = entity.take_while(|b| b.is_ascii_alphanumeric() || **b == b'#').count();
            (len > 1 && bytes.get(at + len) == Some(&b';')).then_some(len)
        };
        if let Some(end) = end {
            n += end + 2;
            at += end + 1;
            // The end is an ASCII byte, so the next character begins here.
        }
    }
    n
}

/// Bytes in characters that a wrong decoding makes.
fn mojibake(text: &str) -> usize {
    if text.is_ascii() {
        return 0;
    }
    let mut n = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{fffd}' | '\u{80}'..='\u{84}' | '\u{86}'..='\u{9f}' => n += c.len_utf8(),
            // The lead byte of a UTF-8 sequence as a letter, followed by a continuation byte as a sign.
            'Â' | 'Ã' | 'â' | 'Ð' | 'Ñ' | 'ð' => {
                let sign = |c: &char| {
                    matches!(
                        c,
                        '\u{80}'
                            ..='\u{bf}'
                                | '€'
                                | '™'
                                | 'œ'
                                | 'ž'
                                | 'Ÿ'
                                | '‚'
                                | '„'
                                | '†'
                                | '‡'
                                | '‰'
                    )
                };
                if let Some(next) = chars.next_if(sign) {
                    n += c.len_utf8() + next.len_utf8();
                }
            }
            _ => {}
        }
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residue_by_kind() {
        assert_eq!(html("a <b>c</b> &amp; 1 < 2 && x; <- &#39;"), 3 + 4 + 5 + 5);
        assert_eq!(html("<"), 0);
        assert_eq!(mojibake("cafÃ© itâ€™s"), "Ã©".len() + "â€".len());
        assert_eq!(mojibake("café São Paulo à â"), 0);
        assert_eq!(mojibake("\u{fffd}x"), 3);
    }
}
