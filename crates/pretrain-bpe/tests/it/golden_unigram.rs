//! Unigram training beside SentencePiece's: the same corpora, other sums.

use std::collections::{BTreeMap, BTreeSet};

use pretrain_bpe::{
    PieceKind, SentencePiece, TokenId, UnigramTrainer, UnigramTrainerConfig, UnigramVocabulary,
};
use serde_json::Value;

use crate::golden::{Folders, read};

/// Longer lines, and those of white space, are not in the reference's corpora.
const MAX_LINE_BYTES: usize = 4000;

/// Normalised words of the corpus, as SentencePiece's trainer sees them: no piece goes across a
/// user-defined symbol or from one script to another, so words are cut there.
fn words(model: &SentencePiece, lines: &[&str]) -> BTreeMap<String, u64> {
    let symbols: Vec<&str> = (0..model.n_pieces() as u32)
        .map(TokenId)
        .filter(|&id| model.kind(id) == Some(PieceKind::UserDefined))
        .map(|id| model.piece(id).unwrap())
        .collect();
    let mut words = BTreeMap::new();
    for line in lines {
        let mut text = model.normalize(line);
        for symbol in &symbols {
            text = text.replace(symbol, "\0");
        }
        let mut word = String::new();
        let mut previous: Option<bool> = None;
        for c in text.chars().chain(['▁']) {
            let is_letter = (c != '▁').then(|| c.is_alphabetic());
            let changes = previous.is_some() && is_letter.is_some() && previous != is_letter;
            if (c == '▁' || c == '\0' || changes) && !word.is_empty() {
                *words.entry(std::mem::take(&mut word)).or_default() += 1;
            }
            previous = is_letter;
            if c != '\0' {
                word.push(c);
            }
        }
    }
    words
}

struct Comparison {
    /// The share of the reference's learned pieces that we have too.
    common: f64,
    /// Of the scores of common pieces.
    correlation: f64,
    /// Our tokens per token of the reference on the training lines.
    tokens: f64,
}

fn compare(reference: &SentencePiece, ours: &UnigramVocabulary, lines: &[&str]) -> Comparison {
    let learned: BTreeMap<&str, f64> = ours
        .pieces()
        .filter(|(.., kind)| *kind == PieceKind::Normal)
        .map(|(piece, score, _)| (piece, score))
        .collect();
    let theirs = (0..reference.n_pieces() as u32)
        .map(TokenId)
        .filter(|&id| reference.kind(id) == Some(PieceKind::Normal))
        .map(|id| (reference.piece(id).unwrap(), f64::from(reference.score(id).unwrap())));
    let theirs: Vec<_> = theirs.collect();
    let common: Vec<(f64, f64)> =
        theirs.iter().filter_map(|(piece, score)| Some((*learned.get(piece)?, *score))).collect();
    let model = SentencePiece::from_bytes(&ours.to_sentencepiece()).unwrap();
    let (mut n_ours, mut n_theirs) = (0, 0);
    for line in lines {
        n_theirs += reference.encode(line).len();
        n_ours += model.encode(&reference.normalize(line).replace('▁', " ")).len();
    }
    Comparison {
        common: common.len() as f64 / theirs.len() as f64,
        correlation: correlation(&common),
        tokens: n_ours as f64 / n_theirs as f64,
    }
}

fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let (sum_a, sum_b) =
        pairs.iter().fold((0.0, 0.0), |sums, pair| (sums.0 + pair.0, sums.1 + pair.1));
    let (a, b) = (sum_a / n, sum_b / n);
    let moment =
        |f: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|&(x, y)| f(x - a, y - b)).sum::<f64>();
    moment(&|x, y| x * y) / (moment(&|x, _| x * x) * moment(&|_, y| y * y)).sqrt()
}

/// Measured: 86 and 88 % of the pieces in common, correlation 0.985 and 0.991, 0.997 and 1.006 times the
/// tokens. More cannot be expected. SentencePiece takes its seeds from running text, so that a word that
/// a space always follows is none (`▁between` and `▁during` are missing from its English model, for
/// `▁be twe en`); ours come from words, where the end of a word is an end. The places of pieces that
/// SentencePiece spends on such parts, others have here; and sums are in double precision.
#[test]
fn golden_unigram_training_comes_close_to_sentencepiece() {
    let Some(folders) = Folders::find() else { return };
    let spm = folders.golden.join("spm");
    if !spm.is_dir() {
        println!("skipped: no folder {}", spm.display());
        return;
    }
    let models: Value = serde_json::from_slice(&read(&spm.join("models.json"))).unwrap();
    let mut n_compared = 0;
    for (name, about) in models.as_object().unwrap() {
        let trained = &about["trained_here"];
        if about["model_type"] != "unigram" || trained.is_null() {
            continue;
        }
        let reference = SentencePiece::from_bytes(&read(&spm.join(name))).unwrap();
        let texts = folders.corpus(&trained["corpus"], trained["corpus_xxh64"].as_str().unwrap());
        let lines = texts.iter().flat_map(|text| text.split('\n'));
        let lines: Vec<&str> =
            lines.filter(|line| !line.trim().is_empty() && line.len() <= MAX_LINE_BYTES).collect();
        assert_eq!(lines.len() as u64, trained["sentences"].as_u64().unwrap(), "{name}");
        let options = &trained["options"];
        let mut config =
            UnigramTrainerConfig::new(options["vocab_size"].as_u64().unwrap() as usize);
        config.byte_fallback = options["byte_fallback"] == true;
        config.character_coverage = options["character_coverage"].as_f64().unwrap_or(0.9995);
        config.control_pieces = ["<s>", "</s>"].map(str::to_owned).into();
        let user_defined = about["user_defined"].as_array().unwrap();
        config.vocab_size -= user_defined.len();
        let words = words(&reference, &lines);
        let ours = UnigramTrainer::new(config)
            .unwrap()
            .train(words.iter().map(|(word, count)| (word.as_str(), *count)), &mut |_| {})
            .unwrap();
        let all: BTreeSet<&str> = ours.pieces().map(|(piece, ..)| piece).collect();
        assert_eq!(all.len(), ours.pieces().len(), "{name}: a piece twice");
        assert_eq!(ours.pieces().len() + user_defined.len(), reference.n_pieces(), "{name}");
        let Comparison { common, correlation, tokens } = compare(&reference, &ours, &lines);
        println!("{name}: common {common:.4}, correlation {correlation:.5}, tokens {tokens:.5}");
        assert!(common > 0.8 && correlation > 0.97 && (0.98..1.02).contains(&tokens), "{name}");
        n_compared += 1;
    }
    assert!(n_compared > 0, "no model was compared");
}
