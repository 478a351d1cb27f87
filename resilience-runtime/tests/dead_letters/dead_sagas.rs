//! Letters of sagas.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use resilience_runtime::BoxFuture;
use resilience_runtime::dlq::{
    DeadLetterError, DeadLetterKind, DeadLetterStatus, NewDeadLetter, Priority, RetryAs,
    RetryOutcome,
};
use resilience_runtime::error::Error;
use resilience_runtime::outcome::{Kept, Unkept as _, failures, function, kept, stored};
use resilience_runtime::registry::{JournaledCall, Place, SagaEntry, StateType, StepEntry};
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::{
    Advance, Event, Journal as _, NewSaga, Parking, SagaId, Status, StepOutcome, StepRecord,
};
use resilience_runtime::saga::{Saga, SagaStep};
use resilience_runtime::store::memory::MemoryStore;

use crate::on;

/// How often the saga and its compensation were run.
#[derive(Clone, Default)]
pub(crate) struct Counts(Arc<(AtomicU32, AtomicU32)>);

/// `#[saga] async fn greet(#[state] counts: &Counts) -> Result<String, Error>`
async fn greet(counts: &Counts) -> Result<String, Error> {
    static SAGA: Saga = Saga::named("greet");
    let function = function::<Result<String, Error>>("greet");
    let stored = stored::<Result<String, Error>>();
    let failures = failures::<Result<String, Error>>();
    let call = async move {
        if let Some(never) = function.never() {
            return never;
        }
        counts.0.0.fetch_add(1, Ordering::Relaxed);
        Ok("hello".to_owned())
    };
    let kept: Kept<Error> = kept::<Result<String, Error>>().found();
    let arguments = SAGA.arguments();
    let identity = SAGA.anonymous();
    let call = SAGA.run(arguments, identity, call, function, stored, failures, kept);
    call.await.into_result()
}

const PLACE: Place = Place {
    file: "greet.rs",
    line: 1,
};

const _: () = {
    fn resume(call: JournaledCall) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            let counts = call.state::<Counts>()?;
            let _answer = greet(&counts).await;
            Ok(())
        })
    }
    inventory::submit! {
        SagaEntry { saga: Saga::named("greet"), place: PLACE, states: &[StateType::of::<Counts>()], resume }
    }
    inventory::submit! {
        StepEntry {
            step: SagaStep::named("wave"),
            place: PLACE,
            states: &[StateType::of::<Counts>()],
            compensate: Some(|call| Box::pin(async move {
                let counts = call.state::<Counts>()?;
                counts.0.1.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })),
        }
    }
};

fn letter(kind: DeadLetterKind, operation: &str, position: Option<u32>) -> NewDeadLetter {
    NewDeadLetter {
        kind,
        operation: operation.to_owned(),
        dependency: None,
        priority: Priority::High,
        position,
        arguments: "{}".to_owned(),
        output: None,
        error: "it could not".to_owned(),
        attempts: 1,
    }
}

/// A saga of this name with one step, which is dead.
async fn dead(store: &MemoryStore, name: &str, step: &str, status: Status) -> SagaId {
    let id = SagaId::generate();
    let saga = NewSaga {
        id: id.clone(),
        given: false,
        name: name.to_owned(),
        version: 1,
        key: None,
        input: "{}".to_owned(),
        timeout: None,
        parent: None,
        nonce: uuid::Uuid::new_v4().as_u128(),
    };
    store.start(saga).await.unwrap();
    let step_record = StepRecord {
        position: 0,
        step: step.to_owned(),
        occurrence: 0,
        arguments: "{}".to_owned(),
        outcome: StepOutcome::Done,
        output: Some("null".to_owned()),
        compensation: Some("unwave".to_owned()),
        undone: false,
        written_at: None,
    };
    let dead_letter = match status {
        Status::Parked => letter(DeadLetterKind::Saga, name, None),
        _ => letter(DeadLetterKind::Compensation, step, Some(0)),
    };
    let is_parked = status == Status::Parked;
    let advance = Advance {
        // A parked one is to be run to its end, and asks for no step.
        steps: if is_parked && step.is_empty() {
            Vec::new()
        } else {
            vec![step_record]
        },
        status: Some(status),
        parking: is_parked.then_some(Parking::Stuck),
        error: Some("it could not".to_owned()),
        dead_letter: Some(dead_letter),
        ..Advance::default()
    };
    store.advance(id.clone(), 1, advance).await.unwrap();
    id
}

async fn open(store: &Arc<MemoryStore>, counts: &Counts) -> Runtime {
    on(Arc::clone(store), counts).open().await.unwrap()
}

async fn status(runtime: &Runtime, id: &SagaId) -> Status {
    runtime.sagas().get(id).await.unwrap().unwrap().status
}

