//! Hosts of URLs: the registered domain by the public suffix list that is compiled in.

/// The host of a URL in lower case, without user, port and brackets: what stands between `//` (or the
/// beginning) and the path. `None` when there is none.
pub fn host(url: &str) -> Option<String> {
    let url = url.trim();
    let scheme = url.find("://").filter(|&at| {
        url[..at].bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    });
    let rest = match scheme {
        Some(at) => &url[at + 3..],
        None => url.strip_prefix("//").unwrap_or(url),
    };
    let authority = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
    let host = &authority[authority.rfind('@').map_or(0, |at| at + 1)..];
    let host = match host.strip_prefix('[') {
        Some(v6) => &v6[..v6.find(']')?],
        None => &host[..host.find(':').unwrap_or(host.len())],
    };
    let host = host.trim_end_matches('.').to_lowercase();
    (!host.is_empty()).then_some(host)
}

/// The public suffix of a host, of the list's ICANN section: `co.uk`, but `io` for `x.github.io`.
fn suffix(host: &str) -> Option<&str> {
    let mut rest = host;
    loop {
        let found = psl::suffix(rest.as_bytes())?;
        let suffix = std::str::from_utf8(found.as_bytes()).ok()?;
        match found.typ() {
            Some(psl::Type::Private) => rest = suffix.split_once('.')?.1,
            Some(psl::Type::Icann) => return Some(&host[host.len() - suffix.len()..]),
            // Not on the list: no name that anybody can register.
            None => return None,
        }
    }
}

/// The domain that somebody registered: the suffix and one label before it (`example.co.uk`). `None`
/// for an IP address, a bare suffix, and names under no known suffix.
///
/// ```
/// use pretrain_filter::url::registered_domain;
///
/// assert_eq!(registered_domain("www.example.co.uk"), Some("example.co.uk"));
/// assert_eq!(registered_domain("user.github.io"), Some("github.io"));
/// assert_eq!(registered_domain("8.8.8.8"), None);
/// assert_eq!(registered_domain("co.uk"), None);
/// ```
pub fn registered_domain(host: &str) -> Option<&str> {
    if host.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    let suffix = suffix(host)?;
    let before = host.strip_suffix(suffix)?.strip_suffix('.')?;
    let label = before.rfind('.').map_or(0, |at| at + 1);
    (label < before.len()).then(|| &host[label..])
}
