//! Shingles, signatures and clusters against datatrove's.

use crate::reference::{
    array, cases, data, golden, json, lines, number, numbers, string, texts, xxh64_hex,
};
use pretrain_dedup::minhash::{
    HashFamily, MinHash, MinHashConfig, MinHashDedup, Signature, jaccard, shingle_set,
};
use pretrain_dedup::{Cluster, Clusters, DocIndex};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The four hash functions by the names that the reference files use.
const VARIANTS: [(&str, HashFamily, u32); 4] = [
    ("xxhash64", HashFamily::Xxhash, 64),
    ("xxhash32", HashFamily::Xxhash, 32),
    ("sha164", HashFamily::Sha1, 64),
    ("sha132", HashFamily::Sha1, 32),
];

/// Seed, bands, rows and words from `constants.json`.
pub(crate) fn hasher(folder: &Path, hash: HashFamily, bits: u32) -> MinHash {
    let constants = json(&folder.join("constants.json"));
    MinHashConfig {
        ngram: number(&constants["n_grams"]),
        bands: number(&constants["num_buckets"]),
        rows: number(&constants["hashes_per_bucket"]),
        seed: number(&constants["seed"]) as u64,
        hash,
        bits,
        ..MinHashConfig::default()
    }
    .resolve()
    .expect("the reference parameters are valid")
}

fn decimal(value: &Value) -> u64 {
    string(value).parse().expect("a decimal number")
}

/// Bands as strings of fixed-width hexadecimal numbers.
fn bands_hex(hasher: &MinHash, signature: &Signature) -> Vec<String> {
    let digits = hasher.config().bits as usize / 4;
    let hex = |band: &[u64]| band.iter().map(|value| format!("{value:0digits$x}")).collect();
    signature.values().chunks(hasher.config().rows).map(hex).collect()
}

#[test]
fn golden_worked_examples() {
    let Some(folder) = golden("minhash") else { return };
    let mut compared = 0;
    for example in lines(&folder.join("worked-examples.jsonl")) {
        let text = string(&example["text"]);
        let tokens: Vec<&str> = array(&example["tokens"]).iter().map(string).collect();
        let simplified = pretrain_text::simplify(text);
        assert_eq!(simplified, string(&example["simplified"]));
        assert_eq!(pretrain_text::words(&simplified).collect::<Vec<_>>(), tokens);
        for (name, hash, bits) in VARIANTS {
            let Some(expected) = example.get(name) else { continue };
            let hasher = hasher(&folder, hash, bits);
            let words = tokens.iter().copied();
            let hashes = hasher.shingle_hashes_of_words(words.clone());
            let shingles: Vec<u64> = array(&expected["shingles"]).iter().map(decimal).collect();
            assert_eq!(hashes, shingles, "{name}: {text}");
            let values = expected["bands"].as_array().map(|bands| {
                bands.iter().flat_map(|band| array(band).iter().map(decimal)).collect::<Vec<u64>>()
            });
            for signature in [hasher.signature_of_words(words), hasher.signature(text)] {
                let found = signature.map(|signature| signature.values().to_vec());
                assert_eq!(found, values, "{name}: {text}");
            }
            compared += 1;
        }
    }
    println!("{compared} worked examples");
}

/// The texts of the pool by id.
fn pool() -> Option<BTreeMap<String, String>> {
    let folder = golden("pool")?;
    let mut pool = BTreeMap::new();
    for file in ["texts.jsonl.zst", "texts.ccbysa.jsonl.zst", "texts.web.jsonl.zst"] {
        let path = folder.join(file);
        if !path.exists() {
            println!("skipped: {} is missing", path.display());
            continue;
        }
        for line in lines(&path) {
            pool.insert(string(&line["id"]).to_owned(), string(&line["text"]).to_owned());
        }
    }
    Some(pool)
}

