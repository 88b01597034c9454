//! The laws and cases of `jsonl`.

use super::*;

fn parse_line(line: &str) -> Result<Fields, BadReason> {
    parse(line.as_bytes(), &ReadOptions::default())
}

fn fields(line: &str) -> Fields {
    parse_line(line).unwrap_or_else(|reason| panic!("{line}: {reason}"))
}

fn reason(line: &str) -> BadReason {
    match parse_line(line) {
        Ok(found) => panic!("{line} gave {:?}", found.text),
        Err(reason) => reason,
    }
}

fn field(name: &str) -> String {
    name.to_owned()
}

#[test]
fn ids_keep_what_is_written() {
    for (id, expected) in [
        (r#""a b""#, Some("a b")),
        (r#""\u00e9""#, Some("é")),
        ("7", Some("7")),
        ("-0", Some("-0")),
        ("1.50", Some("1.50")),
        ("36893488147419103233", Some("36893488147419103233")),
        ("null", None),
    ] {
        let found = fields(&format!(r#"{{"id": {id}, "text": "t"}}"#)).id;
        assert_eq!(found.as_deref(), expected, "{id}");
    }
    for (id, found) in [("true", "a boolean"), ("{}", "an object"), ("[1]", "an array")] {
        let line = format!(r#"{{"text": "t", "id": {id}}}"#);
        assert_eq!(reason(&line), BadReason::InvalidId { field: field("id"), found });
    }
}

#[test]
fn what_is_no_text_is_told_apart() {
    assert_eq!(reason("{}"), BadReason::MissingText { field: field("text") });
    assert_eq!(reason(r#"{"text": null}"#), BadReason::MissingText { field: field("text") });
    assert_eq!(reason(r#"{"text": ""}"#), BadReason::EmptyText);
    for (value, found) in
        [("1", "a number"), ("[\"a\"]", "an array"), ("{}", "an object"), ("false", "a boolean")]
    {
        let line = format!(r#"{{"text": {value}}}"#);
        assert_eq!(reason(&line), BadReason::TextNotString { field: field("text"), found });
    }
    assert_eq!(reason("[1]"), BadReason::NotAnObject { found: "an array" });
    assert_eq!(reason("\"text\""), BadReason::NotAnObject { found: "a string" });
    for broken in
        [r#"{"text": "a"#, r#"{"text": "a"} x"#, r#"{"text": "\ud800"}"#, "{text: 1}", "\u{1}"]
    {
        assert!(matches!(reason(broken), BadReason::InvalidJson { .. }), "{broken}");
    }
    let deep = format!(r#"{{"text": "a", "x": {}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    assert!(matches!(reason(&deep), BadReason::InvalidJson { .. }));
}

#[test]
fn all_other_fields_are_kept() {
    let line = r#"{"lang": "de", "source": "web", "url": "u", "text": "t",
        "metadata": {"lang": "fr", "n": [1]}, "meta": 3}"#;
    let found = fields(line);
    assert_eq!((found.source.as_deref(), found.url.as_deref()), (Some("web"), Some("u")));
    assert_eq!(
        Value::Object(found.metadata),
        serde_json::json!({ "lang": "fr", "n": [1], "meta": 3 })
    );
    let odd = fields(r#"{"text": "t", "source": {"a": 1}, "url": null, "metadata": "m"}"#);
    assert_eq!((odd.source, odd.url), (None, None));
    assert_eq!(
        Value::Object(odd.metadata),
        serde_json::json!({ "source": { "a": 1 }, "metadata": "m" })
    );
}

#[test]
fn the_names_of_fields_are_the_callers() {
    let options = ReadOptions {
        id_field: "url".to_owned(),
        text_field: "content".to_owned(),
        ..ReadOptions::default()
    };
    let line = br#"{"id": 5, "url": "https://a.example", "content": "c", "text": "t"}"#;
    let found = parse(line, &options).unwrap_or_else(|reason| panic!("{reason}"));
    assert_eq!((found.id.as_deref(), &*found.text), (Some("https://a.example"), "c"));
    assert_eq!(found.url, None);
    assert_eq!(Value::Object(found.metadata), serde_json::json!({ "id": 5, "text": "t" }));
    let twice = fields(r#"{"text": "one", "text": "two"}"#);
    assert_eq!(twice.text, "two");
}
