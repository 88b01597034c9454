//! The member `pre_tokenizer`.

use serde_json::{Value, json};

use super::node::{Fields, Node, string, unsupported};
use super::pattern::{pattern_json, read_pattern};
use crate::chain::{Behavior, Component, Metaspace, PrependScheme};
use crate::error::Result;

const SUPPORTED: &str = "ByteLevel, Split, BertPreTokenizer, Whitespace, WhitespaceSplit, Metaspace, \
    Punctuation, Digits, CharDelimiterSplit, FixedLength, Sequence";
const BEHAVIORS: &str = "Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous";
const SCHEMES: [(&str, PrependScheme); 3] = [
    ("first", PrependScheme::First),
    ("never", PrependScheme::Never),
    ("always", PrependScheme::Always),
];

pub(super) fn read(path: &str, node: Node) -> Result<Component> {
    let mut fields = Fields::new(path, node)?;
    let kind = fields.take_type()?;
    let component = match kind.as_str() {
        "ByteLevel" => Component::ByteLevel {
            add_prefix_space: fields.take_bool("add_prefix_space", true)?,
            trim_offsets: fields.take_bool("trim_offsets", true)?,
            use_regex: fields.take_bool("use_regex", true)?,
        },
        "Split" => Component::Split {
            pattern: read_pattern(&fields.path_of("pattern"), fields.take("pattern"))?,
            behavior: fields.take_named("behavior", &Behavior::NAMES, None, BEHAVIORS)?,
            invert: fields.take_bool("invert", false)?,
        },
        "BertPreTokenizer" => Component::Bert,
        "Whitespace" => Component::Whitespace,
        "WhitespaceSplit" => Component::WhitespaceSplit,
        "Metaspace" => Component::Metaspace(read_metaspace(&mut fields)?),
        "Punctuation" => {
            let absent = Some(Behavior::Isolated);
            let behavior = fields.take_named("behavior", &Behavior::NAMES, absent, BEHAVIORS)?;
            Component::Punctuation(behavior)
        }
        "Digits" => Component::Digits { individual: fields.take_bool("individual_digits", false)? },
        "CharDelimiterSplit" => Component::CharDelimiterSplit(fields.take_char("delimiter")?),
        "FixedLength" => match fields.take("length") {
            Node::Null => Component::FixedLength(5),
            Node::Integer(length @ 1..=0xffff_ffff) => Component::FixedLength(length as usize),
            other => {
                return Err(unsupported(&fields.path_of("length"), &other, "1 to 4294967295"));
            }
        },
        "Sequence" => Component::Sequence(fields.take_each("pretokenizers", read)?),
        other => return Err(unsupported(path, &string(other), SUPPORTED)),
    };
    fields.finish()?;
    Ok(component)
}

/// The members of a `Metaspace`, which is a pre-tokenizer and a decoder. Files from before
/// tokenizers 0.15 say `add_prefix_space` instead of `prepend_scheme`.
pub(super) fn read_metaspace(fields: &mut Fields) -> Result<Metaspace> {
    let add_prefix_space = fields.take("add_prefix_space");
    let absent = match add_prefix_space {
        Node::Bool(false) => PrependScheme::Never,
        Node::Bool(true) | Node::Null => PrependScheme::Always,
        other => {
            return Err(unsupported(&fields.path_of("add_prefix_space"), &other, "true, false"));
        }
    };
    let schemes = "first, never, always";
    let prepend = fields.take_named("prepend_scheme", &SCHEMES, Some(absent), schemes)?;
    if add_prefix_space == Node::Bool(false) && prepend != PrependScheme::Never {
        let path = fields.path_of("add_prefix_space");
        return Err(unsupported(&path, &add_prefix_space, "what prepend_scheme says"));
    }
    // The replacement again, in files of old.
    fields.take_optional_string("str_rep")?;
    Ok(Metaspace {
        replacement: fields.take_char("replacement")?,
        prepend,
        split: fields.take_bool("split", true)?,
    })
}

pub(super) fn metaspace_json(metaspace: &Metaspace) -> Value {
    json!({
        "type": "Metaspace",
        "replacement": metaspace.replacement,
        "prepend_scheme": name_of(metaspace.prepend, &SCHEMES),
        "split": metaspace.split,
    })
}

fn name_of<T: PartialEq>(value: T, names: &[(&'static str, T)]) -> &'static str {
    names.iter().find(|(_, named)| *named == value).map_or("", |(name, _)| name)
}

pub(super) fn write(component: &Component) -> Value {
    let behavior_name = |behavior| name_of(behavior, &Behavior::NAMES);
    match component {
        Component::ByteLevel { add_prefix_space, trim_offsets, use_regex } => json!({
            "type": "ByteLevel",
            "add_prefix_space": add_prefix_space,
            "trim_offsets": trim_offsets,
            "use_regex": use_regex,
        }),
        Component::Split { pattern, behavior, invert } => json!({
            "type": "Split",
            "pattern": pattern_json(pattern),
            "behavior": behavior_name(*behavior),
            "invert": invert,
        }),
        Component::Bert => json!({ "type": "BertPreTokenizer" }),
        Component::Whitespace => json!({ "type": "Whitespace" }),
        Component::WhitespaceSplit => json!({ "type": "WhitespaceSplit" }),
        Component::Metaspace(metaspace) => metaspace_json(metaspace),
        Component::Punctuation(behavior) => {
            json!({ "type": "Punctuation", "behavior": behavior_name(*behavior) })
        }
        Component::Digits { individual } => {
            json!({ "type": "Digits", "individual_digits": individual })
        }
        Component::CharDelimiterSplit(delimiter) => {
            json!({ "type": "CharDelimiterSplit", "delimiter": delimiter })
        }
        Component::FixedLength(length) => json!({ "type": "FixedLength", "length": length }),
        Component::Sequence(components) => {
            let components: Vec<Value> = components.iter().map(write).collect();
            json!({ "type": "Sequence", "pretokenizers": components })
        }
    }
}
