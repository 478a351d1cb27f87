//! What is asked for one after another, without waiting for the answers, happens in that order. Only for stores that
//! hand everything to one writer: where there are several connections nobody promises it.

use resilience_runtime::error::StoreError;
use resilience_runtime::saga::journal::{Advance, Journal, Status, Written};

use crate::fixture::Fixture;
use crate::sagas::{Store, started, status, step};

/// Asked for without waiting for the answers, so that they meet in one batch.
pub(crate) async fn what_is_asked_for_one_after_another_happens_in_order(
    fixture: impl Fixture<Store: Store>,
) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    let mut writes = Vec::new();
    for position in 0..20 {
        let write = Advance {
            steps: vec![step(position)],
            error: Some(format!("error {position}")),
            ..Advance::default()
        };
        writes.push(polled(store.advance(saga.clone(), 1, write)).await);
    }
    for write in writes {
        assert_eq!(write.await.unwrap().unwrap(), Written::Yes);
    }
    let record = store.load(saga).await.unwrap().unwrap();
    assert_eq!(record.steps.len(), 20);
    assert_eq!(record.error.as_deref(), Some("error 19"));
}

pub(crate) async fn a_dropped_future_does_not_undo_what_was_handed_over(
    fixture: impl Fixture<Store: Store>,
) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    for position in 0..100 {
        let write = Advance {
            steps: vec![step(position)],
            ..Advance::default()
        };
        drop(polled(store.advance(saga.clone(), 1, write)).await);
    }
    // Written after all of them.
    let end = store.advance(saga.clone(), 1, status(Status::Completed));
    assert_eq!(end.await.unwrap(), Written::Yes);
    let record = store.load(saga).await.unwrap().unwrap();
    assert_eq!(record.steps.len(), 100);
}

type Boxed<'a, T> = resilience_runtime::BoxFuture<'a, T>;

/// The future after its first poll; what it answered then is kept.
async fn polled<'a, T: Send + 'a>(
    mut future: Boxed<'a, Result<T, StoreError>>,
) -> Boxed<'a, Option<Result<T, StoreError>>> {
    match poll_once(&mut future).await {
        Some(answer) => Box::pin(async move { Some(answer) }),
        None => Box::pin(async move { Some(future.await) }),
    }
}

async fn poll_once<T>(future: &mut Boxed<'_, T>) -> Option<T> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => Some(answer),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
