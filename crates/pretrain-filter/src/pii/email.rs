//! Electronic mail addresses.

/// RFC 5321: the longest local part and domain.
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 255;
/// Names of images with a pixel density (`icon@2x.png`) look like addresses.
const FILE_ENDINGS: &[&str] = &["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js"];

pub(super) fn find(text: &str, mut each: impl FnMut(usize, usize)) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = text[from..].find('@') {
        let at = from + found;
        from = at + 1;
        if let (Some(start), Some(end)) = (local_start(bytes, at), domain_end(bytes, at + 1)) {
            each(start, end);
            from = end;
        }
    }
}

/// The dot-atom before `at`, from its first letter or digit.
fn local_start(bytes: &[u8], at: usize) -> Option<usize> {
    let part = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'' | b'&' | b'~')
    };
    let mut start = at;
    while start > 0 && at - start <= MAX_LOCAL && part(bytes[start - 1]) {
        if bytes[start - 1] == b'.' && (start == at || bytes[start] == b'.') {
            break;
        }
        start -= 1;
    }
    while start < at && !(bytes[start].is_ascii_alphanumeric() || bytes[start] == b'_') {
        start += 1;
    }
    let dot_before = bytes.get(at.wrapping_sub(1)) == Some(&b'.');
    (start < at && at - start <= MAX_LOCAL && !dot_before).then_some(start)
}

/// The end of a domain name of two labels or more, the last one a word of letters or `xn--`.
fn domain_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut end = start;
    let mut n_labels = 0;
    let mut last = start..start;
    loop {
        let label = end;
        while end - start <= MAX_DOMAIN
            && bytes.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'-')
        {
            end += 1;
        }
        if end == label || bytes[label] == b'-' {
            // A full stop after the name belongs to the sentence.
            end = label.max(start + 1) - 1;
            break;
        }
        n_labels += 1;
        last = label..end;
        if bytes.get(end) != Some(&b'.') {
            break;
        }
        end += 1;
    }
    while last.end > last.start && bytes[last.end - 1] == b'-' {
        last.end -= 1;
    }
    let end = end.min(last.end);
    let name = std::str::from_utf8(bytes.get(last)?).ok()?;
    let word = name.len() >= 2 && name.bytes().all(|b| b.is_ascii_alphabetic());
    let plausible = (word || name.starts_with("xn--"))
        && !FILE_ENDINGS.contains(&name.to_ascii_lowercase().as_str());
    let next = bytes.get(end);
    (n_labels >= 2
        && plausible
        && next != Some(&b'@')
        && next != Some(&b'_')
        && end - start <= MAX_DOMAIN)
        .then_some(end)
}
