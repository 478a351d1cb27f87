//! Folders for what killed processes leave behind.

use std::path::Path;

use tempfile::{Builder, TempDir};

/// A temporary folder, in memory where the system has a place for that. The kernel keeps what a
/// killed process has written, on a disk or not; waiting for a disk at each sync would add time to
/// a crash test and nothing to what it shows.
///
/// # Panics
/// When there is no place for a temporary folder.
#[must_use]
pub fn folder(prefix: &str) -> TempDir {
    let mut builder = Builder::new();
    builder.prefix(prefix);
    builder
        .tempdir_in(Path::new("/dev/shm"))
        .or_else(|_| builder.tempdir())
        .expect("a temporary folder")
}
