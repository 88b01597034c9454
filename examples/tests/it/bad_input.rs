//! What a user can get wrong ends with one clear message and the right exit code.

use crate::crash::TINY;
use crate::program::{fails, write_corpus};
use std::path::Path;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        pretrain_store::write_atomic(Path::new(&self.path(name)), bytes).unwrap();
        self.path(name)
    }

    /// `pretrain` on the given input and settings.
    fn pretrain(&self, input: &str, config: &str, code: i32) -> String {
        let config = self.write("run.toml", config.as_bytes());
        let out = self.path("out");
        fails("pretrain", &["--config", &config, "--input", input, "--out", &out], code)
    }
}

#[test]
fn a_missing_input_is_named() {
    let place = Place::new();
    let message = place.pretrain(&place.path("nowhere.jsonl"), TINY, 2);
    assert!(message.contains("nowhere.jsonl"), "{message}");
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let place = Place::new();
    let message = place.pretrain("x", "seed = 1\nsede = 2\n", 2);
    assert!(message.contains("sede") && message.contains("line 2"), "{message}");
    let message = place.pretrain("x", "[model]\nwidth = 2\n", 2);
    assert!(message.contains("width") && message.contains("line 2"), "{message}");
}

#[test]
fn an_impossible_shape_is_named() {
    let place = Place::new();
    let input = place.path("c.jsonl");
    write_corpus(Path::new(&input), 20);
    let message = place.pretrain(&input, "[model]\nd_model = 30\nn_heads = 4\n", 2);
    assert!(message.contains("n_heads") && message.contains("30"), "{message}");
}

#[test]
fn an_empty_corpus_and_one_of_only_bad_records_are_refused() {
    let place = Place::new();
    let empty = place.write("empty.jsonl", b"");
    let message = place.pretrain(&empty, TINY, 1);
    assert!(message.contains("empty"), "{message}");
    let place = Place::new();
    let bad = place.write("bad.jsonl", b"{\"text\": \n\xff\xfe\n");
    let message = place.pretrain(&bad, TINY, 1);
    assert!(message.contains("2 bad records"), "{message}");
    let line =
        pretrain_store::read_to_string(Path::new(&place.path("out/corpus/bad/part-00000.jsonl")));
    assert!(line.unwrap().contains("\"line\":1"));
}

#[test]
fn a_corpus_too_small_for_the_vocabulary_says_what_it_gives() {
    let place = Place::new();
    let input = place.path("c.jsonl");
    write_corpus(Path::new(&input), 30);
    let message = place.pretrain(&input, &TINY.replace("512", "30000"), 1);
    assert!(message.contains("vocab-size") && message.contains("30000"), "{message}");
    assert!(!pretrain_store::exists(Path::new(&place.path("out/tokenizer/manifest.json"))));
}

#[test]
fn a_corpus_too_small_for_one_sequence_says_so() {
    let place = Place::new();
    let input = place.path("c.jsonl");
    write_corpus(Path::new(&input), 60);
    let config = TINY.replace("seq-len = 64", "seq-len = 1000000").replace("512", "300");
    let message = place.pretrain(&input, &config, 1);
    assert!(message.contains("1000000"), "{message}");
}

#[test]
fn other_settings_for_a_finished_directory_are_refused_by_key() {
    let place = Place::new();
    let input = place.path("c.jsonl");
    write_corpus(Path::new(&input), 200);
    let out = place.path("kept");
    let clean = |preset: &str| {
        crate::program::run(
            "clean",
            &["--input", &input, "--out", &out, "--preset", preset, "--quiet"],
        )
    };
    assert!(clean("gopher").status.success());
    let again = clean("c4");
    assert_eq!(again.status.code(), Some(1));
    let message = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(message.contains("default.rules"), "{message}");
}

#[test]
#[cfg(not(feature = "cuda"))]
fn a_device_that_the_build_lacks_is_refused() {
    let place = Place::new();
    let message = fails("pretrain", &["--device", "cuda", "--out", &place.path("out")], 2);
    assert!(message.contains("--features cuda"), "{message}");
}
