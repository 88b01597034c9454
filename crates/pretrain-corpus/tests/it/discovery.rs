//! From named files and folders to a list.

use crate::data::put;
use pretrain_corpus::{CorpusError, InputFile, discover};
use pretrain_store::{FileEntry, Manifest, Stage, StageSpec, Unit, write_atomic};
use std::path::Path;

fn names(files: &[InputFile]) -> Vec<&str> {
    files.iter().map(|file| file.name.as_str()).collect()
}

fn error(input: &Path) -> CorpusError {
    discover(&[input.to_path_buf()]).unwrap_err()
}

#[test]
fn folders_are_searched_and_sorted_bytewise() {
    let tmp = tempfile::tempdir().unwrap();
    for name in [
        "a/z.jsonl",
        "a.jsonl",
        "a-b/c.parquet",
        "B.jsonl.zst",
        "notes.pdf",
        "x.json",
        ".hidden.jsonl",
        ".git/x.jsonl",
        "deep/er/y.txt",
        "deep/w.warc.wet.gz",
    ] {
        put(tmp.path(), name, "x");
    }
    let found = discover(&[tmp.path().to_path_buf()]).unwrap();
    let expected = [
        "B.jsonl.zst",
        "a-b/c.parquet",
        "a.jsonl",
        "a/z.jsonl",
        "deep/er/y.txt",
        "deep/w.warc.wet.gz",
    ];
    assert_eq!(names(&found), expected);
    // Whatever the order of the inputs, and each file once.
    let mixed = [tmp.path().join("deep"), tmp.path().join("a.jsonl"), tmp.path().join("a.jsonl")];
    let mixed = discover(&mixed).unwrap();
    assert_eq!(names(&mixed), ["a.jsonl", "er/y.txt", "w.warc.wet.gz"]);
}

#[test]
fn what_cannot_be_read_has_a_name() {
    let tmp = tempfile::tempdir().unwrap();
    let missing = tmp.path().join("missing");
    assert!(matches!(error(&missing), CorpusError::MissingInput { path } if path == missing));
    let unknown = put(tmp.path(), "a.docx", "x");
    let message = error(&unknown).to_string();
    assert!(message.contains("a.docx") && message.contains(".jsonl"), "{message}");
    // A folder of nothing but unknown files is as good as empty.
    assert!(matches!(error(tmp.path()), CorpusError::NoDocuments { .. }));
    for url in ["https://example.org/a.jsonl", "s3://bucket/key", "hdfs://x"] {
        let found = error(Path::new(url));
        assert!(matches!(&found, CorpusError::RemoteInput { url: named } if named == url));
        assert!(found.to_string().contains("local"), "{found}");
    }
    assert_eq!(discover(&[]).unwrap(), []);
}

/// A finished stage with shards, rejected documents and reports.
fn stage(dir: &Path) {
    let Stage::Unfinished(stage) = Stage::open(dir, &StageSpec::new("clean", 1.into())).unwrap()
    else {
        panic!("it is new")
    };
    let mut unit = Unit::new("all");
    for name in
        ["b.jsonl.zst", "a.parquet", "clusters.jsonl", "rejected/a.jsonl.zst", "report.json"]
    {
        let entry = write_atomic(&dir.join(name), b"x").unwrap();
        unit = unit.file(FileEntry { name: name.to_owned(), ..entry });
    }
    stage.commit_unit(unit).unwrap();
    // Beside the manifest's files, and not in it.
    put(dir, "stray.jsonl.zst", "x");
    stage.finish([]).unwrap();
}

#[test]
fn a_stage_gives_the_shards_of_its_manifest() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("run/clean");
    stage(&dir);
    assert_eq!(names(&discover(std::slice::from_ref(&dir)).unwrap()), ["a.parquet", "b.jsonl.zst"]);
    put(tmp.path(), "run/other.jsonl", "x");
    let above = discover(&[tmp.path().join("run")]).unwrap();
    assert_eq!(names(&above), ["clean/a.parquet", "clean/b.jsonl.zst", "other.jsonl"]);
    std::fs::remove_file(dir.join("a.parquet")).unwrap();
    assert!(
        matches!(error(&dir), CorpusError::MissingShard { path } if path.ends_with("a.parquet"))
    );
}

#[test]
fn half_a_stage_does_not_pass_for_the_whole() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("clean");
    let open = Stage::open(&dir, &StageSpec::new("clean", 1.into())).unwrap();
    put(&dir, "a.jsonl.zst", "x");
    assert!(matches!(error(&dir), CorpusError::UnfinishedStage { dir: found, .. } if found == dir));
    drop(open);
    assert!(matches!(error(&dir), CorpusError::UnfinishedStage { .. }));
    // A manifest that does not parse may be ours: it is not taken for somebody else's.
    put(&dir, "manifest.json", "{ cut");
    assert!(matches!(error(&dir), CorpusError::Store(_)));
    // One that parses and is not ours means nothing here.
    let foreign = tmp.path().join("foreign");
    put(&foreign, "manifest.json", r#"{"name": "an extension"}"#);
    put(&foreign, "a.jsonl", "x");
    assert_eq!(names(&discover(&[foreign]).unwrap()), ["a.jsonl"]);
    let empty = tmp.path().join("empty");
    Manifest::new("clean", 1.into(), vec![]).save(&empty).unwrap();
    assert!(matches!(error(&empty), CorpusError::NoDocuments { .. }));
}
