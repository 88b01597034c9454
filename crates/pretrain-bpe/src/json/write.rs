//! Writing `tokenizer.json`.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::byte_bpe::MergeRule;
use crate::byte_level;
use crate::merges::MergeTable;
use crate::pattern::Pattern;
use crate::tokenizer::Tokenizer;

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    truncation: Value,
    padding: Value,
    added_tokens: Vec<AddedTokenFields<'a>>,
    normalizer: Value,
    pre_tokenizer: Value,
    post_processor: Value,
    decoder: Value,
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

#[derive(Serialize)]
struct ModelFields<'a> {
    r#type: &'static str,
    dropout: Value,
    unk_token: Value,
    continuing_subword_prefix: Value,
    end_of_word_suffix: Value,
    fuse_unk: bool,
    byte_fallback: bool,
    ignore_merges: bool,
    vocab: Vocab<'a>,
    merges: Vec<[String; 2]>,
}

/// The vocabulary in order of id.
struct Vocab<'a>(&'a Tokenizer);

impl Serialize for Vocab<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut added = self.0.added_tokens().iter().peekable();
        for id in 0..self.0.vocab_size() as u32 {
            let added = added.next_if(|token| token.id.0 == id);
            if let Some(bytes) = self.0.vocabulary().bytes(id) {
                map.serialize_entry(&byte_level::to_text(bytes), &id)?;
            } else if let Some(token) = added {
                map.serialize_entry(&token.content, &id)?;
            }
        }
        map.end()
    }
}

impl Tokenizer {
    /// Writes a `tokenizer.json` that Hugging Face's `tokenizers` reads. The same tokenizer always
    /// gives the same bytes.
    ///
    /// A rank file has no merges. They are found (one pair for each token that merging can reach; no
    /// other can meet) and written in order of rank, with `ignore_merges`, so that the file gives the
    /// same ids for every text. Its fingerprint is another one, since it says the same in another way.
    pub fn to_json(&self) -> Vec<u8> {
        let text = |id: u32| {
            byte_level::to_text(self.vocabulary().bytes(id).expect("merges are of known tokens"))
        };
        let (merges, ignore_merges) = match self.rule() {
            MergeRule::Pairs { merges, ignore_merges } => {
                let merges = merges.iter().map(|&(left, right)| [text(left), text(right)]);
                (merges.collect(), *ignore_merges)
            }
            MergeRule::Ranks => {
                let (_, mut pairs) = MergeTable::of_ranks(self.vocabulary());
                pairs.sort_unstable_by_key(|(_, merge)| *merge);
                let merges =
                    pairs.iter().map(|(pair, _)| [text((pair >> 32) as u32), text(*pair as u32)]);
                (merges.collect(), true)
            }
        };
        let added_tokens = self.added_tokens().iter().map(|token| AddedTokenFields {
            id: token.id.0,
            content: &token.content,
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: token.normalized,
            special: token.special,
        });
        let document = Document {
            version: "1.0",
            truncation: Value::Null,
            padding: Value::Null,
            added_tokens: added_tokens.collect(),
            normalizer: Value::Null,
            pre_tokenizer: pre_tokenizer(self.pattern()),
            post_processor: self.byte_level_post().map_or(Value::Null, |post| {
                json!({
                    "type": "ByteLevel",
                    "add_prefix_space": post.add_prefix_space,
                    "trim_offsets": post.trim_offsets,
                    "use_regex": post.use_regex,
                })
            }),
            decoder: json!({
                "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true,
            }),
            model: ModelFields {
                r#type: "BPE",
                dropout: Value::Null,
                unk_token: Value::Null,
                continuing_subword_prefix: Value::Null,
                end_of_word_suffix: Value::Null,
                fuse_unk: false,
                byte_fallback: false,
                ignore_merges,
                vocab: Vocab(self),
                merges,
            },
        };
        serde_json::to_vec(&document).expect("strings, numbers and maps with string keys are JSON")
    }
}

fn pre_tokenizer(pattern: &Pattern) -> Value {
    let byte_level = |use_regex: bool| {
        json!({
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex,
        })
    };
    let first = match pattern {
        Pattern::Gpt2 => return byte_level(true),
        Pattern::Digits => json!({ "type": "Digits", "individual_digits": true }),
        other => match other.regex() {
            None => return byte_level(false),
            Some(regex) => json!({
                "type": "Split", "pattern": { "Regex": regex }, "behavior": "Isolated", "invert": false,
            }),
        },
    };
    let is_digits = *pattern == Pattern::Digits;
    json!({ "type": "Sequence", "pretokenizers": [first, byte_level(is_digits)] })
}
