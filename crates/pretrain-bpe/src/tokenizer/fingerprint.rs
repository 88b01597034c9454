//! The canonical form of a tokenizer, hashed.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Tokenizer;
use crate::byte_bpe::MergeRule;
use crate::json;
use crate::model::Model;
use crate::vocabulary::Vocabulary;

/// Writes numbers and length-prefixed byte strings.
struct CanonicalHasher(Sha256);

impl CanonicalHasher {
    fn number(&mut self, number: usize) {
        self.0.update((number as u64).to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.update(bytes);
    }

    /// Members in order of their names, whatever order the map keeps.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Array(items) => {
                self.bytes(b"[");
                self.number(items.len());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(members) => {
                self.bytes(b"{");
                self.number(members.len());
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                for (name, member) in members {
                    self.bytes(name.as_bytes());
                    self.value(member);
                }
            }
            scalar => self.bytes(scalar.to_string().as_bytes()),
        }
    }
}

/// SHA-256 as hexadecimal digits. A byte-level tokenizer that cuts by one pattern and has no normaliser
/// and no template is hashed as its pattern, tokens, merges and added tokens; of others the components are
/// hashed too, as the JSON of a file. What decides nothing (truncation and padding, which are applied on
/// request only, and the flags of a `ByteLevel` that have no effect) is left out.
pub(super) fn of(tokenizer: &Tokenizer) -> String {
    let mut hasher = CanonicalHasher(Sha256::new());
    hasher.bytes(b"pretrain-bpe tokenizer 1");
    match tokenizer.pattern() {
        Some(pattern) => hasher.bytes(pattern.to_string().as_bytes()),
        None => {
            let pre_tokenizer = json::pre_tokenizer_json(tokenizer.pre_tokenizer());
            hasher.bytes(b"pre-tokenizer");
            hasher.value(&pre_tokenizer);
        }
    }
    match tokenizer.model() {
        Model::ByteBpe(bpe) => {
            hash_tokens(&mut hasher, bpe.vocabulary());
            match bpe.rule() {
                MergeRule::Ranks => hasher.bytes(b"ranks"),
                MergeRule::Pairs { merges, ignore_merges } => {
                    hasher.bytes(if *ignore_merges { b"merges, whole" } else { b"merges" });
                    hash_merges(&mut hasher, merges);
                }
            }
        }
        Model::CharBpe(bpe) => {
            hash_fields(&mut hasher, tokenizer);
            hash_tokens(&mut hasher, bpe.vocabulary());
            hash_merges(&mut hasher, bpe.merges());
        }
        Model::WordPiece(model) => {
            hash_fields(&mut hasher, tokenizer);
            hash_tokens(&mut hasher, model.vocabulary());
        }
        Model::Unigram(model) => {
            hash_fields(&mut hasher, tokenizer);
            hasher.number(model.pieces().len());
            for (piece, score) in model.pieces() {
                hasher.bytes(piece.as_bytes());
                hasher.bytes(&score.to_bits().to_le_bytes());
            }
        }
        Model::SentencePiece(model) => {
            hasher.bytes(b"sentencepiece");
            hasher.bytes(model.to_bytes());
        }
        Model::WordLevel(model) => {
            hash_fields(&mut hasher, tokenizer);
            hash_tokens(&mut hasher, model.vocabulary());
        }
    }
    hasher.number(tokenizer.added_tokens().len());
    for token in tokenizer.added_tokens() {
        hasher.number(token.id.0 as usize);
        hasher.bytes(token.content.as_bytes());
        let flags =
            [token.special, token.normalized, token.lstrip, token.rstrip, token.single_word];
        hasher.number(flags.iter().rev().fold(0, |bits, &flag| bits << 1 | usize::from(flag)));
    }
    hash_component(&mut hasher, "normalizer", &json::normalizer_json(tokenizer.normalizer()));
    // A post-processor that only moves the borders of offsets decides no id.
    if let Some(post) = tokenizer.post_processor().filter(|post| post.inserts()) {
        hash_component(&mut hasher, "post-processor", &json::post_processor_json(Some(post)));
    }
    if !tokenizer.decodes_bytes() {
        hash_component(&mut hasher, "decoder", &json::decoder_json(tokenizer.decoder()));
    }
    hasher.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash_component(hasher: &mut CanonicalHasher, name: &str, component: &Value) {
    if !component.is_null() {
        hasher.bytes(name.as_bytes());
        hasher.value(component);
    }
}

/// The members of a model that are neither tokens nor merges.
fn hash_fields(hasher: &mut CanonicalHasher, tokenizer: &Tokenizer) {
    hash_component(hasher, "model", &json::model_fields_json(tokenizer));
}

fn hash_tokens(hasher: &mut CanonicalHasher, vocabulary: &Vocabulary) {
    hasher.number(vocabulary.n_tokens());
    for (id, bytes) in vocabulary.iter() {
        hasher.number(id as usize);
        hasher.bytes(bytes);
    }
}

fn hash_merges(hasher: &mut CanonicalHasher, merges: &[(u32, u32)]) {
    hasher.number(merges.len());
    for &(left, right) in merges {
        hasher.number(left as usize);
        hasher.number(right as usize);
    }
}
