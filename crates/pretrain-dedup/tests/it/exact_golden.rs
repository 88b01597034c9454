//! Equal documents and first paragraphs against plain Python.

use crate::reference::{
    array, cases, data, golden, lines, number, numbers, string, texts, xxh64_hex,
};
use pretrain_dedup::Normalise;
use pretrain_dedup::exact::{ExactConfig, ExactDedup};
use pretrain_dedup::paragraph::{ParagraphConfig, ParagraphDedup, Separator};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every case with the texts of its shard, which is named after the folder.
fn shards(file: &str) -> Vec<(PathBuf, Vec<String>)> {
    let Some(folder) = golden("exact") else { return Vec::new() };
    cases(&folder, file)
        .into_iter()
        .filter_map(|case| {
            let name = case.file_name()?.to_str()?.to_owned();
            let shard = data(&format!("docs/{name}.jsonl.zst"))?;
            Some((case, texts(&shard)))
        })
        .collect()
}

fn groups(path: &Path) -> BTreeSet<Vec<usize>> {
    lines(path).iter().map(|line| numbers(&line["rows"])).collect()
}

#[test]
fn golden_exact_groups() {
    let forms = [
        (Normalise::None, "groups-raw.jsonl.zst"),
        (Normalise::Simplified, "groups-simplified.jsonl.zst"),
    ];
    for (normalise, file) in forms {
        for (case, texts) in shards(file) {
            let mut dedup = ExactDedup::new(ExactConfig { normalise });
            for text in &texts {
                dedup.push(text).expect("there is room");
            }
            let clusters = dedup.finish().expect("groups are found");
            let found: BTreeSet<Vec<usize>> = clusters
                .iter()
                .map(|c| c.members.iter().map(|member| member.as_usize()).collect())
                .collect();
            assert_eq!(found, groups(&case.join(file)), "{}", case.display());
            println!("{}: {} groups equal", case.join(file).display(), found.len());
        }
    }
}

#[test]
fn golden_paragraphs() {
    const FILE: &str = "paragraphs.jsonl.zst";
    for (case, texts) in shards(FILE) {
        let config = ParagraphConfig {
            separator: Separator::BlankLine,
            normalise: Normalise::Folded,
            min_chars: 1,
        };
        let mut dedup = ParagraphDedup::new(config).expect("the configuration is valid");
        let expected = lines(&case.join(FILE));
        assert_eq!(expected.len(), texts.len());
        for (text, row) in texts.iter().zip(expected) {
            let found = dedup.push(text).expect("there is room");
            let dropped: Vec<Vec<usize>> =
                found.removed_paragraphs.iter().map(|run| vec![run.start, run.end - 1]).collect();
            assert_eq!(found.n_paragraphs, number(&row["n_paras"]), "{row}");
            assert_eq!(
                dropped,
                array(&row["dropped"]).iter().map(numbers).collect::<Vec<_>>(),
                "{row}"
            );
            assert_eq!(found.text.len(), number(&row["kept_bytes"]), "{row}");
            assert_eq!(xxh64_hex(found.text.as_bytes()), string(&row["kept_xxh64"]), "{row}");
        }
        println!("{}: {} documents equal", case.display(), texts.len());
    }
}
