//! Which document links to which, in redb.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::{
    Database, DatabaseError, MultimapTableDefinition, ReadableDatabase as _, ReadableTable as _,
    TableDefinition, WriteTransaction,
};

use super::{Backend, Entries, Store, Trouble};
use crate::document::Document;
use crate::error::IngestError;
use crate::read::Content;

/// id → path and content hash.
const NODES: TableDefinition<'_, &str, (&str, &str)> = TableDefinition::new("nodes");
/// id → the paths that it links to.
const OUTGOING: MultimapTableDefinition<'_, &str, &str> = MultimapTableDefinition::new("outgoing");
/// Path → the ids that link to it.
const INCOMING: MultimapTableDefinition<'_, &str, &str> = MultimapTableDefinition::new("incoming");

/// The graph of links.
#[derive(Debug)]
pub struct Graph(Arc<File>);

/// A database file. After a failed write, redb wants to be closed and opened again. Only one process can have it
/// open: those who share it open it for each operation, and wait for each other at a lock file.
#[derive(Debug)]
struct File {
    path: PathBuf,
    database: RwLock<Option<Database>>,
    shared: AtomicBool,
}

/// How long another process that shares the file may keep it while it starts.
const STARTING_MAX: Duration = Duration::from_secs(3);

/// The neighbours of a document, by path.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// What it links to, whether that was ingested or not.
    pub outgoing: Vec<String>,
    /// What links to it.
    pub incoming: Vec<String>,
}

impl Backend for Graph {
    const NAME: &'static str = "graph";
    const FILE: &'static str = "graph.redb";

    async fn open(path: &Path) -> Result<Self, Trouble> {
        let path = path.to_owned();
        let file = blocking(move || {
            let _turn = turn(&path)?;
            let mut database = create(&path)?;
            database.check_integrity()?;
            // So that readers find the tables.
            write(&database, |_| Ok(()))?;
            let database = RwLock::new(Some(database));
            let shared = AtomicBool::new(false);
            Ok(File {
                path,
                database,
                shared,
            })
        });
        Ok(Self(Arc::new(file.await?)))
    }

    /// Answers with the number of links.
    async fn insert(&self, document: &Document, content: &Content) -> Result<u64, Trouble> {
        let (document, links) = (document.clone(), content.links.clone());
        self.perform(move |database| {
            write(database, |transaction| {
                let node = (document.path.as_str(), document.hash.as_str());
                let id = document.id.as_str();
                transaction.open_table(NODES)?.insert(id, node)?;
                let mut outgoing = transaction.open_multimap_table(OUTGOING)?;
                let mut incoming = transaction.open_multimap_table(INCOMING)?;
                for target in &links {
                    outgoing.insert(id, target.as_str())?;
                    incoming.insert(target.as_str(), id)?;
                }
                Ok(())
            })?;
            Ok(links.len().try_into().unwrap_or(u64::MAX))
        })
        .await
    }

    async fn delete(&self, id: &str) -> Result<(), Trouble> {
        let id = id.to_owned();
        self.perform(move |database| {
            write(database, |transaction| {
                let mut incoming = transaction.open_multimap_table(INCOMING)?;
                let mut outgoing = transaction.open_multimap_table(OUTGOING)?;
                for target in outgoing.remove_all(id.as_str())? {
                    incoming.remove(target?.value(), id.as_str())?;
                }
                transaction.open_table(NODES)?.remove(id.as_str())?;
                Ok(())
            })
        })
        .await
    }

    async fn entries(&self) -> Result<Entries, Trouble> {
        self.perform(|database| {
            let nodes = database.begin_read()?.open_table(NODES)?;
            let mut entries = Entries::new();
            for node in nodes.iter()? {
                let (id, node) = node?;
                entries.insert(id.value().to_owned(), node.value().1.to_owned());
            }
            Ok(entries)
        })
        .await
    }
}

impl Store<Graph> {
    /// From now on other processes can use it, too.
    pub fn share(&self) {
        self.backend.0.shared.store(true, Ordering::Release);
        self.backend.0.close();
    }

    /// The neighbours of `document`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn links(&self, document: &Document) -> Result<Links, IngestError> {
        let document = document.clone();
        let links = self.backend.perform(move |database| {
            let transaction = database.begin_read()?;
            let mut links = Links::default();
            let outgoing = transaction.open_multimap_table(OUTGOING)?;
            for target in outgoing.get(document.id.as_str())? {
                links.outgoing.push(target?.value().to_owned());
            }
            let nodes = transaction.open_table(NODES)?;
            let incoming = transaction.open_multimap_table(INCOMING)?;
            for id in incoming.get(document.path.as_str())? {
                if let Some(node) = nodes.get(id?.value())? {
                    links.incoming.push(node.value().0.to_owned());
                }
            }
            links.incoming.sort();
            links.incoming.dedup();
            Ok(links)
        });
        links.await.map_err(|trouble| self.failed(&trouble))
    }
}

impl Graph {
    /// Runs `work`, away from the threads that serve tasks.
    async fn perform<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, Trouble> {
        let file = Arc::clone(&self.0);
        blocking(move || {
            let shared = file.shared.load(Ordering::Acquire);
            let _turn = shared.then(|| turn(&file.path)).transpose()?;
            file.open_again()?;
            let database = file.database.read().unwrap_or_else(PoisonError::into_inner);
            let result = database.as_ref().map_or(Err(redb::Error::PreviousIo), work);
            drop(database);
            if shared || matches!(result, Err(redb::Error::PreviousIo | redb::Error::Io(_))) {
                file.close();
            }
            result
        })
        .await
    }
}

impl File {
    fn close(&self) {
        *self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Does nothing when it is open.
    fn open_again(&self) -> Result<(), redb::Error> {
        let is_open = |database: &Option<Database>| database.is_some();
        if is_open(&self.database.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if !is_open(&database) {
            *database = Some(Database::open(&self.path)?);
        }
        Ok(())
    }
}

/// Waits until no other operation on a shared file is under way, here or in another process.
fn turn(path: &Path) -> Result<std::fs::File, redb::Error> {
    let lock = std::fs::File::create(path.with_extension("lock"))?;
    lock.lock()?;
    Ok(lock)
}

fn create(path: &Path) -> Result<Database, redb::Error> {
    let begun = Instant::now();
    loop {
        match Database::create(path) {
            Err(DatabaseError::DatabaseAlreadyOpen) if begun.elapsed() < STARTING_MAX => {
                std::thread::sleep(Duration::from_millis(10));
            }
            created => return Ok(created?),
        }
    }
}

/// Runs `work` in a transaction that is durable when this returns.
fn write(
    database: &Database,
    work: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(NODES)?;
    transaction.open_multimap_table(OUTGOING)?;
    transaction.open_multimap_table(INCOMING)?;
    work(&transaction)?;
    transaction.commit()?;
    Ok(())
}

/// redb panics over some damaged files: that is a failure like others.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, redb::Error> + Send + 'static,
) -> Result<T, Trouble> {
    let ended = tokio::task::spawn_blocking(work).await;
    let damaged = |panic| Trouble::new(&format!("the file is corrupt: {panic}"));
    Ok(ended.map_err(damaged)??)
}
