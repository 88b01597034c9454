//! A JSON document in which nothing is lost: `serde_json::Value` keeps one of two equal keys, and a
//! vocabulary with a token twice would pass unseen.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::{BpeError, Result};

/// A JSON value; the members of an object in file order, duplicates included.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    /// A non-negative integer.
    Integer(u64),
    /// Any other number.
    Number(f64),
    String(String),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn parse(file: &[u8]) -> Result<Self> {
        serde_json::from_slice(file).map_err(BpeError::Json)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Integer(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(u64::try_from(value).map_or(Node::Number(value as f64), Node::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Object(members))
    }
}

/// The beginning of the value as JSON, for error messages.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::String(value) => {
                let short: String = value.chars().take(60).collect();
                write!(f, "{short:?}")?;
                f.write_str(if short.len() < value.len() { "..." } else { "" })
            }
            Self::Array(items) => write!(f, "an array of {}", items.len()),
            Self::Object(members) => match members.iter().find(|(key, _)| key == "type") {
                Some((_, kind)) => write!(f, "an object of type {kind}"),
                None => write!(f, "an object of {}", members.len()),
            },
        }
    }
}

/// Reads the members of an object one by one and, at the end, refuses those that nobody asked for.
pub(super) struct Fields {
    path: String,
    members: Vec<(String, Node)>,
}

impl Fields {
    pub(super) fn new(path: &str, node: Node) -> Result<Self> {
        match node {
            Node::Object(members) => Ok(Self { path: path.to_owned(), members }),
            other => Err(wrong_type(path, "an object", Some(&other))),
        }
    }

    /// Where a member stands in the document.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.members.iter().any(|(found, _)| found == key)
    }

    /// Takes a member out; a missing one is `null`.
    pub(super) fn take(&mut self, key: &str) -> Node {
        match self.members.iter().position(|(found, _)| found == key) {
            Some(index) => self.members.remove(index).1,
            None => Node::Null,
        }
    }

    /// A member that must be a boolean, with the value that its absence means.
    pub(super) fn take_bool(&mut self, key: &str, absent: bool) -> Result<bool> {
        match self.take(key) {
            Node::Null => Ok(absent),
            Node::Bool(value) => Ok(value),
            other => Err(wrong_type(&self.path_of(key), "true or false", Some(&other))),
        }
    }

    pub(super) fn take_string(&mut self, key: &str) -> Result<String> {
        match self.take(key) {
            Node::String(value) => Ok(value),
            other => Err(wrong_type(&self.path_of(key), "a string", Some(&other))),
        }
    }

    /// The member `type`.
    pub(super) fn take_type(&mut self) -> Result<String> {
        self.take_string("type")
    }

    /// A member that may be missing or `null`.
    pub(super) fn take_optional_string(&mut self, key: &str) -> Result<Option<String>> {
        match self.take(key) {
            Node::Null => Ok(None),
            Node::String(value) => Ok(Some(value)),
            other => Err(wrong_type(&self.path_of(key), "a string or null", Some(&other))),
        }
    }

    /// A member that must be a string of one character.
    pub(super) fn take_char(&mut self, key: &str) -> Result<char> {
        let text = self.take_string(key)?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => Ok(c),
            _ => Err(wrong_type(&self.path_of(key), "one character", Some(&Node::String(text)))),
        }
    }

    pub(super) fn take_number(&mut self, key: &str) -> Result<usize> {
        let path = self.path_of(key);
        read_number(&path, &self.take(key))
    }

    /// An id or the type of one: a number below 2^32 - 1, since the last is left to mean "none".
    pub(super) fn take_id(&mut self, key: &str) -> Result<u32> {
        let path = self.path_of(key);
        read_id(&path, &self.take(key))
    }

    pub(super) fn take_array(&mut self, key: &str) -> Result<Vec<Node>> {
        match self.take(key) {
            Node::Array(items) => Ok(items),
            other => Err(wrong_type(&self.path_of(key), "an array", Some(&other))),
        }
    }

    /// A member that must be the name of one of the values.
    pub(super) fn take_named<T: Copy>(
        &mut self,
        key: &str,
        names: &[(&str, T)],
        absent: Option<T>,
        supported: &'static str,
    ) -> Result<T> {
        let found = self.take(key);
        if let (Node::Null, Some(absent)) = (&found, absent) {
            return Ok(absent);
        }
        let named = names.iter().find(|(name, _)| matches!(&found, Node::String(s) if s == name));
        match named {
            Some(&(_, value)) => Ok(value),
            None => Err(unsupported(&self.path_of(key), &found, supported)),
        }
    }

    /// The members of the array `key`, each read by `read` with its path.
    pub(super) fn take_each<T>(
        &mut self,
        key: &str,
        read: impl Fn(&str, Node) -> Result<T>,
    ) -> Result<Vec<T>> {
        let path = self.path_of(key);
        let items = self.take_array(key)?.into_iter().enumerate();
        items.map(|(index, item)| read(&format!("{path}[{index}]"), item)).collect()
    }

    /// A member that must have one of these values, or be missing.
    pub(super) fn expect(
        &mut self,
        key: &str,
        allowed: &[Node],
        supported: &'static str,
    ) -> Result<()> {
        let found = self.take(key);
        if found == Node::Null || allowed.contains(&found) {
            return Ok(());
        }
        Err(unsupported(&self.path_of(key), &found, supported))
    }

    /// Refuses what was not taken: unknown members, and the second of two equal ones.
    pub(super) fn finish(self) -> Result<()> {
        match self.members.first() {
            Some((key, value)) => Err(unsupported(&self.path_of(key), value, "no such member")),
            None => Ok(()),
        }
    }
}

pub(super) fn read_id(path: &str, node: &Node) -> Result<u32> {
    match node {
        Node::Integer(id) if *id < u64::from(u32::MAX) => Ok(*id as u32),
        other => Err(wrong_type(path, "an id below 2^32 - 1", Some(other))),
    }
}

pub(super) fn read_number(path: &str, node: &Node) -> Result<usize> {
    match node {
        Node::Integer(number) if usize::try_from(*number).is_ok() => Ok(*number as usize),
        other => Err(wrong_type(path, "a number", Some(other))),
    }
}

pub(super) fn wrong_type(path: &str, expected: &'static str, found: Option<&Node>) -> BpeError {
    let found = match found {
        Some(Node::Null) | None => "nothing".to_owned(),
        Some(node) => node.to_string(),
    };
    BpeError::Type { path: path.to_owned(), expected, found }
}

pub(super) fn unsupported(path: &str, found: &Node, supported: &'static str) -> BpeError {
    BpeError::Unsupported { path: path.to_owned(), found: found.to_string(), supported }
}

/// A string node, to compare with.
pub(super) fn string(text: &str) -> Node {
    Node::String(text.to_owned())
}