#[tokio::test(start_paused = true)]
async fn a_parked_saga_goes_on_and_its_letter_is_settled_with_its_end() {
    let (store, counts) = (Arc::new(MemoryStore::new()), Counts::default());
    let id = dead(&store, "greet", "", Status::Parked).await;
    let runtime = open(&store, &counts).await;
    let letters = runtime.dead_letters();
    assert_eq!(
        letters.retry(1, "ada").await.unwrap(),
        RetryOutcome::Settled
    );
    assert_eq!(status(&runtime, &id).await, Status::Completed);
    assert_eq!(counts.0.0.load(Ordering::Relaxed), 1);
    let letter = letters.get(1).await.unwrap().unwrap();
    assert_eq!(letter.status, DeadLetterStatus::Settled);
    let audit = letters.audit(1).await.unwrap();
    assert_eq!(audit[0].operator, "ada");
}

/// It was parked, and could not be undone: its letter, which is about the saga, is still open.
#[tokio::test(start_paused = true)]
async fn what_a_retry_does_is_decided_by_the_saga_and_not_by_its_letter() {
    let (store, counts) = (Arc::new(MemoryStore::new()), Counts::default());
    let id = dead(&store, "greet", "wave", Status::Parked).await;
    let revived = store.revive(id.clone(), Event::Compensate, None).await;
    assert!(revived.unwrap().is_some());
    let failed = Advance {
        status: Some(Status::CompensationFailed),
        ..Advance::default()
    };
    store.advance(id.clone(), 2, failed).await.unwrap();
    let runtime = open(&store, &counts).await;
    let retried = runtime.dead_letters().retry(1, "ada").await.unwrap();
    assert_eq!(retried, RetryOutcome::Settled);
    assert_eq!(status(&runtime, &id).await, Status::Compensated);
    assert_eq!(counts.0.1.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_parked_saga_can_be_undone_instead() {
    let (store, counts) = (Arc::new(MemoryStore::new()), Counts::default());
    let id = dead(&store, "greet", "wave", Status::Parked).await;
    let runtime = open(&store, &counts).await;
    let letters = runtime.dead_letters();
    let undone = letters.retry_as(1, RetryAs::Compensation, "ada").await;
    assert_eq!(undone.unwrap(), RetryOutcome::Settled);
    assert_eq!(status(&runtime, &id).await, Status::Compensated);
    assert_eq!(counts.0.0.load(Ordering::Relaxed), 0);
    assert_eq!(counts.0.1.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_undone_is_undone() {
    let (store, counts) = (Arc::new(MemoryStore::new()), Counts::default());
    let id = dead(&store, "greet", "wave", Status::CompensationFailed).await;
    let runtime = open(&store, &counts).await;
    let letters = runtime.dead_letters();
    assert_eq!(
        letters.retry(1, "ada").await.unwrap(),
        RetryOutcome::Settled
    );
    assert_eq!(status(&runtime, &id).await, Status::Compensated);
    assert_eq!(counts.0.1.load(Ordering::Relaxed), 1);
    let letter = letters.get(1).await.unwrap().unwrap();
    assert_eq!(letter.status, DeadLetterStatus::Settled);
}

#[tokio::test(start_paused = true)]
async fn without_the_code_nothing_is_touched() {
    let (store, counts) = (Arc::new(MemoryStore::new()), Counts::default());
    dead(&store, "farewell", "", Status::Parked).await;
    dead(&store, "greet", "bow", Status::CompensationFailed).await;
    let runtime = open(&store, &counts).await;
    let letters = runtime.dead_letters();
    for (id, missing) in [(1, "saga `farewell`"), (2, "saga step `bow`")] {
        let error = letters.retry(id, "ada").await.unwrap_err();
        assert!(matches!(error, DeadLetterError::NoCode { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(missing) && text.contains("request_retry"),
            "{text}"
        );
        let letter = letters.get(id).await.unwrap().unwrap();
        assert_eq!(letter.status, DeadLetterStatus::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn an_inspecting_runtime_runs_no_saga_and_says_so() {
    let store = Arc::new(MemoryStore::new());
    dead(&store, "greet", "", Status::Parked).await;
    dead(&store, "greet", "wave", Status::CompensationFailed).await;
    let builder = Runtime::on_store(Arc::clone(&store)).without_recovery();
    let runtime = builder.open().await.unwrap();
    let letters = runtime.dead_letters();
    let error = letters.retry(1, "ada").await.unwrap_err();
    assert!(error.to_string().contains("without_recovery"), "{error}");
    let error = letters.retry(2, "ada").await.unwrap_err();
    assert!(error.to_string().contains("Counts"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn closing_the_last_letter_of_a_saga_resolves_it() {
    let store = Arc::new(MemoryStore::new());
    let id = dead(&store, "greet", "wave", Status::CompensationFailed).await;
    let runtime = open(&store, &Counts::default()).await;
    let letters = runtime.dead_letters();
    letters.resolve(1, "waved back", "ada").await.unwrap();
    assert_eq!(status(&runtime, &id).await, Status::Resolved);
    let saga = runtime.sagas().audit(&id).await.unwrap();
    assert_eq!(saga, letters.audit(1).await.unwrap());
    assert_eq!(saga[0].action, "resolve");
}
