//! `#[bulkhead]`: twenty people want a report at the same time, and the database bears three.
//!
//! ```sh
//! cargo run --example bulkhead
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience::{Effect, Error, bulkhead};
use tokio::time::sleep;

/// Three run, five wait, the others are told at once.
#[bulkhead(name = "reports", max_concurrent = 3, max_queue = 5, max_wait = 5s)]
async fn report(database: Arc<Database>, number: u32) -> Result<u32, ReportError> {
    database.aggregate(number).await
}

#[tokio::main]
async fn main() {
    let database = Arc::new(Database::default());

    let requests: Vec<_> = (0..20)
        .map(|number| tokio::spawn(report(Arc::clone(&database), number)))
        .collect();
    let (mut reports, mut refused) = (0, 0);
    for request in requests {
        match request.await {
            Ok(Ok(_)) => reports += 1,
            Ok(Err(ReportError(error))) => {
                if refused == 0 {
                    println!("{error}");
                }
                // Nothing was started: the caller may come back whenever it likes.
                assert_eq!(error.effect(), Effect::DidNotRun);
                refused += 1;
            }
            Err(error) => println!("{error}"),
        }
    }
    let most = database.most.load(Ordering::Relaxed);
    println!("{reports} reports, {refused} refused, at most {most} at a time");
    assert_eq!((reports, refused), (8, 12));
    assert_eq!(most, 3);

    // A caller that goes away gives its place back.
    let impatient =
        tokio::time::timeout(Duration::from_millis(1), report(Arc::clone(&database), 20));
    assert!(impatient.await.is_err());
    assert!(report(Arc::clone(&database), 21).await.is_ok());
}

#[derive(Debug)]
struct ReportError(Error);

impl From<Error> for ReportError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

#[derive(Default)]
struct Database {
    running: AtomicU32,
    most: AtomicU32,
}

impl Database {
    async fn aggregate(&self, number: u32) -> Result<u32, ReportError> {
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(running, Ordering::Relaxed);
        // Long enough that all twenty have come before the first is done.
        sleep(Duration::from_millis(250)).await;
        self.running.fetch_sub(1, Ordering::Relaxed);
        Ok(number)
    }
}
