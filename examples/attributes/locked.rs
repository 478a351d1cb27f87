//! `#[locked]`: four workers index the same document, one after the other.
//!
//! ```sh
//! cargo run --example locked
//! ```

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience::{Error, FencingToken, Runtime, fencing_token, locked};

/// One document at a time, and two documents beside each other. Whoever comes late waits.
#[locked(name = "documents", key = document, lease = 10s, wait = 5s)]
async fn index(library: &Library, document: u32) -> Result<Option<FencingToken>, IndexError> {
    library.write(document).await;
    Ok(fencing_token())
}

/// Within this process: no store is asked. Whoever comes while it runs is told so at once.
#[locked(local, wait = 0s)]
async fn compact(library: &Library) -> Result<(), IndexError> {
    library.write(0).await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    // In memory, for the example; `postgres://` and `redis://` lock over all machines.
    let runtime = Runtime::open("memory:").await?;
    let library = Arc::new(Library::default());

    let workers: Vec<_> = (0..4)
        .map(|_| {
            let library = Arc::clone(&library);
            tokio::spawn(async move { index(&library, 7).await })
        })
        .collect();
    let mut tokens = Vec::new();
    for worker in workers {
        tokens.extend(worker.await??);
    }
    // A token is greater than every earlier one of its lock: a resource that compares them refuses a
    // writer that was stopped and comes back.
    tokens.sort();
    println!("document 7: written under the tokens {tokens:?}");
    tokens.dedup();
    assert_eq!(tokens.len(), 4);
    assert_eq!(library.most_at_once.load(Ordering::Relaxed), 1);

    let (first, second) = tokio::join!(compact(&library), compact(&library));
    first?;
    if let Err(error) = &second {
        println!("the second one: {error}");
    }
    assert!(second.is_err());

    runtime.shutdown().await;
    Ok(())
}

#[derive(Debug)]
struct IndexError(Error);

impl From<Error> for IndexError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for IndexError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for IndexError {}

#[derive(Default)]
struct Library {
    writing: AtomicU32,
    most_at_once: AtomicU32,
}

impl Library {
    async fn write(&self, _document: u32) {
        let writing = self.writing.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_at_once.fetch_max(writing, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.writing.fetch_sub(1, Ordering::Relaxed);
    }
}
