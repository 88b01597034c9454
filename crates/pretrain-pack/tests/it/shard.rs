//! Token shards: what is written is read, and what is damaged is refused.

use pretrain_pack::{PackError, ShardHeader, TokenDataset, TokenShard, TokenShardWriter};
use proptest::prelude::*;
use std::fs;
use std::path::Path;

fn header(vocab_size: usize) -> ShardHeader {
    ShardHeader { vocab_size, tokenizer: "0123abcd".into() }
}

fn write(path: &Path, vocab_size: usize, documents: &[(Vec<u32>, u64)]) {
    let mut writer = TokenShardWriter::create(path, &header(vocab_size)).unwrap();
    for (ids, text_bytes) in documents {
        writer.push_document(ids, *text_bytes).unwrap();
    }
    assert_eq!(writer.n_documents(), documents.len() as u64);
    let entry = writer.finish().unwrap();
    assert_eq!(entry.bytes, fs::metadata(path).unwrap().len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn reading_gives_what_was_written(
        vocab_size in prop::sample::select(vec![1_usize, 255, 65_536, 65_537, 1 << 31]),
        raw in prop::collection::vec(
            (prop::collection::vec(any::<u32>(), 0..40), 0_u64..1000), 0..30),
        cut in (any::<u64>(), any::<u64>()),
    ) {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("a.tokens");
        let documents: Vec<(Vec<u32>, u64)> = raw
            .into_iter()
            .map(|(ids, n)| (ids.into_iter().map(|id| id % vocab_size as u32).collect(), n))
            .collect();
        write(&path, vocab_size, &documents);
        let shard = TokenShard::open(&path).unwrap();
        shard.verify().unwrap();
        prop_assert_eq!(shard.header(), &header(vocab_size));
        prop_assert_eq!(shard.n_documents(), documents.len() as u64);
        prop_assert_eq!(shard.text_bytes(), documents.iter().map(|d| d.1).sum::<u64>());
        let mut all: Vec<u32> = Vec::new();
        for (i, (ids, text_bytes)) in (0..).zip(&documents) {
            let span = shard.document(i).unwrap();
            prop_assert_eq!(span.text_bytes, *text_bytes);
            let mut read = Vec::new();
            shard.read(span.tokens.clone(), &mut read).unwrap();
            prop_assert_eq!(&read, ids);
            for token in span.tokens {
                prop_assert_eq!(shard.document_at(token), Some(i));
            }
            all.extend(ids);
        }
        prop_assert_eq!(shard.n_tokens(), all.len() as u64);
        prop_assert_eq!(shard.document(documents.len() as u64), None);
        prop_assert_eq!(shard.document_at(shard.n_tokens()), None);
        let end = cut.0 % (shard.n_tokens() + 1);
        let start = cut.1 % (end + 1);
        let mut read = vec![7];
        shard.read(start..end, &mut read).unwrap();
        prop_assert_eq!(&read[1..], &all[start as usize..end as usize]);
    }

    #[test]
    fn a_damaged_byte_is_found(at in any::<prop::sample::Index>(), bit in 0..8) {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("a.tokens");
        write(&path, 300, &[((0..299).collect(), 10), (vec![], 3), (vec![7; 50], 1)]);
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        fs::write(&path, &bytes).unwrap();
        // Either the shard does not open, or the payload does not verify.
        prop_assert!(TokenShard::open(&path).and_then(|shard| shard.verify()).is_err(), "{}", at);
    }

    #[test]
    fn a_cut_file_is_refused(at in any::<prop::sample::Index>()) {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("a.tokens");
        write(&path, 300, &[((0..299).collect(), 10), (vec![7; 50], 1)]);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..at.index(bytes.len())]).unwrap();
        prop_assert!(TokenShard::open(&path).is_err());
    }
}

#[test]
fn a_payload_of_many_blocks() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("a.tokens");
    // Three documents over five blocks of 1 MiB, with 2-byte ids; then the same with 4-byte ids.
    for vocab_size in [50_000, 100_000] {
        let document = |seed: u32, n: u32| -> Vec<u32> {
            (0..n).map(|i| i.wrapping_mul(seed) % vocab_size as u32).collect()
        };
        let documents =
            [(document(7, 1_000_000), 1), (document(11, 3), 2), (document(13, 1_300_000), 3)];
        write(&path, vocab_size, &documents);
        let shard = TokenShard::open(&path).unwrap();
        shard.verify().unwrap();
        let mut read = Vec::new();
        shard.read(1_000_003..2_300_003, &mut read).unwrap();
        assert!(read == documents[2].0);

        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        let shard = TokenShard::open(&path).unwrap();
        let Err(PackError::Checksum { section: "payload block", offset, .. }) = shard.verify()
        else {
            panic!()
        };
        assert!(offset <= at as u64 && at as u64 - offset < 1 << 20);
    }
}

#[test]
fn the_bytes_are_those_of_the_format() {
    // The first version's bytes, kept for ever: a reader of any later version must open this file.
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("a.tokens");
    let documents = [(vec![1, 2, 999], 9), (vec![], 0), (vec![0, 3], 4)];
    write(&path, 1000, &documents);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/version-1.tokens");
    assert_eq!(fs::read(&path).unwrap(), fs::read(&golden).unwrap());
    let shard = TokenShard::open(&golden).unwrap();
    let mut ids = Vec::new();
    shard.read(0..shard.n_tokens(), &mut ids).unwrap();
    assert_eq!(ids, [1, 2, 999, 0, 3]);
}

