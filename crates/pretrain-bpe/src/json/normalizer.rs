//! The member `normalizer`.

use serde_json::{Value, json};

use super::node::{Fields, Node, string, unsupported};
use super::pattern::{pattern_json, read_pattern};
use crate::base64;
use crate::error::{BpeError, Result};
use crate::normalize::{BertNormalizer, Normalizer, Precompiled, Replace};

const SUPPORTED: &str = "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Prepend, Replace, \
    BertNormalizer, Precompiled, ByteLevel, Nmt, Sequence";

pub(super) fn read(path: &str, node: Node) -> Result<Normalizer> {
    let mut fields = Fields::new(path, node)?;
    let kind = fields.take_type()?;
    let normalizer = match kind.as_str() {
        "NFC" => Normalizer::Nfc,
        "NFD" => Normalizer::Nfd,
        "NFKC" => Normalizer::Nfkc,
        "NFKD" => Normalizer::Nfkd,
        "Lowercase" => Normalizer::Lowercase,
        "Strip" => Normalizer::Strip {
            left: fields.take_bool("strip_left", true)?,
            right: fields.take_bool("strip_right", true)?,
        },
        "StripAccents" => Normalizer::StripAccents,
        "Prepend" => Normalizer::Prepend(fields.take_string("prepend")?),
        "Replace" => Normalizer::Replace(read_replace(&mut fields)?),
        "BertNormalizer" => Normalizer::Bert(BertNormalizer {
            clean_text: fields.take_bool("clean_text", true)?,
            handle_chinese_chars: fields.take_bool("handle_chinese_chars", true)?,
            strip_accents: match fields.take("strip_accents") {
                Node::Null => None,
                Node::Bool(strips) => Some(strips),
                other => {
                    let path = fields.path_of("strip_accents");
                    return Err(unsupported(&path, &other, "true, false, null"));
                }
            },
            lowercase: fields.take_bool("lowercase", true)?,
        }),
        "Precompiled" => {
            let path = fields.path_of("precompiled_charsmap");
            let text = fields.take_string("precompiled_charsmap")?;
            let fault =
                || BpeError::Type { path, expected: "base64", found: string(&text).to_string() };
            let blob = base64::decode(text.as_bytes()).ok_or_else(fault)?;
            Normalizer::Precompiled(Precompiled::new(&blob)?)
        }
        "ByteLevel" => Normalizer::ByteLevel,
        "Nmt" => Normalizer::Nmt,
        "Sequence" => Normalizer::Sequence(fields.take_each("normalizers", read)?),
        other => return Err(unsupported(path, &string(other), SUPPORTED)),
    };
    fields.finish()?;
    Ok(normalizer)
}

fn charsmap_text(precompiled: &Precompiled) -> String {
    let mut text = Vec::new();
    base64::encode(&precompiled.to_bytes(), &mut text);
    text.into_iter().map(char::from).collect()
}

/// The members of a `Replace`, which is a normaliser and a decoder.
pub(super) fn read_replace(fields: &mut Fields) -> Result<Replace> {
    let pattern = read_pattern(&fields.path_of("pattern"), fields.take("pattern"))?;
    Ok(Replace { pattern, content: fields.take_string("content")? })
}

pub(super) fn replace_json(replace: &Replace) -> Value {
    json!({
        "type": "Replace",
        "pattern": pattern_json(&replace.pattern),
        "content": replace.content,
    })
}

pub(super) fn write(normalizer: &Normalizer) -> Value {
    let named = |kind: &str| json!({ "type": kind });
    match normalizer {
        Normalizer::Nfc => named("NFC"),
        Normalizer::Nfd => named("NFD"),
        Normalizer::Nfkc => named("NFKC"),
        Normalizer::Nfkd => named("NFKD"),
        Normalizer::Lowercase => named("Lowercase"),
        Normalizer::Strip { left, right } => {
            json!({ "type": "Strip", "strip_left": left, "strip_right": right })
        }
        Normalizer::StripAccents => named("StripAccents"),
        Normalizer::Prepend(prefix) => json!({ "type": "Prepend", "prepend": prefix }),
        Normalizer::Replace(replace) => replace_json(replace),
        Normalizer::Bert(bert) => json!({
            "type": "BertNormalizer",
            "clean_text": bert.clean_text,
            "handle_chinese_chars": bert.handle_chinese_chars,
            "strip_accents": bert.strip_accents,
            "lowercase": bert.lowercase,
        }),
        Normalizer::Precompiled(precompiled) => json!({
            "type": "Precompiled",
            "precompiled_charsmap": charsmap_text(precompiled),
        }),
        Normalizer::ByteLevel => named("ByteLevel"),
        Normalizer::Nmt => named("Nmt"),
        Normalizer::Sequence(parts) => {
            let parts: Vec<Value> = parts.iter().map(write).collect();
            json!({ "type": "Sequence", "normalizers": parts })
        }
    }
}
