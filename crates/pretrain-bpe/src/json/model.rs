//! The member `model`.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};

use super::node::{Fields, Node, read_id, string, unsupported, wrong_type};
use crate::base64;
use crate::byte_bpe::{ByteBpe, MergeRule};
use crate::byte_level;
use crate::error::{BpeError, Result};
use crate::model::Model;
use crate::model::char_bpe::{CharBpe, CharBpeConfig};
use crate::model::unigram::Unigram;
use crate::model::wordlevel::WordLevel;
use crate::model::wordpiece::{WordPiece, WordPieceConfig};
use crate::sentencepiece::SentencePiece;
use crate::token::AddedToken;
use crate::tokenizer::{Tokenizer, check_density};

const SUPPORTED: &str = "BPE, WordPiece, WordLevel, Unigram, SentencePiece";

/// A model, what its file says beside, and the added tokens that its list of tokens does not have.
pub(super) struct ModelParts {
    pub(super) model: Model,
    pub(super) bpe_fields: CharBpeConfig,
    pub(super) added_beside: Vec<u32>,
}

/// The list of tokens of a file, checked against the added tokens.
struct Vocab<'a> {
    tokens: Vec<(String, u32)>,
    added: &'a [AddedToken],
}

impl ModelParts {
    /// `byte_level`: the pre-tokenizer hands over bytes, spelled as characters.
    pub(super) fn read(node: Node, added: &[AddedToken], byte_level: bool) -> Result<Self> {
        let mut fields = Fields::new("model", node)?;
        let kind = match fields.take("type") {
            Node::Null => inferred_type(&fields),
            Node::String(kind) => kind,
            other => return Err(wrong_type("model.type", "a string", Some(&other))),
        };
        let parts = match kind.as_str() {
            "BPE" => read_bpe(&mut fields, added, byte_level)?,
            "WordPiece" => {
                let config = WordPieceConfig {
                    unk_token: fields.take_string("unk_token")?,
                    continuing_subword_prefix: fields.take_string("continuing_subword_prefix")?,
                    max_input_chars_per_word: fields.take_number("max_input_chars_per_word")?,
                };
                let vocab = Vocab::read(&mut fields, added)?;
                let added_beside = vocab.added_beside();
                let tokens = vocab.without_control_tokens(Some(&config.unk_token), |_, _| false);
                Self::other(Model::WordPiece(WordPiece::new(config, tokens)?), added_beside)
            }
            "WordLevel" => {
                let unk_token = fields.take_string("unk_token")?;
                let vocab = Vocab::read(&mut fields, added)?;
                let added_beside = vocab.added_beside();
                let tokens = vocab.without_control_tokens(Some(&unk_token), |_, _| false);
                Self::other(Model::WordLevel(WordLevel::new(unk_token, tokens)?), added_beside)
            }
            "Unigram" => read_unigram(&mut fields, added)?,
            "SentencePiece" => {
                let file = fields.take_string("file")?;
                let bytes = base64::decode(file.as_bytes()).ok_or_else(|| {
                    wrong_type("model.file", "a file in base64", Some(&Node::String(file)))
                })?;
                let model = SentencePiece::from_bytes(&bytes)?;
                Self::other(Model::SentencePiece(Box::new(model)), Vec::new())
            }
            other => return Err(unsupported("model.type", &string(other), SUPPORTED)),
        };
        fields.finish()?;
        Ok(parts)
    }

    fn other(model: Model, added_beside: Vec<u32>) -> Self {
        Self { model, bpe_fields: CharBpeConfig::default(), added_beside }
    }
}

/// Old files do not say the type: it is the first whose members are there.
fn inferred_type(fields: &Fields) -> String {
    let has = |keys: &[&str]| keys.iter().all(|key| fields.has(key));
    let kind = if has(&["vocab", "merges"]) {
        "BPE"
    } else if has(&["unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"])
    {
        "WordPiece"
    } else if has(&["unk_token", "vocab"]) {
        "WordLevel"
    } else {
        "Unigram"
    };
    kind.to_owned()
}

impl<'a> Vocab<'a> {
    fn read(fields: &mut Fields, added: &'a [AddedToken]) -> Result<Self> {
        let members = match fields.take("vocab") {
            Node::Object(members) => members,
            other => return Err(wrong_type("model.vocab", "an object", Some(&other))),
        };
        let read = |(token, id): (String, Node)| match read_id("", &id) {
            Ok(id) => Ok((token, id)),
            Err(_) => {
                let path = format!("model.vocab[{token:?}]");
                Err(wrong_type(&path, "an id below 2^32 - 1", Some(&id)))
            }
        };
        let tokens = members.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        let this = Self { tokens, added };
        this.check()?;
        Ok(this)
    }

