//! Reading and writing `tokenizer.json`.

use serde_json::{Value, json};

use super::node::Node;
use crate::{AllowedSpecial, BpeError, Pattern, TokenId, Tokenizer};

/// A whole document with three merges and a special token.
fn document() -> Value {
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [{
            "id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true,
        }],
        "normalizer": null,
        "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true },
        "post_processor": null,
        "decoder": { "type": "ByteLevel" },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "vocab": { "<s>": 0, "a": 1, "b": 2, "Ġ": 3, "ab": 4, "Ġab": 5, "bb": 6 },
            "merges": ["a b", ["Ġ", "ab"], ["b", "b"]],
        },
    })
}

fn read(document: &Value) -> Result<Tokenizer, BpeError> {
    Tokenizer::from_json(document.to_string().as_bytes())
}

fn changed(change: impl FnOnce(&mut Value)) -> BpeError {
    let mut document = document();
    change(&mut document);
    read(&document).unwrap_err()
}

#[test]
fn a_small_document() {
    let tokenizer = read(&document()).unwrap();
    let ids = |text| tokenizer.encode(text).iter().map(|id| id.0).collect::<Vec<_>>();
    assert_eq!(ids("abb ab"), [4, 2, 5]);
    assert_eq!(ids("a<s>b"), [1, 2], "bytes without token are left out");
    let allowed = tokenizer.encode_with_special("a<s>b", AllowedSpecial::All);
    assert_eq!(allowed, [TokenId(1), TokenId(0), TokenId(2)]);
    assert_eq!(tokenizer.token_bytes(TokenId(5)), Some(&b" ab"[..]));
    assert_eq!(tokenizer.token_bytes(TokenId(0)), Some(&b"<s>"[..]));
    assert_eq!(tokenizer.token_bytes(TokenId(7)), None);
    assert_eq!(tokenizer.token_to_id(" ab"), Some(TokenId(5)));
    assert_eq!(tokenizer.decode_lossy(&[TokenId(5), TokenId(99), TokenId(0)]), " ab<s>");
    assert!(!tokenizer.has_all_bytes());
    let again = Tokenizer::from_json(&tokenizer.to_json()).unwrap();
    assert_eq!(again.fingerprint(), tokenizer.fingerprint());
    assert_eq!(again.to_json(), tokenizer.to_json());
}

#[test]
fn the_fingerprint_is_pinned() {
    // A change of the canonical form would orphan every file that carries a fingerprint.
    let expected = "eb668da3bd069ceefb0b47755347ffa2eaee12df4f83a40a8412ba0fc64937d5";
    assert_eq!(read(&document()).unwrap().fingerprint(), expected);
    let mut other = document();
    other["added_tokens"][0]["special"] = json!(false);
    assert_ne!(read(&other).unwrap().fingerprint(), expected);
}

#[test]
fn ignore_merges_takes_whole_pre_tokens() {
    let mut document = document();
    document["model"]["merges"] = json!([]);
    let ids = |document: &Value| {
        read(document).unwrap().encode("ab").iter().map(|id| id.0).collect::<Vec<_>>()
    };
    assert_eq!(ids(&document), [1, 2]);
    document["model"]["ignore_merges"] = json!(true);
    assert_eq!(ids(&document), [4]);
}

#[test]
fn a_pre_token_spelled_like_a_control_token_is_text() {
    let mut document = document();
    document["model"]["ignore_merges"] = json!(true);
    document["pre_tokenizer"]["use_regex"] = json!(false);
    document["added_tokens"][0]["content"] = json!("ba");
    document["model"]["vocab"]["ba"] = json!(0);
    document["model"]["vocab"].as_object_mut().unwrap().remove("<s>");
    let tokenizer = read(&document).unwrap();
    assert_eq!(tokenizer.encode("ba"), [TokenId(2), TokenId(1)]);
}

#[test]
fn pre_tokenizers_return() {
    let custom = Pattern::Custom("a|b".into());
    let named = Pattern::NAMES.iter().map(|name| name.parse().unwrap());
    for pattern in named.chain([custom]) {
        let mut config = crate::TrainerConfig::new(258, pattern.clone());
        config.special_tokens = vec!["<|x|>".into()];
        let trainer = crate::Trainer::new(config).unwrap();
        let tokenizer = trainer.train(&trainer.count(["a a"]), &mut |_| {}).unwrap();
        let again = Tokenizer::from_json(&tokenizer.to_json()).unwrap();
        assert_eq!(again.pattern(), Some(&pattern));
        assert_eq!(again.fingerprint(), tokenizer.fingerprint());
    }
}

