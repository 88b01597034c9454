//! The single programs, one after the other on each other's output.

use crate::program::{json, run, write_corpus};
use std::path::Path;

#[test]
fn the_programs_compose_from_documents_to_text() {
    let tmp = tempfile::tempdir().unwrap();
    let path = |name: &str| tmp.path().join(name).to_str().unwrap().to_owned();
    let (corpus, kept, unique) = (path("corpus.jsonl"), path("kept"), path("unique"));
    write_corpus(Path::new(&corpus), 600);

    let cleaned = json("clean", &["--input", &corpus, "--out", &kept, "--json", "--quiet"]);
    assert!((400..=540).contains(&cleaned["documents"].as_u64().unwrap()), "{cleaned}");
    let rejected = Path::new(&kept).join("rejected/part-00000.jsonl");
    let first = pretrain_store::read_to_string(&rejected).unwrap();
    let first: serde_json::Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    for key in ["id", "rule", "value", "threshold"] {
        assert!(!first[key].is_null(), "{first}");
    }

    for method in ["exact", "paragraph", "substring", "minhash"] {
        let out = path(&format!("unique-{method}"));
        let args = ["--input", &kept, "--out", &out, "--method", method, "--json", "--quiet"];
        let found = json("dedup", &args);
        assert!(found["documents"].as_u64().unwrap() > 300, "{method}: {found}");
    }
    json("dedup", &["--input", &kept, "--out", &unique, "--json", "--quiet"]);
    let clusters =
        pretrain_store::read_to_string(&Path::new(&unique).join("clusters.jsonl")).unwrap();
    let cluster: serde_json::Value =
        serde_json::from_str(clusters.lines().next().unwrap()).unwrap();
    let members = cluster["members"].as_array().unwrap();
    assert!(members.len() >= 2 && members.contains(&cluster["kept"]), "{cluster}");
    // The same documents again are all known to the index of the first run.
    let args =
        ["--input", &kept, "--out", &path("again"), "--against", &unique, "--json", "--quiet"];
    assert_eq!(json("dedup", &args)["documents"], 0);

    let tokenizer = path("tokenizer.json");
    let args = [
        "train",
        "--input",
        &unique,
        "--vocab-size",
        "400",
        "--out",
        &tokenizer,
        "--json",
        "--quiet",
    ];
    assert_eq!(json("tokenizer", &args)["vocab_size"], 400);
    let encoded = run("tokenizer", &["encode", "--tokenizer", &tokenizer, "--input", &corpus]);
    // The corpus has a torn line: encoding says so instead of losing a document.
    assert_eq!(encoded.status.code(), Some(1));
    let encoded =
        run("tokenizer", &["encode", "--tokenizer", &tokenizer, "--input", &unique, "--offsets"]);
    let line = String::from_utf8(encoded.stdout).unwrap();
    let line: serde_json::Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    let (ids, offsets) = (line["ids"].as_array().unwrap(), line["offsets"].as_array().unwrap());
    assert_eq!(ids.len(), offsets.len());
    assert_eq!(offsets[0][0], 0);
    let ids_file = path("ids.jsonl");
    pretrain_store::write_atomic(Path::new(&ids_file), format!("{line}\n").as_bytes()).unwrap();
    let decoded = run("tokenizer", &["decode", "--tokenizer", &tokenizer, "--input", &ids_file]);
    let decoded = String::from_utf8(decoded.stdout).unwrap();
    let decoded: serde_json::Value = serde_json::from_str(&decoded).unwrap();
    assert_eq!(
        decoded["text"].as_str().unwrap().len() as u64,
        offsets.last().unwrap()[1].as_u64().unwrap()
    );

    let tokens = path("tokens");
    let args = [
        "--input",
        &unique,
        "--tokenizer",
        &tokenizer,
        "--out",
        &tokens,
        "--seq-len",
        "32",
        "--validation-fraction",
        "0.1",
        "--json",
        "--quiet",
    ];
    let packed = json("pack", &args);
    assert!(packed["packing"]["samples"].as_u64().unwrap() > 100, "{packed}");

    let config = path("train.toml");
    let toml = "seq_len = 32\n[model]\nd_model = 32\nn_heads = 2\nn_kv_heads = 2\nd_ff = 64\nn_layers = 1\n";
    pretrain_store::write_atomic(Path::new(&config), toml.as_bytes()).unwrap();
    let trained = path("trained");
    let args = [
        "--config", &config, "--tokens", &tokens, "--out", &trained, "--steps", "12", "--json",
        "--quiet",
    ];
    let outcome = json("train", &args);
    assert!(outcome["validation_loss"].as_f64().unwrap() < 6.0, "{outcome}");
    assert_eq!(run("train", &args).status.code(), Some(2), "a second run wants --resume");
    let resumed = json("train", &[&args[..], &["--resume"]].concat());
    assert_eq!(resumed["weights_sha256"], outcome["weights_sha256"]);

    let exported = path("exported");
    let args = ["--checkpoint", &trained, "--out", &exported, "--tokenizer", &tokenizer, "--json"];
    assert_eq!(json("export", &args)["files"].as_array().unwrap().len(), 5);
    let args =
        ["--checkpoint", &exported, "--prompt", "The captain", "--max-new-tokens", "8", "--json"];
    let (one, two) = (json("generate", &args), json("generate", &args));
    assert_eq!(one, two, "the same seed gives the same text");

    let plan = json(
        "plan",
        &[
            "--vocab-size",
            "400",
            "--d-model",
            "32",
            "--n-layers",
            "1",
            "--n-heads",
            "2",
            "--d-ff",
            "64",
            "--seq-len",
            "32",
            "--tie-embeddings",
            "--json",
        ],
    );
    let parameters: u64 = 400 * 32 + 4 * 32 * 32 + 3 * 32 * 64 + 3 * 32;
    assert_eq!(plan["parameters"], parameters);

    for (what, least) in [(&tokens, 2), (&exported, 2), (&unique, 2)] {
        let output = run("inspect", &[what.as_str(), "--verify"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8(output.stdout).unwrap().lines().count() >= least);
    }
}
