//! A JSON object per line.

use super::lines::{Line, Lines};
use super::stream::{self, Stream};
use super::{ReadOptions, Records, memory_limit};
use crate::{BadReason, BadRecord, DocId, Document, InputFile, Position, Record, Result};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;

pub(super) fn read(file: &InputFile, options: &ReadOptions) -> Result<Records> {
    let lines = Lines::new(stream::open(file)?, memory_limit(options));
    Ok(Box::new(Jsonl { lines, file: file.clone(), options: options.clone(), done: false }))
}

struct Jsonl {
    lines: Lines<Stream>,
    file: InputFile,
    options: ReadOptions,
    done: bool,
}

impl Iterator for Jsonl {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let found = match self.lines.next() {
                Ok(None) => {
                    self.done = true;
                    break;
                }
                Ok(Some(Line::Whole(line))) if line.iter().all(u8::is_ascii_whitespace) => continue,
                Ok(Some(Line::Whole(line))) => parse(line, &self.options),
                Ok(Some(Line::TooLong)) => {
                    Err(BadReason::TooLong { limit: self.options.max_document_bytes })
                }
                Err(error) => {
                    self.done = true;
                    match stream::sort_error(&self.file.path, error) {
                        Ok(reason) => Err(reason),
                        Err(error) => return Some(Err(error)),
                    }
                }
            };
            let line = self.lines.number();
            return Some(Ok(match found {
                Ok(fields) => Record::Document(self.document(fields, line)),
                Err(reason) => Record::Bad(BadRecord {
                    path: self.file.path.clone(),
                    position: Position::Line(line),
                    reason,
                }),
            }));
        }
        None
    }
}

impl Jsonl {
    fn document(&self, fields: Fields, line: u64) -> Document {
        let id = fields.id.and_then(|id| DocId::new(id).ok()).unwrap_or_else(|| {
            DocId::new(format!("{}:{line}", self.file.name)).expect("it has a colon in it")
        });
        Document {
            id,
            text: fields.text,
            source: fields.source.or_else(|| self.options.source.clone()),
            url: fields.url,
            metadata: fields.metadata,
        }
    }
}

struct Fields {
    id: Option<String>,
    text: String,
    source: Option<String>,
    url: Option<String>,
    metadata: Map<String, Value>,
}

fn parse(line: &[u8], options: &ReadOptions) -> Result<Fields, BadReason> {
    let line = std::str::from_utf8(line)
        .map_err(|error| BadReason::InvalidUtf8 { valid_up_to: error.valid_up_to() as u64 })?;
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let parsed = ObjectSeed { options }
        .deserialize(&mut deserializer)
        .and_then(|object| deserializer.end().map(|()| object));
    match parsed {
        Ok(object) => object.into_fields(options),
        Err(error) if error.is_data() => {
            // The only demand on the data is that it be an object.
            let found = serde_json::from_str::<Value>(line).map_or("something else", |v| kind(&v));
            Err(BadReason::NotAnObject { found })
        }
        Err(error) => Err(BadReason::InvalidJson { message: error.to_string() }),
    }
}

/// The fields of a line before they are judged. A field that comes twice counts once, the last time.
#[derive(Default)]
struct Object<'a> {
    id: Option<&'a RawValue>,
    text: Option<Value>,
    own_metadata: Option<Value>,
    source: Option<Value>,
    url: Option<Value>,
    others: Map<String, Value>,
}

impl Object<'_> {
    fn into_fields(self, options: &ReadOptions) -> Result<Fields, BadReason> {
        let text = match self.text {
            None | Some(Value::Null) => {
                return Err(BadReason::MissingText { field: options.text_field.clone() });
            }
            Some(Value::String(text)) if text.is_empty() => return Err(BadReason::EmptyText),
            Some(Value::String(text)) => text,
            Some(other) => {
                let (field, found) = (options.text_field.clone(), kind(&other));
                return Err(BadReason::TextNotString { field, found });
            }
        };
        let id = self.id.map(|raw| id_text(raw, options)).transpose()?.flatten();
        let mut metadata = self.others;
        match self.own_metadata {
            Some(Value::Object(own)) => metadata.extend(own),
            other => keep(&mut metadata, "metadata", other),
        }
        let mut string = |name, value| match value {
            Some(Value::String(text)) => Some(text),
            other => {
                keep(&mut metadata, name, other);
                None
            }
        };
        let (source, url) = (string("source", self.source), string("url", self.url));
        Ok(Fields { id, text, source, url, metadata })
    }
}

/// A well-known field of another kind than ours is not lost: it stays in the metadata.
fn keep(metadata: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value.filter(|value| !value.is_null()) {
        metadata.entry(name).or_insert(value);
    }
}

/// Numbers keep the digits of the file: an id past 2^64 must not become a rounded one.
fn id_text(raw: &RawValue, options: &ReadOptions) -> Result<Option<String>, BadReason> {
    let invalid = |found| BadReason::InvalidId { field: options.id_field.clone(), found };
    match raw.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw.get())
            .map(Some)
            .map_err(|error| BadReason::InvalidJson { message: error.to_string() }),
        Some(b'n') => Ok(None),
        Some(b'-' | b'0'..=b'9') => Ok(Some(raw.get().to_owned())),
        Some(b'{') => Err(invalid("an object")),
        Some(b'[') => Err(invalid("an array")),
        _ => Err(invalid("a boolean")),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

struct ObjectSeed<'o> {
    options: &'o ReadOptions,
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_> {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut object = Object::default();
        while let Some(key) = map.next_key::<String>()? {
            // The names the caller chose come before the well-known ones.
            if key == self.options.text_field {
                object.text = Some(map.next_value()?);
            } else if key == self.options.id_field {
                object.id = Some(map.next_value()?);
            } else {
                match key.as_str() {
                    "source" => object.source = Some(map.next_value()?),
                    "url" => object.url = Some(map.next_value()?),
                    "metadata" => object.own_metadata = Some(map.next_value()?),
                    _ => {
                        object.others.insert(key, map.next_value()?);
                    }
                }
            }
        }
        Ok(object)
    }
}

#[cfg(test)]
mod tests;
