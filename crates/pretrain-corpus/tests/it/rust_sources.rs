//! The built-in corpus: of a made registry, and of this workspace.

use crate::data::put;
use pretrain_corpus::rust_sources::{RustSources, SampleConfig, SourceFile, SourcePackage};
use pretrain_corpus::{CorpusError, Document, Record};
use std::collections::BTreeSet;
use std::path::Path;

const EVERYTHING: SampleConfig = SampleConfig { seed: 1, max_bytes: u64::MAX, prose_fraction: 0.5 };

fn registry(folder: &Path) -> RustSources {
    let mut packages = Vec::new();
    for (name, version) in [("b", "2.0.0"), ("a", "1.0.0"), ("a", "1.1.0-rc.1")] {
        let package = folder.join(format!("{name}-{version}"));
        let docs = format!("//! {}\nfn {name}() {{}}\n", "Word. ".repeat(40));
        put(&package, "src/lib.rs", docs);
        put(&package, "src/target/mod.rs", "mod inner;\n");
        put(&package, "target/debug/gen.rs", "never read\n");
        put(&package, ".git/x.rs", "never read\n");
        put(&package, "README.md", format!("# {name} {version}\n"));
        put(&package, "LICENSE-MIT", "Permission is hereby granted\n");
        put(&package, "Cargo.toml", "[package]\n");
        put(&package, "src/latin1.rs", b"// caf\xe9\n");
        packages.push(SourcePackage {
            name: name.into(),
            version: version.into(),
            license: Some("MIT".into()),
            folder: package,
        });
    }
    RustSources::from_packages(packages).unwrap()
}

fn documents(files: &[SourceFile]) -> Vec<Document> {
    let records = files.iter().flat_map(|file| file.read().unwrap());
    records.filter_map(Record::document).collect()
}

#[test]
fn every_byte_goes_to_one_document() {
    let tmp = tempfile::tempdir().unwrap();
    let sources = registry(tmp.path());
    assert_eq!((sources.packages().len(), sources.n_files()), (3, 15));
    let files = sources.sample(&EVERYTHING).unwrap();
    assert_eq!(files.len(), 15);
    let mut found = documents(&files);
    found.sort_by(|x, y| x.id.cmp(&y.id));
    let of_b: Vec<(&str, &str)> = found
        .iter()
        .filter(|doc| doc.id.as_str().contains("/b-2.0.0/"))
        .map(|doc| (doc.id.as_str(), doc.text.as_str()))
        .collect();
    let prose = format!("{}\n", "Word. ".repeat(40));
    assert_eq!(
        of_b,
        [
            ("code/b-2.0.0/src/lib.rs", "fn b() {}\n"),
            ("code/b-2.0.0/src/target/mod.rs", "mod inner;\n"),
            ("prose/b-2.0.0/LICENSE-MIT", "Permission is hereby granted\n"),
            ("prose/b-2.0.0/README.md", "# b 2.0.0\n"),
            ("prose/b-2.0.0/src/lib.rs", prose.as_str()),
        ]
    );
    for doc in &found {
        assert_eq!(doc.id.as_str().split_once('/').unwrap().0, doc.source.as_deref().unwrap());
        assert_eq!(doc.metadata["license"], "MIT");
    }
    let bad: Vec<_> = files.iter().flat_map(|file| file.read().unwrap()).collect();
    let bad = bad.iter().filter(|record| matches!(record, Record::Bad(_))).count();
    assert_eq!(bad, 3, "the files that are no UTF-8 are set aside");
}

#[test]
fn the_sample_does_not_know_where_the_registry_lies() {
    let tmp = tempfile::tempdir().unwrap();
    let here = registry(&tmp.path().join("here"));
    let there = registry(&tmp.path().join("z/there"));
    for seed in 0..20 {
        let config = SampleConfig { seed, max_bytes: 400, prose_fraction: 0.5 };
        let one = here.sample(&config).unwrap();
        let two = there.sample(&config).unwrap();
        assert_eq!(documents(&one), documents(&two));
    }
    let order = |seed| {
        let files = here.sample(&SampleConfig { seed, ..EVERYTHING }).unwrap();
        files.iter().map(|file| file.name().to_owned()).collect::<Vec<_>>()
    };
    assert_ne!(order(1), order(2));
    assert_eq!(order(1).iter().collect::<BTreeSet<_>>(), order(2).iter().collect::<BTreeSet<_>>());
}

