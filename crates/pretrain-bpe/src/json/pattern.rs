//! `{"String": ..}` and `{"Regex": ..}`.

use serde_json::{Value, json};

use super::node::{Fields, Node, unsupported};
use crate::error::Result;
use crate::text_pattern::TextPattern;

pub(super) fn read_pattern(path: &str, node: Node) -> Result<TextPattern> {
    let mut fields = Fields::new(path, node)?;
    let pattern = match (fields.take_optional_string("String")?, fields.take("Regex")) {
        (Some(literal), Node::Null) if literal.is_empty() => {
            let found = Node::String(literal);
            return Err(unsupported(&fields.path_of("String"), &found, "a string of some length"));
        }
        (Some(literal), Node::Null) => TextPattern::literal(&literal)?,
        (None, Node::String(regex)) => TextPattern::regex(&regex)?,
        (_, other) => return Err(unsupported(path, &other, "one of String and Regex")),
    };
    fields.finish()?;
    Ok(pattern)
}

pub(super) fn pattern_json(pattern: &TextPattern) -> Value {
    match pattern.source() {
        (true, literal) => json!({ "String": literal }),
        (false, regex) => json!({ "Regex": regex }),
    }
}
