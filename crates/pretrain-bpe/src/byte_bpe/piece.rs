//! One pre-token by itself, of any bytes.

use super::{ByteBpe, MergeRule};
use crate::scratch::Scratch;

impl ByteBpe {
    /// Appends the tokens of one pre-token, which need not be UTF-8. No cache is asked: this is for
    /// pieces that no text has, and for looking at tokens one by one.
    pub(crate) fn merge_bytes(&self, piece: &[u8], scratch: &mut Scratch, out: &mut Vec<u32>) {
        let whole = match self.rule {
            MergeRule::Ranks | MergeRule::Pairs { ignore_merges: true, .. } => {
                self.vocabulary.id(piece)
            }
            MergeRule::Pairs { ignore_merges: false, .. } => None,
        };
        match whole {
            Some(id) => out.push(id),
            None => scratch.merges.merge(piece, &self.table, out),
        }
    }
}
