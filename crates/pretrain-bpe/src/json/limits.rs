//! The members `truncation` and `padding`.

use serde_json::{Value, json};

use super::node::{Fields, Node, read_number, unsupported};
use crate::encoding::{PadLength, Padding, Side, Truncation, TruncationStrategy};
use crate::error::Result;
use crate::token::TokenId;

const SIDES: [(&str, Side); 2] = [("Left", Side::Left), ("Right", Side::Right)];
const STRATEGIES: [(&str, TruncationStrategy); 3] = [
    ("LongestFirst", TruncationStrategy::LongestFirst),
    ("OnlyFirst", TruncationStrategy::OnlyFirst),
    ("OnlySecond", TruncationStrategy::OnlySecond),
];

pub(super) fn read_truncation(path: &str, node: Node) -> Result<Truncation> {
    let mut fields = Fields::new(path, node)?;
    let names = "LongestFirst, OnlyFirst, OnlySecond";
    let truncation = Truncation {
        max_length: fields.take_number("max_length")?,
        stride: fields.take_number("stride")?,
        strategy: fields.take_named("strategy", &STRATEGIES, None, names)?,
        direction: fields.take_named("direction", &SIDES, Some(Side::Right), "Left, Right")?,
    };
    fields.finish()?;
    Ok(truncation)
}

pub(super) fn write_truncation(truncation: &Truncation) -> Value {
    json!({
        "direction": name_of(truncation.direction, &SIDES),
        "max_length": truncation.max_length,
        "strategy": name_of(truncation.strategy, &STRATEGIES),
        "stride": truncation.stride,
    })
}

pub(super) fn read_padding(path: &str, node: Node) -> Result<Padding> {
    let mut fields = Fields::new(path, node)?;
    let strategy_path = fields.path_of("strategy");
    let length = match fields.take("strategy") {
        Node::String(name) if name == "BatchLongest" => PadLength::Longest,
        node @ Node::Object(_) => {
            let mut strategy = Fields::new(&strategy_path, node)?;
            let length = strategy.take_number("Fixed")?;
            strategy.finish()?;
            PadLength::Fixed(length)
        }
        other => return Err(unsupported(&strategy_path, &other, "BatchLongest, Fixed")),
    };
    let multiple_path = fields.path_of("pad_to_multiple_of");
    let padding = Padding {
        length,
        multiple: match fields.take("pad_to_multiple_of") {
            Node::Null => None,
            other => Some(read_number(&multiple_path, &other)?),
        },
        direction: fields.take_named("direction", &SIDES, None, "Left, Right")?,
        id: TokenId(fields.take_id("pad_id")?),
        type_id: fields.take_id("pad_type_id")?,
        token: fields.take_string("pad_token")?,
    };
    fields.finish()?;
    Ok(padding)
}

pub(super) fn write_padding(padding: &Padding) -> Value {
    json!({
        "strategy": match padding.length {
            PadLength::Longest => json!("BatchLongest"),
            PadLength::Fixed(length) => json!({ "Fixed": length }),
        },
        "direction": name_of(padding.direction, &SIDES),
        "pad_to_multiple_of": padding.multiple,
        "pad_id": padding.id.0,
        "pad_type_id": padding.type_id,
        "pad_token": padding.token,
    })
}

fn name_of<T: PartialEq>(value: T, names: &[(&'static str, T)]) -> &'static str {
    names.iter().find(|(_, named)| *named == value).map_or("", |(name, _)| name)
}
