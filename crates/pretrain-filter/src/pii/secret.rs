//! Keys, tokens and passwords: by the prefix their issuer gives them, or by the name of what they are
//! assigned to.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::is_word;

/// What follows a prefix.
#[derive(Clone, Copy)]
enum Body {
    /// So many letters and digits, no more.
    Exactly(usize),
    /// At least so many letters, digits, `_` and `-`.
    AtLeast(usize),
    /// At least so many letters, digits, `_`, `-` and `.`, with so many dots.
    Dotted(usize, usize),
    /// A PEM block up to its end line.
    Pem,
    /// A name: the value is after `=` or `:`.
    Assigned,
    /// `://`: the password of `user:password@`.
    Url,
}

/// Prefixes as their issuers document them. Names are matched in lower or upper case.
const PREFIXES: &[(&str, Body)] = &[
    ("AKIA", Body::Exactly(16)),
    ("ASIA", Body::Exactly(16)),
    ("ghp_", Body::Exactly(36)),
    ("gho_", Body::Exactly(36)),
    ("ghu_", Body::Exactly(36)),
    ("ghs_", Body::Exactly(36)),
    ("ghr_", Body::Exactly(36)),
    ("github_pat_", Body::AtLeast(60)),
    ("glpat-", Body::AtLeast(20)),
    ("xoxb-", Body::AtLeast(20)),
    ("xoxp-", Body::AtLeast(20)),
    ("xoxa-", Body::AtLeast(20)),
    ("xoxr-", Body::AtLeast(20)),
    ("xoxs-", Body::AtLeast(20)),
    ("sk_live_", Body::AtLeast(16)),
    ("rk_live_", Body::AtLeast(16)),
    ("sk_test_", Body::AtLeast(16)),
    ("sk-ant-", Body::AtLeast(32)),
    ("sk-proj-", Body::AtLeast(32)),
    ("AIza", Body::AtLeast(30)),
    ("ya29.", Body::AtLeast(30)),
    ("hf_", Body::Exactly(34)),
    ("npm_", Body::Exactly(36)),
    ("pypi-", Body::AtLeast(50)),
    ("dop_v1_", Body::Exactly(64)),
    ("SG.", Body::Dotted(50, 1)),
    ("eyJ", Body::Dotted(40, 2)),
    ("-----BEGIN ", Body::Pem),
    ("://", Body::Url),
    ("api_key", Body::Assigned),
    ("apikey", Body::Assigned),
    ("api-key", Body::Assigned),
    ("secret", Body::Assigned),
    ("access_key", Body::Assigned),
    ("auth_token", Body::Assigned),
    ("access_token", Body::Assigned),
    ("password", Body::Assigned),
    ("API_KEY", Body::Assigned),
    ("SECRET", Body::Assigned),
    ("ACCESS_KEY", Body::Assigned),
    ("TOKEN", Body::Assigned),
    ("PASSWORD", Body::Assigned),
];

fn prefixes() -> &'static AhoCorasick {
    static PREFIX: OnceLock<AhoCorasick> = OnceLock::new();
    PREFIX.get_or_init(|| {
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(PREFIXES.iter().map(|(prefix, _)| prefix))
            .expect("a few short patterns")
    })
}

