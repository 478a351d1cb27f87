//! Work of the author's own that failed.

use resilience_runtime::dlq::{
    Closing, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterKind, DeadLetterStatus,
    NewDeadLetter, Queue, RetryAs,
};
use resilience_runtime::saga::journal::Advance;

use super::{Store, Workers, advance, came_to, dead, letter, letter_of, letters, operator};
use crate::fixture::at_once;

pub(crate) fn work(operation: &str) -> NewDeadLetter {
    NewDeadLetter {
        kind: DeadLetterKind::Work,
        operation: operation.to_owned(),
        position: None,
        output: None,
        attempts: 1,
        ..letter(0)
    }
}

/// As a caller makes it: a UUID.
pub(crate) fn nonce() -> String {
    resilience_runtime::saga::journal::SagaId::generate().to_string()
}

pub(crate) async fn added(store: &impl Store, operation: &str) -> DeadLetterId {
    let id = store.add(work(operation), nonce(), operator()).await;
    id.unwrap()
}

pub(crate) async fn requested(store: &impl Store, letter: DeadLetterId) -> bool {
    let requested = store.request_retry(letter, RetryAs::Itself, operator());
    requested.await.unwrap()
}

async fn read(store: &impl Store, letter: DeadLetterId) -> DeadLetter {
    store.get(letter).await.unwrap().unwrap()
}

fn operations() -> Vec<String> {
    vec!["other".to_owned(), "mail".to_owned()]
}

/// The works that `store` gets, up to `limit`.
async fn taken(store: &impl Store, limit: u32) -> Vec<DeadLetterId> {
    let taken = store.take_work(operations(), limit).await.unwrap();
    taken.iter().map(|letter| letter.id).collect()
}

pub(crate) async fn work_is_added_once_for_a_nonce(fixture: impl Workers) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let again = nonce();
    let ids = at_once(20, |number| {
        let even = number.is_multiple_of(2);
        let store = if even { &here } else { &there }.clone();
        let nonce = again.clone();
        async move { store.add(work("mail"), nonce, operator()).await }
    })
    .await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(here.audit(ids[0]).await.unwrap().len(), 1);
    let found = read(&there, ids[0]).await;
    assert_eq!((found.saga, found.saga_name), (None, None));
    assert_eq!(found.work, work("mail"));
    assert_eq!((found.status, found.note), (DeadLetterStatus::Open, None));
    // What became of it, and what it is about, changes nothing.
    let closed = Queue::close(&here, ids[0], Closing::Discard, operator()).await;
    assert!(closed.unwrap());
    let id = there.add(work("other"), again, operator()).await;
    assert_eq!(id.unwrap(), ids[0]);
    assert_ne!(added(&here, "mail").await, ids[0]);
    assert_eq!(letters(&here, DeadLetterFilter::default()).await.len(), 2);
}

pub(crate) async fn work_is_taken_when_a_retry_was_requested(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let mut ids = Vec::new();
    for operation in ["mail", "mail", "unknown", "other", "mail"] {
        ids.push(added(&store, operation).await);
    }
    assert!(taken(&store, 9).await.is_empty());
    for id in ids.iter().rev() {
        assert!(requested(&store, *id).await);
        // Asked for again while it is nobody's.
        assert!(requested(&other, *id).await);
    }
    assert!(taken(&store, 0).await.is_empty());
    assert!(store.take_work(Vec::new(), 9).await.unwrap().is_empty());
    assert_eq!(taken(&store, 2).await, [ids[0], ids[1]]);
    let rest = other.take_work(operations(), 9).await.unwrap();
    let found: Vec<_> = rest.iter().map(|letter| letter.id).collect();
    assert_eq!(found, [ids[3], ids[4]]);
    assert_eq!(rest[0].work, work("other"));
    for store in [&store, &other] {
        assert!(taken(store, 9).await.is_empty());
    }
    for id in &ids {
        let status = read(&store, *id).await.status;
        assert_eq!(status, DeadLetterStatus::Retrying);
    }
    // What is somebody's is not; what nobody has code for is.
    for (place, id) in ids.iter().enumerate() {
        assert_eq!(requested(&store, *id).await, place == 2);
    }
    assert!(taken(&other, 9).await.is_empty());
}

pub(crate) async fn what_a_worker_that_is_gone_had_can_be_closed_and_asked_for(
    fixture: impl Workers,
) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let (first, second) = (added(&store, "mail").await, added(&store, "mail").await);
    for id in [first, second] {
        assert!(requested(&store, id).await);
    }
    assert_eq!(taken(&crashes, 9).await, [first, second]);
    let discard = |id| Queue::close(&store, id, Closing::Discard, operator());
    assert!(!discard(first).await.unwrap());
    fixture.crash(crashes).await;
    assert!(discard(first).await.unwrap());
    assert!(requested(&store, second).await);
    assert_eq!(taken(&store, 9).await, [second]);
    assert!(store.end_work(second, None).await.unwrap());
}

