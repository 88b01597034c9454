//! Token files written by other systems.

use crate::golden::{folder, hash, json, json_lines, numbers};
use pretrain_pack::foreign::{Boundary, Element, TokenFile, datatrove, llm_c, megatron, raw};
use pretrain_pack::{Result, ShardHeader, TokenDataset, TokenShardWriter};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn all(file: &TokenFile) -> Vec<Vec<u32>> {
    let documents: Vec<Vec<u32>> = file.documents().collect::<Result<_>>().unwrap();
    assert_eq!(documents.iter().map(|d| d.len() as u64).sum::<u64>(), file.n_tokens());
    documents
}

/// The documents as they are in `docs.jsonl.zst`, and the id that ends them.
fn source() -> Option<(Value, Vec<Vec<u32>>, u32)> {
    let expect = json("tokenfiles/expect.json")?;
    let documents = json_lines("tokenfiles/docs.jsonl.zst")?;
    let end = expect["eot"].as_u64().unwrap() as u32;
    let ids = |document: &Value| {
        let list = document.as_object().unwrap().values().find(|value| value.is_array());
        numbers(list.expect("a document has its ids"))
    };
    let documents = documents.iter().map(ids).collect();
    Some((expect, documents, end))
}

fn files(sub: &str, ending: &str) -> Vec<PathBuf> {
    let dir = folder().unwrap().join("tokenfiles").join(sub);
    let Ok(entries) = fs::read_dir(&dir) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_str().unwrap().ends_with(ending));
    files.sort();
    files
}

fn ended(documents: &[Vec<u32>], end: u32) -> Vec<Vec<u32>> {
    documents.iter().map(|ids| [ids, &[end][..]].concat()).collect()
}

#[test]
fn golden_flat_files() {
    let Some((expect, documents, end)) = source() else { return };
    let expected = ended(&documents, end);
    let flat_hash = hash(expected.iter().flatten().copied());
    assert_eq!(flat_hash, expect["flat_with_eot_xxh64"]);
    for path in files("nanogpt", ".bin") {
        let file = raw(&path, Element::U16, Boundary::Last(end)).unwrap();
        assert!(all(&file) == expected, "{}", path.display());
    }
    for path in files("olmo", ".npy") {
        let wide = fs::metadata(&path).unwrap().len() == 4 * expected.concat().len() as u64;
        let element = if wide { Element::U32 } else { Element::U16 };
        let found = all(&raw(&path, element, Boundary::Last(end)).unwrap());
        assert_eq!(hash(found.concat()), flat_hash, "{}", path.display());
        assert!(found == expected, "{}", path.display());
    }
    for path in files("llmc", ".bin") {
        let name = format!("llmc/{}", path.file_name().unwrap().to_str().unwrap());
        let stated = &expect["files"][&name];
        // The first token of the file begins every document.
        let first = llm_c(&path, Boundary::First(0)).unwrap().documents().next().unwrap().unwrap();
        let file = llm_c(&path, Boundary::First(first[0])).unwrap();
        assert_eq!(file.n_tokens(), stated["tokens"].as_u64().unwrap(), "{name}");
        let found = all(&file);
        assert_eq!(hash(found.concat()), stated["xxh64"], "{name}");
        assert!(found.iter().all(|ids| ids[0] == first[0] && !ids[1..].contains(&first[0])));
        if first[0] == end {
            let bare: Vec<&[u32]> = found.iter().map(|ids| &ids[1..]).collect();
            assert!(bare == documents, "{name}");
        }
    }
}

