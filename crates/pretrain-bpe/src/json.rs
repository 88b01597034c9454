//! Reading `tokenizer.json`, the format of Hugging Face's `tokenizers`, where the model is byte-level BPE.
//!
//! Each member of the document is either understood or refused with its path: a component that is
//! skipped would silently give other ids.

use std::collections::{HashMap, HashSet};

use crate::byte_bpe::MergeRule;
use crate::byte_level;
use crate::error::{BpeError, Result};
use crate::pattern::Pattern;
use crate::token::{AddedToken, TokenId};
use crate::tokenizer::{ByteLevelPost, Parts, Tokenizer};

use node::{Fields, Node, string, unsupported, wrong_type};

pub use vocab_merges::VocabMerges;

mod node;
mod tekken;
mod vocab_merges;
mod write;

#[cfg(test)]
mod tests;

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// Supported: model `BPE` without unknown token, affixes, dropout or byte fallback; pre-tokenizer
    /// `ByteLevel`, or `Split` by a regular expression or `Digits` followed by `ByteLevel`; no
    /// normalizer; decoder `ByteLevel`; post-processor `ByteLevel` or none; added tokens without
    /// `lstrip`, `rstrip` and `single_word`; no truncation or padding.
    ///
    /// [`encode`](Self::encode) gives what Hugging Face gives with `encode_special_tokens` set, and
    /// [`encode_with_special`](Self::encode_with_special) with
    /// [`AllowedSpecial::All`](crate::AllowedSpecial::All) what it gives without. One difference is
    /// deliberate: with `ignore_merges`, Hugging Face also turns a pre-token that is spelled like a
    /// control token into that token; here only an allowed control token does so.
    ///
    /// # Errors
    ///
    /// [`BpeError::Unsupported`] and [`BpeError::Type`] with the path in the document;
    /// [`BpeError::DuplicateId`], [`BpeError::DuplicateToken`], [`BpeError::SparseIds`],
    /// [`BpeError::UnknownMergeToken`], [`BpeError::NotByteLevel`], [`BpeError::EmptyToken`] for a
    /// vocabulary that contradicts itself.
    pub fn from_json(file: &[u8]) -> Result<Self> {
        let mut root = Fields::new("", Node::parse(file)?)?;
        root.expect("version", &[string("1.0")], "\"1.0\"")?;
        root.expect("truncation", &[], "null")?;
        root.expect("padding", &[], "null")?;
        root.expect("normalizer", &[], "null")?;
        let added = read_added_tokens(root.take("added_tokens"))?;
        let pattern = read_pre_tokenizer(root.take("pre_tokenizer"))?;
        let byte_level_post = read_post_processor(root.take("post_processor"))?;
        read_decoder(root.take("decoder"))?;
        let (tokens, rule) = read_model(root.take("model"), &added)?;
        root.finish()?;
        Self::build(Parts { tokens, added, rule, pattern, byte_level_post })
    }
}

fn read_added_tokens(node: Node) -> Result<Vec<AddedToken>> {
    let items = match node {
        Node::Null => return Ok(Vec::new()),
        Node::Array(items) => items,
        other => return Err(wrong_type("added_tokens", "an array", Some(&other))),
    };
    let mut tokens = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let mut fields = Fields::new(&format!("added_tokens[{index}]"), item)?;
        let id_path = fields.path_of("id");
        let id = read_id(&id_path, &fields.take("id"))?;
        for flag in ["single_word", "lstrip", "rstrip"] {
            fields.expect(flag, &[Node::Bool(false)], "false")?;
        }
        let special = fields.take_bool("special", false)?;
        let normalized = fields.take_bool("normalized", !special)?;
        let content = fields.take_string("content")?;
        fields.finish()?;
        tokens.push(AddedToken { id: TokenId(id), content, special, normalized });
    }
    Ok(tokens)
}

fn read_id(path: &str, node: &Node) -> Result<u32> {
    match node {
        // The last id is left to mean "none" inside tables.
        Node::Integer(id) if *id < u64::from(u32::MAX) => Ok(*id as u32),
        other => Err(wrong_type(path, "an id below 2^32 - 1", Some(other))),
    }
}

const PRE_TOKENIZERS: &str = "ByteLevel; Split or Digits followed by ByteLevel";

fn read_pre_tokenizer(node: Node) -> Result<Pattern> {
    let path = "pre_tokenizer";
    let mut fields = Fields::new(path, node)?;
    match fields.take_string("type")?.as_str() {
        "ByteLevel" => Ok(if read_byte_level(fields)? { Pattern::Gpt2 } else { Pattern::None }),
        "Sequence" => {
            let items = match fields.take("pretokenizers") {
                Node::Array(items) => items,
                other => {
                    return Err(wrong_type(
                        "pre_tokenizer.pretokenizers",
                        "an array",
                        Some(&other),
                    ));
                }
            };
            fields.finish()?;
            read_pre_tokenizers(items)
        }
        other => Err(unsupported(path, &string(other), PRE_TOKENIZERS)),
    }
}