#[test]
fn unknown_components_are_refused_with_their_path() {
    let cases = [
        ("/version", json!("2.0"), "version"),
        (
            "/truncation",
            json!({ "max_length": 3, "stride": 0, "strategy": "Most" }),
            "truncation.strategy",
        ),
        ("/normalizer", json!({ "type": "Upper" }), "normalizer"),
        (
            "/normalizer",
            json!({ "type": "Sequence", "normalizers": [{ "type": "NFC" }, { "type": "NFC", "x": 1 }] }),
            "normalizer.normalizers[1].x",
        ),
        (
            "/normalizer",
            json!({ "type": "Replace", "pattern": { "String": "" }, "content": "" }),
            "normalizer.pattern.String",
        ),
        ("/surprise", json!(1), "surprise"),
        ("/pre_tokenizer/type", json!("UnicodeScripts"), "pre_tokenizer"),
        ("/pre_tokenizer/surprise", json!(null), "pre_tokenizer.surprise"),
        (
            "/pre_tokenizer",
            json!({ "type": "Split", "pattern": { "String": "a" }, "behavior": "Gone" }),
            "pre_tokenizer.behavior",
        ),
        ("/pre_tokenizer", json!({ "type": "FixedLength", "length": 0 }), "pre_tokenizer.length"),
        (
            "/pre_tokenizer",
            json!({ "type": "Metaspace", "replacement": "_", "add_prefix_space": false, "prepend_scheme": "first" }),
            "pre_tokenizer.add_prefix_space",
        ),
        (
            "/post_processor",
            json!({ "type": "TemplateProcessing", "special_tokens": {}, "pair": [],
                "single": [{ "SpecialToken": { "id": "<s>", "type_id": 0 } }] }),
            "post_processor.single[0].SpecialToken.id",
        ),
        (
            "/post_processor",
            json!({ "type": "TemplateProcessing", "special_tokens": {}, "pair": [],
                "single": [{ "Sequence": { "id": "B", "type_id": 0 } }] }),
            "post_processor.single[0].Sequence.id",
        ),
        (
            "/post_processor",
            json!({ "type": "Sequence", "processors": [
                { "type": "BertProcessing", "sep": ["a", 1], "cls": ["b", 2] },
                { "type": "BertProcessing", "sep": ["a", 1], "cls": ["b", 2] },
            ] }),
            "post_processor.processors",
        ),
        ("/decoder/type", json!("Chars"), "decoder"),
        ("/model/type", json!("LSTM"), "model.type"),
        ("/model/dropout", json!(0.1), "model.dropout"),
        ("/model/surprise", json!(0.1), "model.surprise"),
        ("/padding", json!({ "strategy": "Widest" }), "padding.strategy"),
        ("/added_tokens/0/surprise", json!(0), "added_tokens[0].surprise"),
    ];
    for (pointer, value, expected) in cases {
        let error = changed(|document| {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            document.pointer_mut(parent).unwrap()[key] = value;
        });
        match error {
            BpeError::Unsupported { path, .. } => assert_eq!(path, expected),
            other => panic!("{pointer}: {other}"),
        }
    }
}

#[test]
fn corrupt_vocabularies_are_refused() {
    let vocab = |key: &'static str, id: u32| {
        changed(|document| document["model"]["vocab"][key] = json!(id))
    };
    assert!(matches!(vocab("ba", 4), BpeError::DuplicateId { id: 4, .. }));
    assert!(matches!(vocab("ba", 4_000_000), BpeError::SparseIds { max: 4_000_000, .. }));
    assert!(matches!(vocab("", 7), BpeError::EmptyToken { id: 7 }));
    assert!(matches!(vocab("<s>", 7), BpeError::DuplicateToken { first: 7, second: 0, .. }));
    let type_of = |error| match error {
        BpeError::Type { path, .. } => path,
        other => panic!("{other}"),
    };
    assert_eq!(type_of(vocab("x", u32::MAX)), "model.vocab[\"x\"]");
    assert_eq!(type_of(changed(|d| d["model"]["merges"][1] = json!("a b a"))), "model.merges[1]");
    assert_eq!(type_of(changed(|d| d["model"]["merges"][2] = json!(["a"]))), "model.merges[2]");
    assert_eq!(type_of(changed(|d| d["decoder"] = json!({}))), "decoder.type");
    let unknown = changed(|d| d["model"]["unk_token"] = json!("?"));
    assert!(matches!(unknown, BpeError::MissingUnknownToken { .. }), "{unknown}");
    assert_eq!(type_of(changed(|d| d["added_tokens"][0]["id"] = json!(-1))), "added_tokens[0].id");
    let unknown = |merge: Value| match changed(|d| d["model"]["merges"][1] = merge) {
        BpeError::UnknownMergeToken { index: 1, token } => token,
        other => panic!("{other}"),
    };
    assert_eq!(unknown(json!("a c")), "c");
    assert_eq!(unknown(json!("a a")), "aa", "the product");

    let twice = document().to_string().replace("\"a\":1,", "\"a\":1,\"a\":9,");
    let error = Tokenizer::from_json(twice.as_bytes()).unwrap_err();
    assert!(matches!(error, BpeError::DuplicateToken { first: 1, second: 9, .. }), "{error}");
    assert!(matches!(Tokenizer::from_json(b"{"), Err(BpeError::Json(_))));
    assert!(matches!(Tokenizer::from_json(b"[]"), Err(BpeError::Type { .. })));
}

#[test]
fn nodes_keep_everything() {
    let node = Node::parse(br#"{"a":[null,true,-1,1.5,"x"],"a":{}}"#).unwrap();
    let items = vec![
        Node::Null,
        Node::Bool(true),
        Node::Number(-1.0),
        Node::Number(1.5),
        Node::String("x".into()),
    ];
    let expected = [("a".to_owned(), Node::Array(items)), ("a".to_owned(), Node::Object(vec![]))];
    assert_eq!(node, Node::Object(expected.to_vec()));
}
