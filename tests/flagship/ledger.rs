//! What is in the stores, counted in their files and not by the code that wrote them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use resilience::saga::Status;
use resilience::{DeadLetter, DeadLetterStatus, Runtime};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use crate::audit::audit;
use crate::document::Document;
use crate::library::Library;

/// How many documents each of the four stores has. A document that one of them had twice would
/// count twice.
pub(crate) async fn counts(data: &Path, library: &Library) -> [(&'static str, u64); 4] {
    let rows = number(data, "rows.db", "SELECT count(*) FROM documents").await;
    let index = number(data, "index.db", "SELECT count(*) FROM texts").await;
    let cache = std::fs::read_dir(data.join("cache")).unwrap().count();
    // It is locked while it is open; a key is in it once.
    let graph = library.graph.entries().await.unwrap().len();
    [
        ("rows", rows),
        ("index", index),
        ("graph", graph.try_into().unwrap()),
        ("cache", cache.try_into().unwrap()),
    ]
}

/// How many files the rows are of.
pub(crate) async fn paths(data: &Path) -> u64 {
    let paths = "SELECT count(DISTINCT path) FROM documents";
    number(data, "rows.db", paths).await
}

async fn number(data: &Path, file: &str, query: &'static str) -> u64 {
    let options = SqliteConnectOptions::new()
        .filename(data.join(file))
        .read_only(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let number: i64 = sqlx::query_scalar(query).fetch_one(&pool).await.unwrap();
    pool.close().await;
    number.try_into().unwrap()
}

/// The documents that all four stores have, which must be the same.
pub(crate) async fn ids(library: &Library) -> BTreeSet<String> {
    assert_eq!(audit(library).await.unwrap().differences(), []);
    library.rows.entries().await.unwrap().into_keys().collect()
}

/// How many sagas the journal has in each state.
pub(crate) async fn sagas(runtime: &Runtime) -> BTreeMap<String, u64> {
    let counts = runtime.sagas().counts().await.unwrap();
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    counts
        .map(|(status, count)| (format!("{status:?}"), count))
        .collect()
}

/// How many sagas are in `status`.
pub(crate) async fn sagas_in(runtime: &Runtime, status: Status) -> u64 {
    let sagas = sagas(runtime).await;
    sagas.get(&format!("{status:?}")).copied().unwrap_or(0)
}

/// The open dead letters, and the document that each is about.
pub(crate) async fn letters(runtime: &Runtime) -> Vec<(DeadLetter, Document)> {
    let queue = runtime.dead_letters();
    let letters = queue.list(DeadLetterStatus::Open, None, 1_000).await;
    let subject = |letter: DeadLetter| {
        let document = Document::among(&letter.work.arguments).unwrap();
        (letter, document)
    };
    letters.unwrap().into_iter().map(subject).collect()
}
