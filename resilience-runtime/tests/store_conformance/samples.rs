//! Sagas, steps and letters as most tests want them, and how they are written and read.

use std::time::Duration;

use resilience_runtime::dlq::{
    DeadLetter, DeadLetterFilter, DeadLetterKind, NewDeadLetter, Priority, Queue,
};
use resilience_runtime::idempotency::{Digest, SagaKey};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, NewSaga, Parking, SagaId, SagaRecord, SagaVersion, Started, Status, StepOutcome,
    StepRecord, Written,
};

use super::Store;

/// A saga whose key is kept for an hour.
pub(crate) fn new_saga(key: Option<Digest>) -> NewSaga {
    NewSaga {
        id: SagaId::generate(),
        given: false,
        name: "checkout".to_owned(),
        version: 1,
        key: key.map(|digest| SagaKey {
            digest,
            ttl: Duration::from_secs(3600),
        }),
        input: r#"{"order":1}"#.to_owned(),
        timeout: None,
        parent: None,
        nonce: uuid::Uuid::new_v4().as_u128(),
    }
}

pub(crate) fn named(name: &str) -> NewSaga {
    NewSaga {
        name: name.to_owned(),
        ..new_saga(None)
    }
}

/// Whom most tests ask as.
pub(crate) fn known() -> Vec<SagaVersion> {
    vec![known_as("other", 1), known_as("checkout", 1)]
}

pub(crate) fn known_as(name: &str, version: u32) -> SagaVersion {
    let name = name.to_owned();
    SagaVersion { name, version }
}

pub(crate) fn step(position: u32) -> StepRecord {
    StepRecord {
        position,
        step: format!("step-{position}"),
        occurrence: 0,
        arguments: r#"{"n":1}"#.to_owned(),
        outcome: StepOutcome::Done,
        output: Some("null".to_owned()),
        compensation: Some("stock::release".to_owned()),
        undone: false,
        written_at: None,
    }
}

/// Steps as they were handed over: without the moment in which they were written.
pub(crate) fn handed_over(steps: &[StepRecord]) -> Vec<StepRecord> {
    let steps = steps.iter().map(|step| {
        assert!(step.written_at.is_some(), "{step:?}");
        StepRecord {
            written_at: None,
            ..step.clone()
        }
    });
    steps.collect()
}

/// About a step that could not be undone.
pub(crate) fn letter(position: u32) -> NewDeadLetter {
    NewDeadLetter {
        kind: DeadLetterKind::Compensation,
        operation: format!("step-{position}"),
        dependency: Some("warehouse".to_owned()),
        priority: Priority::High,
        position: Some(position),
        arguments: "{}".to_owned(),
        output: Some("1".to_owned()),
        error: "the warehouse does not answer".to_owned(),
        attempts: 3,
    }
}

pub(crate) fn steps(steps: impl IntoIterator<Item = StepRecord>) -> Advance {
    Advance {
        steps: steps.into_iter().collect(),
        ..Advance::default()
    }
}

pub(crate) fn status(status: Status) -> Advance {
    Advance {
        status: Some(status),
        ..Advance::default()
    }
}

/// A step could not be undone.
pub(crate) fn dead(position: u32) -> Advance {
    Advance {
        dead_letter: Some(letter(position)),
        error: Some("no stock".to_owned()),
        ..status(Status::CompensationFailed)
    }
}

pub(crate) fn parked(parking: Parking) -> Advance {
    Advance {
        parking: Some(parking),
        dead_letter: Some(NewDeadLetter {
            kind: DeadLetterKind::Saga,
            operation: "checkout".to_owned(),
            position: None,
            output: None,
            ..letter(0)
        }),
        error: Some("it cannot go on".to_owned()),
        ..status(Status::Parked)
    }
}

pub(crate) fn operator() -> Operator {
    Operator::named("ada").because("the warehouse is back")
}

/// Starts `saga`, which is new.
pub(crate) async fn begun(store: &impl Store, saga: NewSaga) -> SagaId {
    let id = saga.id.clone();
    let started = store.start(saga).await.unwrap();
    assert!(matches!(started, Started::New(_)), "{started:?}");
    id
}

/// Starts a saga without a key.
pub(crate) async fn started(store: &impl Store) -> SagaId {
    begun(store, new_saga(None)).await
}

/// Writes under the first epoch, and expects it to be written.
#[track_caller]
pub(crate) fn advance(
    store: &impl Store,
    saga: &SagaId,
    advance: Advance,
) -> impl Future<Output = ()> {
    advance_under(store, saga, 1, advance)
}

/// Writes under `epoch`, and expects it to be written, of a saga that nobody wants to cancel.
#[track_caller]
pub(crate) fn advance_under(
    store: &impl Store,
    saga: &SagaId,
    epoch: i64,
    advance: Advance,
) -> impl Future<Output = ()> {
    let at = std::panic::Location::caller();
    async move {
        let written = store.advance(saga.clone(), epoch, advance).await;
        assert_eq!(written.unwrap(), Written::YES, "{at}");
    }
}

/// A saga that came to `end` as its first write.
pub(crate) async fn came_to(store: &impl Store, end: Advance) -> SagaId {
    let saga = started(store).await;
    advance(store, &saga, end).await;
    saga
}

pub(crate) async fn loaded(store: &impl Store, saga: &SagaId) -> SagaRecord {
    store.load(saga.clone()).await.unwrap().unwrap()
}

/// The letters that pass, of which there are few.
pub(crate) async fn letters(store: &impl Store, filter: DeadLetterFilter) -> Vec<DeadLetter> {
    Queue::list(store, filter, None, 1_000).await.unwrap()
}

pub(crate) async fn letters_of(store: &impl Store, saga: &SagaId) -> Vec<DeadLetter> {
    let filter = DeadLetterFilter {
        saga: Some(saga.clone()),
        ..DeadLetterFilter::default()
    };
    letters(store, filter).await
}

/// The one letter of `saga`.
#[track_caller]
pub(crate) fn letter_of(store: &impl Store, saga: &SagaId) -> impl Future<Output = DeadLetter> {
    let at = std::panic::Location::caller();
    async move {
        let mut letters = letters_of(store, saga).await;
        assert_eq!(letters.len(), 1, "{at}: {letters:?}");
        letters.remove(0)
    }
}
