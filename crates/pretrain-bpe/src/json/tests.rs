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

/// Every component, with members that differ from their defaults.
#[test]
fn components_are_written_as_they_were_read() {
    let normalizers = json!([
        { "type": "NFC" }, { "type": "NFD" }, { "type": "NFKC" }, { "type": "NFKD" },
        { "type": "Lowercase" }, { "type": "StripAccents" }, { "type": "Nmt" }, { "type": "ByteLevel" },
        { "type": "Strip", "strip_left": false, "strip_right": true },
        { "type": "Prepend", "prepend": "\u{2581}" },
        { "type": "Replace", "pattern": { "Regex": " {2,}" }, "content": "x" },
        { "type": "Replace", "pattern": { "String": " " }, "content": "" },
        { "type": "BertNormalizer", "clean_text": false, "handle_chinese_chars": true,
          "strip_accents": false, "lowercase": false },
        { "type": "Precompiled", "precompiled_charsmap": "AAAAAA==" },
        { "type": "Sequence", "normalizers": [] },
    ]);
    let pre_tokenizers = json!([
        { "type": "BertPreTokenizer" }, { "type": "Whitespace" }, { "type": "WhitespaceSplit" },
        { "type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": false },
        { "type": "Punctuation", "behavior": "Contiguous" },
        { "type": "Digits", "individual_digits": false },
        { "type": "CharDelimiterSplit", "delimiter": "-" }, { "type": "FixedLength", "length": 3 },
        { "type": "Split", "pattern": { "String": "a" }, "behavior": "MergedWithNext", "invert": true },
        { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": false },
    ]);
    let decoders = json!([
        { "type": "WordPiece", "prefix": "##", "cleanup": false }, { "type": "ByteFallback" },
        { "type": "Fuse" }, { "type": "Strip", "content": " ", "start": 1, "stop": 2 },
        { "type": "Replace", "pattern": { "String": "a" }, "content": "" },
        { "type": "BPEDecoder", "suffix": "</w>" },
        { "type": "CTC", "pad_token": "p", "word_delimiter_token": "|", "cleanup": false },
        { "type": "Metaspace", "replacement": "_", "prepend_scheme": "never", "split": true },
        { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
    ]);
    let tokens = |kind: &str| json!({ "type": kind, "sep": ["a", 1], "cls": ["b", 2] });
    let mut roberta = tokens("RobertaProcessing");
    roberta["trim_offsets"] = json!(false);
    roberta["add_prefix_space"] = json!(false);
    let template = json!({
        "type": "TemplateProcessing",
        "single": [{ "SpecialToken": { "id": "<s>", "type_id": 3 } }, { "Sequence": { "id": "A", "type_id": 1 } }],
        "pair": [{ "Sequence": { "id": "B", "type_id": 0 } }],
        "special_tokens": { "<s>": { "id": "<s>", "ids": [0, 1], "tokens": ["<s>", "a"] } },
    });
    let byte_level = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false });
    let mut file = document();
    file["normalizer"] = json!({ "type": "Sequence", "normalizers": normalizers });
    file["pre_tokenizer"] = json!({ "type": "Sequence", "pretokenizers": pre_tokenizers });
    file["decoder"] = json!({ "type": "Sequence", "decoders": decoders });
    file["truncation"] =
        json!({ "direction": "Left", "max_length": 9, "strategy": "OnlySecond", "stride": 2 });
    file["padding"] = json!({
        "strategy": { "Fixed": 7 }, "direction": "Left", "pad_to_multiple_of": 8, "pad_id": 1,
        "pad_type_id": 2, "pad_token": "a",
    });
    file["added_tokens"][0]["lstrip"] = json!(true);
    file["added_tokens"][0]["single_word"] = json!(true);
    let posts = [tokens("BertProcessing"), roberta, template.clone(), byte_level.clone()];
    let sequence = json!({ "type": "Sequence", "processors": [byte_level, template] });
    for post in posts.into_iter().chain([sequence]) {
        file["post_processor"] = post;
        let tokenizer = read(&file).unwrap();
        let written: Value = serde_json::from_slice(&tokenizer.to_json()).unwrap();
        for part in file.as_object().unwrap().keys().filter(|part| *part != "model") {
            assert_eq!(written[part], file[part], "{part}");
        }
        assert_eq!(read(&written).unwrap().fingerprint(), tokenizer.fingerprint());
        tokenizer.encoding("a b中\0", &crate::EncodeOptions::default()).unwrap();
    }
}

#[test]
fn models_without_type_are_told_apart() {
    let model = |model: Value| {
        let mut file = document();
        file["added_tokens"] = json!([]);
        file["pre_tokenizer"] = json!({ "type": "WhitespaceSplit" });
        file["model"] = model;
        let tokenizer = read(&file).unwrap();
        let ids = tokenizer.encode("ab b").iter().map(|id| id.0).collect::<Vec<_>>();
        let written: Value = serde_json::from_slice(&tokenizer.to_json()).unwrap();
        assert_eq!(read(&written).unwrap().fingerprint(), tokenizer.fingerprint());
        (written["model"]["type"].as_str().unwrap().to_owned(), ids)
    };
    let vocab = json!({ "?": 0, "a": 1, "b": 2, "##b": 3, "ab": 4 });
    let word_level = model(json!({ "vocab": vocab, "unk_token": "?" }));
    assert_eq!(word_level, ("WordLevel".into(), vec![4, 2]));
    let bpe = model(json!({ "vocab": vocab, "merges": [] }));
    assert_eq!(bpe, ("BPE".into(), vec![1, 2, 2]));
    let word_piece = json!({
        "vocab": { "?": 0, "a": 1, "b": 2, "##b": 3 }, "unk_token": "?",
        "continuing_subword_prefix": "##", "max_input_chars_per_word": 9,
    });
    assert_eq!(model(word_piece), ("WordPiece".into(), vec![1, 3, 2]));
    let unigram =
        json!({ "vocab": [["?", 0], ["a", -1.5], ["b", -1], ["ab", -2.25]], "unk_id": 0 });
    assert_eq!(model(unigram), ("Unigram".into(), vec![3, 2]));
}

#[test]
fn plain_text_becomes_no_control_token_of_any_model() {
    let special = json!([{ "id": 1, "content": "</s>", "special": true }]);
    let models = [
        json!({ "type": "WordLevel", "vocab": { "?": 0, "</s>": 1 }, "unk_token": "?" }),
        json!({ "type": "Unigram", "vocab": [["?", 0], ["</s>", 0]], "unk_id": 0 }),
        json!({ "type": "BPE", "vocab": { "?": 0, "</s>": 1 }, "merges": [], "ignore_merges": true, "unk_token": "?", "fuse_unk": true }),
        json!({
            "type": "WordPiece", "vocab": { "?": 0, "</s>": 1 }, "unk_token": "?",
            "continuing_subword_prefix": "##", "max_input_chars_per_word": 9,
        }),
    ];
    for model in models {
        let mut file = document();
        file["added_tokens"] = special.clone();
        file["pre_tokenizer"] = json!(null);
        file["model"] = model;
        let tokenizer = read(&file).unwrap();
        assert_eq!(tokenizer.encode("</s>"), [TokenId(0)]);
        assert_eq!(tokenizer.encode_with_special("</s>", AllowedSpecial::All), [TokenId(1)]);
        let written = Tokenizer::from_json(&tokenizer.to_json()).unwrap();
        assert_eq!(written.fingerprint(), tokenizer.fingerprint());
        assert_eq!(written.token_to_id("</s>"), Some(TokenId(1)));
    }
}
