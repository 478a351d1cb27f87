//! Which document links to which, in redb.

use std::path::Path;
use std::sync::Arc;

use redb::{
    Database, MultimapTableDefinition, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    WriteTransaction,
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
pub struct Graph(Arc<Database>);

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

    async fn open(file: &Path) -> Result<Self, Trouble> {
        let file = file.to_owned();
        let database = blocking(move || {
            let database = Database::create(file)?;
            // So that readers find the tables.
            write(&database, |_| Ok(()))?;
            Ok(database)
        });
        Ok(Self(Arc::new(database.await?)))
    }

    /// Answers with the number of links.
    async fn insert(&self, document: &Document, content: &Content) -> Result<u64, Trouble> {
        let (database, document) = (Arc::clone(&self.0), document.clone());
        let links = content.links.clone();
        blocking(move || {
            write(&database, |transaction| {
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
        let (database, id) = (Arc::clone(&self.0), id.to_owned());
        blocking(move || {
            write(&database, |transaction| {
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
        let database = Arc::clone(&self.0);
        blocking(move || {
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
    /// The neighbours of `document`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn links(&self, document: &Document) -> Result<Links, IngestError> {
        let (database, document) = (Arc::clone(&self.backend.0), document.clone());
        let links = blocking(move || {
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

/// Runs `work` in a transaction that is durable when this returns.
fn write(
    database: &Database,
    work: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
) -> Result<(), Trouble> {
    let transaction = database.begin_write()?;
    transaction.open_table(NODES)?;
    transaction.open_multimap_table(OUTGOING)?;
    transaction.open_multimap_table(INCOMING)?;
    work(&transaction)?;
    transaction.commit()?;
    Ok(())
}

/// Away from the threads that serve tasks. A panic over a damaged file is a failure, too.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work).await?
}