#[test]
fn golden_datatrove() {
    let Some((expect, documents, end)) = source() else { return };
    let expected = ended(&documents, end);
    let names = expect["files"].as_object().unwrap();
    for (name, stated) in names.iter().filter(|(name, _)| name.ends_with(".ds")) {
        let path = folder().unwrap().join("tokenfiles").join(name);
        let file = datatrove(&path).unwrap();
        assert_eq!(file.n_tokens(), stated["tokens"].as_u64().unwrap(), "{name}");
        let found = all(&file);
        assert_eq!(found.len() as u64, stated["docs"].as_u64().unwrap(), "{name}");
        assert_eq!(hash(found.concat()), stated["xxh64"], "{name}");
        let order: Vec<usize> = match stated.get("document_order") {
            Some(order) => numbers(order).into_iter().map(|i| i as usize).collect(),
            None => (0..expected.len()).collect(),
        };
        assert!(found.iter().eq(order.iter().map(|&i| &expected[i])), "{name}");
    }
}

#[test]
fn golden_megatron() {
    let Some((expect, documents, end)) = source() else { return };
    let expected = ended(&documents, end);
    for index in files("megatron", ".idx") {
        let name = format!("megatron/{}", index.file_stem().unwrap().to_str().unwrap());
        let tokens = index.with_extension("bin");
        let stated = &expect["files"][&name];
        if !tokens.is_file() || stated.is_null() {
            continue; // The merged index, below.
        }
        let found = all(&megatron(&index, &tokens).unwrap());
        if let Some(sequences) = stated.get("sequences").and_then(Value::as_array) {
            let sequences: Vec<Vec<u32>> = sequences.iter().map(numbers).collect();
            let bounds = numbers(&stated["document_indices"]);
            let joined: Vec<Vec<u32>> = bounds
                .windows(2)
                .map(|pair| sequences[pair[0] as usize..pair[1] as usize].concat())
                .collect();
            assert_eq!(found, joined, "{name}");
        } else if let Some(hash_stated) = stated.get("xxh64") {
            assert_eq!(hash(found.concat()), *hash_stated, "{name}");
            assert_eq!(found.len() as u64, stated["documents"].as_u64().unwrap(), "{name}");
        } else {
            assert!(found == expected, "{name}");
        }
    }
    // An index without tokens was merged from one dataset twice: over its tokens twice, it gives its
    // documents twice.
    let tmp = tempfile::tempdir().unwrap();
    let (merged, whole): (Vec<PathBuf>, Vec<PathBuf>) =
        files("megatron", ".idx").into_iter().partition(|i| !i.with_extension("bin").is_file());
    for merged in merged {
        let fits = |index: &PathBuf| {
            let once = fs::read(index.with_extension("bin")).unwrap();
            let tokens = tmp.path().join("twice.bin");
            fs::write(&tokens, [once.clone(), once].concat()).unwrap();
            let file = megatron(&merged, &tokens).ok()?;
            let documents = all(&megatron(index, &index.with_extension("bin")).unwrap());
            (file.n_tokens() == 2 * documents.concat().len() as u64)
                .then(|| all(&file) == [documents.clone(), documents].concat())
        };
        assert_eq!(whole.iter().find_map(fits), Some(true), "{}", merged.display());
    }
}

