//! Parking a saga by SQL.

use resilience_runtime::dlq::{DeadLetter, DeadLetterKind, DeadLetterStatus, Queue};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, Event, Journal, Park, ParkOutcome, Parking, SagaId, Status, StepOutcome, StepRecord,
    Written,
};
use resilience_runtime::store::postgres::PostgresStore;

use super::{asked, database, dead, execute, known, load, open, shell, started, step, write_to};

const PARK: &str =
    "SELECT resilience_saga_park((SELECT id FROM resilience_sagas), 'anna', 'v1 was retired')";

async fn letters(store: &PostgresStore) -> Vec<DeadLetter> {
    let all = Queue::list(store, Default::default(), None, 9);
    all.await.unwrap()
}

/// A saga that somebody has left after this write.
async fn left(url: &str, advance: Advance) -> SagaId {
    let store = open(url).await;
    let saga = started(&store).await;
    assert_eq!(write_to(&store, &saga, 1, advance).await, Written::YES);
    store.close().await;
    saga
}

fn undoing(steps: Vec<StepRecord>) -> Advance {
    Advance {
        steps,
        status: Some(Status::Compensating),
        error: Some("no stock".to_owned()),
        ..Advance::default()
    }
}

#[tokio::test]
async fn a_saga_that_nobody_has_is_parked_as_the_store_does_it() {
    let Some(url) = database() else { return };
    let steps = Advance {
        steps: vec![step(0)],
        ..Advance::default()
    };
    let saga = left(&url, steps).await;
    let store = open(&url).await;
    assert_eq!(asked(&url, PARK).await, "done");
    assert_eq!(asked(&url, PARK).await, "parked");
    let record = load(&store, &saga).await;
    let found = (record.status, record.parking, record.epoch);
    assert_eq!(found, (Status::Parked, Some(Parking::Operator), 2));
    assert_eq!(
        record.error.as_deref(),
        Some("parked by anna (v1 was retired)")
    );
    let letter = letters(&store).await.remove(0);
    assert_eq!(letter.work.kind, DeadLetterKind::Saga);
    assert_eq!(
        (&*letter.work.operation, letter.work.position),
        ("checkout", None)
    );
    assert_eq!(letter.work.arguments, record.input);
    assert_eq!(Some(letter.work.error), record.error);
    let audit = store.audit_of_saga(saga).await.unwrap();
    let said = (
        &*audit[0].operator,
        &*audit[0].action,
        audit[0].reason.as_deref(),
    );
    assert_eq!(said, ("anna", "park", Some("v1 was retired")));
    let retry = "SELECT resilience_dead_letter_retry(1, 'anna', 'it is back')::text";
    assert_eq!(asked(&url, retry).await, "true");
    let taken = store.take_over(known(), 9).await.unwrap();
    assert_eq!((taken.len(), taken[0].status), (1, Status::Running));
}

#[tokio::test]
async fn one_that_was_being_undone_waits_for_its_next_step() {
    let Some(url) = database() else { return };
    let long = serde_json::json!("long ".repeat(2 << 20)).to_string();
    let steps = [
        step(0),
        StepRecord {
            output: Some(long.clone()),
            ..step(1)
        },
        StepRecord {
            compensation: None,
            ..step(2)
        },
        StepRecord {
            outcome: StepOutcome::Failed,
            ..step(3)
        },
        StepRecord {
            undone: true,
            ..step(4)
        },
    ];
    let saga = left(&url, undoing(steps.to_vec())).await;
    assert_eq!(asked(&url, PARK).await, "done");
    let store = open(&url).await;
    let record = load(&store, &saga).await;
    assert_eq!(record.status, Status::CompensationFailed);
    assert_eq!(record.error.as_deref(), Some("no stock"));
    let letter = letters(&store).await.remove(0);
    assert_eq!(letter.work.kind, DeadLetterKind::Compensation);
    assert_eq!(
        (&*letter.work.operation, letter.work.position),
        ("step-1", Some(1))
    );
    let output = letter.work.output.unwrap();
    assert!(output.len() < 65_536);
    let output: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(output["bytes"], long.len());
    assert!(long.starts_with(output["cut"].as_str().unwrap()));

    // One that has a letter keeps it.
    let revived = store.revive(saga.clone(), Event::Compensate, None).await;
    assert!(revived.unwrap().is_some());
    store.close().await;
    assert_eq!(asked(&url, PARK).await, "done");
    let store = open(&url).await;
    let letters = letters(&store).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].status, DeadLetterStatus::Open);
    assert_eq!(load(&store, &saga).await.epoch, 4);
}

#[tokio::test]
async fn one_with_nothing_left_to_undo_has_a_letter_all_the_same() {
    let Some(url) = database() else { return };
    let saga = left(&url, undoing(Vec::new())).await;
    assert_eq!(asked(&url, PARK).await, "done");
    let store = open(&url).await;
    let letter = letters(&store).await.remove(0);
    assert_eq!(letter.work.kind, DeadLetterKind::Saga);
    assert_eq!(load(&store, &saga).await.status, Status::CompensationFailed);
}

#[tokio::test]
async fn what_somebody_has_or_is_over_is_left_alone() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    assert_eq!(asked(&url, PARK).await, "NULL");
    let saga = started(&store).await;
    assert_eq!(asked(&url, PARK).await, "owned");
    // It may only be late: nobody has declared it dead.
    execute(
        &url,
        "UPDATE resilience_workers SET lease_end = clock_timestamp() - interval '30 seconds'",
    )
    .await;
    assert_eq!(asked(&url, PARK).await, "owned");
    let unsaid = "SELECT resilience_saga_park((SELECT id FROM resilience_sagas), NULL, NULL)";
    execute(&url, "DELETE FROM resilience_workers").await;
    let mut shell = shell(&url).await;
    let refused = sqlx::raw_sql(unsaid).execute(&mut shell).await;
    assert!(refused.is_err());
    assert_eq!(asked(&url, PARK).await, "done");
    let late = write_to(&store, &saga, 1, Advance::default()).await;
    assert_eq!(late, Written::Superseded);
    execute(&url, "DELETE FROM resilience_sagas").await;
    dead(&store).await;
    assert_eq!(asked(&url, PARK).await, "compensation_failed");
}

/// The answer was lost, and the same call is made again.
#[tokio::test]
async fn a_call_that_is_made_again_finds_what_it_did() {
    let Some(url) = database() else { return };
    let saga = left(&url, Advance::default()).await;
    let again = "SELECT string_agg(resilience_saga_park(id, 'anna', 'why', 'c0ffee00-0000-4000-8000-000000000000'), ' ')
                 FROM resilience_sagas, generate_series(1, 2)";
    assert_eq!(asked(&url, again).await, "done done");
    let store = open(&url).await;
    assert_eq!(store.audit_of_saga(saga.clone()).await.unwrap().len(), 1);
    assert_eq!(load(&store, &saga).await.epoch, 2);
    let park = Park {
        epoch: 1,
        status: Status::Running,
        reason: "why".to_owned(),
        dead_letter: None,
    };
    let by = Operator::named("ben");
    let outcome = store.park(saga, park, by).await.unwrap();
    assert_eq!(outcome, Some(ParkOutcome::NotUnfinished(Status::Parked)));
}
