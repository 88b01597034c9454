//! Writing `tokenizer.json`.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use super::limits::{write_padding, write_truncation};
use super::{
    decoder_json, model_fields_json, normalizer_json, post_processor_json, pre_tokenizer_json,
};
use crate::byte_bpe::MergeRule;
use crate::byte_level;
use crate::model::Model;
use crate::tokenizer::Tokenizer;

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    truncation: Component,
    padding: Component,
    added_tokens: Vec<AddedTokenFields<'a>>,
    normalizer: Component,
    pre_tokenizer: Component,
    post_processor: Component,
    decoder: Component,
    model: ModelFields<'a>,
}

#[derive(Serialize)]
struct AddedTokenFields<'a> {
    id: u32,
    content: &'a str,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
    special: bool,
}

/// A value whose members are written in one order: the type first, then by name.
struct Component(Value);

impl Serialize for Component {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        InOrder(&self.0).serialize(serializer)
    }
}

struct InOrder<'v>(&'v Value);

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, member) in in_order(members) {
                    map.serialize_entry(name, &InOrder(member))?;
                }
                map.end()
            }
            Value::Array(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| seq.serialize_element(&InOrder(item)))?;
                seq.end()
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

fn in_order(members: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(name, _)| (*name != "type", *name));
    members
}

/// The model: its members, then the tokens in order of id, then the merges.
struct ModelFields<'a>(&'a Tokenizer);

impl Serialize for ModelFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Value::Object(members) = model_fields_json(self.0) {
            for (name, member) in in_order(&members) {
                map.serialize_entry(name, member)?;
            }
        }
        match self.0.model() {
            Model::SentencePiece(_) => return map.end(),
            Model::Unigram(model) => map.serialize_entry("vocab", model.pieces())?,
            _ => map.serialize_entry("vocab", &Vocab(self.0))?,
        }
        match self.0.model() {
            Model::ByteBpe(_) => map.serialize_entry("merges", &self.0.merges_as_text().0)?,
            Model::CharBpe(model) => {
                let text = |id: u32| {
                    let bytes = model.vocabulary().bytes(id).expect("merges are of known tokens");
                    String::from_utf8_lossy(bytes)
                };
                let merges = model.merges().iter().map(|&(left, right)| [text(left), text(right)]);
                map.serialize_entry("merges", &merges.collect::<Vec<_>>())?;
            }
            Model::WordPiece(_)
            | Model::WordLevel(_)
            | Model::Unigram(_)
            | Model::SentencePiece(_) => {}
        }
        map.end()
    }
}

/// The vocabulary in order of id.
pub(super) struct Vocab<'a>(pub(super) &'a Tokenizer);

impl Serialize for Vocab<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut added = self.0.added_tokens().iter().peekable();
        for id in 0..self.0.vocab_size() as u32 {
            let added = added.next_if(|token| token.id.0 == id);
            let text = match self.0.model() {
                Model::ByteBpe(bpe) => bpe.vocabulary().bytes(id).map(byte_level::to_text),
                model => {
                    model.token_bytes(id).map(|token| String::from_utf8_lossy(token).into_owned())
                }
            };
            let listed = added.filter(|token| self.0.is_in_model_list(token.id));
            if let Some(text) = text.or_else(|| listed.map(|token| token.content.clone())) {
                map.serialize_entry(&text, &id)?;
            }
        }
        map.end()
    }
}

impl Tokenizer {
    /// Writes a `tokenizer.json` that Hugging Face's `tokenizers` reads. The same tokenizer always
    /// gives the same bytes. A file that was read is written with the same content, in the spelling of
    /// `tokenizers` 0.23 (defaults written out, merges as pairs).
    ///
    /// A SentencePiece model is written whole, as a model of type `SentencePiece` that this crate alone
    /// reads: what Hugging Face makes of such models is only nearly the same.
    ///
    /// A rank file has no merges. They are found (one pair for each token that merging can reach; no
    /// other can meet) and written in order of rank, with `ignore_merges`, so that the file gives the
    /// same ids for every text. Its fingerprint is another one, since it says the same in another way.
    pub fn to_json(&self) -> Vec<u8> {
        let added_tokens = self.added_tokens().iter().map(|token| AddedTokenFields {
            id: token.id.0,
            content: &token.content,
            single_word: token.single_word,
            lstrip: token.lstrip,
            rstrip: token.rstrip,
            normalized: token.normalized,
            special: token.special,
        });
        let document = Document {
            version: "1.0",
            truncation: Component(self.truncation().map_or(Value::Null, write_truncation)),
            padding: Component(self.padding().map_or(Value::Null, write_padding)),
            added_tokens: added_tokens.collect(),
            normalizer: Component(normalizer_json(self.normalizer())),
            pre_tokenizer: Component(pre_tokenizer_json(self.pre_tokenizer())),
            post_processor: Component(post_processor_json(self.post_processor())),
            decoder: Component(decoder_json(self.decoder())),
            model: ModelFields(self),
        };
        serde_json::to_vec(&document).expect("strings, numbers and maps with string keys are JSON")
    }

    /// The merges in order of rank, as the file writes tokens, and whether a pre-token that is a token is
    /// that token whatever the merges say.
    pub(super) fn merges_as_text(&self) -> (Vec<[String; 2]>, bool) {
        let text = |id: u32| {
            byte_level::to_text(self.vocabulary().bytes(id).expect("merges are of known tokens"))
        };
        let merges = self.merge_list();
        let merges = merges.iter().map(|merge| [text(merge.left), text(merge.right)]).collect();
        (merges, !matches!(self.rule(), MergeRule::Pairs { ignore_merges: false, .. }))
    }
}
