//! Files that an earlier version of this crate has written.

use std::path::Path;

use resilience_runtime::dlq::{
    Closing, DeadLetterFilter, DeadLetterKind, DeadLetterStatus, NewDeadLetter, Priority, Queue,
};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, Event, Journal, Parking, SagaId, SettledLetters, Status, StepOutcome,
};
use resilience_runtime::timestamp::Timestamp;

use crate::{advance, execute, known, number, open, shell};

/// A file of the second schema, with a saga in each state that there was.
pub(crate) async fn of_the_second_schema(path: &Path) {
    execute(
        path,
        include_str!("../../migrations/sqlite/0001_initial.sql"),
    )
    .await;
    execute(
        path,
        include_str!("../../migrations/sqlite/0002_leases.sql"),
    )
    .await;
    execute(
        path,
        "CREATE TABLE resilience_schema (version INTEGER NOT NULL);
         INSERT INTO resilience_schema VALUES (2);
         INSERT INTO resilience_sagas VALUES
             ('1', 'a', NULL, '{}', 'running', 3, 'nobody', NULL, NULL, 1.5, 2.25),
             ('2', 'a', NULL, '{}', 'compensating', 1, 'nobody', NULL, 'no stock', 2, 3),
             ('3', 'a', NULL, '{}', 'completed', 1, 'nobody', '7', NULL, 3, 4),
             ('4', 'a', NULL, '{}', 'compensated', 1, 'nobody', NULL, 'no stock', 4, 5),
             ('5', 'a', NULL, '{}', 'dead', 2, 'nobody', NULL, 'no stock', 5, 6),
             ('6', 'a', NULL, '{}', 'dead', 1, 'nobody', NULL, 'the code differs', 6, 7),
             ('7', 'a', NULL, '{}', 'dead', 1, 'nobody', NULL, 'the code differs', 7, 8);
         INSERT INTO resilience_saga_steps VALUES
             ('1', 0, 'reserve', 0, '{}', 'null', 0, 2),
             ('1', 1, 'charge', 0, '{}', NULL, 0, 2),
             ('5', 0, 'reserve', 0, '{}', '1', 0, 2),
             ('5', 1, 'reserve', 1, '{}', '2', 0, 2),
             ('5', 2, 'reserve', 2, '{}', '3', 1, 2),
             ('7', 0, 'reserve', 0, '{}', '1', 1, 2);
         INSERT INTO resilience_dead_letters VALUES
             (1, '2', 'a', 'compensation', 'charge', '{}', NULL, 'e', 3, 'settled', NULL, 1, 2),
             (2, '5', 'a', 'compensation', 'reserve', '{}', '2', 'e', 3, 'open', NULL, 1, 2),
             (3, '6', 'a', 'saga', 'a', '{}', NULL, 'e', 1, 'open', NULL, 1, 2),
             (4, '4', 'a', 'compensation', 'charge', '{}', NULL, 'e', 3, 'resolved', 'by hand', 1, 2),
             (5, '7', 'a', 'saga', 'a', '{}', NULL, 'e', 1, 'open', NULL, 1, 2),
             (9, '4', 'a', 'compensation', 'charge', '{}', NULL, 'e', 3, 'settled', NULL, 1, 2);
         DELETE FROM resilience_dead_letters WHERE id = 9;",
    )
    .await;
}

fn id(text: &str) -> SagaId {
    SagaId::from(text.to_owned())
}

#[tokio::test]
async fn sagas_keep_where_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    of_the_second_schema(&path).await;
    let store = open(&path).await;
    for (saga, status, parking) in [
        ("1", Status::Running, None),
        ("2", Status::Compensating, None),
        ("3", Status::Completed, None),
        ("4", Status::Compensated, None),
        ("5", Status::CompensationFailed, None),
        ("6", Status::Parked, Some(Parking::Mismatch)),
        // Its undoing had begun: it must not go forward again.
        ("7", Status::CompensationFailed, None),
    ] {
        let record = store.load(id(saga)).await.unwrap().unwrap();
        assert_eq!((record.status, record.parking), (status, parking), "{saga}");
        assert_eq!(record.version, 1);
    }
    let record = store.load(id("1")).await.unwrap().unwrap();
    assert_eq!(record.started_at, Timestamp::from_micros(1_500_000));
    assert_eq!(record.updated_at, Timestamp::from_micros(2_250_000));
    assert_eq!(record.epoch, 3);
    let outcomes = record.steps.iter().map(|step| step.outcome);
    assert!(outcomes.eq([StepOutcome::Done, StepOutcome::InDoubt]));
    // Nobody knows any more that there is nothing to undo.
    assert!(record.steps.iter().all(|step| step.compensation.is_some()));
    let taken = store.take_over(known(&["a"]), 9).await.unwrap();
    let taken = taken
        .iter()
        .map(|record| (record.id.as_str(), record.epoch));
    assert!(taken.eq([("1", 4), ("2", 2)]));
    let now = Timestamp::of_this_machine();
    let parked = store.take_parked(known(&["a"]), now, 9).await.unwrap();
    assert!(parked.iter().map(|record| record.id.as_str()).eq(["6"]));
    let old = std::time::Duration::from_secs(1);
    assert_eq!(store.purge(old, 9).await.unwrap(), 2);
}

