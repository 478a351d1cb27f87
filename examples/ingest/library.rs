//! The four stores of one data directory.

use std::fs;
use std::path::Path;

use crate::attempts::Attempts;
use crate::chaos::Chaos;
use crate::document::Document;
use crate::error::{IngestError, StartError};
use crate::read::Source;
use crate::sources::Sources;
use crate::stores::{Cache, Common, Graph, Index, Rows, Store};
use crate::turns::{Turn, Turns};

/// The four stores, and what is known about the documents that are in work.
#[derive(Debug, Clone)]
pub struct Library {
    /// A row per document.
    pub rows: Store<Rows>,
    /// The words of every document.
    pub index: Store<Index>,
    /// The links between documents.
    pub graph: Store<Graph>,
    /// A summary per document.
    pub cache: Store<Cache>,
    /// The texts of the documents in work.
    pub sources: Sources,
    /// How often stores were called.
    pub attempts: Attempts,
    paths: Turns,
}

impl Library {
    /// Opens the stores below the directory `data`, and makes what is missing.
    ///
    /// # Errors
    /// When the directory cannot be written, or a store is damaged or in use.
    pub async fn open(data: &Path, chaos: Chaos) -> Result<Self, StartError> {
        check_writable(data)?;
        let sources = Sources::default();
        let attempts = Attempts::default();
        let common = Common {
            sources: sources.clone(),
            chaos,
            attempts: attempts.clone(),
        };
        Ok(Self {
            rows: Store::open(data, common.clone()).await?,
            index: Store::open(data, common.clone()).await?,
            graph: Store::open(data, common.clone()).await?,
            cache: Store::open(data, common).await?,
            sources,
            attempts,
            paths: Turns::default(),
        })
    }

    /// Opens the stores that an earlier run has made.
    ///
    /// # Errors
    /// Also when there are none.
    pub async fn open_existing(data: &Path) -> Result<Self, StartError> {
        check_exists(data)?;
        Self::open(data, Chaos::none()).await
    }

    /// Waits until nobody else works on a version of the file at `path`.
    pub async fn turn(&self, path: &str) -> Turn {
        self.paths.turn(path).await
    }

    /// The version that a file is: the newest one when its content is the same, else the one after
    /// that.
    ///
    /// # Errors
    /// When the rows cannot be asked.
    pub async fn identify(&self, source: &Source) -> Result<Document, IngestError> {
        let newest = self.rows.current(&source.path).await?;
        let newest = newest.map(|row| row.document);
        Ok(match newest {
            Some(same) if same.hash == source.hash => same,
            newest => {
                let replaced = newest.as_ref().map(|document| document.id.as_str());
                Document::version(&source.path, &source.hash, source.bytes, replaced)
            }
        })
    }
}

/// That something was ingested into the directory `data`.
///
/// # Errors
/// When nothing was.
pub fn check_exists(data: &Path) -> Result<(), StartError> {
    if data.join("rows.db").exists() {
        return Ok(());
    }
    Err(StartError(format!(
        "{}: nothing was ingested into this directory; ingest something first, or say where the \
         documents are with --data DIR",
        data.display()
    )))
}

/// A store may open without writing: the first document would be the first to fail.
fn check_writable(data: &Path) -> Result<(), StartError> {
    let probe = data.join(".writable");
    let written = fs::create_dir_all(data)
        .and_then(|()| fs::write(&probe, "x"))
        .and_then(|()| fs::remove_file(&probe));
    written.map_err(|error| {
        StartError(format!(
            "{}: this directory cannot be written: {error}; check its permissions and its disk, \
             or choose another one with --data DIR",
            data.display()
        ))
    })
}
