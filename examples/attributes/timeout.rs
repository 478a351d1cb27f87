//! `#[timeout]`: a search that answers in time, with what it has by then.
//!
//! ```sh
//! cargo run --example timeout
//! ```

use std::time::Duration;

use resilience::{Effect, Error, deadline, timeout};
use tokio::time::{Instant, sleep};

/// Asks the shards one after the other, for as long as there is time. It sees until when that is,
/// from its own timeout or an earlier one around it.
#[timeout(5s)]
async fn search(words: &str) -> Result<Found, SearchError> {
    let mut found = Found::default();
    for shard in SHARDS {
        let left = deadline().map_or(Duration::MAX, |at| at - Instant::now());
        if left < shard.mostly_takes {
            println!("  {}: left out, only {left:.0?} are left", shard.name);
            found.is_complete = false;
            break;
        }
        found.documents += shard.search(words).await;
        println!("  {}: asked", shard.name);
    }
    Ok(found)
}

/// A caller that is in a hurry. Nothing is handed on: the search sees it.
#[timeout(300ms)]
async fn suggest(words: &str) -> Result<Found, SearchError> {
    search(words).await
}

/// A dependency that never answers.
#[timeout(50ms)]
async fn index(_document: &str) -> Result<(), SearchError> {
    std::future::pending().await
}

#[tokio::main]
async fn main() {
    println!("search:");
    let all = search("circuit breaker").await;
    assert!(matches!(
        all,
        Ok(Found {
            documents: 6,
            is_complete: true
        })
    ));

    println!("suggest:");
    let some = suggest("circuit breaker").await;
    assert!(matches!(
        some,
        Ok(Found {
            documents: 4,
            is_complete: false
        })
    ));

    let Err(SearchError(error)) = index("a document").await else {
        unreachable!("nobody answers");
    };
    println!("index: {error}");
    assert!(matches!(error, Error::TimedOut { .. }));
    // It was cut off. Whether the document is in the index, nobody knows.
    assert_eq!(error.effect(), Effect::MayHaveRun);
}

#[derive(Debug)]
struct Found {
    documents: usize,
    is_complete: bool,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            documents: 0,
            is_complete: true,
        }
    }
}

#[derive(Debug)]
struct SearchError(Error);

impl From<Error> for SearchError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

struct Shard {
    name: &'static str,
    mostly_takes: Duration,
}

const SHARDS: [Shard; 3] = [
    Shard {
        name: "this year",
        mostly_takes: Duration::from_millis(5),
    },
    Shard {
        name: "last year",
        mostly_takes: Duration::from_millis(5),
    },
    Shard {
        name: "the archive",
        mostly_takes: Duration::from_millis(400),
    },
];

impl Shard {
    async fn search(&self, _words: &str) -> usize {
        sleep(self.mostly_takes).await;
        2
    }
}
