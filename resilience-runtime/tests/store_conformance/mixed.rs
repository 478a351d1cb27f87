//! Many things at once, and futures that are dropped.

use resilience_runtime::dlq::{DeadLetterStatus, Queue};
use resilience_runtime::error::StoreError;
use resilience_runtime::idempotency::store::{Claim, IdempotencyStore, Release};
use resilience_runtime::saga::journal::{Advance, Journal, Started, Status, Written};

use super::{Store, Workers, dead, loaded, new_saga, started, status, step};
use crate::fixture::{Fixture, at_once, digest};
use crate::records::Caller;

/// 1,000 operations: 250 sagas of which half die, 250 keys of which half are completed.
pub(crate) async fn a_thousand_operations_at_once_all_happen(
    fixture: impl Workers<Store: IdempotencyStore>,
) {
    let stores = [fixture.worker().await, fixture.worker().await];
    let store = |number: u32| stores[usize::from(number.is_multiple_of(2))].clone();
    let sagas = at_once(250, |number| saga(store(number), number));
    let keys = at_once(250, |number| key(store(number), number));
    let (sagas, keys) = tokio::join!(sagas, keys);
    assert_eq!((sagas.len(), keys.len()), (250, 250));

    let statistics = Journal::statistics(&stores[0]).await.unwrap();
    let [checkout] = &statistics[..] else {
        panic!("{statistics:?}");
    };
    let mut counts = checkout.counts.clone();
    counts.sort();
    let expected = [(Status::Completed, 125), (Status::CompensationFailed, 125)];
    assert_eq!(counts, expected);
    let letters = Queue::statistics(&stores[0]).await.unwrap();
    assert_eq!(letters.counts, [(DeadLetterStatus::Open, 125)]);
    assert_eq!(stores[1].unresolved().await.unwrap(), 125);
    let claims = at_once(250, |number| {
        let store = store(number);
        async move { Ok(Caller::of(number).claims(&store).await) }
    })
    .await;
    for (number, claim) in (0_u32..).zip(claims) {
        match claim {
            Claim::Completed(record) if number.is_multiple_of(2) => {
                assert_eq!(*record.content, number.to_string());
            }
            Claim::Granted(grant) => assert_eq!((grant.attempt, number % 2), (2, 1)),
            _ => panic!("{number}"),
        }
    }
}

async fn saga(store: impl Store, number: u32) -> Result<(), StoreError> {
    let saga = new_saga(Some(digest(number)));
    let id = saga.id.clone();
    assert!(matches!(store.start(saga).await?, Started::New(_)));
    let end = if number.is_multiple_of(2) {
        dead(0)
    } else {
        status(Status::Completed)
    };
    assert_eq!(store.advance(id, 1, end).await?, Written::YES);
    Ok(())
}

async fn key(store: impl IdempotencyStore, number: u32) -> Result<(), StoreError> {
    let caller = Caller::of(number);
    assert_eq!(caller.granted(&store).await.attempt, 1);
    if number.is_multiple_of(2) {
        caller.completes(&store, &number.to_string()).await;
    } else {
        caller.releases(&store, Release::Failed).await;
    }
    Ok(())
}

/// Asked for without waiting for the answers, so that they meet in one batch.
pub(crate) async fn claims_happen_in_the_order_in_which_they_are_asked_for(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let store = fixture.worker().await;
    let caller = Caller::of(1);
    let mut claims = Vec::new();
    for _ in 0..20 {
        let caller = caller.another();
        claims.push(polled(store.claim(caller.question())).await);
        let release = store.release(caller.key(), caller.nonce(), Release::Failed);
        drop(polled(release).await);
    }
    for (attempt, claim) in (1..).zip(claims) {
        match claim.await.unwrap().unwrap() {
            Claim::Granted(grant) => assert_eq!(grant.attempt, attempt),
            _ => panic!("{attempt}"),
        }
    }
}

/// Asked for without waiting for the answers, so that they meet in one batch.
pub(crate) async fn writes_to_a_saga_happen_in_the_order_in_which_they_are_asked_for(
    fixture: impl Workers,
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
        assert_eq!(write.await.unwrap().unwrap(), Written::YES);
    }
    let record = loaded(&store, &saga).await;
    assert_eq!(record.steps.len(), 20);
    assert_eq!(record.error.as_deref(), Some("error 19"));
}

pub(crate) async fn a_dropped_future_does_not_undo_what_was_handed_over(fixture: impl Workers) {
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
    assert_eq!(end.await.unwrap(), Written::YES);
    let record = loaded(&store, &saga).await;
    assert_eq!(record.steps.len(), 100);
}

pub(crate) async fn a_dropped_read_leaves_the_store_usable(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    for polls in 0..50 {
        let mut read = store.load(saga.clone());
        for _ in 0..polls % 7 {
            if poll_once(&mut read).await.is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    let write = store.advance(saga.clone(), 1, status(Status::Completed));
    assert_eq!(write.await.unwrap(), Written::YES);
    for _ in 0..8 {
        let record = store.load(saga.clone()).await.unwrap().unwrap();
        assert_eq!(record.status, Status::Completed);
    }
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