#[tokio::test]
async fn letters_stay_and_can_be_worked_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    of_the_second_schema(&path).await;
    let store = open(&path).await;
    let letters = Queue::list(&store, DeadLetterFilter::default(), None, 9)
        .await
        .unwrap();
    assert!(letters.iter().map(|letter| letter.id).eq([1, 2, 3, 4, 5]));
    let open = letters
        .iter()
        .filter(|letter| letter.status == DeadLetterStatus::Open);
    assert!(open.map(|letter| letter.id).eq([2, 3, 5]));
    assert_eq!(letters[3].note.as_deref(), Some("by hand"));
    // The newest of its name that is not undone.
    assert_eq!(letters[1].work.position, Some(1));
    assert_eq!(letters[1].work.priority, Priority::High);

    let record = store
        .revive(id("5"), Event::Compensate, None)
        .await
        .unwrap();
    assert_eq!(record.unwrap().epoch, 3);
    let undone = Advance {
        undone: Some(1),
        settles: SettledLetters::Step(1),
        ..Advance::default()
    };
    advance(&store, &id("5"), 3, undone).await;
    let letter = store.get(2).await.unwrap().unwrap();
    assert_eq!(letter.status, DeadLetterStatus::Settled);
    let closed = Queue::close(&store, 3, Closing::Discard, Operator::named("ada")).await;
    assert!(closed.unwrap());
    let record = store.load(id("6")).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Resolved);
    // No number is used twice, also not one of a letter that is gone.
    let work = NewDeadLetter {
        kind: DeadLetterKind::Work,
        operation: "mail".to_owned(),
        ..letter.work
    };
    let added = store.add(work, "n".to_owned(), Operator::program()).await;
    assert_eq!(added.unwrap(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_bring_a_file_to_the_new_schema_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    of_the_second_schema(&path).await;
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move { open(&path).await })
        })
        .collect();
    for opened in opening {
        let store = opened.await.unwrap();
        assert!(store.load(id("1")).await.unwrap().is_some());
    }
    assert_eq!(
        number(&path, "SELECT version FROM resilience_schema").await,
        3
    );
    assert_eq!(
        number(&path, "SELECT count(*) FROM resilience_schema").await,
        1
    );
}

/// What people look at, and what they write: with nothing but the names of the columns that they need.
#[tokio::test]
async fn people_read_the_views_and_add_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    of_the_second_schema(&path).await;
    let store = open(&path).await;
    execute(
        &path,
        "INSERT INTO resilience_dead_letters (operation, arguments, priority)
         VALUES ('mail', '{\"to\":1}', 3);
         INSERT INTO resilience_dead_letters (operation) VALUES ('mail');",
    )
    .await;
    let filter = DeadLetterFilter {
        kind: Some(DeadLetterKind::Work),
        ..DeadLetterFilter::default()
    };
    let letters = Queue::list(&store, filter, None, 9).await.unwrap();
    let work = letters.iter().map(|letter| {
        let work = &letter.work;
        (letter.status, work.priority, work.arguments.as_str())
    });
    assert!(work.eq([
        (DeadLetterStatus::Open, Priority::Critical, "{\"to\":1}"),
        (DeadLetterStatus::Open, Priority::Normal, "{}"),
    ]));
    let age = Timestamp::of_this_machine().since(letters[0].created_at);
    assert!(age < std::time::Duration::from_secs(600), "{age:?}");
    for (view, rows) in [
        ("SELECT count(*) FROM resilience_unresolved_dead_letters", 5),
        ("SELECT count(*) FROM resilience_critical_dead_letters", 4),
        ("SELECT count(*) FROM resilience_recent_failures", 2),
        ("SELECT count(*) FROM resilience_unfinished_sagas", 2),
    ] {
        assert_eq!(number(&path, view).await, rows, "{view}");
    }
    let critical: Vec<String> =
        sqlx::query_scalar("SELECT urgency FROM resilience_critical_dead_letters")
            .fetch_all(&mut shell(&path).await)
            .await
            .unwrap();
    assert_eq!(critical, ["critical", "high", "high", "high"]);
}
