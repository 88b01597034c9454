//! Doc comments and the rest of a Rust file.

/// Less prose than this is left in the code, in bytes.
pub(super) const MIN_PROSE_BYTES: usize = 200;

/// The two documents of a file; empty where there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) prose: String,
    pub(super) code: String,
}

/// Sorts the lines of a file; every line goes one way.
pub(super) fn split(text: &str) -> Split {
    let (mut prose, mut code) = (String::new(), String::with_capacity(text.len()));
    let mut in_run = false;
    for line in text.split_inclusive('\n') {
        match doc_comment(line) {
            Some(comment) => {
                if !in_run && !prose.is_empty() {
                    prose.push('\n');
                }
                prose.push_str(comment);
                prose.push('\n');
                in_run = true;
            }
            None => {
                code.push_str(line);
                in_run = false;
            }
        }
    }
    if prose.len() < MIN_PROSE_BYTES {
        return Split { prose: String::new(), code: blank_is_nothing(text.to_owned()) };
    }
    Split { prose, code: blank_is_nothing(code) }
}

fn blank_is_nothing(code: String) -> String {
    if code.trim().is_empty() { String::new() } else { code }
}

/// The words of a doc comment line without marker, one space, and line end.
fn doc_comment(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = match line.strip_prefix("///") {
        // Four slashes and more are a rule drawn in an ordinary comment.
        Some(rest) if rest.starts_with('/') => return None,
        Some(rest) => rest,
        None => line.strip_prefix("//!")?,
    };
    let rest = rest.strip_suffix('\n').unwrap_or(rest);
    let rest = rest.strip_suffix('\r').unwrap_or(rest);
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_one_way_each() {
        let long = "x".repeat(MIN_PROSE_BYTES);
        let text = format!(
            "//! {long}\r\n//!\n//!  two\n\nuse a;\n    /// on b\n    fn b() {{}} // not /// this\n\
             //// a rule\n///last"
        );
        let found = split(&text);
        assert_eq!(found.prose, format!("{long}\n\n two\n\non b\n\nlast\n"));
        assert_eq!(found.code, "\nuse a;\n    fn b() {} // not /// this\n//// a rule\n");
    }

    #[test]
    fn little_prose_stays_in_the_code() {
        let text = "/// Short.\nfn a() {}\n";
        assert_eq!(split(text), Split { prose: String::new(), code: text.into() });
        assert_eq!(split(" \n\n"), Split { prose: String::new(), code: String::new() });
        let only_docs = format!("//! {}\n\n", "y".repeat(300));
        assert_eq!(split(&only_docs).code, "");
    }
}
