//! Hugging Face's `Precompiled`: the character map of a SentencePiece model, looked up per grapheme.

use unicode_segmentation::UnicodeSegmentation;

use super::aligned::NormalizedText;
use super::charsmap::Charsmap;
use crate::error::Result;

/// The character map of a SentencePiece model.
///
/// SentencePiece replaces the longest string of the map at each place. Hugging Face looks up whole
/// graphemes of up to five bytes, then single characters, and takes the shortest string that they begin
/// with for all of them; `tokenizer.json` files mean the latter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precompiled {
    map: Charsmap,
}

impl Precompiled {
    /// Reads the blob of a model (`precompiled_charsmap`, without base64).
    ///
    /// # Errors
    ///
    /// [`BpeError::Charsmap`](crate::BpeError::Charsmap) when it is corrupt.
    pub fn new(blob: &[u8]) -> Result<Self> {
        Ok(Self { map: Charsmap::parse(blob)? })
    }

    /// The blob it was made from.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.map.to_bytes()
    }

    pub(super) fn apply(&self, text: &mut NormalizedText<'_>) {
        let old = text.as_str().to_owned();
        let (mut chars, mut is_modified) = (Vec::with_capacity(old.len()), false);
        for grapheme in old.graphemes(true) {
            let whole = if grapheme.len() < 6 { self.map.shortest(grapheme) } else { None };
            if let Some((_, replacement)) = whole {
                is_modified = true;
                replace(&mut chars, grapheme, replacement);
                continue;
            }
            for (at, c) in grapheme.char_indices() {
                let part = &grapheme[at..at + c.len_utf8()];
                match self.map.shortest(part) {
                    Some((_, replacement)) => {
                        is_modified = true;
                        replace(&mut chars, part, replacement);
                    }
                    None => chars.push((c, 0)),
                }
            }
        }
        if is_modified {
            text.rewrite(0, chars.into_iter());
        }
    }
}

/// Characters that replace one for one; surplus ones are inserted, missing ones removed after the last,
/// whichever it is.
fn replace(chars: &mut Vec<(char, isize)>, old: &str, new: &str) {
    let surplus = new.chars().count() as isize - old.chars().count() as isize;
    chars.extend(new.chars().map(|c| (c, 0)));
    if surplus < 0 {
        if let Some((_, change)) = chars.last_mut() {
            *change += surplus;
        }
    } else {
        chars.iter_mut().rev().take(surplus as usize).for_each(|(_, change)| *change = 1);
    }
}
