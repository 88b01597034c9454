//! The rules one by one, and the fast path against the algorithm by the letter.

use proptest::prelude::*;

use super::*;

fn model(config: &CharBpeConfig, tokens: &[&str], merges: &[(&str, &str)]) -> Result<CharBpe> {
    let id = |token: &str| tokens.iter().position(|other| *other == token).unwrap() as u32;
    let merges = merges.iter().map(|(left, right)| (id(left), id(right))).collect();
    CharBpe::new(config.clone(), tokens.iter().map(|t| t.to_string()).zip(0..).collect(), merges)
}

fn cut(model: &CharBpe, text: &str) -> Vec<(u32, u32, u32)> {
    let mut out = vec![];
    model.tokenize(text, &mut ModelScratch::default(), &mut out);
    out.iter().map(|span| (span.id, span.start, span.end)).collect()
}

#[test]
fn unknown_characters_fuse_stand_alone_or_vanish() {
    let mut config = CharBpeConfig { unk_token: Some("<unk>".into()), ..Default::default() };
    let tokens = ["<unk>", "a", "b", "ab"];
    let single = model(&config, &tokens, &[("a", "b")]).unwrap();
    assert_eq!(cut(&single, "acéb"), [(1, 0, 1), (0, 1, 2), (0, 2, 4), (2, 4, 5)]);
    config.fuse_unk = true;
    let fused = model(&config, &tokens, &[("a", "b")]).unwrap();
    assert_eq!(cut(&fused, "acébé"), [(1, 0, 1), (0, 1, 4), (2, 4, 5), (0, 5, 7)]);
    config.unk_token = None;
    let none = model(&config, &tokens, &[("a", "b")]).unwrap();
    assert_eq!(cut(&none, "bacéb"), [(2, 0, 1), (3, 1, 3)], "neighbours meet");
    assert_eq!(cut(&none, ""), []);
}

#[test]
fn bytes_take_the_place_of_characters_if_all_of_them_have_tokens() {
    let config = CharBpeConfig {
        unk_token: Some("<unk>".into()),
        byte_fallback: true,
        fuse_unk: true,
        ..Default::default()
    };
    let tokens = ["<unk>", "a", "<0xC3>", "<0xA9>", "<0xC3><0xA9>"];
    let merges = [("<0xC3>", "<0xA9>")];
    let bytes = model(&config, &tokens, &merges).unwrap();
    assert_eq!(cut(&bytes, "aé"), [(1, 0, 1), (4, 1, 3)]);
    // An unknown character waits for a known one, as in Hugging Face.
    assert_eq!(cut(&bytes, "èéa"), [(4, 0, 2), (0, 2, 4), (1, 4, 5)]);
    let missing = model(&config, &tokens[1..], &merges).err().unwrap();
    assert!(matches!(missing, BpeError::MissingUnknownToken { token } if token == "<unk>"));
}

#[test]
fn affixes_depend_on_the_place() {
    let config = CharBpeConfig {
        continuing_subword_prefix: Some("##".into()),
        end_of_word_suffix: Some("</w>".into()),
        ..Default::default()
    };
    let tokens = ["a", "##b", "##b</w>", "a</w>", "ab", "abb</w>", "##bb</w>"];
    let merges = [("a", "##b"), ("ab", "##b</w>"), ("##b", "##b</w>")];
    let affixed = model(&config, &tokens, &merges).unwrap();
    assert_eq!(cut(&affixed, "abb"), [(5, 0, 3)]);
    assert_eq!(cut(&affixed, "bbb"), [(6, 0, 2)], "the first b has no token");
    assert_eq!(cut(&affixed, "a"), [(3, 0, 1)]);
    let error = model(&config, &tokens, &[("##b", "a")]).err().unwrap();
    assert!(matches!(error, BpeError::UnknownMergeToken { index: 0, .. }), "{error}");
}

#[test]
fn whole_pre_tokens_go_first_if_merges_are_ignored() {
    let config = CharBpeConfig { ignore_merges: true, ..Default::default() };
    let whole = model(&config, &["a", "b", "aba", "ab"], &[("a", "b")]).unwrap();
    assert_eq!(cut(&whole, "aba"), [(2, 0, 3)]);
    assert_eq!(cut(&whole, "abaa"), [(3, 0, 2), (0, 2, 3), (0, 3, 4)]);
}

#[test]
fn a_long_run_takes_no_quadratic_time() {
    let config = CharBpeConfig::default();
    let runs = model(&config, &["▁", "▁▁", "▁▁▁▁"], &[("▁", "▁"), ("▁▁", "▁▁")]).unwrap();
    let spans = cut(&runs, &"▁".repeat(400_002));
    assert_eq!((spans.len(), spans[0]), (100_001, (2, 0, 12)));
    assert_eq!(spans.last(), Some(&(1, 1_200_000, 1_200_006)));
}

/// Hugging Face's `merge_word` by the letter: symbols, then the best pair of all, again and again.
fn by_the_letter(model: &CharBpe, text: &str) -> Vec<(u32, u32, u32)> {
    let mut merger = Merger::default();
    model.symbols(text, 0, &mut merger);
    let mut symbols = vec![];
    merger.merge_by_table(&PairTable::new(&[]), &mut symbols);
    loop {
        let pairs = symbols.windows(2).zip(0..);
        let best = pairs.map(|(pair, at)| (model.table.get(pair[0].id, pair[1].id), at)).min();
        let Some((merge, at)) = best.filter(|(merge, _)| *merge != crate::merges::NO_MERGE) else {
            return symbols.iter().map(|span| (span.id, span.start, span.end)).collect();
        };
        let right = symbols.remove(at + 1);
        symbols[at] = Span { id: crate::merges::product(merge), end: right.end, ..symbols[at] };
    }
}

proptest! {
    #[test]
    fn words_and_heap_give_what_the_algorithm_by_the_letter_gives(
        pairs in prop::collection::vec((0usize..9, 0usize..9), 0..25),
        unk in any::<bool>(),
        fuse_unk in any::<bool>(),
        known in prop::collection::vec(any::<bool>(), 4),
        text in prop_oneof!["[ab▁é]{0,12}", "[ab▁é]{30,80}"],
    ) {
        // A random vocabulary: some characters, and products of random pairs.
        let chars = ["a", "b", "▁", "é"];
        let mut tokens: Vec<String> = vec!["<unk>".into()];
        tokens.extend(chars.iter().zip(&known).filter(|(_, known)| **known).map(|(c, _)| c.to_string()));
        let mut merges: Vec<(u32, u32)> = vec![];
        for &(left, right) in &pairs {
            let (left, right) = (left % tokens.len(), right % tokens.len());
            let product = format!("{}{}", tokens[left], tokens[right]);
            if product.chars().count() < 12 {
                if !tokens.contains(&product) {
                    tokens.push(product);
                }
                merges.push((left as u32, right as u32));
            }
        }
        let config = CharBpeConfig {
            unk_token: unk.then(|| "<unk>".into()),
            fuse_unk,
            ..Default::default()
        };
        let vocab = tokens.into_iter().zip(0..).collect();
        let model = CharBpe::new(config, vocab, merges).unwrap();
        let expected = by_the_letter(&model, &text);
        let mut scratch = ModelScratch::default();
        for _ in 0..2 {
            let mut out = vec![];
            model.tokenize(&text, &mut scratch, &mut out);
            let out: Vec<_> = out.iter().map(|span| (span.id, span.start, span.end)).collect();
            prop_assert_eq!(&out, &expected);
        }
    }
}