#[test]
fn a_larger_budget_begins_with_the_smaller() {
    let tmp = tempfile::tempdir().unwrap();
    let sources = registry(tmp.path());
    let of_source = |max_bytes, prose_fraction: f64, source: &str| {
        let config = SampleConfig { seed: 9, max_bytes, prose_fraction };
        let found = documents(&sources.sample(&config).unwrap());
        found
            .into_iter()
            .filter(|doc| doc.source.as_deref() == Some(source))
            .map(|doc| (doc.id.to_string(), doc.text.len() as u64))
            .collect::<Vec<_>>()
    };
    for (source, fraction) in [("prose", 1.0), ("code", 0.0)] {
        let all = of_source(u64::MAX, fraction, source);
        let other = if source == "prose" { "code" } else { "prose" };
        assert_eq!(of_source(u64::MAX, fraction, other), []);
        for max_bytes in 1..900 {
            let part = of_source(max_bytes, fraction, source);
            assert_eq!(part, all[..part.len()]);
            let bytes: u64 = part.iter().map(|(_, bytes)| bytes).sum();
            let before = bytes - part.last().unwrap().1;
            assert!(before < max_bytes, "the budget was reached before the last document");
            assert!(bytes >= max_bytes || part == all);
        }
    }
}

#[test]
fn every_fault_of_a_configuration_is_named() {
    let tmp = tempfile::tempdir().unwrap();
    let sources = registry(tmp.path());
    for prose_fraction in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
        let config = SampleConfig { seed: 0, max_bytes: 0, prose_fraction };
        match sources.sample(&config) {
            Err(CorpusError::SampleConfig { problems }) => assert_eq!(problems.len(), 2),
            other => panic!("{other:?}"),
        }
    }
    let unknown = r#"{"seed": 1, "max_bytes": 2, "prose_fraction": 0, "prose": 1}"#;
    assert!(serde_json::from_str::<SampleConfig>(unknown).is_err());
}

/// Cargo is beside every test of a Rust crate, and the packages of this workspace with it.
#[test]
fn the_packages_of_this_workspace_are_found() {
    let manifest = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    let sources = match RustSources::discover(manifest) {
        Ok(sources) => sources,
        Err(error @ (CorpusError::CargoFailed { .. } | CorpusError::CargoMissing { .. })) => {
            println!("skipped: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let names: BTreeSet<&str> = sources.packages().map(|package| package.name.as_str()).collect();
    assert!(names.contains("serde") && names.contains("flate2"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("pretrain-")), "path dependencies");
    let config = SampleConfig { seed: 42, max_bytes: 2 << 20, prose_fraction: 0.25 };
    let started = std::time::Instant::now();
    let files = sources.sample(&config).unwrap();
    let found = documents(&files);
    println!("{} files drawn of {} in {:?}", files.len(), sources.n_files(), started.elapsed());
    let bytes_of = |source: &str| -> u64 {
        let of = found.iter().filter(|doc| doc.source.as_deref() == Some(source));
        of.map(|doc| doc.text.len() as u64).sum()
    };
    assert_eq!(bytes_of("prose"), files.iter().map(SourceFile::prose_bytes).sum::<u64>());
    assert_eq!(bytes_of("code"), files.iter().map(SourceFile::code_bytes).sum::<u64>());
    assert!(bytes_of("prose") >= 512 << 10 && bytes_of("code") >= 1536 << 10);
    let ids: BTreeSet<_> = found.iter().map(|doc| &doc.id).collect();
    assert_eq!(ids.len(), found.len());
}

#[test]
fn a_workspace_that_cargo_refuses_is_an_error() {
    let tmp = tempfile::tempdir().unwrap();
    let manifest = put(tmp.path(), "Cargo.toml", "not toml at all [");
    match RustSources::discover(&manifest) {
        Err(CorpusError::CargoFailed { stderr, .. }) => assert!(stderr.contains("Cargo.toml")),
        Err(CorpusError::CargoMissing { .. }) => println!("skipped: there is no cargo"),
        other => panic!("{:?}", other.map(|sources| sources.n_files())),
    }
}
