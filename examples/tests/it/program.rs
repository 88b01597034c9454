//! Runs the built example programs the way a user does, on inputs the test writes itself.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where Cargo put an example program: beside the `deps` folder that this test runs from.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let target = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let path = target.join("examples").join(name);
    assert!(path.exists(), "{} is missing: build with `--examples`", path.display());
    path
}

/// A program with its arguments, not yet started.
pub(crate) fn command<S: AsRef<OsStr>>(name: &str, args: &[S]) -> Command {
    let mut command = Command::new(program(name));
    command.args(args);
    command
}

/// Runs to the end.
pub(crate) fn run<S: AsRef<OsStr>>(name: &str, args: &[S]) -> Output {
    command(name, args).output().expect("the program starts")
}

/// Runs to the end, which must be success; answers with the JSON on stdout.
pub(crate) fn json<S: AsRef<OsStr>>(name: &str, args: &[S]) -> serde_json::Value {
    let output = run(name, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {stderr}");
    let stdout = String::from_utf8(output.stdout).expect("stdout is UTF-8");
    let last = stdout.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|e| panic!("{name}: {e} in {stdout:?}; {stderr}"))
}

/// Runs to a failure with the given exit code; answers with stderr.
pub(crate) fn fails<S: AsRef<OsStr>>(name: &str, args: &[S], code: i32) -> String {
    let output = run(name, args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{name}: {stderr}");
    let messages = stderr.lines().filter(|l| l.starts_with("error: ")).count();
    assert_eq!(messages, 1, "one clear message: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

/// A corpus with everything the stages are for: prose that a filter keeps, exact and near
/// duplicates, junk, and a malformed line. The same for the same seed.
pub(crate) fn write_corpus(path: &Path, n_documents: usize) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |n: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut lines = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    for i in 0..n_documents {
        let text = match i % 10 {
            3 if i > 10 => texts[next(texts.len())].clone(),
            6 if i > 10 => {
                let mut words: Vec<&str> = texts[next(texts.len())].split(' ').collect();
                let at = next(words.len());
                words[at] = "altered";
                words.join(" ")
            }
            9 => "$$$ 1234 ### 5678 ".repeat(40),
            _ => {
                let mut text = String::new();
                for sentence in 0..12 + next(8) {
                    let mut word = || word(&mut next);
                    let [a, b, c, d, e, f, g] = std::array::from_fn(|_| word());
                    text +=
                        &format!("The {a} of {b} {c} with a {d} and {e}, but the {f} was {g}. ");
                    if sentence % 5 == 4 {
                        text += "\n\n";
                    }
                }
                text.trim_end().to_owned()
            }
        };
        lines.push(serde_json::json!({ "id": format!("doc-{i}"), "text": text }).to_string());
        if i % 10 != 9 {
            texts.push(text);
        }
    }
    lines.insert(5, r#"{"id": "torn", "text": "unfinished"#.to_owned());
    pretrain_store::write_atomic(path, (lines.join("\n") + "\n").as_bytes()).expect("writable");
}

/// A made-up word of two or three syllables: enough of them that no phrase repeats by chance.
fn word(next: &mut impl FnMut(usize) -> usize) -> String {
    const SYLLABLES: [&str; 24] = [
        "ra", "to", "mi", "sel", "ban", "ker", "lo", "vin", "da", "pur", "es", "gol", "ne", "tar",
        "fi", "mus", "hal", "or", "ci", "wen", "ju", "bri", "stam", "po",
    ];
    (0..2 + next(2)).map(|_| SYLLABLES[next(SYLLABLES.len())]).collect()
}
