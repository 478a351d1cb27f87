//! A rendered summary per document, in a file each.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::{Backend, Entries, Store, Trouble};
use crate::document::Document;
use crate::error::IngestError;
use crate::read::Content;

/// What files that are not complete are called.
const UNFINISHED: &str = "tmp";

/// The cache of summaries.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
}

impl Backend for Cache {
    const NAME: &'static str = "cache";
    const FILE: &'static str = "cache";

    /// Removes what a killed process left unfinished.
    async fn open(directory: &Path) -> Result<Self, Trouble> {
        let directory = directory.to_owned();
        blocking(move || {
            fs::create_dir_all(&directory)?;
            for entry in fs::read_dir(&directory)? {
                let path = entry?.path();
                if path
                    .extension()
                    .is_some_and(|extension| extension == UNFINISHED)
                {
                    fs::remove_file(path)?;
                }
            }
            Ok(Self { directory })
        })
        .await
    }

    /// Answers with the number of bytes.
    async fn insert(&self, document: &Document, content: &Content) -> Result<u64, Trouble> {
        // The hash stands first, so that it can be checked without the rest.
        let summary = format!(
            "{}\n{}\n{}\n",
            document.hash,
            content.title,
            content.summary()
        );
        let (directory, file) = (self.directory.clone(), self.file(&document.id));
        blocking(move || {
            let unfinished = file.with_extension(UNFINISHED);
            let mut writing = File::create(&unfinished)?;
            writing.write_all(summary.as_bytes())?;
            writing.sync_all()?;
            fs::rename(&unfinished, &file)?;
            File::open(directory)?.sync_all()?;
            Ok(summary.len().try_into().unwrap_or(u64::MAX))
        })
        .await
    }

    async fn delete(&self, id: &str) -> Result<(), Trouble> {
        let (directory, file) = (self.directory.clone(), self.file(id));
        blocking(move || {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            // An insert that failed half-way leaves this behind.
            match fs::remove_file(file.with_extension(UNFINISHED)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            File::open(directory)?.sync_all()
        })
        .await
    }

    async fn entries(&self) -> Result<Entries, Trouble> {
        let directory = self.directory.clone();
        blocking(move || {
            let mut entries = Entries::new();
            for entry in fs::read_dir(directory)? {
                let path = entry?.path();
                let mut hash = String::new();
                BufReader::new(File::open(&path)?).read_line(&mut hash)?;
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                entries.insert(name.into_owned(), hash.trim_end().to_owned());
            }
            Ok(entries)
        })
        .await
    }
}

impl Cache {
    fn file(&self, id: &str) -> PathBuf {
        self.directory.join(id)
    }
}

impl Store<Cache> {
    /// The summary of a document: its title, then its first lines.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn summary(&self, id: &str) -> Result<Option<String>, IngestError> {
        let file = self.backend.file(id);
        let text = blocking(move || match fs::read_to_string(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            text => text.map(Some),
        });
        let text = text.await.map_err(|trouble| self.failed(&trouble))?;
        Ok(text.and_then(|text| Some(text.split_once('\n')?.1.trim_end().to_owned())))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Trouble> {
    Ok(tokio::task::spawn_blocking(work).await??)
}