    /// Refuses ids far apart, and added tokens that contradict the list.
    fn check(&self) -> Result<()> {
        let added_ids = self.added.iter().map(|token| token.id.0);
        let ids = self.tokens.iter().map(|(_, id)| *id).chain(added_ids);
        check_density(self.tokens.len() + self.added.len(), ids)?;
        self.check_added()
    }

    /// The ids by token.
    fn ids(&self) -> Result<HashMap<&str, u32>> {
        let mut ids = HashMap::with_capacity(self.tokens.len());
        for (token, id) in &self.tokens {
            if let Some(first) = ids.insert(token.as_str(), *id) {
                return Err(BpeError::DuplicateToken { token: token.clone(), first, second: *id });
            }
        }
        Ok(ids)
    }

    /// An added token that is in the list too must have the same id there, and no other its id.
    fn check_added(&self) -> Result<()> {
        let by_content: HashMap<&str, u32> =
            self.added.iter().map(|token| (token.content.as_str(), token.id.0)).collect();
        let by_id: HashMap<u32, &str> =
            self.added.iter().map(|token| (token.id.0, token.content.as_str())).collect();
        for (token, id) in &self.tokens {
            if let Some(&second) = by_content.get(token.as_str()).filter(|second| *second != id) {
                return Err(BpeError::DuplicateToken { token: token.clone(), first: *id, second });
            }
            if let Some(content) = by_id.get(id).filter(|content| *content != token) {
                let (first, second) = (token.clone(), (*content).to_owned());
                return Err(BpeError::DuplicateId { id: *id, first, second });
            }
        }
        Ok(())
    }

    /// The added tokens that are not in the list.
    fn added_beside(&self) -> Vec<u32> {
        let mut beside: BTreeSet<u32> = self.added.iter().map(|token| token.id.0).collect();
        for (_, id) in &self.tokens {
            beside.remove(id);
        }
        beside.into_iter().collect()
    }

    /// The tokens that text may become. A control token is none of them, whatever the text looks like:
    /// except the unknown token, and those for which `is_made`.
    fn without_control_tokens(
        self,
        unk_token: Option<&str>,
        is_made: impl Fn(&str, u32) -> bool,
    ) -> Vec<(String, u32)> {
        let control: HashSet<u32> =
            self.added.iter().filter(|token| token.special).map(|token| token.id.0).collect();
        let may_be_text = |(token, id): &(String, u32)| {
            !control.contains(id) || Some(token.as_str()) == unk_token || is_made(token, *id)
        };
        self.tokens.into_iter().filter(may_be_text).collect()
    }
}

fn read_bpe(fields: &mut Fields, added: &[AddedToken], byte_level: bool) -> Result<ModelParts> {
    fields.expect("dropout", &[], "null")?;
    let config = CharBpeConfig {
        unk_token: fields.take_optional_string("unk_token")?,
        continuing_subword_prefix: fields.take_optional_string("continuing_subword_prefix")?,
        end_of_word_suffix: fields.take_optional_string("end_of_word_suffix")?,
        fuse_unk: fields.take_bool("fuse_unk", false)?,
        byte_fallback: fields.take_bool("byte_fallback", false)?,
        ignore_merges: fields.take_bool("ignore_merges", false)?,
    };
    let vocab = Vocab::read(fields, added)?;
    let merges = read_merges(fields.take("merges"))?;
    let ids = vocab.ids()?;
    let prefix = config.continuing_subword_prefix.as_deref().unwrap_or("");
    let mut pairs = Vec::with_capacity(merges.len());
    let mut made = HashSet::with_capacity(merges.len());
    for (index, (left, right)) in merges.iter().enumerate() {
        let id = |token: &str| {
            let unknown = || BpeError::UnknownMergeToken { index, token: token.to_owned() };
            ids.get(token).copied().ok_or_else(unknown)
        };
        pairs.push((id(left)?, id(right)?));
        let rest = right.get(prefix.len()..).unwrap_or(right);
        made.insert(id(&format!("{left}{rest}"))?);
    }
    let added_beside = vocab.added_beside();
    if byte_level && let Some(tokens) = byte_level_tokens(&vocab, &config, &made) {
        let rule = MergeRule::Pairs { merges: pairs, ignore_merges: config.ignore_merges };
        let model = Model::ByteBpe(ByteBpe::new(tokens.into(), rule)?);
        return Ok(ModelParts { model, bpe_fields: config, added_beside });
    }
    let unk_token = config.unk_token.clone();
    let is_made = |token: &str, id| made.contains(&id) || token.chars().nth(1).is_none();
    let tokens = vocab.without_control_tokens(unk_token.as_deref(), is_made);
    Ok(ModelParts::other(Model::CharBpe(CharBpe::new(config, tokens, pairs)?), added_beside))
}

