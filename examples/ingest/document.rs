//! What a document is: one version of one file.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One version of one file. It never changes: a file with new content is a new document that
/// replaces this one. Small, because journals and arguments carry it; the text stays in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Identifies the version in every store.
    pub id: String,
    /// The absolute path of the file, so that a restart finds it from any directory.
    pub path: String,
    /// The SHA-256 of the content, in hexadecimal.
    pub hash: String,
    /// The length of the content.
    pub bytes: u64,
}

impl Document {
    /// The version of `path` that has this content and comes after the version `replaced`.
    ///
    /// The predecessor is part of the identity: a file that is changed and then changed back is
    /// a third version, and not the first one again, whose result is already known.
    pub fn version(path: &str, hash: &str, bytes: u64, replaced: Option<&str>) -> Self {
        let mut identity = Sha256::new();
        for part in [path, hash, replaced.unwrap_or_default()] {
            // With its length, so that no two lists of parts look alike.
            identity.update(format!("{}:{part}", part.len()));
        }
        Self {
            id: hexadecimal(&identity.finalize()),
            path: path.to_owned(),
            hash: hash.to_owned(),
            bytes,
        }
    }
}

/// The SHA-256 of `content`, in hexadecimal.
pub fn content_hash(content: &[u8]) -> String {
    hexadecimal(&Sha256::digest(content))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What kind of document a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Markdown.
    Markdown,
    /// HTML.
    Html,
    /// Plain text.
    Text,
    /// Source code, or a configuration file.
    Code,
}

/// File names without an extension that hold plain text.
const TEXT_NAMES: [&str; 9] = [
    "README",
    "LICENSE",
    "LICENCE",
    "COPYING",
    "AUTHORS",
    "CHANGES",
    "CHANGELOG",
    "NOTICE",
    "TODO",
];

/// Extensions of source code and configuration.
const CODE_EXTENSIONS: [&str; 44] = [
    "rs", "c", "h", "cc", "cpp", "hpp", "cs", "java", "kt", "scala", "go", "py", "rb", "php", "pl",
    "lua", "js", "jsx", "mjs", "ts", "tsx", "swift", "m", "hs", "ml", "ex", "erl", "clj", "sh",
    "bash", "fish", "ps1", "sql", "proto", "css", "scss", "toml", "yaml", "yml", "json", "xml",
    "cmake", "el", "zig",
];

impl Kind {
    /// The kind of the file, judged by its name; `None` when it is not a document.
    pub fn of(path: &Path) -> Option<Self> {
        let Some(extension) = path.extension().and_then(|extension| extension.to_str()) else {
            let name = path.file_name()?.to_str()?;
            return match name {
                "Makefile" | "Dockerfile" | "Justfile" => Some(Self::Code),
                _ => (TEXT_NAMES.iter().any(|known| name.starts_with(known))).then_some(Self::Text),
            };
        };
        match extension.to_ascii_lowercase().as_str() {
            "md" | "markdown" => Some(Self::Markdown),
            "html" | "htm" | "xhtml" => Some(Self::Html),
            "txt" | "text" | "rst" | "adoc" | "org" | "log" => Some(Self::Text),
            code if CODE_EXTENSIONS.contains(&code) => Some(Self::Code),
            _ => None,
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
            Self::Text => "text/plain",
            Self::Code => "text/x-source",
        }
    }
}

impl Document {
    /// The document in the arguments of a saga or a step, as the runtime keeps them.
    pub fn among(arguments: &str) -> Option<Self> {
        let mut arguments: serde_json::Value = serde_json::from_str(arguments).ok()?;
        serde_json::from_value(arguments.get_mut("document")?.take()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_its_path_its_content_and_its_predecessor() {
        let first = Document::version("/a.md", "h1", 3, None);
        assert_eq!(first, Document::version("/a.md", "h1", 3, None));
        let ids = [
            &first.id,
            &Document::version("/b.md", "h1", 3, None).id,
            &Document::version("/a.md", "h2", 3, None).id,
            &Document::version("/a.md", "h1", 3, Some("x")).id,
            &Document::version("/a.mdh", "1", 3, None).id,
        ];
        let different: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    }

    #[test]
    fn the_kind_is_in_the_name() {
        for (name, kind) in [
            ("a/README.md", Some(Kind::Markdown)),
            ("index.HTML", Some(Kind::Html)),
            ("notes.txt", Some(Kind::Text)),
            ("LICENSE-MIT", Some(Kind::Text)),
            ("src/lib.rs", Some(Kind::Code)),
            ("Makefile", Some(Kind::Code)),
            ("photo.png", None),
            ("a.out", None),
            ("program", None),
        ] {
            assert_eq!(Kind::of(Path::new(name)), kind, "{name}");
        }
    }
}
