//! The merges of a tokenizer as a list, whatever rule it follows.

use crate::byte_bpe::{ByteBpe, MergeRule};
use crate::error::Result;
use crate::merges::{MergeTable, product};
use crate::scratch::ScratchPool;
use crate::token::TokenId;
use crate::tokenizer::Tokenizer;

/// Two tokens and what they merge into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Merge {
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) product: u32,
}

impl Tokenizer {
    /// The merges in order of rank; those of a rank file are found.
    pub(crate) fn merge_list(&self) -> Vec<Merge> {
        match self.rule() {
            MergeRule::Ranks => {
                let (_, mut pairs) = MergeTable::of_ranks(self.vocabulary());
                pairs.sort_unstable_by_key(|(_, merge)| *merge);
                let merge = |&(pair, merge): &(u64, u64)| {
                    let (left, right) = ((pair >> 32) as u32, pair as u32);
                    Merge { left, right, product: product(merge) }
                };
                pairs.iter().map(merge).collect()
            }
            MergeRule::Pairs { merges, .. } => {
                let merge = |&(left, right): &(u32, u32)| {
                    let bytes = |id| self.vocabulary().bytes(id).unwrap_or_default();
                    let product = self.vocabulary().id(&[bytes(left), bytes(right)].concat());
                    Merge { left, right, product: product.expect("a merge makes a token") }
                };
                merges.iter().map(merge).collect()
            }
        }
    }

    /// The tokens that merging their own bytes does not give, if pre-tokens are not looked up as a whole.
    ///
    /// No text can be merged into such a token: where a text is merged into a token, no merge has crossed
    /// the borders of its bytes, so those inside happened as if the bytes stood alone.
    pub(crate) fn unmade(&self) -> Result<Vec<TokenId>> {
        let merges = self.merge_list().iter().map(|merge| (merge.left, merge.right)).collect();
        let tokens: Vec<_> =
            self.vocabulary().iter().map(|(id, bytes)| (id, bytes.to_vec())).collect();
        let bpe = ByteBpe::new(tokens.into(), MergeRule::Pairs { merges, ignore_merges: false })?;
        let mut made = Vec::new();
        Ok(ScratchPool::default().with(|scratch| {
            let unmade = self.vocabulary().iter().filter(|&(id, bytes)| {
                made.clear();
                bpe.merge_bytes(bytes, &mut scratch.merges, &mut made);
                made != [id]
            });
            unmade.map(|(id, _)| TokenId(id)).collect()
        }))
    }
}