#[test]
fn ids_outside_the_vocabulary_are_refused_whole() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("a.tokens");
    let mut writer = TokenShardWriter::create(&path, &header(10)).unwrap();
    writer.push_document(&[1, 2], 2).unwrap();
    let error = writer.push_document(&[3, 10], 2).unwrap_err();
    assert!(
        matches!(error, PackError::TokenOutOfRange { position: 3, id: 10, vocab_size: 10, .. }),
        "{error}"
    );
    assert!(writer.push_document(&[4], u64::MAX).is_err());
    writer.push_document(&[4], 1).unwrap();
    writer.finish().unwrap();
    let shard = TokenShard::open(&path).unwrap();
    assert_eq!((shard.n_tokens(), shard.n_documents(), shard.text_bytes()), (3, 2, 3));
    let mut ids = Vec::new();
    let error = shard.read(2..4, &mut ids).unwrap_err();
    assert!(matches!(error, PackError::OutOfRange { index: 4, len: 3, .. }), "{error}");
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let mut writer = TokenShardWriter::create(&tmp.path().join("a.tokens"), &header(10)).unwrap();
    writer.push_document(&[1], 1).unwrap();
    drop(writer);
    assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
    for bad in [
        header(0),
        header((1 << 31) + 1),
        ShardHeader { vocab_size: 1, tokenizer: "x".repeat(1025) },
    ] {
        assert!(TokenShardWriter::create(&tmp.path().join("b"), &bad).is_err());
    }
}

#[test]
fn errors_name_the_file_and_what_was_found() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("not.tokens");
    fs::write(&path, [b'x'; 200]).unwrap();
    let message = TokenShard::open(&path).unwrap_err().to_string();
    assert!(message.contains("not.tokens") && message.contains("xxxxxxxx"), "{message}");
    write(&path, 10, &[(vec![1], 1)]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 9;
    fs::write(&path, bytes).unwrap();
    let error = TokenShard::open(&path).unwrap_err();
    assert!(matches!(error, PackError::Version { found: 9, supported: 1, .. }), "{error}");
}

#[test]
fn a_dataset_is_its_shards_end_to_end() {
    let tmp = tempfile::tempdir().unwrap();
    let lists = [vec![vec![1, 2], vec![3]], vec![], vec![vec![], vec![4, 5, 6]]];
    let paths = crate::shards(tmp.path(), 10, &lists);
    let dataset = TokenDataset::open(&paths).unwrap();
    assert_eq!((dataset.n_tokens(), dataset.n_documents(), dataset.text_bytes()), (6, 4, 24));
    let spans: Vec<_> = dataset.documents().map(|d| d.tokens).collect();
    assert_eq!(spans, [0..2, 2..3, 3..3, 3..6]);
    let at: Vec<_> = (0..7).map(|t| dataset.document_at(t)).collect();
    assert_eq!(at, [Some(0), Some(0), Some(1), Some(3), Some(3), Some(3), None]);
    for i in 0..5 {
        assert_eq!(dataset.document(i), dataset.documents().nth(i as usize));
    }
    let mut ids = Vec::new();
    dataset.read(1..5, &mut ids).unwrap();
    assert_eq!(ids, [2, 3, 4, 5]);
    dataset.verify().unwrap();

    // A directory is its shards by name; the content has a name of its own.
    let folder = TokenDataset::open(&[tmp.path().to_path_buf()]).unwrap();
    assert_eq!(folder.content(), dataset.content());
    let reversed: Vec<_> = paths.iter().rev().cloned().collect();
    assert_ne!(TokenDataset::open(&reversed).unwrap().content(), dataset.content());
}

#[test]
fn shards_of_two_tokenizers_do_not_mix() {
    let tmp = tempfile::tempdir().unwrap();
    let (a, b) = (tmp.path().join("a.tokens"), tmp.path().join("b.tokens"));
    write(&a, 10, &[(vec![1], 1)]);
    for (vocab_size, tokenizer) in [(10, "other"), (11, "0123abcd")] {
        let header = ShardHeader { vocab_size, tokenizer: tokenizer.into() };
        TokenShardWriter::create(&b, &header).unwrap().finish().unwrap();
        let error = TokenDataset::open(&[a.clone(), b.clone()]).unwrap_err();
        assert!(matches!(&error, PackError::Mixed { path, .. } if *path == b), "{error}");
    }
    assert!(matches!(TokenDataset::open(&[]), Err(PackError::NoShards { .. })));
    let empty = tempfile::tempdir().unwrap();
    let error = TokenDataset::open(&[empty.path().to_path_buf()]).unwrap_err();
    assert!(matches!(error, PackError::NoShards { .. }), "{error}");
    fs::write(tmp.path().join("stage.json"), "{}").unwrap();
    let error = TokenDataset::open(&[tmp.path().to_path_buf()]).unwrap_err();
    assert!(matches!(error, PackError::Unfinished { .. }), "{error}");
}
