//! A text and what is known about it.

use crate::{CorpusError, Result};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;

/// Names a document within a collection; never empty.
///
/// Nothing here checks that ids are unique: a collection may hold an id twice, and the stages that
/// care say what they do then.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DocId(String);

impl DocId {
    /// Takes a name as it is.
    ///
    /// # Errors
    /// [`CorpusError::EmptyId`] if it is empty.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        let id = id.into();
        if id.is_empty() { Err(CorpusError::EmptyId) } else { Ok(Self(id)) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for DocId {
    type Error = CorpusError;

    fn try_from(id: String) -> Result<Self> {
        Self::new(id)
    }
}

impl From<DocId> for String {
    fn from(id: DocId) -> Self {
        id.0
    }
}

/// One text of a corpus.
///
/// As JSON it is an object with `id` and `text`, then `source`, `url` and `metadata` where they
/// hold something, in this order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Its name.
    pub id: DocId,
    /// The text itself, any Unicode.
    pub text: String,
    /// The part of a corpus it belongs to, for example `prose`.
    #[serde(default)]
    pub source: Option<String>,
    /// Where it was published.
    #[serde(default)]
    pub url: Option<String>,
    /// Everything else that is known about it.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

impl Document {
    /// A document of which nothing but name and text is known.
    pub fn new(id: DocId, text: impl Into<String>) -> Self {
        Self { id, text: text.into(), source: None, url: None, metadata: Map::new() }
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let optional = usize::from(self.source.is_some())
            + usize::from(self.url.is_some())
            + usize::from(!self.metadata.is_empty());
        let mut object = serializer.serialize_struct("Document", 2 + optional)?;
        object.serialize_field("id", self.id.as_str())?;
        object.serialize_field("text", &self.text)?;
        if let Some(source) = &self.source {
            object.serialize_field("source", source)?;
        }
        if let Some(url) = &self.url {
            object.serialize_field("url", url)?;
        }
        if !self.metadata.is_empty() {
            object.serialize_field("metadata", &self.metadata)?;
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_what_is_known_in_a_fixed_order() {
        let mut doc = Document::new(DocId::new("a").unwrap(), "x\u{2028}\0");
        assert_eq!(
            serde_json::to_string(&doc).unwrap(),
            "{\"id\":\"a\",\"text\":\"x\u{2028}\\u0000\"}"
        );
        doc.url = Some("u".into());
        doc.metadata.insert("k".into(), Value::from(1));
        let json = serde_json::to_string(&doc).unwrap();
        assert!(json.ends_with(r#""url":"u","metadata":{"k":1}}"#), "{json}");
        assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), doc);
    }

    #[test]
    fn an_id_is_never_empty() {
        assert!(matches!(DocId::new(""), Err(CorpusError::EmptyId)));
        assert!(serde_json::from_str::<DocId>("\"\"").is_err());
        assert_eq!(DocId::new("a").unwrap().as_str(), "a");
    }
}