/// The tokens as bytes, if the model is one of bytes: each token is spelled in the alphabet of GPT-2, and
/// no byte can be unknown to a model that has an unknown token.
///
/// An added token is among them only when a merge makes it, or when it is a byte: else it exists for
/// the search for added tokens alone.
fn byte_level_tokens(
    vocab: &Vocab<'_>,
    config: &CharBpeConfig,
    made: &HashSet<u32>,
) -> Option<Vec<(u32, Vec<u8>)>> {
    let affixes = [&config.continuing_subword_prefix, &config.end_of_word_suffix];
    if affixes.into_iter().flatten().any(|affix| !affix.is_empty()) {
        return None;
    }
    let added: HashSet<u32> = vocab.added.iter().map(|token| token.id.0).collect();
    let mut tokens = Vec::with_capacity(vocab.tokens.len());
    let mut n_bytes = 0;
    for (token, id) in &vocab.tokens {
        let bytes = byte_level::from_text(token);
        let is_byte = bytes.as_ref().is_some_and(|bytes| bytes.len() == 1);
        n_bytes += usize::from(is_byte);
        if !added.contains(id) || made.contains(id) || is_byte {
            tokens.push((*id, bytes?));
        }
    }
    let may_be_unknown = config.unk_token.is_some() || config.byte_fallback;
    (n_bytes == 256 || !may_be_unknown).then_some(tokens)
}

/// Pieces with their scores; the place of a piece is its id.
fn read_unigram(fields: &mut Fields, added: &[AddedToken]) -> Result<ModelParts> {
    let unk_id = match fields.take("unk_id") {
        Node::Null => None,
        other => Some(read_id("model.unk_id", &other)? as usize),
    };
    let byte_fallback = fields.take_bool("byte_fallback", false)?;
    let pieces = fields.take_each("vocab", |path, node| {
        let Node::Array(items) = node else {
            return Err(wrong_type(path, "a token and its score", Some(&node)));
        };
        match <[Node; 2]>::try_from(items) {
            Ok([Node::String(token), Node::Number(score)]) => Ok((token, score)),
            Ok([Node::String(token), Node::Integer(score)]) => Ok((token, score as f64)),
            Ok(items) => {
                let found = Node::Array(items.to_vec());
                Err(wrong_type(path, "a token and its score", Some(&found)))
            }
            Err(items) => Err(wrong_type(path, "a token and its score", Some(&Node::Array(items)))),
        }
    })?;
    let tokens = pieces.iter().zip(0..).map(|((token, _), id)| (token.clone(), id));
    let vocab = Vocab { tokens: tokens.collect(), added };
    vocab.check()?;
    let added_beside = vocab.added_beside();
    let is_hidden = |token: &&AddedToken| token.special && Some(token.id.0 as usize) != unk_id;
    let hidden: HashSet<u32> = added.iter().filter(is_hidden).map(|token| token.id.0).collect();
    let model = Unigram::new_hiding(pieces, unk_id, byte_fallback, &hidden)?;
    Ok(ModelParts::other(Model::Unigram(model), added_beside))
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

/// The members of the model but tokens and merges.
pub(super) fn fields_json(tokenizer: &Tokenizer) -> Value {
    let bpe = |config: &CharBpeConfig, ignore_merges: bool| {
        json!({
            "type": "BPE",
            "dropout": null,
            "unk_token": config.unk_token,
            "continuing_subword_prefix": config.continuing_subword_prefix,
            "end_of_word_suffix": config.end_of_word_suffix,
            "fuse_unk": config.fuse_unk,
            "byte_fallback": config.byte_fallback,
            "ignore_merges": ignore_merges,
        })
    };
    match tokenizer.model() {
        Model::ByteBpe(model) => {
            let ignore_merges = match model.rule() {
                MergeRule::Pairs { ignore_merges, .. } => *ignore_merges,
                MergeRule::Ranks => true,
            };
            bpe(tokenizer.bpe_fields(), ignore_merges)
        }
        Model::CharBpe(model) => bpe(model.config(), model.config().ignore_merges),
        Model::WordPiece(model) => json!({
            "type": "WordPiece",
            "unk_token": model.config().unk_token,
            "continuing_subword_prefix": model.config().continuing_subword_prefix,
            "max_input_chars_per_word": model.config().max_input_chars_per_word,
        }),
        Model::WordLevel(model) => {
            json!({ "type": "WordLevel", "unk_token": model.unk_token() })
        }
        Model::Unigram(model) => json!({
            "type": "Unigram",
            "unk_id": model.unk_id(),
            "byte_fallback": model.byte_fallback(),
        }),
        Model::SentencePiece(model) => {
            let mut file = Vec::new();
            base64::encode(model.to_bytes(), &mut file);
            json!({ "type": "SentencePiece", "file": String::from_utf8_lossy(&file) })
        }
    }
}