pub(super) fn find(text: &str, mut each: impl FnMut(usize, usize)) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = prefixes().find(&bytes[from..]) {
        let (start, after) = (from + found.start(), from + found.end());
        from = after;
        let bordered = start == 0 || !is_word(bytes.get(start - 1));
        let span = match PREFIXES[found.pattern().as_usize()].1 {
            Body::Exactly(n) if bordered => {
                let run = run(bytes, after, |b| b.is_ascii_alphanumeric());
                (run == n && !is_word(bytes.get(after + n))).then_some((start, after + n))
            }
            Body::AtLeast(n) if bordered => {
                let run = run(bytes, after, is_token);
                (run >= n).then_some((start, after + run))
            }
            Body::Dotted(n, dots) if bordered => {
                let mut end = after + run(bytes, after, |b| is_token(b) || b == b'.');
                while bytes[end - 1] == b'.' {
                    end -= 1;
                }
                let body = &bytes[after.min(end)..end];
                let n_dots = body.iter().filter(|&&b| b == b'.').count();
                // What is no token as a whole has none in it.
                from = end.max(after);
                (body.len() >= n && n_dots == dots).then_some((start, end))
            }
            Body::Pem => pem_end(text, after).map(|end| (start, end)),
            Body::Assigned => assigned(bytes, after),
            Body::Url => password(bytes, after),
            _ => None,
        };
        if let Some((start, end)) = span {
            each(start, end);
            from = end;
        }
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn run(bytes: &[u8], from: usize, is: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().take_while(|b| is(**b)).count()
}

/// `RSA PRIVATE KEY-----`, the key, and its end line.
fn pem_end(text: &str, after: usize) -> Option<usize> {
    const PRIVATE: &str = "PRIVATE KEY";
    let bytes = text.as_bytes();
    let kind_end = after + run(bytes, after, |b| b.is_ascii_uppercase() || b == b' ');
    let kind = &text[after..kind_end];
    if !kind.ends_with(PRIVATE) || !text[kind_end..].starts_with("-----") {
        return None;
    }
    let end_line = format!("-----END {kind}-----");
    // The next five hyphens have to be those of the end line.
    let body = kind_end + 5;
    let end = body + text[body..].find("-----")?;
    text[end..].starts_with(&end_line).then_some(end + end_line.len())
}

/// The value after a name that ends before `after`: a token with the entropy of a key.
fn assigned(bytes: &[u8], after: usize) -> Option<(usize, usize)> {
    let few = |at: usize, max: usize, is: fn(u8) -> bool| {
        bytes[at..].iter().take(max).take_while(|b| is(**b)).count()
    };
    let quote = |b: u8| b == b'"' || b == b'\'';
    let space = |b: u8| b == b' ';
    let mut at = after + few(after, 32, is_token);
    at += few(at, 1, quote);
    at += few(at, 4, space);
    if !matches!(bytes.get(at), Some(b'=' | b':')) {
        return None;
    }
    at += 1;
    at += few(at, 4, space);
    at += few(at, 1, quote);
    let value = &bytes[at..];
    let n = (value.iter().take(MAX_ASSIGNED + 1))
        .take_while(|&&b| is_token(b) || matches!(b, b'/' | b'+' | b'='))
        .count();
    let value = &value[..n];
    ((20..=MAX_ASSIGNED).contains(&n) && looks_random(value) && !is_word(bytes.get(at + n)))
        .then_some((at, at + n))
}

/// Longest value that is looked at.
const MAX_ASSIGNED: usize = 256;

/// Letters and digits, and at least 3.3 bits per character.
fn looks_random(value: &[u8]) -> bool {
    let digits = value.iter().any(u8::is_ascii_digit);
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let mut counts = [0u32; 128];
    for &b in value {
        counts[usize::from(b & 0x7f)] += 1;
    }
    let n = value.len() as f64;
    let bits: f64 =
        (counts.iter().filter(|&&c| c > 0)).map(|&c| f64::from(c) / n).map(|p| -p * p.log2()).sum();
    digits && letters && bits >= 3.3
}

/// The password of `user:password@host` after `://`.
fn password(bytes: &[u8], after: usize) -> Option<(usize, usize)> {
    let part = |b: u8| {
        b.is_ascii_graphic() && !matches!(b, b'/' | b':' | b'@' | b'"' | b'\'' | b'<' | b'>')
    };
    const MAX: usize = 128;
    let user = run(&bytes[..bytes.len().min(after + MAX)], after, part);
    if user == 0 || bytes.get(after + user) != Some(&b':') {
        return None;
    }
    let start = after + user + 1;
    let n = run(&bytes[..bytes.len().min(start + MAX)], start, part);
    (n >= 6 && bytes.get(start + n) == Some(&b'@')).then_some((start, start + n))
}
