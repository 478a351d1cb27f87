//! Libraries in C that are preloaded into child processes.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The library `name`, built from `source` in the folder of the test binary, unless a test binary of the same source has.
///
/// # Panics
/// When it cannot be built.
pub(crate) fn library(name: &str, source: &str) -> PathBuf {
    build(name, source).unwrap_or_else(|error| {
        panic!(
            "the {name} library cannot be built: {error}. It needs a C compiler under the name \
             `cc`: install the package `gcc`, or run scripts/test, which does"
        )
    })
}

fn build(name: &str, source: &str) -> io::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    source.hash(&mut hasher);
    let program = std::env::current_exe()?;
    let library = program.with_file_name(format!("{name}-shim-{:016x}.so", hasher.finish()));
    if library.exists() {
        return Ok(library);
    }
    let parent = program.parent().unwrap_or(Path::new("."));
    let folder = TempDir::with_prefix_in(format!("{name}-shim"), parent)?;
    let code = folder.path().join("shim.c");
    let output = folder.path().join("shim.so");
    fs::write(&code, source)?;
    let compiled = Command::new("cc")
        .args([
            "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
        ])
        .args([&output, &code])
        .output()?;
    if !compiled.status.success() {
        let complaint = String::from_utf8_lossy(&compiled.stderr).into_owned();
        return Err(io::Error::other(complaint));
    }
    // At once, so that no other test binary loads half of it.
    fs::rename(&output, &library)?;
    Ok(library)
}
