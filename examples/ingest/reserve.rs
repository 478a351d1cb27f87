//! Space on the disk that is kept for undoing.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What undoing the documents in work, and writing down that it was done, needs at most.
const BYTES: usize = 4 * 1024 * 1024;

/// A file that is there to be deleted. Deleting a document needs space, too: when the disk is
/// full, the file goes, nothing new is stored any more, and what is half-way can be undone.
#[derive(Debug, Clone)]
pub struct Reserve {
    file: PathBuf,
    spent: Arc<AtomicBool>,
}

impl Reserve {
    /// The reserve of the directory `data`, whether it is there or not.
    pub fn of(data: &Path) -> Self {
        Self {
            file: data.join("reserve"),
            spent: Arc::default(),
        }
    }

    /// Takes the space, if an earlier run has not.
    ///
    /// # Errors
    /// When the directory cannot be written, or the disk is full.
    pub fn fill(&self) -> io::Result<()> {
        let length = self.file.metadata().map_or(0, |metadata| metadata.len());
        if usize::try_from(length) == Ok(BYTES) {
            return Ok(());
        }
        let written = File::create(&self.file).and_then(|mut file| {
            file.write_all(&vec![1; BYTES])?;
            file.sync_all()
        });
        if written.is_err() {
            // Half a reserve is space that others need.
            let _ = fs::remove_file(&self.file);
        }
        written
    }

    /// The disk is full: gives the space back. From now on it [is spent](Self::is_spent).
    pub fn release(&self) {
        if !self.spent.swap(true, Ordering::AcqRel) {
            // Nothing else can be done when this fails, and the next run finds what is half-way.
            let _ = fs::remove_file(&self.file);
        }
    }

    /// Whether the disk was full. Nothing new should be stored then.
    pub fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_filled_once_and_given_back_once() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(dir.path());
        reserve.fill().unwrap();
        reserve.fill().unwrap();
        assert_eq!(
            dir.path().join("reserve").metadata().unwrap().len(),
            4 << 20
        );
        assert!(!reserve.is_spent());

        reserve.clone().release();
        assert!(reserve.is_spent());
        assert!(!dir.path().join("reserve").exists());
    }
}
