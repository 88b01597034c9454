//! `tekken.json`, the rank file of Mistral's models: ranks, pattern and control tokens in one document.
//!
//! Source of the rules: `mistral_common/tokens/tokenizers/tekken.py` of mistral-common. The control
//! tokens take the first ids, and the id of a token is its rank plus their number. A file of version 7
//! or older may leave the control tokens out, and then has the twenty of those versions; places that no
//! control token takes are filled with `<SPECIAL_n>`. Of the vocabulary only as much is in use as
//! `default_vocab_size` has room for.

use super::node::{Fields, Node, string, unsupported, wrong_type};
use crate::base64;
use crate::byte_bpe::MergeRule;
use crate::error::Result;
use crate::pattern::Pattern;
use crate::token::{AddedToken, TokenId};
use crate::tokenizer::{Parts, Tokenizer};

/// The control tokens of files without a list of their own.
const SPECIAL_TOKENS: [&str; 20] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
];

/// The versions there are, and whether the control tokens may be left out.
const VERSIONS: [(&str, bool); 6] =
    [("v1", true), ("v2", true), ("v3", true), ("v7", true), ("v11", false), ("v13", false)];

/// More control tokens than this are taken for a corrupt file.
const MAX_SPECIAL: u64 = 1 << 16;

impl Tokenizer {
    /// Reads a `tekken.json`. Encoding then follows tiktoken, as for
    /// [`from_tiktoken`](Self::from_tiktoken). What the file says of images and audio has nothing to do
    /// with text and is passed over; `<s>` and `</s>` are not added to a text.
    ///
    /// # Errors
    ///
    /// [`BpeError::Unsupported`](crate::BpeError::Unsupported) and
    /// [`BpeError::Type`](crate::BpeError::Type) with the path in the document; the errors of
    /// [`from_tiktoken`](Self::from_tiktoken) for ranks that contradict each other.
    pub fn from_tekken(file: &[u8]) -> Result<Self> {
        let mut root = Fields::new("", Node::parse(file)?)?;
        let config = Config::read(root.take("config"))?;
        let specials = read_specials(root.take("special_tokens"), &config)?;
        let tokens = read_vocab(root.take("vocab"), &config)?;
        for modality in ["image", "multimodal", "audio"] {
            let path = root.path_of(modality);
            match root.take(modality) {
                Node::Null | Node::Object(_) => {}
                other => return Err(wrong_type(&path, "an object", Some(&other))),
            }
        }
        root.expect("type", &[string("Tekken"), string("tekken")], "tekken")?;
        match root.take("version") {
            Node::Null | Node::Integer(_) | Node::String(_) => {}
            other => return Err(wrong_type("version", "a number", Some(&other))),
        }
        root.finish()?;
        let added = (0..).zip(specials);
        let added = added.map(|(id, content)| AddedToken::special(TokenId(id), content)).collect();
        let pattern = Pattern::from_regex(&config.pattern);
        let tokens = tokens.into();
        let parts = Parts { tokens, added, rule: MergeRule::Ranks, pattern, byte_level_post: None };
        let this = Self::build(parts)?;
        this.check_rank_file()?;
        Ok(this)
    }
}

struct Config {
    pattern: String,
    n_special: usize,
    /// Tokens in use, control tokens not counted.
    n_tokens: usize,
    may_lack_specials: bool,
}

impl Config {
    fn read(node: Node) -> Result<Self> {
        let mut fields = Fields::new("config", node)?;
        let pattern = fields.take_string("pattern")?;
        let version = fields.take_string("version")?;
        let Some((_, may_lack_specials)) = VERSIONS.into_iter().find(|(name, _)| *name == version)
        else {
            let supported = "v1, v2, v3, v7, v11, v13";
            return Err(unsupported(&fields.path_of("version"), &string(&version), supported));
        };
        let mut number = |key: &str| match fields.take(key) {
            Node::Integer(number) => Ok(number),
            other => Err(wrong_type(&fields.path_of(key), "a number", Some(&other))),
        };
        number("num_vocab_tokens")?;
        let vocab_size = number("default_vocab_size")?;
        let n_special = number("default_num_special_tokens")?;
        if n_special > MAX_SPECIAL.min(vocab_size) {
            let path = fields.path_of("default_num_special_tokens");
            let supported = "at most 65536 and at most default_vocab_size";
            return Err(unsupported(&path, &Node::Integer(n_special), supported));
        }
        fields.finish()?;
        let n_tokens = usize::try_from(vocab_size - n_special).unwrap_or(usize::MAX);
        Ok(Self { pattern, n_special: n_special as usize, n_tokens, may_lack_specials })
    }
}

