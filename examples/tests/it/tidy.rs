//! What a reader of the tree may rely on: short files, each with its purpose in the first line.

use crate::architecture::root;
use std::path::PathBuf;

const LONGEST_FILE: usize = 800;
const LONGEST_PROGRAM: usize = 150;

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let files = pretrain_store::list_recursive(&root().join(folder)).unwrap();
    let rust = files.into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    rust.map(|path| (path.clone(), pretrain_store::read_to_string(&path).unwrap())).collect()
}

#[test]
fn every_file_says_what_it_is_and_stays_readable() {
    for (path, text) in ["crates", "examples", "benches"].into_iter().flat_map(sources) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let table = name.ends_with("_table.rs");
        assert!(text.starts_with("//!"), "{} lacks a //! header", path.display());
        let lines = text.lines().count();
        assert!(table || lines <= LONGEST_FILE, "{} has {lines} lines", path.display());
    }
}

#[test]
fn programs_are_thin() {
    for path in pretrain_store::list(&root().join("examples")).unwrap() {
        if path.extension().is_some_and(|e| e == "rs") {
            let lines = pretrain_store::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= LONGEST_PROGRAM, "{} has {lines} lines", path.display());
        }
    }
}

#[test]
fn folders_are_named_after_what_is_in_them() {
    for (path, _) in sources("crates") {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let vague = ["utils", "util", "common", "helpers", "misc", "core", "manager", "mod"];
        assert!(!vague.contains(&stem.as_str()), "{}", path.display());
    }
}
