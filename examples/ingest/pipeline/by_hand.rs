//! What the attributes do, by hand, until they are there.

use std::time::Duration;

use super::{
    Receipt, delete_row, forget, index_words, insert_row, link, remember, unindex, unlink,
};
use crate::document::Document;
use crate::error::IngestError;
use crate::library::Library;
use resilience_runtime::BoxFuture;

pub async fn ingest(library: &Library, document: Document) -> Result<Receipt, IngestError> {
    let mut begun = 0;
    let result = async {
        begun = 1;
        let row = patiently(|| Box::pin(insert_row(&library.rows, &document))).await?;
        begun = 2;
        let words = patiently(|| Box::pin(index_words(&library.index, &document))).await?;
        begun = 3;
        let links = patiently(|| Box::pin(link(&library.graph, &document))).await?;
        begun = 4;
        patiently(|| Box::pin(remember(&library.cache, &document))).await?;
        Ok(Receipt { row, words, links })
    }
    .await;
    if result.is_err() {
        undo(library, &document, begun).await?;
    }
    result
}

pub async fn retire(library: &Library, old: &Document) -> Result<(), IngestError> {
    undo(library, old, 4).await
}

async fn undo(library: &Library, document: &Document, begun: u32) -> Result<(), IngestError> {
    if begun >= 4 {
        patiently(|| Box::pin(forget(&library.cache, document, None))).await?;
    }
    if begun >= 3 {
        patiently(|| Box::pin(unlink(&library.graph, document, None))).await?;
    }
    if begun >= 2 {
        patiently(|| Box::pin(unindex(&library.index, document, None))).await?;
    }
    patiently(|| Box::pin(delete_row(&library.rows, document, None))).await
}

async fn patiently<'a, T>(
    call: impl Fn() -> BoxFuture<'a, Result<T, IngestError>>,
) -> Result<T, IngestError> {
    let mut pause = Duration::from_millis(50);
    for _ in 1..5 {
        match tokio::time::timeout(Duration::from_secs(1), call()).await {
            Ok(Err(IngestError::Store { .. })) | Err(_) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
            Ok(result) => return result,
        }
    }
    let last = tokio::time::timeout(Duration::from_secs(1), call()).await;
    last.unwrap_or_else(|_| {
        Err(IngestError::Store {
            store: "?",
            why: "did not answer".to_owned(),
        })
    })
}
