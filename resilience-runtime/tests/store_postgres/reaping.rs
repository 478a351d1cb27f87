//! What is over is deleted in the background.

use std::time::{Duration, Instant};

use super::fixture::AT_LAST;
use super::records::Caller;
use super::wire::{acquire, lock};
use super::{database, execute, open, shell};

#[tokio::test]
async fn what_is_over_is_deleted_and_the_rest_stays() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    for key in 0..50 {
        let caller = Caller::of(key);
        caller.granted(&store).await;
        caller.completes(&store, "1").await;
    }
    assert!(acquire(&store, lock(1)).await);
    execute(
        &url,
        "UPDATE resilience_idempotency_records SET expires_at = now() - interval '2 minutes';
         UPDATE resilience_locks SET lease_until = now() - interval '2 hours'",
    )
    .await;
    for key in 100..120 {
        Caller::of(key).granted(&store).await;
    }
    let mut shell = shell(&url).await;
    let began = Instant::now();
    loop {
        let rows: (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM resilience_idempotency_records),
                    (SELECT count(*) FROM resilience_locks)",
        )
        .fetch_one(&mut shell)
        .await
        .unwrap();
        if rows == (20, 0) {
            break;
        }
        assert!(began.elapsed() < AT_LAST, "{rows:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
