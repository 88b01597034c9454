//! Models made for the purpose: each rule once, and files that are no models. The expected pieces are
//! those of SentencePiece 0.2.3.

use proptest::prelude::*;

use super::*;

const UNIGRAM: u8 = 1;
const BPE: u8 = 2;
const WORD: u8 = 3;
const CHAR: u8 = 4;

const NORMAL: u8 = 1;
const USER_DEFINED: u8 = 4;
const UNUSED: u8 = 5;

fn field(number: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut len = payload.len();
    while len >= 128 {
        out.push(len as u8 | 128);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(payload);
    out
}

fn piece(text: &str, score: f32, kind: u8) -> Vec<u8> {
    let mut message = field(1, text.as_bytes());
    message.push(2 << 3 | 5);
    message.extend(score.to_le_bytes());
    message.extend([3 << 3, kind]);
    field(1, &message)
}

/// A file with `<unk>`, `<s>`, `</s>` and the pieces given, that keeps spaces as they are.
fn file(model_type: u8, pieces: &[(&str, f32, u8)]) -> Vec<u8> {
    let meta = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)];
    let mut file: Vec<u8> = meta
        .iter()
        .chain(pieces)
        .flat_map(|(text, score, kind)| piece(text, *score, *kind))
        .collect();
    file.extend(field(2, &[3 << 3, model_type]));
    file.extend(field(3, &[3 << 3, 0, 4 << 3, 0]));
    file
}

fn model(model_type: u8, pieces: &[(&str, f32, u8)]) -> SentencePiece {
    SentencePiece::from_bytes(&file(model_type, pieces)).unwrap()
}

/// Pieces as text; unknown runs as `?`.
fn pieces(model: &SentencePiece, text: &str) -> Vec<String> {
    let name = |id| if id == model.unk_id() { "?" } else { model.piece(id).unwrap() };
    model.encode(text).into_iter().map(name).map(str::to_owned).collect()
}

#[test]
fn bpe_merges_by_score_from_the_left_around_user_defined_symbols() {
    let vocab = [
        ("a", -9.0, NORMAL),
        ("b", -9.0, NORMAL),
        ("ab", -1.0, NORMAL),
        ("ba", -1.0, NORMAL),
        ("bab", -2.0, NORMAL),
        ("cab", -3.0, NORMAL),
        ("b▁", 0.0, USER_DEFINED),
    ];
    let model = model(BPE, &vocab);
    assert_eq!(pieces(&model, "aba"), ["ab", "a"], "the leftmost of equals");
    assert_eq!(pieces(&model, "bab"), ["bab"], "whatever it is made of");
    assert_eq!(pieces(&model, "cab"), ["cab"], "c is no piece, but part of one");
    assert_eq!(pieces(&model, "ccb<s>"), ["?", "b", "?"]);
    assert_eq!(pieces(&model, "ab ab"), ["a", "b▁", "ab"]);
    assert_eq!(model.encode_with_offsets("éxa")[0], (TokenId(0), 0..3), "a run of unknowns");
    assert_eq!(model.decode(&model.encode("ab ab")), "ab ab");
    assert_eq!((model.bos_id(), model.pad_id()), (Some(TokenId(1)), None));
    assert_eq!(model.piece_to_id("ab"), Some(TokenId(5)));
}

#[test]
fn unused_pieces_come_apart_as_they_were_made() {
    let vocab = [
        ("a", -9.0, NORMAL),
        ("b", -9.0, NORMAL),
        ("ab", -1.0, UNUSED),
        ("abb", -2.0, UNUSED),
        ("abab", -1.5, NORMAL),
    ];
    let model = model(BPE, &vocab);
    assert_eq!(pieces(&model, "abb"), ["a", "b", "b"]);
    assert_eq!(pieces(&model, "ababab"), ["abab", "a", "b"]);
}

#[test]
fn unigram_prefers_user_defined_symbols_and_never_gives_unused_pieces() {
    let vocab = [
        ("a", -1.0, NORMAL),
        ("b", -1.0, NORMAL),
        ("ab", -0.5, UNUSED),
        ("abc", -0.1, NORMAL),
        ("bc", -50.0, USER_DEFINED),
    ];
    let model = model(UNIGRAM, &vocab);
    assert_eq!(pieces(&model, "ab"), ["a", "b"]);
    assert_eq!(pieces(&model, "abc"), ["abc"]);
    assert_eq!(pieces(&model, "bbc"), ["b", "bc"]);
    assert_eq!(pieces(&model, "xxa"), ["?", "a"]);
}

#[test]
fn words_and_characters_are_looked_up_whole() {
    let vocab = [("a", -1.0, NORMAL), ("▁b", -1.0, NORMAL), ("ab", 0.0, USER_DEFINED)];
    let words = model(WORD, &vocab);
    assert_eq!(pieces(&words, "a b c ab"), ["a", "▁b", "?"]);
    let chars = model(CHAR, &vocab);
    assert_eq!(pieces(&chars, "a baba"), ["a", "?", "ab", "a"]);
    assert_eq!((pieces(&words, ""), pieces(&chars, "")), (vec![], vec![]));
}

#[test]
fn contradictions_are_told() {
    let fault = |vocab: &[(&str, f32, u8)]| match SentencePiece::from_bytes(&file(BPE, vocab)) {
        Err(error) => error.to_string(),
        Ok(model) => panic!("{model:?}"),
    };
    assert_eq!(
        fault(&[("a", 0.0, NORMAL), ("a", 1.0, NORMAL)]),
        "the token \"a\" has the ids 3 and 4"
    );
    assert_eq!(
        fault(&[("", 0.0, NORMAL)]),
        "sentencepiece model: piece 3 \"\" is empty or has a NUL"
    );
    assert_eq!(
        fault(&[("x", 0.0, 2)]),
        "sentencepiece model: piece 3 \"x\" is a second unknown piece"
    );
    assert_eq!(
        fault(&[("<0x0A>", 0.0, 6)]),
        "sentencepiece model: piece 3 \"<0x0A>\" is no byte, or there is no byte fallback"
    );
    assert_eq!(fault(&[("x", 0.0, 7)]), "byte 56: the type of a piece is none of 1 to 6");
    let empty = SentencePiece::from_bytes(&[]).unwrap_err().to_string();
    assert_eq!(empty, "sentencepiece model: the unknown piece is missing");
    let mut no_bytes = file(BPE, &[]);
    no_bytes.extend(field(2, &[0x98, 0x02, 1]));
    let error = SentencePiece::from_bytes(&no_bytes).unwrap_err().to_string();
    assert!(error.starts_with("sentencepiece model: byte 0x00 has no piece"), "{error}");
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(
        model_type in 0u8..6,
        vocab in prop::collection::vec(("[ab▁]{0,3}", -9f32..0.0, 1u8..7), 0..9),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        text in "[ab c▁é]{0,12}",
    ) {
        let vocab: Vec<_> =
            vocab.iter().map(|(text, score, kind)| (text.as_str(), *score, *kind)).collect();
        let mut file = file(model_type, &vocab);
        for (at, byte) in flips {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Ok(model) = SentencePiece::from_bytes(&file) {
            let ids = model.encode(&text);
            model.decode(&ids);
            let with_offsets = model.encode_with_offsets(&text);
            prop_assert!(with_offsets.iter().map(|(id, _)| *id).eq(ids));
            prop_assert!(with_offsets.iter().all(|(_, bytes)| text.get(bytes.clone()).is_some()));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(file in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = SentencePiece::from_bytes(&file);
    }
}
