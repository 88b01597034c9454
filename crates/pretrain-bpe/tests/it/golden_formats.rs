//! The other file formats: the same vocabulary gives the same ids.

use std::collections::BTreeSet;

use pretrain_bpe::{Pattern, TokenId, Tokenizer};

use crate::golden::{Folders, load, read, report};
use crate::golden_encode::check_ids;

/// GPT-2 as OpenAI published it: the ids are those of each reference that has this vocabulary.
#[test]
fn golden_gpt2_vocabulary_and_merges() {
    let Some(folders) = Folders::find() else { return };
    let folder = folders.data.join("tokenizers/gpt2");
    if !folder.is_dir() {
        println!("skipped: no folder {}", folder.display());
        return;
    }
    let (vocab, merges) = (read(&folder.join("encoder.json")), read(&folder.join("vocab.bpe")));
    let specials = [("<|endoftext|>", TokenId(50256))];
    let gpt2 = Tokenizer::from_vocab_merges(&vocab, &merges, Pattern::Gpt2, specials).unwrap();

    let files = gpt2.to_vocab_merges().unwrap();
    assert!(files.merges == merges, "the merges are not written as published");
    let json = |file: &[u8]| serde_json::from_slice::<serde_json::Value>(file).unwrap();
    assert!(json(&files.vocab) == json(&vocab), "the vocabulary is not written as published");
    let again = Tokenizer::from_vocab_merges(&files.vocab, &files.merges, Pattern::Gpt2, specials);
    assert_eq!(again.unwrap().fingerprint(), gpt2.fingerprint());

    let (mut n_covered, mut not_covered) = (0, Vec::new());
    for (name, path) in folders.encode_files("ids") {
        match load(&folders, &name) {
            Ok(mut reference) if tokens(&reference.tokenizer) == tokens(&gpt2) => {
                reference.tokenizer = gpt2.clone();
                check_ids(&folders, &name, &reference, &crate::golden::read_lines(&path));
                n_covered += 1;
            }
            Ok(_) => not_covered.push((name, "another vocabulary".to_owned())),
            Err(reason) => not_covered.push((name, reason)),
        }
    }
    report("vocab.json and merges.txt", n_covered, &not_covered);
}

fn tokens(tokenizer: &Tokenizer) -> BTreeSet<(u32, Vec<u8>)> {
    let ids = 0..tokenizer.vocab_size() as u32;
    ids.filter_map(|id| Some((id, tokenizer.token_bytes(TokenId(id))?.to_vec()))).collect()
}

/// Every rank file and byte-level `tokenizer.json`, through vocabulary and merges and back.
#[test]
fn golden_vocabulary_and_merges_return() {
    let Some(folders) = Folders::find() else { return };
    let (mut n_covered, mut not_covered) = (0, Vec::new());
    for (name, path) in folders.encode_files("ids") {
        let reference = match load(&folders, &name) {
            Ok(reference) => reference,
            Err(reason) => {
                not_covered.push((name, reason));
                continue;
            }
        };
        let tokenizer = &reference.tokenizer.clone();
        let files = match tokenizer.to_vocab_merges() {
            Ok(files) => files,
            Err(error) => {
                not_covered.push((name, error.to_string()));
                continue;
            }
        };
        if tokenizer.added_tokens().iter().any(|token| !token.special) {
            not_covered.push((name, "added tokens that are no control tokens".to_owned()));
            continue;
        }
        let specials = tokenizer.added_tokens().iter();
        let specials = specials.map(|token| (token.content.clone(), token.id));
        let Some(pattern) = tokenizer.pattern().cloned() else {
            not_covered.push((name, "no single pattern".to_owned()));
            continue;
        };
        if tokenizer.normalizer().is_some() {
            not_covered.push((name, "a normaliser, of which the files say nothing".to_owned()));
            continue;
        }
        let mut again = reference;
        again.tokenizer =
            Tokenizer::from_vocab_merges(&files.vocab, &files.merges, pattern, specials).unwrap();
        check_ids(&folders, &name, &again, &crate::golden::read_lines(&path));
        n_covered += 1;
    }
    report("vocabulary and merges, again", n_covered, &not_covered);
}

/// A rank file as `tekken.json`: the ids are those of the rank file after the control tokens.
#[test]
fn golden_tekken() {
    let Some(folders) = Folders::find() else { return };
    let (mut n_covered, mut not_covered) = (0, Vec::new());
    for (name, path) in folders.encode_files("ids") {
        let mut reference = match load(&folders, &name) {
            Ok(reference) if reference.json.is_none() => reference,
            Ok(_) => {
                not_covered.push((name, "not a rank file".to_owned()));
                continue;
            }
            Err(reason) => {
                not_covered.push((name, reason));
                continue;
            }
        };
        let tokenizer = &reference.tokenizer;
        let Some(shifted) = as_tekken(tokenizer) else {
            not_covered
                .push((name, "the ranks have holes, or the first are not the bytes".to_owned()));
            continue;
        };
        let original = std::mem::replace(&mut reference.tokenizer, shifted);
        let unshift = |ids: &mut Vec<u32>| {
            for id in ids {
                *id -= N_SPECIAL;
                if let Ok(byte) = u8::try_from(*id) {
                    let is_byte = |id: &u32| original.token_bytes(TokenId(*id)) == Some(&[byte]);
                    *id = (0..256).find(is_byte).unwrap();
                }
            }
        };
        crate::golden_encode::check_mapped_ids(
            &folders,
            &name,
            &reference,
            &crate::golden::read_lines(&path),
            unshift,
        );
        n_covered += 1;
    }
    if n_covered == 0 {
        println!("tekken: no rank file can be written as one: {not_covered:?}");
        return;
    }
    report("tekken", n_covered, &not_covered);
}

const N_SPECIAL: u32 = 100;

/// The same ranks, but the bytes in their own order, as the format wants them: which byte has which of
/// the first 256 ranks has no part in merging. `None` if the ranks have holes.
fn as_tekken(tokenizer: &Tokenizer) -> Option<Tokenizer> {
    let ranks = String::from_utf8(tokenizer.to_tiktoken().ok()?).unwrap();
    let mut vocab = Vec::new();
    for (index, line) in ranks.lines().enumerate() {
        let (bytes, rank) = line.split_once(' ')?;
        if rank.parse() != Ok(index) {
            return None;
        }
        vocab.push(serde_json::json!({"rank": index, "token_bytes": bytes, "token_str": null}));
    }
    let is_byte =
        |id: u32| tokenizer.token_bytes(TokenId(id)).is_some_and(|bytes| bytes.len() == 1);
    if !(0..256).all(is_byte) {
        return None;
    }
    let bytes: Vec<serde_json::Value> =
        (0..256).map(|rank: usize| vocab[rank]["token_bytes"].clone()).collect();
    for (rank, encoded) in bytes.into_iter().enumerate() {
        let byte = tokenizer.token_bytes(TokenId(rank as u32))?[0];
        vocab[usize::from(byte)]["token_bytes"] = encoded;
    }
    let document = serde_json::json!({
        "config": {
            "pattern": tokenizer.pattern()?.regex(), "num_vocab_tokens": vocab.len(),
            "default_vocab_size": vocab.len() + N_SPECIAL as usize,
            "default_num_special_tokens": N_SPECIAL, "version": "v7",
        },
        "vocab": vocab,
    });
    Some(Tokenizer::from_tekken(&serde_json::to_vec(&document).unwrap()).unwrap())
}