fn read_pre_tokenizers(items: Vec<Node>) -> Result<Pattern> {
    let path_of = |index: usize| format!("pre_tokenizer.pretokenizers[{index}]");
    let n_items = items.len();
    let mut first = None;
    for (index, item) in items.into_iter().enumerate() {
        let path = path_of(index);
        let mut fields = Fields::new(&path, item)?;
        let kind = fields.take_string("type")?;
        let is_last = index + 1 == n_items;
        match (kind.as_str(), is_last, &first) {
            ("Split", false, None) => first = Some(read_split(fields)?),
            ("Digits", false, None) => {
                let each = [Node::Bool(true)];
                if fields.take("individual_digits") != each[0] {
                    let found = Node::Bool(false);
                    return Err(unsupported(&fields.path_of("individual_digits"), &found, "true"));
                }
                fields.finish()?;
                first = Some(Pattern::Digits);
            }
            ("ByteLevel", true, _) => {
                let use_regex_path = fields.path_of("use_regex");
                let use_regex = read_byte_level(fields)?;
                return match (first, use_regex) {
                    (None, true) => Ok(Pattern::Gpt2),
                    (None, false) => Ok(Pattern::None),
                    (Some(Pattern::Digits), true) => Ok(Pattern::Digits),
                    (Some(Pattern::Digits), false) => {
                        Err(unsupported(&use_regex_path, &Node::Bool(false), "true after Digits"))
                    }
                    (Some(pattern), false) => Ok(pattern),
                    (Some(_), true) => {
                        Err(unsupported(&use_regex_path, &Node::Bool(true), "false after Split"))
                    }
                };
            }
            _ => return Err(unsupported(&path, &string(&kind), PRE_TOKENIZERS)),
        }
    }
    Err(wrong_type("pre_tokenizer.pretokenizers", "a ByteLevel at the end", None))
}

/// The rest of a `ByteLevel`: whether it splits by the GPT-2 expression.
fn read_byte_level(mut fields: Fields) -> Result<bool> {
    fields.expect("add_prefix_space", &[Node::Bool(false)], "false")?;
    // Of a pre-tokenizer, `trim_offsets` has no effect.
    fields.take_bool("trim_offsets", true)?;
    let use_regex = fields.take_bool("use_regex", true)?;
    fields.finish()?;
    Ok(use_regex)
}

fn read_split(mut fields: Fields) -> Result<Pattern> {
    let pattern_path = fields.path_of("pattern");
    let mut inner = Fields::new(&pattern_path, fields.take("pattern"))?;
    let pattern = Pattern::from_regex(&inner.take_string("Regex")?);
    inner.finish()?;
    let behavior_path = fields.path_of("behavior");
    let behavior = fields.take("behavior");
    let invert = fields.take_bool("invert", false)?;
    fields.finish()?;
    // `Removed` with `invert` drops what no match covers; named patterns cover every text.
    let covers = !matches!(pattern, Pattern::Custom(_));
    if (behavior == string("Isolated") && !invert)
        || (behavior == string("Removed") && invert && covers)
    {
        return Ok(pattern);
    }
    Err(unsupported(&behavior_path, &behavior, "Isolated, not inverted"))
}

fn read_post_processor(node: Node) -> Result<Option<ByteLevelPost>> {
    if node == Node::Null {
        return Ok(None);
    }
    let mut fields = Fields::new("post_processor", node)?;
    let kind = fields.take_string("type")?;
    if kind != "ByteLevel" {
        return Err(unsupported("post_processor", &string(&kind), "ByteLevel or null"));
    }
    let post = ByteLevelPost {
        add_prefix_space: fields.take_bool("add_prefix_space", true)?,
        trim_offsets: fields.take_bool("trim_offsets", true)?,
        use_regex: fields.take_bool("use_regex", true)?,
    };
    fields.finish()?;
    Ok(Some(post))
}

fn read_decoder(node: Node) -> Result<()> {
    let mut fields = Fields::new("decoder", node)?;
    let kind = fields.take_string("type")?;
    if kind != "ByteLevel" {
        return Err(unsupported("decoder", &string(&kind), "ByteLevel"));
    }
    // None of the three has an effect on decoding.
    for flag in ["add_prefix_space", "trim_offsets", "use_regex"] {
        fields.take_bool(flag, true)?;
    }
    fields.finish()
}

type Tokens = Vec<(u32, Vec<u8>)>;

