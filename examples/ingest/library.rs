//! The four stores of one data directory.

use std::fs;
use std::path::Path;

use crate::attempts::Attempts;
use crate::chaos::Chaos;
use crate::document::Document;
use crate::error::{IngestError, StartError};
use crate::read::Source;
use crate::reserve::Reserve;
use crate::sources::Sources;
use crate::stores::{Cache, Common, Graph, Index, Rows, Store, Trouble};
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
    /// What is left when the disk is full.
    pub reserve: Reserve,
    paths: Turns,
}

impl Library {
    /// Opens the stores below the directory `data` for writing, and makes what is missing.
    ///
    /// # Errors
    /// When the directory cannot be written, or a store is damaged or in use.
    pub async fn open(data: &Path, chaos: Chaos) -> Result<Self, StartError> {
        let common = Common::new(data, chaos);
        if data.is_file() {
            return Err(StartError(format!(
                "{}: this is a file; say where a directory is, or shall be, with --data DIR",
                data.display()
            )));
        }
        // Also because a store may open without writing: its first document would be the first to
        // fail.
        fs::create_dir_all(data)
            .and_then(|()| common.reserve.fill())
            .map_err(|error| StartError(format!("{}: {}", data.display(), Trouble::from(error))))?;
        Self::with(data, common).await
    }

    /// Opens the stores that an earlier run has made.
    ///
    /// # Errors
    /// Also when there are none.
    pub async fn open_existing(data: &Path) -> Result<Self, StartError> {
        check_exists(data)?;
        Self::with(data, Common::new(data, Chaos::none())).await
    }

    async fn with(data: &Path, common: Common) -> Result<Self, StartError> {
        Ok(Self {
            rows: Store::open(data, common.clone()).await?,
            index: Store::open(data, common.clone()).await?,
            graph: Store::open(data, common.clone()).await?,
            cache: Store::open(data, common.clone()).await?,
            sources: common.sources,
            attempts: common.attempts,
            reserve: common.reserve,
            paths: Turns::default(),
        })
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
