//! The laws of a stage: finished once, resumed where it stopped, refused where it differs.

use super::*;
use serde_json::json;

fn spec(n: u64) -> StageSpec {
    StageSpec::new("count", json!({ "n": n, "deep": { "key": [1, 2] } }))
}

fn unfinished(dir: &Path, spec: &StageSpec) -> OpenStage {
    match Stage::open(dir, spec).unwrap() {
        Stage::Unfinished(stage) => stage,
        Stage::Finished(_) => panic!("finished"),
    }
}

fn fill(stage: &OpenStage, name: &str) {
    let entry = write_atomic(&stage.dir().join(format!("{name}.bin")), name.as_bytes()).unwrap();
    stage.commit_unit(Unit::new(name).file(entry).count("bytes", name.len() as u64)).unwrap();
}

#[test]
fn an_interrupted_stage_ends_as_an_uninterrupted_one() {
    let tmp = tempfile::tempdir().unwrap();
    let (whole, parts) = (tmp.path().join("whole"), tmp.path().join("parts"));
    let stage = unfinished(&whole, &spec(1));
    for name in ["bb", "a"] {
        fill(&stage, name);
    }
    let expected = stage.finish([("extra", 5)]).unwrap();

    let stage = unfinished(&parts, &spec(1));
    fill(&stage, "a");
    std::fs::write(parts.join("bb.bin.partial"), b"torn").unwrap();
    drop(stage);
    let stage = unfinished(&parts, &spec(1));
    assert!(!parts.join("bb.bin.partial").exists());
    assert!(stage.unit("a").is_some());
    assert_eq!(stage.unit("bb"), None);
    fill(&stage, "bb");
    assert_eq!(stage.finish([("extra", 5)]).unwrap(), expected);
    assert_eq!(
        std::fs::read(whole.join(MANIFEST_NAME)).unwrap(),
        std::fs::read(parts.join(MANIFEST_NAME)).unwrap()
    );
    assert_eq!(expected.counts, BTreeMap::from([("bytes".into(), 3), ("extra".into(), 5)]));
    assert_eq!(expected.files.iter().map(|f| &f.name[..]).collect::<Vec<_>>(), ["a.bin", "bb.bin"]);
    let names: Vec<_> = file::list(&parts).unwrap();
    assert_eq!(names.len(), 3, "the scaffolding is gone: {names:?}");
}

#[test]
fn other_settings_are_refused_by_key_before_and_after_the_end() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("d");
    let stage = unfinished(&dir, &spec(1));
    drop(stage);
    let message = Stage::open(&dir, &spec(2)).unwrap_err().to_string();
    assert!(message.contains("n: 1 -> 2"), "{message}");
    unfinished(&dir, &spec(1)).finish([]).unwrap();
    let message = Stage::open(&dir, &spec(2)).unwrap_err().to_string();
    assert!(message.contains("n: 1 -> 2"), "{message}");
    assert!(matches!(Stage::open(&dir, &spec(1)), Ok(Stage::Finished(_))));
}

#[test]
fn two_processes_cannot_fill_one_directory() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("d");
    let _first = unfinished(&dir, &spec(1));
    assert!(matches!(Stage::open(&dir, &spec(1)), Err(StoreError::Locked { .. })));
}

#[test]
fn somebody_elses_files_are_left_alone() {
    let tmp = tempfile::tempdir().unwrap();
    std::fs::write(tmp.path().join("thesis.tex"), b"x").unwrap();
    assert!(matches!(Stage::open(tmp.path(), &spec(1)), Err(StoreError::Foreign { .. })));
    assert_eq!(std::fs::read(tmp.path().join("thesis.tex")).unwrap(), b"x");
}

#[test]
fn a_flipped_bit_and_a_short_file_are_found() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("d");
    let stage = unfinished(&dir, &spec(1));
    fill(&stage, "a");
    let manifest = stage.finish([]).unwrap();
    manifest.verify(&dir).unwrap();
    std::fs::write(dir.join("a.bin"), b"b").unwrap();
    assert!(matches!(
        manifest.verify(&dir),
        Err(StoreError::Corrupt { expected_bytes: 1, found_bytes: 1, .. })
    ));
    std::fs::write(dir.join("a.bin"), b"").unwrap();
    assert!(matches!(manifest.verify(&dir), Err(StoreError::Corrupt { found_bytes: 0, .. })));
}

#[test]
fn a_manifest_from_the_future_and_a_torn_one_are_named() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join(MANIFEST_NAME);
    std::fs::write(&path, br#"{"format_version": 99, "new": true}"#).unwrap();
    assert!(matches!(
        Manifest::load(tmp.path()),
        Err(StoreError::Version { found: 99, supported: 1, .. })
    ));
    std::fs::write(&path, br#"{"format_version": 1, "sta"#).unwrap();
    assert!(matches!(Manifest::load(tmp.path()), Err(StoreError::Malformed { .. })));
}
