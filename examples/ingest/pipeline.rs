//! One document into four stores: everywhere, or nowhere.

use resilience::{circuit_breaker, idempotent, retry, saga, saga_step, timeout};
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::error::{IngestError, Result};
use crate::library::Library;
use crate::stores::{Cache, Graph, Index, Rows, Store};

/// What was stored of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The position of its row.
    pub row: u64,
    /// How many of its words are in the index.
    pub words: u64,
    /// How many of its links are in the graph.
    pub links: u64,
}

/// Stores a document in all four stores, or in none; once, however often it is called. The stores know nothing of each
/// other: one that cannot undo its part does not keep the others from it.
#[idempotent(key = document.id, ttl = 720h, wait = 10m)]
#[saga(on_dead = continue)]
pub async fn ingest(#[state] library: &Library, document: Document) -> Result<Receipt> {
    let row = insert_row(&library.rows, &document).await?;
    let words = index_words(&library.index, &document).await?;
    let links = link(&library.graph, &document).await?;
    remember(&library.cache, &document).await?;
    Ok(Receipt { row, words, links })
}

#[saga_step(compensate = delete_row, in_doubt = compensate)]
#[retry(max_attempts = 5, backoff = exponential(100ms), retry_on = IngestError::Store { .. } | IngestError::Policy(_))]
#[circuit_breaker(name = "rows", failure_threshold = 10, open_for = 1s)]
#[timeout(1s)]
async fn insert_row(#[state] rows: &Store<Rows>, document: &Document) -> Result<u64> {
    rows.insert(document).await
}

#[retry(max_attempts = 5, backoff = exponential(100ms))]
#[timeout(1s)]
async fn delete_row(rows: &Store<Rows>, document: &Document, _row: Option<&u64>) -> Result<()> {
    rows.delete(document).await
}

#[saga_step(compensate = unindex, in_doubt = compensate)]
#[retry(max_attempts = 5, backoff = exponential(100ms), retry_on = IngestError::Store { .. } | IngestError::Policy(_))]
#[circuit_breaker(name = "index", failure_threshold = 10, open_for = 1s)]
#[timeout(1s)]
async fn index_words(#[state] index: &Store<Index>, document: &Document) -> Result<u64> {
    index.insert(document).await
}

#[retry(max_attempts = 5, backoff = exponential(100ms))]
#[timeout(1s)]
async fn unindex(index: &Store<Index>, document: &Document, _words: Option<&u64>) -> Result<()> {
    index.delete(document).await
}

#[saga_step(compensate = unlink, in_doubt = compensate)]
#[retry(max_attempts = 5, backoff = exponential(100ms), retry_on = IngestError::Store { .. } | IngestError::Policy(_))]
#[circuit_breaker(name = "graph", failure_threshold = 10, open_for = 1s)]
#[timeout(1s)]
async fn link(#[state] graph: &Store<Graph>, document: &Document) -> Result<u64> {
    graph.insert(document).await
}

#[retry(max_attempts = 5, backoff = exponential(100ms))]
#[timeout(1s)]
async fn unlink(graph: &Store<Graph>, document: &Document, _links: Option<&u64>) -> Result<()> {
    graph.delete(document).await
}

#[saga_step(compensate = forget, in_doubt = compensate)]
#[retry(max_attempts = 5, backoff = exponential(100ms), retry_on = IngestError::Store { .. } | IngestError::Policy(_))]
#[circuit_breaker(name = "cache", failure_threshold = 10, open_for = 1s)]
#[timeout(1s)]
async fn remember(#[state] cache: &Store<Cache>, document: &Document) -> Result<u64> {
    cache.insert(document).await
}

#[retry(max_attempts = 5, backoff = exponential(100ms))]
#[timeout(1s)]
async fn forget(cache: &Store<Cache>, document: &Document, _bytes: Option<&u64>) -> Result<()> {
    cache.delete(document).await
}

/// Deletes a version that a newer one has replaced.
pub async fn retire(library: &Library, old: &Document) -> Result<()> {
    forget(&library.cache, old, None).await?;
    unlink(&library.graph, old, None).await?;
    unindex(&library.index, old, None).await?;
    // Last: as long as the row is there, the next run sees what is left to delete.
    delete_row(&library.rows, old, None).await
}