pub(crate) async fn one_of_many_takes_a_work(fixture: impl Workers) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let mut expected = Vec::new();
    for _ in 0..10 {
        let id = added(&here, "mail").await;
        assert!(requested(&here, id).await);
        expected.push(id);
    }
    let taken = at_once(20, |number| {
        let even = number.is_multiple_of(2);
        let store = if even { &here } else { &there }.clone();
        async move { store.take_work(operations(), 3).await }
    })
    .await;
    let mut ids: Vec<_> = taken.iter().flatten().map(|letter| letter.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, expected);
}

pub(crate) async fn work_ends_settled_or_open_again(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let id = added(&store, "mail").await;
    // It is nobody's yet.
    assert!(!store.end_work(id, None).await.unwrap());
    assert!(requested(&store, id).await);
    assert!(!store.end_work(id, None).await.unwrap());
    for attempts in 2..4 {
        assert_eq!(taken(&store, 9).await, [id]);
        assert!(!other.end_work(id, None).await.unwrap());
        let error = format!("attempt {attempts}");
        let ended = store.end_work(id, Some(error.clone())).await;
        assert!(ended.unwrap());
        let open = read(&other, id).await;
        assert_eq!(open.status, DeadLetterStatus::Open);
        assert_eq!((open.work.attempts, &open.work.error), (attempts, &error));
        assert!(!store.end_work(id, None).await.unwrap());
        assert!(taken(&store, 9).await.is_empty());
        assert!(requested(&other, id).await);
    }
    assert_eq!(taken(&other, 9).await, [id]);
    assert!(!store.end_work(id, None).await.unwrap());
    assert!(other.end_work(id, None).await.unwrap());
    let settled = read(&store, id).await;
    assert_eq!(settled.status, DeadLetterStatus::Settled);
    assert_eq!(settled.work.attempts, 3);
    assert!(!other.end_work(id, None).await.unwrap());
    assert!(!requested(&store, id).await);
    assert!(!store.end_work(id + 9, None).await.unwrap());
}

pub(crate) async fn the_work_of_a_worker_that_is_gone_is_taken_again(fixture: impl Workers) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let leaves = fixture.worker().await;
    let (first, second) = (added(&store, "mail").await, added(&store, "mail").await);
    assert!(requested(&store, first).await);
    assert_eq!(taken(&crashes, 9).await, [first]);
    assert!(requested(&store, second).await);
    assert_eq!(taken(&leaves, 9).await, [second]);
    fixture.crash(crashes).await;
    assert_eq!(taken(&store, 9).await, [first]);
    fixture.close(leaves).await;
    assert_eq!(taken(&store, 9).await, [second]);
    for id in [first, second] {
        assert!(store.end_work(id, None).await.unwrap());
    }
}

pub(crate) async fn work_is_closed_without_a_saga(fixture: impl Workers) {
    let store = fixture.worker().await;
    let (first, second) = (added(&store, "mail").await, added(&store, "mail").await);
    let note = Closing::Resolve("sent by hand".to_owned());
    for (id, closing, status, note) in [
        (
            first,
            note,
            DeadLetterStatus::Resolved,
            Some("sent by hand"),
        ),
        (second, Closing::Discard, DeadLetterStatus::Discarded, None),
    ] {
        let closed = Queue::close(&store, id, closing.clone(), operator()).await;
        assert!(closed.unwrap());
        let found = read(&store, id).await;
        assert_eq!((found.status, found.note.as_deref()), (status, note));
        let closed = Queue::close(&store, id, closing, operator()).await;
        assert!(!closed.unwrap());
        assert!(!requested(&store, id).await);
    }
    // One that somebody works on is not closed, one that nobody has taken up is.
    for (is_taken, expected) in [(true, false), (false, true)] {
        let id = added(&store, "mail").await;
        assert!(requested(&store, id).await);
        if is_taken {
            assert_eq!(taken(&store, 9).await, [id]);
        }
        let closed = Queue::close(&store, id, Closing::Discard, operator()).await;
        assert_eq!(closed.unwrap(), expected);
    }
    assert!(taken(&store, 9).await.is_empty());
}

pub(crate) async fn attempts_are_counted_as_far_as_a_number_goes(fixture: impl Workers) {
    let store = fixture.worker().await;
    let often = NewDeadLetter {
        attempts: u32::MAX,
        ..work("mail")
    };
    let id = store.add(often.clone(), nonce(), operator()).await.unwrap();
    assert!(requested(&store, id).await);
    assert_eq!(taken(&store, 9).await, [id]);
    assert!(store.end_work(id, Some("no".to_owned())).await.unwrap());
    assert_eq!(read(&store, id).await.work.attempts, u32::MAX);
    let saga = came_to(&store, dead(0)).await;
    for _ in 0..2 {
        let again = NewDeadLetter {
            attempts: u32::MAX,
            ..letter(0)
        };
        let again = Advance {
            dead_letter: Some(again),
            ..Advance::default()
        };
        advance(&store, &saga, again).await;
        assert_eq!(letter_of(&store, &saga).await.work.attempts, u32::MAX);
    }
}
