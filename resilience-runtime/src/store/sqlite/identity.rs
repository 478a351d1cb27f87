//! Which file it is, whatever its name.

use std::fs::Metadata;
use std::io;
use std::path::Path;

/// What a file is known by: it stays when the file is moved, and another file under the same name has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(Option<(u64, u64)>);

impl Identity {
    /// That of the file at `path`.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|it| Self(numbers(&it)))
    }

    /// Whether that file is at `path` now. True where nobody can tell.
    pub(super) fn is_at(self, path: &Path) -> bool {
        match Self::of(path) {
            Ok(there) => there == self,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there are none")]
fn numbers(file: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn numbers(_file: &Metadata) -> Option<(u64, u64)> {
    None
}