#[test]
fn golden_signatures_from_text() {
    let (Some(folder), Some(pool)) = (golden("minhash"), pool()) else { return };
    let rows = lines(&folder.join("signatures.jsonl.zst"));
    let (mut compared, mut wrong) = (0, Vec::new());
    for (name, hash, bits) in VARIANTS {
        let hasher = hasher(&folder, hash, bits);
        for row in rows.iter().filter(|row| row.get(name).is_some()) {
            let id = string(&row["id"]);
            let Some(text) = pool.get(id) else { continue };
            let expected: Option<Vec<String>> = row[name]
                .as_array()
                .map(|bands| bands.iter().map(|band| string(band).to_owned()).collect());
            let signature = hasher.signature(text);
            let n_shingles = signature.as_ref().map_or(0, Signature::n_shingles);
            let found = signature.map(|signature| bands_hex(&hasher, &signature));
            let mut same = found == expected && n_shingles == number(&row["n_shingles"]) as u64;
            if hash == HashFamily::Xxhash && bits == 64 {
                let hashes = hasher.shingle_hashes(text);
                let head: Vec<String> =
                    hashes.iter().take(5).map(|hash| format!("{hash:016x}")).collect();
                same &= head.iter().eq(array(&row["shingles_head"]).iter().map(string));
                same &= shingle_set(hashes).len() == number(&row["n_unique_shingles"]);
            }
            compared += 1;
            if !same {
                wrong.push(format!("{name} {id}"));
            }
        }
    }
    println!("{compared} signatures");
    assert!(wrong.is_empty(), "{} of {compared} differ: {wrong:?}", wrong.len());
}

fn partition(clusters: &Clusters) -> BTreeSet<Vec<usize>> {
    partition_rows(clusters)
}

pub(crate) fn partition_rows<'a>(
    clusters: impl IntoIterator<Item = &'a Cluster>,
) -> BTreeSet<Vec<usize>> {
    clusters.into_iter().map(|c| c.members.iter().map(|m| m.as_usize()).collect()).collect()
}

pub(crate) fn rows_of(path: &Path) -> BTreeSet<Vec<usize>> {
    lines(path)
        .iter()
        .map(|line| numbers(if line.is_array() { line } else { &line["rows"] }))
        .collect()
}

#[test]
fn golden_pipeline() {
    let Some(folder) = golden("minhash") else { return };
    for case in cases(&folder, "clusters.jsonl.zst") {
        let summary = json(&case.join("summary.json"));
        let Some(shard) = data(string(&summary["shard"])) else { continue };
        pipeline_case(&folder, &case, &summary, &texts(&shard));
        println!("{}: equal", case.display());
    }
}

