//! Folders for what killed processes leave behind.

use std::path::Path;

use rustix::fs::statvfs;
use tempfile::{Builder, TempDir};

const MEMORY: &str = "/dev/shm";

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
        .tempdir_in(Path::new(MEMORY))
        .or_else(|_| builder.tempdir())
        .expect("a temporary folder")
}

/// The same for what may take so many bytes, on a disk where the memory may not have them.
///
/// # Panics
/// When there is no place for a temporary folder.
#[must_use]
pub fn folder_for(bytes: u64, prefix: &str) -> TempDir {
    let has_room = statvfs(MEMORY).is_ok_and(|it| it.f_bavail.saturating_mul(it.f_frsize) >= bytes);
    if has_room {
        return folder(prefix);
    }
    TempDir::with_prefix(prefix).expect("a temporary folder")
}
