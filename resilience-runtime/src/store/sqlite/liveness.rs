//! Who of the owners in the database is alive.
//!
//! Each open store is a *worker* with a random id, and holds an exclusive lock on a file with that
//! name, in a folder beside the database, for as long as it lives. The kernel gives the lock back
//! when the process ends, however it ends, and not a moment earlier: a killed worker is seen at
//! once, and one that is merely stopped or slow is never taken for dead. A worker is gone when its
//! file is missing or can be locked.
//!
//! Why no live worker is ever seen as dead:
//! - The file is created and locked under a temporary name that nobody looks at, and gets its
//!   real name after that. A file with a real name has been locked since before it had it.
//! - Rows carry an id only after its file has its real name, so whoever reads an id from a row
//!   finds the file, unless the worker has left.
//! - A worker that leaves stops writing before it deletes its file. Ids are never used twice.
//! - The lock belongs to the open file, not to the process: two stores of one process see each
//!   other as alive.
//! - Those who look take a *shared* lock for a moment: two of them do not hinder each other, and
//!   neither is ever taken for the owner.
//!
//! The folder must not be deleted while a process has the database open.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// This open store, as the others see it.
#[derive(Debug)]
pub(super) struct Worker {
    id: String,
    folder: PathBuf,
    lock: Mutex<Option<File>>,
}

impl Worker {
    /// Enters the folder that belongs to `database`, and removes what killed workers left there.
    pub(super) fn enter(database: &Path) -> io::Result<Self> {
        let mut folder = database.as_os_str().to_owned();
        folder.push(".workers");
        let folder = PathBuf::from(folder);
        std::fs::create_dir_all(&folder)?;
        let id = uuid::Uuid::new_v4().to_string();
        let unfinished = folder.join(format!("{id}.new"));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&unfinished)?;
        let locked = file.try_lock().map_err(io::Error::from);
        locked
            .and_then(|()| std::fs::rename(&unfinished, lock_file(&folder, &id)))
            .inspect_err(|_| drop(std::fs::remove_file(&unfinished)))?;
        let worker = Self {
            id,
            folder,
            lock: Mutex::new(Some(file)),
        };
        worker.sweep();
        Ok(worker)
    }

    /// What rows carry as their owner.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether the worker `id` is gone for good. A file that cannot be looked at counts as alive:
    /// taking work from a live owner does harm, leaving it for now does not.
    pub(super) fn is_gone(&self, id: &str) -> bool {
        if id == self.id {
            return false;
        }
        let path = lock_file(&self.folder, id);
        let gone = match File::open(&path) {
            Err(error) => error.kind() == io::ErrorKind::NotFound,
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => {
                    drop(std::fs::remove_file(&path));
                    true
                }
                Err(TryLockError::WouldBlock) => false,
                Err(TryLockError::Error(error)) => {
                    tracing::warn!(target: "resilience", worker = id, %error, "cannot tell whether a worker is alive");
                    false
                }
            },
        };
        if gone {
            tracing::debug!(target: "resilience", worker = id, "a worker is gone");
        }
        gone
    }

    /// Those of `owners` that are gone.
    pub(super) fn gone_of(&self, owners: HashSet<String>) -> HashSet<String> {
        owners.into_iter().filter(|id| self.is_gone(id)).collect()
    }

    /// Leaves: everything that carries this id may be taken over from now on.
    pub(super) fn leave(&self) {
        let lock = self
            .lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if lock.is_some() {
            drop(std::fs::remove_file(lock_file(&self.folder, &self.id)));
        }
    }

    /// Looking is enough: `is_gone` removes the file of a worker that is.
    fn sweep(&self) {
        for entry in std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name();
            if let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".lock")) {
                self.is_gone(id);
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.leave();
    }
}

/// An id from a row is data: one that is not a UUID names no file, and least of all one elsewhere.
fn lock_file(folder: &Path, id: &str) -> PathBuf {
    let name = uuid::Uuid::try_parse(id).map_or_else(|_| "unknown".to_owned(), |id| id.to_string());
    folder.join(format!("{name}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_workers_of_one_process_see_each_other_alive_until_one_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let first = Worker::enter(&database).unwrap();
        let second = Worker::enter(&database).unwrap();
        assert!(!first.is_gone(second.id()) && !second.is_gone(first.id()));
        second.leave();
        assert!(first.is_gone(second.id()));
        assert!(!first.is_gone(first.id()));
    }

    #[test]
    fn a_file_that_nobody_locks_is_swept_and_a_locked_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let alive = Worker::enter(&database).unwrap();
        let killed = uuid::Uuid::new_v4().to_string();
        std::fs::write(lock_file(&alive.folder, &killed), "").unwrap();
        let _sweeps = Worker::enter(&database).unwrap();
        assert!(!lock_file(&alive.folder, &killed).exists());
        assert!(lock_file(&alive.folder, alive.id()).exists());
    }

    #[test]
    fn an_owner_that_is_no_uuid_is_gone_and_touches_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("x.lock");
        std::fs::write(&outside, "").unwrap();
        let worker = Worker::enter(&folder.path().join("a.db")).unwrap();
        assert!(worker.is_gone("../x"));
        assert!(outside.exists());
    }
}
