//! Reading files: from bytes to a title, plain text and links.

mod code;
mod html;
mod links;
mod markdown;
mod text;

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::document::{Kind, content_hash};

/// The longest file that is read. The whole text is in memory, and in one transaction, at a time.
pub const BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What the stores keep of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// What it is called.
    pub title: String,
    /// The media type.
    pub media_type: &'static str,
    /// The text without markup.
    pub text: String,
    /// The paths of the documents that it links to, absolute, sorted, each once.
    pub links: Vec<String>,
}

/// A file that was read.
#[derive(Debug)]
pub struct Source {
    /// The absolute path.
    pub path: String,
    /// The SHA-256 of the bytes, in hexadecimal.
    pub hash: String,
    /// How many bytes.
    pub bytes: u64,
    /// What they say.
    pub content: Content,
}

/// Why a file is not a document.
#[derive(Debug)]
pub enum InputError {
    /// The system does not let us read it.
    Unreadable(io::Error),
    /// A device, a pipe or a socket.
    NotAFile,
    /// Its name is not UTF-8.
    NameNotUtf8,
    /// There is nothing in it.
    Empty,
    /// It is longer than [`BYTES_MAX`].
    TooLarge(u64),
    /// It contains NUL bytes.
    Binary,
    /// It is not UTF-8 from this byte on.
    NotUtf8(usize),
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: u64 = 1024 * 1024;
        match self {
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::NotAFile => f.write_str("is not a regular file"),
            Self::NameNotUtf8 => f.write_str("has a name that is not UTF-8"),
            Self::Empty => f.write_str("is empty"),
            Self::TooLarge(bytes) => write!(
                f,
                "is too large: {} MiB, and the limit is {} MiB",
                bytes.div_ceil(MIB),
                BYTES_MAX / MIB
            ),
            Self::Binary => f.write_str("is not text: it contains NUL bytes"),
            Self::NotUtf8(at) => write!(f, "is not UTF-8 text: byte {at} is not"),
        }
    }
}

/// Reads and parses a file. Blocks.
///
/// # Errors
/// When it is not a document, and why.
pub fn read(path: &Path) -> Result<Source, InputError> {
    let name = path.to_str().ok_or(InputError::NameNotUtf8)?;
    let bytes = read_bytes(path)?;
    if bytes.is_empty() {
        return Err(InputError::Empty);
    }
    if bytes.contains(&0) {
        return Err(InputError::Binary);
    }
    let text =
        std::str::from_utf8(&bytes).map_err(|error| InputError::NotUtf8(error.valid_up_to()))?;
    Ok(Source {
        path: name.to_owned(),
        hash: content_hash(&bytes),
        bytes: bytes.len().try_into().unwrap_or(u64::MAX),
        content: parse(path, text.strip_prefix('\u{feff}').unwrap_or(text)),
    })
}

/// The bytes of a regular file, and never more than the limit, also when the file grows meanwhile.
fn read_bytes(path: &Path) -> Result<Vec<u8>, InputError> {
    // Asked before opening: opening a pipe would wait for its writer.
    let metadata = path.metadata().map_err(InputError::Unreadable)?;
    if !metadata.is_file() {
        return Err(InputError::NotAFile);
    }
    if metadata.len() > BYTES_MAX {
        return Err(InputError::TooLarge(metadata.len()));
    }
    let file = File::open(path).map_err(InputError::Unreadable)?;
    let mut bytes = Vec::new();
    let length = file.take(BYTES_MAX + 1).read_to_end(&mut bytes);
    length.map_err(InputError::Unreadable)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= BYTES_MAX => Ok(bytes),
        length => Err(InputError::TooLarge(length.unwrap_or(u64::MAX))),
    }
}

/// What a reader found, before titles and links are completed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// The title, where the document has one.
    title: Option<String>,
    /// The text without markup.
    text: String,
    /// Link targets as written.
    links: Vec<String>,
}

/// Parses the text of the file at `path`.
pub fn parse(path: &Path, text: &str) -> Content {
    let kind = Kind::of(path).unwrap_or(Kind::Text);
    let found = match kind {
        Kind::Markdown => markdown::read(text),
        Kind::Html => html::read(text),
        Kind::Text => text::read(text),
        Kind::Code => code::read(path, text),
    };
    let title = found.title.filter(|title| !title.trim().is_empty());
    Content {
        title: title.unwrap_or_else(|| file_name(path)),
        media_type: kind.media_type(),
        text: found.text,
        links: links::resolve(path, &found.links),
    }
}

impl Content {
    /// How many words there are.
    pub fn words(&self) -> u64 {
        let words = self.text.split_whitespace().count();
        words.try_into().unwrap_or(u64::MAX)
    }

    /// The first lines that say something.
    pub fn summary(&self) -> String {
        const LINES: usize = 5;
        const CHARACTERS: usize = 120;
        let lines = self.text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && *line != self.title);
        let lines = lines
            .take(LINES)
            .map(|line| line.chars().take(CHARACTERS).collect());
        lines.collect::<Vec<String>>().join("\n")
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.txt");
        std::fs::write(&file, bytes).unwrap();
        read(&file).unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_text_says_so() {
        assert_eq!(refusal(b""), "is empty");
        assert_eq!(refusal(b"ab\xff"), "is not UTF-8 text: byte 2 is not");
        assert_eq!(refusal(b"ab\0"), "is not text: it contains NUL bytes");
    }

    #[test]
    fn a_huge_file_is_refused_by_its_length_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("huge.md");
        let file = File::create(&path).unwrap();
        // Sparse: were it read, this test would need the memory.
        file.set_len(1 << 40).unwrap();
        assert_eq!(
            read(&path).unwrap_err().to_string(),
            "is too large: 1048576 MiB, and the limit is 8 MiB"
        );
    }

    #[test]
    fn a_directory_and_a_missing_file_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(read(dir.path()), Err(InputError::NotAFile)));
        let missing = dir.path().join("missing.md");
        assert!(matches!(read(&missing), Err(InputError::Unreadable(_))));
    }

    #[test]
    fn a_document_without_a_title_is_called_like_its_file() {
        let content = parse(Path::new("/d/a.md"), "just text\n\nand more");
        assert_eq!(content.title, "a.md");
        assert_eq!(content.words(), 4);
        assert_eq!(content.summary(), "just text\nand more");
    }
}
