//! The four stores, which know nothing of each other, and what they have in common.

mod cache;
mod graph;
mod index;
mod rows;
mod sqlite;
#[cfg(test)]
mod tests;
mod trouble;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::attempts::Attempts;
use crate::chaos::Chaos;
use crate::document::Document;
use crate::error::{IngestError, StartError};
use crate::read::Content;
use crate::reserve::Reserve;
use crate::sources::Sources;
use crate::turns::Turns;

pub use cache::Cache;
pub use graph::Graph;
pub use index::{Hit, Index};
pub use rows::{Row, Rows};
pub use sqlite::check;
pub use trouble::Trouble;

/// The ids in a store, and the content hash that it has for each.
pub type Entries = BTreeMap<String, String>;

/// What a store has to be able to do. Documents never change, so storing one twice is storing it
/// once, and deleting one that is not there is no error.
pub trait Backend: Sized + Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;
    /// Its file or directory, below the data directory.
    const FILE: &'static str;

    /// Opens it, and makes it where it is missing.
    fn open(file: &Path) -> impl Future<Output = Result<Self, Trouble>> + Send;

    /// Stores a document durably. Answers with how much was stored, in the store's own measure.
    fn insert(
        &self,
        document: &Document,
        content: &Content,
    ) -> impl Future<Output = Result<u64, Trouble>> + Send;

    /// Deletes a document durably.
    fn delete(&self, id: &str) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Everything that is there.
    fn entries(&self) -> impl Future<Output = Result<Entries, Trouble>> + Send;
}

/// One of the four stores, as the pipeline uses it.
#[derive(Debug)]
pub struct Store<B> {
    backend: Arc<B>,
    file: PathBuf,
    turns: Turns,
    common: Common,
}

/// What all stores of a library share.
#[derive(Debug, Clone)]
pub struct Common {
    /// Where the texts are.
    pub sources: Sources,
    /// What goes wrong.
    pub chaos: Chaos,
    /// Counts calls.
    pub attempts: Attempts,
    /// What is left when the disk is full.
    pub reserve: Reserve,
}

impl Common {
    /// For the stores below the directory `data`.
    pub fn new(data: &Path, chaos: Chaos) -> Self {
        Self {
            sources: Sources::default(),
            chaos,
            attempts: Attempts::default(),
            reserve: Reserve::of(data),
        }
    }
}

impl<B> Clone for Store<B> {
    fn clone(&self) -> Self {
        Self {
            backend: Arc::clone(&self.backend),
            file: self.file.clone(),
            turns: self.turns.clone(),
            common: self.common.clone(),
        }
    }
}

impl<B: Backend> Store<B> {
    /// Opens the store below the directory `data`.
    ///
    /// # Errors
    /// With a text that names the file and says what to do.
    pub async fn open(data: &Path, common: Common) -> Result<Self, StartError> {
        let file = data.join(B::FILE);
        match B::open(&file).await {
            Ok(backend) => Ok(Self {
                backend: Arc::new(backend),
                file,
                turns: Turns::default(),
                common,
            }),
            Err(trouble) => Err(StartError(format!("{}: {trouble}", file.display()))),
        }
    }

    /// Stores `document`. Answers with how much was stored: its position, its words, its links or
    /// its bytes.
    ///
    /// # Errors
    /// When the store fails, or the file is not what it was.
    pub async fn insert(&self, document: &Document) -> Result<u64, IngestError> {
        self.common.attempts.count(B::NAME, "insert", &document.id);
        if self.common.reserve.is_spent() {
            return Err(self.failed(&Trouble::new("not tried, no space left")));
        }
        let content = self.common.sources.read(document).await?;
        let (backend, document) = (Arc::clone(&self.backend), document.clone());
        let id = document.id.clone();
        self.perform(id, async move { backend.insert(&document, &content).await })
            .await
    }

    /// Deletes `document`, whether it is there or not.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delete(&self, document: &Document) -> Result<(), IngestError> {
        self.common.attempts.count(B::NAME, "delete", &document.id);
        let (backend, id) = (Arc::clone(&self.backend), document.id.clone());
        self.perform(
            document.id.clone(),
            async move { backend.delete(&id).await },
        )
        .await
    }

    /// Everything that is there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn entries(&self) -> Result<Entries, IngestError> {
        let entries = self.backend.entries().await;
        entries.map_err(|trouble| self.failed(&trouble))
    }

    /// Runs `operation` on the document `id`, to its end even when nobody waits for it any more,
    /// and after every earlier one on the same document: an insert that was given up on must not
    /// overtake the delete that follows it.
    async fn perform<T: Send + 'static>(
        &self,
        id: String,
        operation: impl Future<Output = Result<T, Trouble>> + Send + 'static,
    ) -> Result<T, IngestError> {
        let fault = self.common.chaos.next();
        if let Some(fault) = fault {
            fault
                .before()
                .await
                .map_err(|why| self.failed(&Trouble::new(why)))?;
        }
        let turn = self.turns.turn(&id).await;
        let performed = tokio::spawn(async move {
            let _turn = turn;
            operation.await
        });
        let performed = performed.await.map_err(Trouble::from).flatten();
        if let Some(fault) = fault {
            fault
                .after()
                .await
                .map_err(|why| self.failed(&Trouble::new(why)))?;
        }
        performed.map_err(|trouble| self.failed(&trouble))
    }

    fn failed(&self, trouble: &Trouble) -> IngestError {
        if trouble.disk_is_full() {
            self.common.reserve.release();
        }
        IngestError::Store {
            store: B::NAME,
            why: format!("{}: {trouble}", self.file.display()),
        }
    }
}
