//! The table of `docs/architecture.md` is the code: an edge that is not in it fails here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("examples/ lies in the root").to_owned()
}

type Edges = BTreeMap<String, BTreeSet<String>>;

/// Rows of the form ``| `pretrain-x` | what it owns | store, text | ... |``; `-` means none.
fn table(text: &str) -> Edges {
    let rows = text.lines().filter(|line| line.starts_with("| `pretrain-"));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let known = cells[3].split(',').map(str::trim).filter(|name| *name != "-");
        let known = known.map(|name| format!("pretrain-{name}")).collect();
        (cells[1].trim_matches('`').to_owned(), known)
    })
    .collect()
}

fn code() -> Edges {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &serde_json::Value| value["name"].as_str().expect("a name").to_owned();
    packages
        .iter()
        .filter(|package| name(package).starts_with("pretrain-"))
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let normal = dependencies.iter().filter(|d| d["kind"].is_null());
            let ours = normal.map(name).filter(|n| n.starts_with("pretrain-")).collect();
            (name(package), ours)
        })
        .collect()
}

#[test]
fn the_documented_edges_are_the_edges_of_the_code() {
    let text = pretrain_store::read_to_string(&root().join("docs/architecture.md")).unwrap();
    assert_eq!(table(&text), code(), "left: docs/architecture.md, right: cargo metadata");
}

#[test]
fn every_room_of_the_design_is_there() {
    assert_eq!(code().len(), 13);
}

#[test]
fn one_version_of_each_foundation_is_in_the_tree() {
    let lock = pretrain_store::read_to_string(&root().join("Cargo.lock")).unwrap();
    for name in ["arrow", "arrow-array", "parquet", "burn", "burn-core", "burn-flex"] {
        let versions = lock.lines().filter(|l| *l == format!("name = \"{name}\"")).count();
        assert_eq!(versions, 1, "{name}");
    }
}