fn read_model(node: Node, added: &[AddedToken]) -> Result<(Tokens, MergeRule)> {
    let mut fields = Fields::new("model", node)?;
    fields.expect("type", &[string("BPE")], "BPE")?;
    fields.expect("dropout", &[], "null")?;
    fields.expect("unk_token", &[], "null")?;
    fields.expect("continuing_subword_prefix", &[string("")], "null")?;
    fields.expect("end_of_word_suffix", &[string("")], "null")?;
    fields.expect("byte_fallback", &[Node::Bool(false)], "false")?;
    // Without an unknown token there is nothing to fuse.
    fields.take_bool("fuse_unk", false)?;
    let ignore_merges = fields.take_bool("ignore_merges", false)?;
    let vocab = read_vocab(fields.take("vocab"))?;
    let merges = read_merges(fields.take("merges"))?;
    fields.finish()?;

    let mut id_of = HashMap::with_capacity(vocab.len());
    for (token, id) in &vocab {
        if let Some(first) = id_of.insert(token.as_str(), *id) {
            return Err(BpeError::DuplicateToken { token: token.clone(), first, second: *id });
        }
    }
    for token in added {
        match id_of.get(token.content.as_str()) {
            Some(&id) if id != token.id.0 => {
                let (token, first, second) = (token.content.clone(), id, token.id.0);
                return Err(BpeError::DuplicateToken { token, first, second });
            }
            _ => {}
        }
    }
    let mut pairs = Vec::with_capacity(merges.len());
    let mut made = HashSet::with_capacity(merges.len());
    for (index, (left, right)) in merges.iter().enumerate() {
        let product = format!("{left}{right}");
        let id = |token: &str| {
            let unknown = || BpeError::UnknownMergeToken { index, token: token.to_owned() };
            id_of.get(token).copied().ok_or_else(unknown)
        };
        pairs.push((id(left)?, id(right)?));
        made.insert(id(&product)?);
    }
    let tokens = model_tokens(vocab, added, &made)?;
    Ok((tokens, MergeRule::Pairs { merges: pairs, ignore_merges }))
}

/// The tokens that bytes and merges make. An added token is one only when a merge makes it, or when it
/// is a byte: else it exists for the text search alone.
fn model_tokens(
    vocab: Vec<(String, u32)>,
    added: &[AddedToken],
    made: &HashSet<u32>,
) -> Result<Tokens> {
    let added: HashMap<u32, &str> =
        added.iter().map(|token| (token.id.0, token.content.as_str())).collect();
    let mut tokens = Vec::with_capacity(vocab.len());
    for (token, id) in vocab {
        let bytes = byte_level::from_text(&token);
        let is_byte = bytes.as_ref().is_some_and(|bytes| bytes.len() == 1);
        match added.get(&id) {
            Some(content) if *content != token => {
                let (first, second) = (token, (*content).to_owned());
                return Err(BpeError::DuplicateId { id, first, second });
            }
            Some(_) if !made.contains(&id) && !is_byte => {}
            _ => match bytes {
                Some(bytes) => tokens.push((id, bytes)),
                None => return Err(BpeError::NotByteLevel { token, id }),
            },
        }
    }
    Ok(tokens)
}

fn read_vocab(node: Node) -> Result<Vec<(String, u32)>> {
    let members = match node {
        Node::Object(members) => members,
        other => return Err(wrong_type("model.vocab", "an object", Some(&other))),
    };
    let read = |(token, id): (String, Node)| match read_id("", &id) {
        Ok(id) => Ok((token, id)),
        Err(_) => {
            Err(wrong_type(&format!("model.vocab[{token:?}]"), "an id below 2^32 - 1", Some(&id)))
        }
    };
    members.into_iter().map(read).collect()
}

/// Merges as `["a", "b"]`, or as `"a b"` in files written before tokenizers 0.20.
fn read_merges(node: Node) -> Result<Vec<(String, String)>> {
    let items = match node {
        Node::Array(items) => items,
        other => return Err(wrong_type("model.merges", "an array", Some(&other))),
    };
    let mut merges = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let merge = match item {
            Node::String(text) => text
                .split_once(' ')
                .filter(|(_, right)| !right.contains(' '))
                .map(|(left, right)| (left.to_owned(), right.to_owned()))
                .ok_or(Node::String(text)),
            Node::Array(parts) => match <[Node; 2]>::try_from(parts) {
                Ok([Node::String(left), Node::String(right)]) => Ok((left, right)),
                Ok(parts) => Err(Node::Array(parts.to_vec())),
                Err(parts) => Err(Node::Array(parts)),
            },
            other => Err(other),
        };
        merges.push(merge.map_err(|found| {
            wrong_type(&format!("model.merges[{index}]"), "two tokens", Some(&found))
        })?);
    }
    Ok(merges)
}
