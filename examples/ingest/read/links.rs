//! From a link as written to the path of a document.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// The paths that relative `links` of the document at `path` lead to, sorted, each once. Links to
/// other sites, and to the document itself, are left out.
pub(super) fn resolve(path: &Path, links: &[String]) -> Vec<String> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let targets: BTreeSet<String> = links
        .iter()
        .filter_map(|link| relative(link))
        .map(|link| normal(&directory.join(link)))
        .filter(|target| target != path)
        .filter_map(|target| target.into_os_string().into_string().ok())
        .collect();
    targets.into_iter().collect()
}

/// The path in a relative link, decoded.
fn relative(link: &str) -> Option<String> {
    let link = link.split(['#', '?']).next().unwrap_or_default();
    let first = link.split('/').next().unwrap_or_default();
    // `https://…`, `mailto:…`; `/…` is relative to a site whose root is not known.
    if first.is_empty() || first.contains(':') {
        return None;
    }
    decoded(link)
}

/// Without `%20` and its like. `None` when the result is not UTF-8.
fn decoded(link: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(link.len());
    let mut rest = link.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| after.get(..2)).flatten();
        let escaped = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(escaped) => {
                bytes.push(escaped);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Without `.` and `..`, by the names alone: the target need not exist.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_links_lead_to_documents() {
        let links = [
            "../b.md#part",
            "c%20d.md",
            "./e/../f.md?q",
            "b:c.md",
            "https://x.org/a.md",
            "#here",
            "",
            "mailto:a@b.c",
            "/root.md",
            "a.md",
            "../b.md",
            "100%.md",
        ];
        assert_eq!(
            resolve(Path::new("/x/y/a.md"), &links.map(str::to_owned)),
            ["/x/b.md", "/x/y/100%.md", "/x/y/c d.md", "/x/y/f.md"]
        );
    }
}
