//! Sagas and dead letters behind a connection pooler, where values are part of the text of each statement.

use std::time::Duration;

use resilience_runtime::dlq::{
    Closing, DeadLetterFilter, DeadLetterKind, DeadLetterStatus, NewDeadLetter, Priority, Queue,
    RetryAs,
};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, CancelOutcome, Event, Journal, NewSaga, SagaFilter, SagaId, SagaVersion, Started,
    Status, StepOutcome, StepRecord, Written,
};
use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::timestamp::Timestamp;
use tokio::task::JoinSet;

use super::database;
use super::fixture::Fixture as _;
use super::pooler::Pooled;

fn new_saga() -> NewSaga {
    NewSaga {
        id: SagaId::generate(),
        given: false,
        name: "check'out".to_owned(),
        version: 2,
        key: None,
        input: r#"{"$1":"'"}"#.to_owned(),
        timeout: Some(Duration::from_secs(60)),
        parent: None,
        nonce: uuid::Uuid::new_v4().as_u128(),
    }
}

fn step() -> StepRecord {
    StepRecord {
        position: 0,
        step: "reserve".to_owned(),
        occurrence: 0,
        arguments: r#"{"n":"$2"}"#.to_owned(),
        outcome: StepOutcome::Done,
        output: Some("1".to_owned()),
        compensation: Some("release".to_owned()),
        undone: false,
        written_at: None,
    }
}

fn letter(kind: DeadLetterKind) -> NewDeadLetter {
    NewDeadLetter {
        kind,
        operation: "reserve".to_owned(),
        dependency: None,
        priority: Priority::Critical,
        position: (kind == DeadLetterKind::Compensation).then_some(0),
        arguments: r#"{"n":"$2"}"#.to_owned(),
        output: None,
        error: "it's full".to_owned(),
        attempts: 1,
    }
}

fn known() -> Vec<SagaVersion> {
    vec![SagaVersion {
        name: "check'out".to_owned(),
        version: 2,
    }]
}

fn anna() -> Operator {
    Operator::named("anna").because("it's back")
}

/// A saga that could not be undone.
async fn dies(store: PostgresStore) -> SagaId {
    let saga = new_saga();
    let id = saga.id.clone();
    assert!(matches!(store.start(saga).await.unwrap(), Started::New(_)));
    for write in [
        Advance {
            steps: vec![step()],
            ..Advance::default()
        },
        Advance {
            status: Some(Status::Compensating),
            error: Some("full".to_owned()),
            ..Advance::default()
        },
        Advance {
            status: Some(Status::CompensationFailed),
            dead_letter: Some(letter(DeadLetterKind::Compensation)),
            ..Advance::default()
        },
    ] {
        let written = store.advance(id.clone(), 1, write).await;
        assert_eq!(written.unwrap(), Written::YES);
    }
    id
}

#[tokio::test]
async fn sagas_and_letters_are_kept_behind_a_pooler() {
    let Some(url) = database() else { return };
    let pooled = Pooled::new(&url);
    let store = pooled.worker().await;
    let lives: JoinSet<_> = (0..16).map(|_| dies(store.clone())).collect();
    let ids = lives.join_all().await;
    for id in &ids {
        let record = store.load(id.clone()).await.unwrap().unwrap();
        assert_eq!(
            (record.status, record.version),
            (Status::CompensationFailed, 2)
        );
        assert_eq!(record.steps[0].arguments, step().arguments);
        assert!(record.deadline.is_some());
    }
    let all = Journal::list(&store, SagaFilter::default(), None, 99).await;
    assert_eq!(all.unwrap().len(), 16);
    assert_eq!(Journal::statistics(&store).await.unwrap().len(), 1);
    let letters = Queue::list(&store, DeadLetterFilter::default(), None, 99).await;
    let letters = letters.unwrap();
    assert_eq!(letters.len(), 16);
    assert_eq!(letters[0].work, letter(DeadLetterKind::Compensation));

    let first = letters[0].id;
    let retried = store
        .request_retry(first, RetryAs::Compensation, anna())
        .await;
    assert!(retried.unwrap());
    assert_eq!(store.take_over(known(), 9).await.unwrap().len(), 1);
    let closed = Queue::close(
        &store,
        letters[1].id,
        Closing::Resolve("by hand".to_owned()),
        anna(),
    );
    assert!(closed.await.unwrap());
    let saga = letters[2].saga.clone().unwrap();
    let revived = store.revive(saga.clone(), Event::Compensate, Some(anna()));
    assert_eq!(revived.await.unwrap().unwrap().epoch, 2);
    assert_eq!(
        store.audit_of_saga(saga).await.unwrap()[0]
            .reason
            .as_deref(),
        Some("it's back")
    );

    let cancelled = new_saga();
    store.start(cancelled.clone()).await.unwrap();
    let asked = store.cancel(cancelled.id.clone(), anna()).await;
    assert_eq!(asked.unwrap(), Some(CancelOutcome::Requested));
    assert_eq!(store.cancelled().await.unwrap(), [cancelled.id]);
    let parked = store
        .take_parked(known(), Timestamp::of_this_machine(), 9)
        .await;
    assert!(parked.unwrap().is_empty());
    assert!(store.orphaned(Vec::new()).await.unwrap().is_empty());

    let added = store
        .add(letter(DeadLetterKind::Work), "n".to_owned(), anna())
        .await
        .unwrap();
    assert!(
        store
            .request_retry(added, RetryAs::Itself, anna())
            .await
            .unwrap()
    );
    let works = store
        .take_work(vec!["reserve".to_owned()], 9)
        .await
        .unwrap();
    assert_eq!(works[0].id, added);
    assert!(store.end_work(added, None).await.unwrap());
    assert_eq!(store.unresolved().await.unwrap(), 15);
    let counts = Queue::statistics(&store).await.unwrap().counts;
    assert!(
        counts.contains(&(DeadLetterStatus::Settled, 1)),
        "{counts:?}"
    );
    assert_eq!(store.purge_letters(Duration::ZERO, 9).await.unwrap(), 1);
    assert_eq!(store.purge(Duration::ZERO, 9).await.unwrap(), 1);
    // Nobody can be woken.
    let changed = tokio::time::timeout(Duration::from_millis(100), store.changed());
    assert!(changed.await.is_err());
}
