//! The member `decoder`.

use serde_json::{Value, json};

use super::node::{Fields, Node, string, unsupported};
use super::normalizer::{read_replace, replace_json};
use super::pre_tokenizer::{metaspace_json, read_metaspace};
use crate::decoder::{ByteLevelFlags, Decoder};
use crate::error::Result;

const SUPPORTED: &str = "ByteLevel, WordPiece, Metaspace, ByteFallback, Fuse, Strip, Replace, \
    BPEDecoder, CTC, Sequence";

pub(super) fn read(path: &str, node: Node) -> Result<Decoder> {
    let mut fields = Fields::new(path, node)?;
    let kind = fields.take_type()?;
    let decoder = match kind.as_str() {
        "ByteLevel" => Decoder::ByteLevel(ByteLevelFlags {
            add_prefix_space: fields.take_bool("add_prefix_space", true)?,
            trim_offsets: fields.take_bool("trim_offsets", true)?,
            use_regex: fields.take_bool("use_regex", true)?,
        }),
        "WordPiece" => Decoder::WordPiece {
            prefix: fields.take_string("prefix")?,
            cleanup: fields.take_bool("cleanup", true)?,
        },
        "Metaspace" => Decoder::Metaspace(read_metaspace(&mut fields)?),
        "ByteFallback" => Decoder::ByteFallback,
        "Fuse" => Decoder::Fuse,
        "Strip" => Decoder::Strip {
            content: fields.take_char("content")?,
            start: fields.take_number("start")?,
            stop: fields.take_number("stop")?,
        },
        "Replace" => Decoder::Replace(read_replace(&mut fields)?),
        "BPEDecoder" => Decoder::Bpe { suffix: fields.take_string("suffix")? },
        "CTC" => Decoder::Ctc {
            pad_token: fields.take_string("pad_token")?,
            word_delimiter_token: fields.take_string("word_delimiter_token")?,
            cleanup: fields.take_bool("cleanup", true)?,
        },
        "Sequence" => Decoder::Sequence(fields.take_each("decoders", read)?),
        other => return Err(unsupported(path, &string(other), SUPPORTED)),
    };
    fields.finish()?;
    Ok(decoder)
}

pub(super) fn write(decoder: &Decoder) -> Value {
    match decoder {
        Decoder::ByteLevel(flags) => json!({
            "type": "ByteLevel",
            "add_prefix_space": flags.add_prefix_space,
            "trim_offsets": flags.trim_offsets,
            "use_regex": flags.use_regex,
        }),
        Decoder::WordPiece { prefix, cleanup } => {
            json!({ "type": "WordPiece", "prefix": prefix, "cleanup": cleanup })
        }
        Decoder::Metaspace(metaspace) => metaspace_json(metaspace),
        Decoder::ByteFallback => json!({ "type": "ByteFallback" }),
        Decoder::Fuse => json!({ "type": "Fuse" }),
        Decoder::Strip { content, start, stop } => {
            json!({ "type": "Strip", "content": content, "start": start, "stop": stop })
        }
        Decoder::Replace(replace) => replace_json(replace),
        Decoder::Bpe { suffix } => json!({ "type": "BPEDecoder", "suffix": suffix }),
        Decoder::Ctc { pad_token, word_delimiter_token, cleanup } => json!({
            "type": "CTC",
            "pad_token": pad_token,
            "word_delimiter_token": word_delimiter_token,
            "cleanup": cleanup,
        }),
        Decoder::Sequence(decoders) => {
            let decoders: Vec<Value> = decoders.iter().map(write).collect();
            json!({ "type": "Sequence", "decoders": decoders })
        }
    }
}
