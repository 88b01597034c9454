//! The member `post_processor`.

use serde_json::{Value, json};

use super::node::{Fields, Node, read_id, string, unsupported, wrong_type};
use crate::error::Result;
use crate::post_processor::{
    ByteLevelPost, NamedToken, Piece, PostProcessor, Template, TemplateToken,
};
use crate::token::TokenId;

const SUPPORTED: &str =
    "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing, Sequence";

pub(super) fn read(path: &str, node: Node) -> Result<PostProcessor> {
    let mut fields = Fields::new(path, node)?;
    let kind = fields.take_type()?;
    let processor = match kind.as_str() {
        "ByteLevel" => PostProcessor::ByteLevel(ByteLevelPost {
            add_prefix_space: fields.take_bool("add_prefix_space", true)?,
            trim_offsets: fields.take_bool("trim_offsets", true)?,
            use_regex: fields.take_bool("use_regex", true)?,
        }),
        "TemplateProcessing" => PostProcessor::Template(read_template(&mut fields)?),
        "BertProcessing" => PostProcessor::Bert {
            sep: read_named_token(&mut fields, "sep")?,
            cls: read_named_token(&mut fields, "cls")?,
        },
        "RobertaProcessing" => PostProcessor::Roberta {
            sep: read_named_token(&mut fields, "sep")?,
            cls: read_named_token(&mut fields, "cls")?,
            trim_offsets: fields.take_bool("trim_offsets", true)?,
            add_prefix_space: fields.take_bool("add_prefix_space", true)?,
        },
        "Sequence" => {
            let processors = fields.take_each("processors", read)?;
            // The second would meet the tokens of the first as if they were texts.
            if processors.iter().filter(|processor| processor.inserts()).count() > 1 {
                let path = fields.path_of("processors");
                let found = string("several");
                return Err(unsupported(&path, &found, "one that inserts tokens"));
            }
            PostProcessor::Sequence(processors)
        }
        other => return Err(unsupported(path, &string(other), SUPPORTED)),
    };
    fields.finish()?;
    Ok(processor)
}

/// `["[SEP]", 102]`
fn read_named_token(fields: &mut Fields, key: &str) -> Result<NamedToken> {
    let path = fields.path_of(key);
    let items = fields.take_array(key)?;
    match <[Node; 2]>::try_from(items) {
        Ok([Node::String(token), id]) => {
            Ok(NamedToken { token, id: TokenId(read_id(&format!("{path}[1]"), &id)?) })
        }
        Ok(items) => {
            Err(wrong_type(&path, "a token and its id", Some(&Node::Array(items.to_vec()))))
        }
        Err(items) => Err(wrong_type(&path, "a token and its id", Some(&Node::Array(items)))),
    }
}

fn read_template(fields: &mut Fields) -> Result<Template> {
    let tokens_path = fields.path_of("special_tokens");
    let mut special_tokens = Vec::new();
    match fields.take("special_tokens") {
        Node::Object(members) => {
            for (name, node) in members {
                special_tokens.push(read_template_token(&tokens_path, name, node)?);
            }
        }
        other => return Err(wrong_type(&tokens_path, "an object", Some(&other))),
    }
    let piece = |is_pair: bool| {
        let special_tokens = &special_tokens;
        move |path: &str, node| read_piece(path, node, special_tokens, is_pair)
    };
    let single = fields.take_each("single", piece(false))?;
    let pair = fields.take_each("pair", piece(true))?;
    Ok(Template { single, pair, special_tokens })
}

fn read_template_token(path: &str, name: String, node: Node) -> Result<TemplateToken> {
    let path = format!("{path}[{name:?}]");
    let mut fields = Fields::new(&path, node)?;
    // The name again.
    fields.expect("id", &[string(&name)], "the name of the member")?;
    let ids = fields.take_each("ids", |path, node| Ok(TokenId(read_id(path, &node)?)))?;
    let tokens = fields.take_each("tokens", |path, node| match node {
        Node::String(token) => Ok(token),
        other => Err(wrong_type(path, "a string", Some(&other))),
    })?;
    fields.finish()?;
    Ok(TemplateToken { name, ids, tokens })
}

