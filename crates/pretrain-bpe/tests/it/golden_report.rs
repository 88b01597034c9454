//! The quality report on real vocabularies and texts.

use std::collections::BTreeMap;

use pretrain_bpe::{QualityCounts, Tokenizer};

use crate::golden::{Folders, load_json, read, read_lines, report};

/// Of the reference vocabularies those that were trained alike to several sizes: the curve of the
/// greatest, from its tokens alone, has the number of tokens that each smaller one gives.
#[test]
fn golden_curves_have_the_tokens_of_smaller_vocabularies() {
    let Some(folders) = Folders::find() else { return };
    let folder = folders.golden.join("bpe-train");
    let (mut groups, mut not_covered) = (BTreeMap::<String, Vec<_>>::new(), Vec::new());
    for mut case in read_lines(&folder.join("cases.jsonl")) {
        let name = case["case"].as_str().unwrap().to_owned();
        match load_json(&read(&folder.join(case["file"].as_str().unwrap()))) {
            Ok(reference) => {
                case["trainer"]["vocab_size"].take();
                let key = format!(
                    "{} {} {} {} {}",
                    case["corpus"],
                    case["pre"],
                    case["trainer"],
                    case["initial_alphabet"],
                    reference
                        .json
                        .as_ref()
                        .map_or(&serde_json::Value::Null, |json| &json["normalizer"]),
                );
                groups.entry(key).or_default().push((name, case, reference.tokenizer));
            }
            Err(reason) => not_covered.push((name, reason)),
        }
    }
    let mut n_covered = 0;
    for mut group in groups.into_values().filter(|group| group.len() > 1) {
        group.sort_by_key(|(.., tokenizer)| tokenizer.vocab_size());
        let (name, case, greatest) = group.pop().unwrap();
        let texts = folders.corpus(&case["corpus"], case["corpus_xxh64"].as_str().unwrap());
        let some = || texts.iter().scan(0, |n, text| some_bytes(n, text));
        let mut counts = QualityCounts::new(&greatest);
        counts.extend(some().map(|text| (name.as_str(), text)));
        let curve = match counts.curve() {
            Ok(curve) => curve,
            Err(error) => {
                not_covered.push((name, error.to_string()));
                continue;
            }
        };
        assert_eq!(curve.max_size(), greatest.vocab_size() as u64, "{name}");
        for (smaller_name, _, smaller) in &group {
            let n: usize = some().map(|text| smaller.count(text)).sum();
            let found = curve.tokens_at(smaller.vocab_size() as u64);
            assert_eq!(found, Some(n as u64), "{name} at the size of {smaller_name}");
            n_covered += 1;
        }
    }
    report("curves", n_covered, &not_covered);
}

/// The texts that begin within the first megabyte.
fn some_bytes<'a>(n: &mut usize, text: &'a str) -> Option<&'a str> {
    let is_within = *n < 1 << 20;
    *n += text.len();
    is_within.then_some(text)
}

/// The report of every loadable tokenizer on the pieces of the goldens agrees with the ids of the goldens.
#[test]
fn golden_reports_count_the_tokens_of_the_references() {
    crate::golden_encode::for_each_tokenizer("ids", |folders, name, reference, lines| {
        // Where added tokens are found in the text the counts differ from the reference's on purpose.
        let pieces = crate::golden_encode::pieces(folders);
        let tokenizer: &Tokenizer = &reference.tokenizer;
        let mut counts = QualityCounts::new(tokenizer);
        let mut n = 0;
        for line in lines {
            let text = &pieces[&line["p"].as_u64().unwrap()];
            if !tokenizer.added_tokens().iter().any(|token| text.contains(&token.content)) {
                counts.add(if text.is_ascii() { "ascii" } else { "other" }, text);
                n += line["n"].as_u64().unwrap();
            }
        }
        let report = counts.report(Some("ascii"));
        assert_eq!(report.total.tokens, n, "{name}");
        assert_eq!(counts.token_counts().iter().sum::<u64>(), n, "{name}");
        assert!(report.to_string().lines().count() > 10, "{name}");
    });
}