#[test]
fn golden_files_become_shards() {
    let Some((_, documents, end)) = source() else { return };
    let expected = ended(&documents, end);
    let tmp = tempfile::tempdir().unwrap();
    for path in files("nanogpt", ".bin") {
        let file = raw(&path, Element::U16, Boundary::Last(end)).unwrap();
        let target = tmp.path().join("a.tokens");
        let header = ShardHeader { vocab_size: end as usize + 1, tokenizer: "gpt2".into() };
        let mut writer = TokenShardWriter::create(&target, &header).unwrap();
        for document in file.documents() {
            writer.push_document(&document.unwrap(), 0).unwrap();
        }
        writer.finish().unwrap();
        let dataset = TokenDataset::open(&[target]).unwrap();
        assert_eq!(dataset.n_documents(), expected.len() as u64);
        let mut ids = Vec::new();
        dataset.read(0..dataset.n_tokens(), &mut ids).unwrap();
        assert!(ids == expected.concat());
    }
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn documents_are_found_by_their_marks() {
    let tmp = tempfile::tempdir().unwrap();
    let read = |ids: &[u16], boundary| {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        all(&raw(&write(tmp.path(), "raw", &bytes), Element::U16, boundary).unwrap())
    };
    let ids = [1, 9, 9, 2, 3, 9, 4];
    assert_eq!(read(&ids, Boundary::Last(9)), [vec![1, 9], vec![9], vec![2, 3, 9], vec![4]]);
    assert_eq!(read(&ids, Boundary::First(9)), [vec![1], vec![9], vec![9, 2, 3], vec![9, 4]]);
    assert_eq!(read(&[9], Boundary::First(9)), [vec![9]]);
    assert!(read(&[], Boundary::Last(9)).is_empty());
    // Documents that are longer than what is read at once, and marks at the very edge.
    for n in [65_534, 65_535, 65_536, 65_537, 200_000] {
        let mut ids = vec![1; n];
        ids.push(9);
        ids.extend([2; 70_000]);
        let last: Vec<usize> = read(&ids, Boundary::Last(9)).iter().map(Vec::len).collect();
        assert_eq!(last, [n + 1, 70_000]);
        let first: Vec<usize> = read(&ids, Boundary::First(9)).iter().map(Vec::len).collect();
        assert_eq!(first, [n, 70_001]);
    }
}

#[test]
fn damaged_files_are_refused() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path();
    assert!(raw(&write(dir, "a", &[1; 7]), Element::U16, Boundary::Last(0)).is_err());
    let negative = write(dir, "b", &[255; 4]);
    let file = raw(&negative, Element::I32, Boundary::Last(0)).unwrap();
    let error = file.documents().next().unwrap().unwrap_err().to_string();
    assert!(error.contains("found -1"), "{error}");
    let half = write(dir, "c", &0.5_f64.to_le_bytes());
    let file = raw(&half, Element::F64, Boundary::Last(0)).unwrap();
    assert_eq!(file.documents().filter(Result::is_err).count(), 1);
    assert!(llm_c(&write(dir, "d", &[0; 2000]), Boundary::Last(0)).is_err());

    // Every cut and every flipped bit of an index gives documents or an error, never a panic.
    let mut index = b"MMIDIDX\0\0".to_vec();
    index.extend(1_u64.to_le_bytes());
    index.push(8);
    index.extend([2_u64, 2].iter().flat_map(|n| n.to_le_bytes()));
    index.extend([3_i32, 1].iter().flat_map(|n| n.to_le_bytes()));
    index.extend([0_u64, 6, 0, 2].iter().flat_map(|n| n.to_le_bytes()));
    let tokens = write(dir, "t.bin", &[1, 0, 2, 0, 3, 0, 4, 0]);
    let whole = megatron(&write(dir, "t.idx", &index), &tokens).unwrap();
    assert_eq!(all(&whole), [[1, 2, 3, 4]]);
    for cut in 0..index.len() {
        assert!(megatron(&write(dir, "t.idx", &index[..cut]), &tokens).is_err(), "{cut}");
    }
    for bit in 0..index.len() * 8 {
        let mut flipped = index.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(file) = megatron(&write(dir, "t.idx", &flipped), &tokens) {
            let _ = file.documents().collect::<Result<Vec<_>>>();
        }
    }

    let ds = write(dir, "x.ds", &[1, 0, 2, 0]);
    write(dir, "x.ds.index", &2_u64.to_le_bytes());
    for (metadata, good) in
        [("t|2\n2\n2 T", true), ("t|4\n2\n2 T", false), ("t|2\n3\n", false), ("", false)]
    {
        write(dir, "x.ds.metadata", metadata.as_bytes());
        assert_eq!(datatrove(&ds).is_ok(), good, "{metadata:?}");
    }
    write(dir, "x.ds.metadata", b"t|2\n2\n2 T");
    write(dir, "x.ds.index", &3_u64.to_le_bytes());
    assert!(datatrove(&ds).is_err());
}
