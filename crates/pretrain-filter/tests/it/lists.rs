//! URL lists, bad words and entropies against the references.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pretrain_filter::url::{host, registered_domain};
use pretrain_filter::{
    Filter, FilterConfig, Input, Phrases, RuleConfig, UrlLists, Verdict, WordEntropy,
    char_entropy_bits,
};
use serde_json::Value;

use crate::reference::{folder, records, texts};

/// The folder of word and URL lists, or `None` with a line that says what is missing.
fn lists() -> Option<PathBuf> {
    let root = std::env::var_os("PRETRAIN_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let folder = root.join("lists");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is missing", folder.display());
    None
}

/// The lines of a list, packed or not.
fn list(path: PathBuf) -> Vec<String> {
    let bytes = std::fs::read(&path).expect("a list");
    let packed = path.extension().is_some_and(|extension| extension == "zst");
    let bytes = if packed { zstd::decode_all(&bytes[..]).expect("zstd") } else { bytes };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

fn filter(rule: RuleConfig) -> Filter {
    Filter::new(FilterConfig { rules: vec![rule] }).expect("valid")
}

#[test]
fn golden_url_verdicts() {
    let (Some(folder), Some(lists)) = (folder("url"), lists()) else { return };
    let config = std::fs::read(folder.join("config.json")).expect("config");
    let config: Value = serde_json::from_slice(&config).expect("JSON");
    let named = |key: &str| -> Vec<String> {
        let files = config[key].as_array().expect("files").iter().filter_map(Value::as_str);
        files.flat_map(|file| list(lists.join("ut1").join(file))).collect()
    };
    let mut urls = named("extra_urls_from");
    let extra = config["extra_urls"].as_array().expect("URLs").iter();
    urls.extend(extra.filter_map(Value::as_str).map(str::to_owned));
    let words = |file: &str| list(lists.join("datatrove").join(file));
    let filter = filter(RuleConfig::UrlLists(UrlLists {
        domains: named("extra_domains_from"),
        urls,
        words: words("banned_words.txt"),
        soft_words: words("soft_banned_words.txt"),
        min_soft_words: config["soft_word_threshold"].as_u64().expect("a threshold") as usize,
        substrings: words("banned_subwords.txt"),
    }));
    let (mut n, mut differences) = (0, Vec::new());
    for record in records(&folder, "urls") {
        let url = record["url"].as_str().expect("url");
        let found = host(url).unwrap_or_default();
        let verdict = filter.judge(Input { url: Some(url), ..Input::default() });
        let reason = match verdict {
            Verdict::Drop(reason) => match reason.rule.to_string().as_str() {
                "url-lists.domain" => "domain",
                "url-lists.subdomain" => "subdomain",
                "url-lists.url" => "url",
                "url-lists.word" => "hard_blacklisted",
                "url-lists.soft-words" => "soft_blacklisted",
                _ => "blacklisted_subword",
            }
            .into(),
            _ => Value::Null,
        };
        n += 1;
        if reason != record["right_reason"] {
            differences.push(format!("{url}: {reason}, expected {}", record["right_reason"]));
        }
        let registered = record["registered_domain"].as_str().unwrap_or("");
        if !registered.is_empty()
            && registered_domain(&found).unwrap_or("") != registered.to_lowercase()
        {
            differences.push(format!("{url}: {:?}, not {registered}", registered_domain(&found)));
        }
    }
    println!("URLs: {n} rows, {} differences", differences.len());
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn golden_bad_words() {
    let (Some(folder), Some(texts), Some(lists)) = (folder("filters"), texts(), lists()) else {
        return;
    };
    let mut by_language = BTreeMap::new();
    for entry in std::fs::read_dir(lists.join("ldnoobw")).expect("lists") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("").to_owned();
        if name != "LICENSE" {
            by_language.insert(name, list(path));
        }
    }
    let pool = crate::reference::folder("pool").expect("the texts are there");
    let language: BTreeMap<String, String> = (records(&pool, "texts").iter())
        .map(|record| {
            (record["id"].to_string(), record["lang"].as_str().unwrap_or("en").to_owned())
        })
        .collect();
    let filter = filter(RuleConfig::Phrases(Phrases::c4_bad_words(by_language)));
    let (mut n, mut differences) = (0, Vec::new());
    for record in records(&folder, "filters") {
        let Some(expected) = record["c4_badwords"][0].as_bool() else { continue };
        let id = record["id"].as_str().expect("id");
        let language = language[&record["id"].to_string()].as_str();
        let input = Input { text: &texts[id], language: Some(language), ..Input::default() };
        let kept = !matches!(filter.judge(input), Verdict::Drop(_));
        n += 1;
        if kept != expected {
            differences.push(format!("{id} ({language}): kept {kept}"));
        }
    }
    println!("bad words: {n} rows, {} differences", differences.len());
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn golden_entropies() {
    let (Some(folder), Some(texts)) = (folder("entropy"), texts()) else { return };
    let mut n = 0;
    for record in records(&folder, "entropy") {
        let id = record["id"].as_str().expect("id");
        let text = &texts[id];
        let words = WordEntropy::of(text);
        assert_eq!(Some(words.n_words as u64), record["n_norm_words"].as_u64(), "{id}");
        let unique = words.n_unique as f64 / words.n_words as f64;
        for (key, got, tolerance) in [
            ("char_entropy_bits", char_entropy_bits(text), 1e-9),
            ("word_entropy_nats", words.nats, 1e-8),
            ("uniq_word_frac", unique, 1e-8),
        ] {
            if let Some(expected) = record[key].as_f64() {
                assert!((got - expected).abs() < tolerance, "{id} {key}: {got} is not {expected}");
            }
        }
        n += 1;
    }
    println!("entropies: {n} rows agree");
}