fn read_specials(node: Node, config: &Config) -> Result<Vec<String>> {
    let path = "special_tokens";
    let mut specials: Vec<String> = match node {
        Node::Null if config.may_lack_specials => SPECIAL_TOKENS.map(str::to_owned).into(),
        Node::Array(items) => {
            let read = |(index, item)| read_special(index, item);
            items.into_iter().enumerate().map(read).collect::<Result<_>>()?
        }
        other => return Err(wrong_type(path, "an array", Some(&other))),
    };
    if specials.len() > config.n_special {
        let found = Node::Integer(specials.len() as u64);
        return Err(unsupported(path, &found, "at most config.default_num_special_tokens"));
    }
    specials.extend((specials.len()..config.n_special).map(|id| format!("<SPECIAL_{id}>")));
    Ok(specials)
}

fn read_special(index: usize, item: Node) -> Result<String> {
    let mut fields = Fields::new(&format!("special_tokens[{index}]"), item)?;
    expect_rank(&mut fields, index)?;
    let content = fields.take_string("token_str")?;
    // None of them is ever found in a text that is not trusted, whether it controls or not.
    fields.take_bool("is_control", true)?;
    fields.finish()?;
    Ok(content)
}

/// The tokens in use, with their ids.
fn read_vocab(node: Node, config: &Config) -> Result<Vec<(u32, Vec<u8>)>> {
    let items = match node {
        Node::Array(items) => items,
        other => return Err(wrong_type("vocab", "an array", Some(&other))),
    };
    if items.len() < config.n_tokens {
        let found = Node::Integer(items.len() as u64);
        return Err(unsupported(
            "vocab",
            &found,
            "as many tokens as config.default_vocab_size needs",
        ));
    }
    let mut tokens = Vec::with_capacity(config.n_tokens);
    for (index, item) in items.into_iter().take(config.n_tokens).enumerate() {
        let mut fields = Fields::new(&format!("vocab[{index}]"), item)?;
        expect_rank(&mut fields, index)?;
        let encoded = fields.take_string("token_bytes")?;
        let path = fields.path_of("token_bytes");
        let bytes = base64::decode(encoded.as_bytes())
            .ok_or_else(|| wrong_type(&path, "base64", Some(&string(&encoded))))?;
        if index < 256 && bytes != [index as u8] {
            return Err(unsupported(&path, &string(&encoded), "the byte that the rank names"));
        }
        // For people to read; what is not UTF-8 is null.
        match fields.take("token_str") {
            Node::Null | Node::String(_) => {}
            other => {
                let path = fields.path_of("token_str");
                return Err(wrong_type(&path, "a string or null", Some(&other)));
            }
        }
        fields.finish()?;
        tokens.push(((config.n_special + index) as u32, bytes));
    }
    Ok(tokens)
}

