//! The named fields before a record's body.

use std::borrow::Cow;

/// A record's header: the version line and the fields in the file's order.
///
/// Bytes that are not UTF-8 are replaced by U+FFFD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarcHeader {
    version: String,
    fields: Vec<(String, String)>,
}

impl WarcHeader {
    pub(super) fn new(version_line: &[u8]) -> Self {
        Self { version: trimmed(version_line), fields: Vec::new() }
    }

    /// Takes a line in; `false` if it is no field.
    pub(super) fn push_line(&mut self, line: &[u8]) -> bool {
        if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            // A folded line continues the value above it.
            let Some((_, value)) = self.fields.last_mut() else { return false };
            value.push(' ');
            value.push_str(&trimmed(line));
            return true;
        }
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { return false };
        let (name, value) = (trimmed(&line[..colon]), trimmed(&line[colon + 1..]));
        self.fields.push((name, value));
        true
    }

    /// The version line, for example `WARC/1.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Every field, as name and value, in the file's order.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The first field of a name; case does not matter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// `WARC-Type`: `response`, `request`, `conversion`, ...; empty if absent.
    pub fn record_type(&self) -> &str {
        self.get("WARC-Type").unwrap_or_default()
    }

    /// `WARC-Record-ID` with its angle brackets.
    pub fn record_id(&self) -> Option<&str> {
        self.get("WARC-Record-ID")
    }

    /// `WARC-Target-URI`, without the angle brackets that old wget put around it and with spaces
    /// as `%20`, as warcio gives it.
    pub fn target_uri(&self) -> Option<Cow<'_, str>> {
        let uri = self.get("WARC-Target-URI")?;
        let bare = uri.strip_prefix('<').and_then(|uri| uri.strip_suffix('>')).unwrap_or(uri);
        Some(if bare.contains(' ') { bare.replace(' ', "%20").into() } else { bare.into() })
    }

    /// `WARC-Date` as written, normally `YYYY-MM-DDThh:mm:ssZ`.
    pub fn date(&self) -> Option<&str> {
        self.get("WARC-Date")
    }

    /// `Content-Type` of the body as a whole.
    pub fn content_type(&self) -> Option<&str> {
        self.get("Content-Type")
    }

    /// `Content-Length`, the body's length in bytes, if it is a number.
    pub fn content_length(&self) -> Option<u64> {
        self.get("Content-Length")?.parse().ok()
    }

    /// `WARC-Payload-Digest` as declared, for example `sha1:...` in base 32.
    pub fn payload_digest(&self) -> Option<&str> {
        self.get("WARC-Payload-Digest")
    }

    /// `WARC-Block-Digest` as declared.
    pub fn block_digest(&self) -> Option<&str> {
        self.get("WARC-Block-Digest")
    }
}

fn trimmed(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.trim_ascii()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_whatever_their_case_and_folding() {
        let mut header = WarcHeader::new(b"WARC/1.0\r\n");
        assert!(!header.push_line(b" nothing above\r\n"));
        assert!(header.push_line(b"warc-type:response\r\n"));
        assert!(header.push_line(b"Content-Length:  12 \n"));
        assert!(header.push_line(b"X: a\r\n"));
        assert!(header.push_line(b"\tb\xff\r\n"));
        assert!(!header.push_line(b"no colon\r\n"));
        assert_eq!(header.version(), "WARC/1.0");
        assert_eq!(header.record_type(), "response");
        assert_eq!(header.content_length(), Some(12));
        assert_eq!(header.get("x"), Some("a b\u{fffd}"));
        assert_eq!(header.target_uri(), None);
        assert_eq!(header.fields().len(), 3);
    }
}
