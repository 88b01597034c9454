//! Repeated byte ranges against a table of all windows.

use crate::reference::{array, golden, json, lines, number, numbers, string, texts, xxh64_hex};
use pretrain_dedup::substring::{Copies, Cut, FirstPass, SubstringConfig, find, without};

#[test]
fn golden_substring_ranges() {
    let Some(folder) = golden("substring") else { return };
    let summary = json(&folder.join("summary.json"));
    let texts = texts(&folder.join("docs.jsonl.zst"));
    let documents: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    let expected = lines(&folder.join("expected.jsonl.zst"));
    assert_eq!(documents.len(), expected.len());
    let kinds = [
        (Copies::All, "ranges", "kept_xxh64"),
        (Copies::AllButFirst, "ranges_keep_first", "kept_first_xxh64"),
    ];
    for (copies, ranges, hash) in kinds {
        let config = SubstringConfig {
            min_bytes: number(&summary["threshold_bytes"]),
            copies,
            cut: Cut::Bytes,
            memory_budget: 1 << 30,
        };
        let found = find(&documents, &config).expect("the collection is small");
        for ((document, found), row) in documents.iter().zip(&found).zip(&expected) {
            let spans: Vec<Vec<usize>> = found.iter().map(|r| vec![r.start, r.end]).collect();
            let wanted: Vec<Vec<usize>> = array(&row[ranges]).iter().map(numbers).collect();
            assert_eq!(spans, wanted, "{ranges} of row {}", row["row"]);
            assert_eq!(
                xxh64_hex(&without(document, found)),
                string(&row[hash]),
                "row {}",
                row["row"]
            );
        }
        // The same on disk, in a hundredth of the memory.
        let folder = tempfile::tempdir().expect("a folder can be made");
        let config = SubstringConfig { memory_budget: 100_000, ..config };
        let bytes = documents.iter().map(|document| document.len() as u64).sum();
        let mut first = FirstPass::new(&config, bytes).expect("the settings are valid");
        documents.iter().for_each(|document| first.push(document));
        let mut second = first.next(folder.path());
        for document in &documents {
            second.push(document).expect("there is room");
        }
        let mut on_disk = vec![Vec::new(); documents.len()];
        for range in second.finish().expect("runs can be read") {
            let (document, range) = range.expect("runs are sound");
            on_disk[document.as_usize()].push(range);
        }
        assert_eq!(on_disk, found, "{ranges}");
        println!("{ranges}: {} documents equal", documents.len());
    }
}
