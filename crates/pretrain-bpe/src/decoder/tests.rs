//! Each decoder on tokens of its kind.

use super::*;

fn decode(decoder: &Decoder, tokens: &[&str]) -> String {
    decoder.decode(tokens.iter().map(|token| (*token).to_owned()).collect())
}

#[test]
fn word_pieces_are_joined_and_cleaned_up() {
    let decoder = |cleanup| Decoder::WordPiece { prefix: "##".into(), cleanup };
    let tokens = ["##a", "do", "##n", "'", "t", ",", "I", "do", "not"];
    assert_eq!(decode(&decoder(false), &tokens), "##a don ' t , I do not");
    assert_eq!(decode(&decoder(true), &tokens), "##a don ' t, I do not");
    assert_eq!(decode(&decoder(true), &["is", "n't", "'s"]), "isn't's");
}

#[test]
fn sentence_pieces_lose_their_marks() {
    let metaspace =
        |prepend| Decoder::Metaspace(Metaspace { replacement: '▁', prepend, split: true });
    let tokens = ["▁▁a", "▁b", "c"];
    assert_eq!(decode(&metaspace(PrependScheme::Always), &tokens), "a bc");
    assert_eq!(decode(&metaspace(PrependScheme::Never), &tokens), "  a bc");
    let llama = Decoder::Sequence(vec![
        Decoder::Replace(Replace::string("▁", " ").unwrap()),
        Decoder::ByteFallback,
        Decoder::Fuse,
        Decoder::Strip { content: ' ', start: 1, stop: 0 },
    ]);
    let tokens = ["▁▁a", "<0xE4>", "<0xb8>", "<0xAD>", "<0xE4>", "x", "<0xZZ>", "<0xFF>"];
    assert_eq!(decode(&llama, &tokens[..4]), " a中");
    let broken = "\u{fffd}";
    let expected = format!(" a{broken}{broken}{broken}{broken}x<0xZZ>{broken}");
    assert_eq!(decode(&llama, &tokens), expected, "one broken byte spoils the run");
}

#[test]
fn ends_are_stripped_within_bounds() {
    let strip = |start, stop| Decoder::Strip { content: 'x', start, stop };
    assert_eq!(decode(&strip(1, 1), &["xxaxx", "x", "", "axb"]), "xaxaxb");
    assert_eq!(decode(&strip(9, 9), &["xx", "xax"]), "a");
}

#[test]
fn suffixes_end_words_and_repetitions_are_one() {
    let bpe = Decoder::Bpe { suffix: "</w>".into() };
    assert_eq!(decode(&bpe, &["ab", "c</w>", "d</w>"]), "abc d");
    assert_eq!(decode(&bpe, &[]), "");
    let ctc =
        Decoder::Ctc { pad_token: "<pad>".into(), word_delimiter_token: "|".into(), cleanup: true };
    let tokens = ["<pad>", "h", "h", "e", "l", "l", "<pad>", "l", "o", "|", "|", "y"];
    assert_eq!(decode(&ctc, &tokens), "hello y");
}

#[test]
fn characters_stand_for_bytes() {
    let decoder = Decoder::ByteLevel(ByteLevelFlags::default());
    assert_eq!(decode(&decoder, &["Ġa", "Ã", "©", "中", "Ã"]), " aé中\u{fffd}");
}