fn read_piece(
    path: &str,
    node: Node,
    special_tokens: &[TemplateToken],
    is_pair: bool,
) -> Result<Piece> {
    let mut fields = Fields::new(path, node)?;
    let piece = match (fields.take("Sequence"), fields.take("SpecialToken")) {
        (node @ Node::Object(_), Node::Null) => {
            let mut sequence = Fields::new(&fields.path_of("Sequence"), node)?;
            let (names, supported): (&[_], _) =
                if is_pair { (&[("A", 0), ("B", 1)], "A, B") } else { (&[("A", 0)], "A") };
            let index = sequence.take_named("id", names, None, supported)?;
            let type_id = sequence.take_id("type_id")?;
            sequence.finish()?;
            Piece::Sequence { index, type_id }
        }
        (Node::Null, node @ Node::Object(_)) => {
            let mut special = Fields::new(&fields.path_of("SpecialToken"), node)?;
            let id_path = special.path_of("id");
            let name = special.take_string("id")?;
            let type_id = special.take_id("type_id")?;
            special.finish()?;
            let Some(index) = special_tokens.iter().position(|token| token.name == name) else {
                return Err(unsupported(&id_path, &Node::String(name), "a name in special_tokens"));
            };
            Piece::Special { index, type_id }
        }
        (_, other) => return Err(unsupported(path, &other, "one of Sequence and SpecialToken")),
    };
    fields.finish()?;
    Ok(piece)
}

pub(super) fn write(processor: &PostProcessor) -> Value {
    let named = |token: &NamedToken| json!([token.token, token.id.0]);
    match processor {
        PostProcessor::ByteLevel(post) => json!({
            "type": "ByteLevel",
            "add_prefix_space": post.add_prefix_space,
            "trim_offsets": post.trim_offsets,
            "use_regex": post.use_regex,
        }),
        PostProcessor::Template(template) => write_template(template),
        PostProcessor::Bert { sep, cls } => {
            json!({ "type": "BertProcessing", "sep": named(sep), "cls": named(cls) })
        }
        PostProcessor::Roberta { sep, cls, trim_offsets, add_prefix_space } => json!({
            "type": "RobertaProcessing",
            "sep": named(sep),
            "cls": named(cls),
            "trim_offsets": trim_offsets,
            "add_prefix_space": add_prefix_space,
        }),
        PostProcessor::Sequence(processors) => {
            let processors: Vec<Value> = processors.iter().map(write).collect();
            json!({ "type": "Sequence", "processors": processors })
        }
    }
}

fn write_template(template: &Template) -> Value {
    let name = |index: usize| template.special_tokens.get(index).map(|token| &token.name);
    let piece = |piece: &Piece| match *piece {
        Piece::Sequence { index, type_id } => {
            let id = if index == 0 { "A" } else { "B" };
            json!({ "Sequence": { "id": id, "type_id": type_id } })
        }
        Piece::Special { index, type_id } => {
            json!({ "SpecialToken": { "id": name(index), "type_id": type_id } })
        }
    };
    let pieces = |pieces: &[Piece]| pieces.iter().map(piece).collect::<Vec<Value>>();
    let special_tokens = template.special_tokens.iter().map(|token| {
        let ids: Vec<u32> = token.ids.iter().map(|id| id.0).collect();
        let value = json!({ "id": token.name, "ids": ids, "tokens": token.tokens });
        (token.name.clone(), value)
    });
    json!({
        "type": "TemplateProcessing",
        "single": pieces(&template.single),
        "pair": pieces(&template.pair),
        "special_tokens": special_tokens.collect::<serde_json::Map<String, Value>>(),
    })
}