fn pipeline_case(folder: &Path, case: &Path, summary: &Value, texts: &[String]) {
    let hasher = hasher(folder, HashFamily::Xxhash, 64);
    assert_eq!(texts.len(), number(&summary["n_rows"]));
    let signatures: Vec<Option<Signature>> =
        texts.iter().map(|text| hasher.signature(text)).collect();

    let empty = numbers(&summary["rows_skipped_empty_text"]);
    let without: Vec<usize> = (0..texts.len())
        .filter(|&row| signatures[row].is_none() && !empty.contains(&row))
        .collect();
    let expected = lines(&case.join("no-shingles.jsonl.zst"));
    assert_eq!(vec![without], expected.iter().map(numbers).collect::<Vec<_>>());

    // Row numbers of all documents with a text, each followed by the values if there are any.
    let mut bytes = Vec::new();
    for (row, signature) in signatures.iter().enumerate().filter(|(row, _)| !empty.contains(row)) {
        bytes.extend_from_slice(&(row as u32).to_le_bytes());
        let values = signature.iter().flat_map(Signature::values);
        values.for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    }
    assert_eq!(xxh64_hex(&bytes), string(&summary["signatures_xxh64"]), "signatures");

    let files = summary["sig_file_sha256_size"].as_object().expect("files by bucket");
    assert_eq!(files.len(), hasher.config().bands);
    for (band, (name, expected)) in files.iter().enumerate() {
        let file = signature_file(&hasher, &signatures, &empty, band);
        assert_eq!(file.len(), number(&expected[1]), "{name}");
        let digest: String = Sha256::digest(&file).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(digest, string(&expected[0]), "{name}");
    }

    let mut dedup = MinHashDedup::new(*hasher.config()).expect("the parameters are valid");
    for signature in &signatures {
        dedup.push(signature.clone()).expect("there is room");
    }
    let clusters = dedup.finish().expect("clusters are found");
    assert_eq!(partition(&clusters), rows_of(&case.join("clusters.jsonl.zst")));
    assert_eq!(clusters.n_removed(), number(&summary["n_removed"]));

    let sets: Vec<Vec<u64>> =
        texts.iter().map(|text| shingle_set(hasher.shingle_hashes(text))).collect();
    for pair in lines(&case.join("jaccard-pairs.jsonl.zst")) {
        let [a, b, shared, all, band] = numbers(&pair)[..] else { panic!("five numbers: {pair}") };
        assert_eq!(jaccard(&sets[a], &sets[b]), shared as f64 / all as f64, "rows {a} {b}");
        let bands = |row: usize| {
            let signature = signatures[row].as_ref().expect("the row has shingles");
            signature.values().chunks(hasher.config().rows)
        };
        let share = bands(a).zip(bands(b)).any(|(x, y)| x == y);
        assert_eq!(share, band == 1, "rows {a} {b}");
    }

    let mut same: BTreeMap<&[u64], Vec<usize>> = BTreeMap::new();
    for (row, set) in sets.iter().enumerate().filter(|(_, set)| !set.is_empty()) {
        same.entry(set).or_default().push(row);
    }
    let same: BTreeSet<Vec<usize>> = same.into_values().filter(|rows| rows.len() > 1).collect();
    assert_eq!(same, rows_of(&case.join("same-shingle-sets.jsonl.zst")));

    verified(&hasher, &signatures, &sets, &clusters);
}

/// The peer's `.minhash.sig` file of one band: values and document number, sorted. The numbers do not
/// count documents without a text.
fn signature_file(
    hasher: &MinHash,
    signatures: &[Option<Signature>],
    empty: &[usize],
    band: usize,
) -> Vec<u8> {
    let rows = hasher.config().rows;
    let read = (0..signatures.len()).filter(|row| !empty.contains(row));
    let mut records: Vec<(&[u64], u32)> = read
        .zip(0u32..)
        .filter_map(|(row, document)| {
            let values = signatures[row].as_ref()?.values();
            Some((&values[band * rows..(band + 1) * rows], document))
        })
        .collect();
    records.sort_unstable();
    let mut file = Vec::new();
    for (values, document) in records {
        values.iter().for_each(|value| file.extend_from_slice(&value.to_le_bytes()));
        file.extend_from_slice(&document.to_le_bytes());
    }
    file
}

/// Verification by true similarity only ever splits clusters, and leaves no pair below the threshold
/// as the only link.
fn verified(
    hasher: &MinHash,
    signatures: &[Option<Signature>],
    sets: &[Vec<u64>],
    clusters: &Clusters,
) {
    let mut dedup = MinHashDedup::new(*hasher.config()).expect("the parameters are valid");
    for signature in signatures {
        dedup.push(signature.clone()).expect("there is room");
    }
    let similarity = |a: DocIndex, b: DocIndex| jaccard(&sets[a.as_usize()], &sets[b.as_usize()]);
    let found =
        dedup.finish_verified(&mut |a, b| similarity(a, b) >= 0.7).expect("clusters are found");
    let mut whole = vec![usize::MAX; signatures.len()];
    for (i, cluster) in clusters.iter().enumerate() {
        cluster.members.iter().for_each(|member| whole[member.as_usize()] = i);
    }
    for cluster in &found.clusters {
        let first = whole[cluster.members[0].as_usize()];
        assert!(first != usize::MAX);
        for &member in &cluster.members {
            assert_eq!(whole[member.as_usize()], first, "clusters are only split");
            let linked = cluster
                .members
                .iter()
                .any(|&other| other != member && similarity(member, other) >= 0.7);
            assert!(linked, "{member:?} has a neighbour");
        }
    }
    assert!(found.report.n_removed <= clusters.n_removed());
}