fn expect_rank(fields: &mut Fields, index: usize) -> Result<()> {
    match fields.take("rank") {
        Node::Integer(rank) if rank == index as u64 => Ok(()),
        other => Err(unsupported(&fields.path_of("rank"), &other, "the position in the list")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{AllowedSpecial, BpeError};

    const PATTERN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    fn document() -> Value {
        let mut tokens: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        tokens.extend(
            [&b"th"[..], b"the", b" the", "é".as_bytes(), b"beyond the end"].map(Vec::from),
        );
        let vocab = tokens.iter().enumerate().map(|(rank, bytes)| {
            let mut encoded = vec![];
            base64::encode(bytes, &mut encoded);
            json!({
                "rank": rank, "token_bytes": String::from_utf8(encoded).unwrap(),
                "token_str": std::str::from_utf8(bytes).ok(),
            })
        });
        json!({
            "config": {
                "pattern": PATTERN, "num_vocab_tokens": 261, "default_vocab_size": 284,
                "default_num_special_tokens": 24, "version": "v3",
            },
            "vocab": vocab.collect::<Vec<_>>(),
        })
    }

    fn read(document: &Value) -> Result<Tokenizer> {
        Tokenizer::from_tekken(&serde_json::to_vec(document).unwrap())
    }

    #[test]
    fn ids_are_ranks_after_the_control_tokens() {
        let tokenizer = read(&document()).unwrap();
        assert_eq!(tokenizer.vocab_size(), 284);
        let ids = |text| tokenizer.encode(text).iter().map(|id| id.0).collect::<Vec<_>>();
        assert_eq!(ids("the the"), [24 + 257, 24 + 258]);
        assert_eq!(ids("12é"), [24 + 49, 24 + 50, 24 + 259]);
        assert_eq!(ids("<s>").len(), 3);
        assert_eq!(tokenizer.special_id("[TOOL_CONTENT]"), Some(TokenId(19)));
        assert_eq!(tokenizer.special_id("<SPECIAL_23>"), Some(TokenId(23)));
        let allowed = tokenizer.encode_with_special("<s>the</s>", AllowedSpecial::All);
        assert_eq!(allowed, [1, 24 + 257, 2].map(TokenId));
    }

    #[test]
    fn a_list_of_control_tokens_is_read() {
        let mut document = document();
        let special =
            |rank: u32, text: &str| json!({"rank": rank, "token_str": text, "is_control": true});
        document["special_tokens"] =
            json!([special(0, "<unk>"), special(1, "<s>"), special(2, "[ARGS]")]);
        for version in ["v3", "v7", "v11", "v13"] {
            document["config"]["version"] = json!(version);
            document["audio"] = json!({"sampling_rate": 16000});
            let tokenizer = read(&document).unwrap();
            assert_eq!(tokenizer.special_id("[ARGS]"), Some(TokenId(2)));
            assert_eq!(tokenizer.special_id("<SPECIAL_3>"), Some(TokenId(3)));
        }
        document["special_tokens"].take();
        let error = read(&document).unwrap_err().to_string();
        assert_eq!(error, "special_tokens: expected an array, found nothing");
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_path() {
        let cases: [(&str, Value, &str); 12] = [
            ("/config/version", json!("v99"), "config.version: unsupported value \"v99\""),
            (
                "/config/default_num_special_tokens",
                json!(285),
                "config.default_num_special_tokens: ",
            ),
            (
                "/config/default_num_special_tokens",
                json!(19),
                "special_tokens: unsupported value 20",
            ),
            ("/config/default_vocab_size", json!(286), "vocab: unsupported value 261"),
            ("/config/default_vocab_size", json!(u64::MAX), "vocab: unsupported value 261"),
            ("/config/pattern", json!(7), "config.pattern: expected a string"),
            ("/vocab/3/rank", json!(4), "vocab[3].rank: unsupported value 4"),
            ("/vocab/3/token_bytes", json!("AA"), "vocab[3].token_bytes: expected base64"),
            ("/vocab/3/token_bytes", json!("AA=="), "vocab[3].token_bytes: unsupported value"),
            ("/vocab/3/token_str", json!(1), "vocab[3].token_str: expected a string or null"),
            ("/vocab/256/token_bytes", json!("AA=="), "the token \"\\0\" has the ids 24 and 280"),
            ("/vocab", json!({}), "vocab: expected an array, found an object of 0"),
        ];
        for (pointer, value, expected) in cases {
            let mut document = document();
            *document.pointer_mut(pointer).unwrap() = value;
            let error = read(&document).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{pointer}: {error}");
        }
        for (pointer, path) in
            [("", "new"), ("/config", "config.new"), ("/vocab/7", "vocab[7].new")]
        {
            let mut document = document();
            document.pointer_mut(pointer).unwrap()["new"] = json!(1);
            let error = read(&document).unwrap_err();
            assert!(
                matches!(&error, BpeError::Unsupported { path: found, .. } if found == path),
                "{error}"
            );
        }
        let mut document = document();
        document["config"]["default_num_special_tokens"] = json!(1u64 << 40);
        document["config"]["default_vocab_size"] = json!(1u64 << 41);
        assert!(matches!(read(&document), Err(BpeError::Unsupported { .. })));
    }
}
