//! `#[rate_limit]`: every tenant has a plan, and the mail server takes one message at a time.
//!
//! ```sh
//! cargo run --example rate_limit
//! ```

use resilience::{Error, rate_limit};
use tokio::time::Instant;

/// Five searches an hour for each tenant, whatever the others do.
#[rate_limit(name = "plan", rate = 5, per = 1h, key = tenant, max_keys = 10_000)]
async fn search(tenant: &str, words: &str) -> Result<usize, ApiError> {
    let found = words.len() + tenant.len();
    Ok(found)
}

/// Fifty a second, evenly: a message waits for its turn, and nobody waits longer than a second.
#[rate_limit(rate = 50, per = 1s, burst = 1, max_wait = 1s)]
async fn mail(recipient: &str) -> Result<(), ApiError> {
    println!("  to {recipient}");
    Ok(())
}

#[tokio::main]
async fn main() {
    // One tenant uses its plan up.
    let (mut answered, mut refused) = (0, 0);
    for _ in 0..8 {
        match search("acme", "bulkhead").await {
            Ok(_) => answered += 1,
            Err(ApiError(error)) => {
                if refused == 0 {
                    println!("acme: {error}");
                }
                // What an HTTP server would put into `Retry-After`.
                assert!(error.retry_after().is_some());
                refused += 1;
            }
        }
    }
    println!("acme: {answered} searches, {refused} refused");
    assert_eq!((answered, refused), (5, 3));

    // Another one does not notice.
    assert!(search("initech", "bulkhead").await.is_ok());

    // Ten messages, at 20 ms from one to the next.
    let begin = Instant::now();
    println!("mail:");
    for number in 0..10 {
        let sent = mail(&format!("customer {number}")).await;
        assert!(sent.is_ok());
    }
    let time = begin.elapsed();
    println!("mail: ten messages in {time:.0?}");
    assert!(time.as_millis() >= 170, "nine pauses of 20 ms: {time:?}");
}

#[derive(Debug)]
struct ApiError(Error);

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}
