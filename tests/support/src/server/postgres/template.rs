//! The files of a new server, made once: `initdb` takes much longer than to copy what it makes.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::INITDB;
use crate::server::find;

/// Copies the template, for its owner if that is somebody else; false where there is none.
pub(super) fn copy_to(folder: &Path, owner: Option<(u32, u32)>) -> bool {
    let copied = place().and_then(|template| match template.is_dir() {
        true => copy(&template, folder, owner),
        false => Err(io::ErrorKind::NotFound.into()),
    });
    if copied.is_err() {
        // What is there of it would be in the way of `initdb`.
        let _ = fs::remove_dir_all(folder);
    }
    copied.is_ok()
}

/// Makes a template of these files, unless somebody else has: at once, so that nobody copies half of it. Without one it only
/// takes longer.
pub(super) fn keep(folder: &Path) {
    let kept = || -> io::Result<()> {
        let place = place()?;
        let parent = place.parent().unwrap_or(Path::new("."));
        let aside = TempDir::with_prefix_in("postgres-template", parent)?;
        let files = aside.path().join("data");
        copy(folder, &files, None)?;
        fs::rename(files, place)
    };
    let _ = kept();
}

/// Beside the test binary, for this PostgreSQL and these options.
fn place() -> io::Result<PathBuf> {
    let initdb = find("initdb").ok_or(io::ErrorKind::NotFound)?;
    let (metadata, mut hasher) = (fs::metadata(&initdb)?, DefaultHasher::new());
    (initdb, metadata.len(), metadata.mtime(), INITDB).hash(&mut hasher);
    let name = format!("postgres-{:016x}.template", hasher.finish());
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// With the permissions, which PostgreSQL insists on.
fn copy(from: &Path, to: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&from, &to, owner)?;
        } else {
            fs::copy(&from, &to)?;
            give(&to, owner)?;
        }
    }
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    give(to, owner)
}

fn give(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    match owner {
        Some((user, group)) => chown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}
