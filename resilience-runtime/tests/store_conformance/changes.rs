//! What workers hear of each other.

use resilience_runtime::dlq::{Queue, RetryAs};
use resilience_runtime::saga::journal::Journal;

use super::work::added;
use super::{Workers, came_to, dead, letter_of, operator, started};
use crate::fixture::AT_LAST;

/// Waits until `store` hears of a change.
async fn hears(store: &impl Journal) {
    tokio::time::timeout(AT_LAST, store.changed())
        .await
        .unwrap();
}

pub(crate) async fn a_worker_hears_of_one_that_leaves(fixture: impl Workers) {
    let (store, leaves) = (fixture.worker().await, fixture.worker().await);
    started(&leaves).await;
    let (_, ()) = tokio::join!(fixture.close(leaves), hears(&store));
}

pub(crate) async fn a_worker_hears_of_requests(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let saga = started(&store).await;
    let (cancel, ()) = tokio::join!(other.cancel(saga, operator()), hears(&store));
    assert!(cancel.unwrap().is_some());
    let saga = came_to(&store, dead(0)).await;
    for letter in [
        letter_of(&store, &saga).await.id,
        added(&store, "mail").await,
    ] {
        let request = other.request_retry(letter, RetryAs::Itself, operator());
        let (requested, ()) = tokio::join!(request, hears(&store));
        assert!(requested.unwrap());
    }
}

/// It looks for what it heard of, and asks again: what happened meanwhile is not lost.
pub(crate) async fn a_change_is_heard_of_by_who_asks_after_it(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    for _ in 0..3 {
        let saga = started(&store).await;
        let (cancel, ()) = tokio::join!(other.cancel(saga, operator()), hears(&store));
        assert!(cancel.unwrap().is_some());
        let saga = started(&store).await;
        assert!(other.cancel(saga, operator()).await.unwrap().is_some());
        hears(&store).await;
    }
}
