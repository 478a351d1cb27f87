//! Databases that older versions have written.

use resilience_runtime::dlq::{DeadLetterKind, DeadLetterStatus, Priority, Queue};
use resilience_runtime::saga::journal::{
    Journal, Parking, SagaFilter, SagaId, SagaVersion, Status, StepOutcome,
};

use super::{asked, database, execute, load, open};

const ONCE: &str = include_str!("../../migrations/postgres/0001_once.sql");
const SAGAS: &str = include_str!("../../migrations/postgres/0002_sagas.sql");

/// A saga in each status, as schema version 2 has them.
const DATA: &str = r#"
CREATE TABLE resilience_schema (version integer NOT NULL);
INSERT INTO resilience_schema VALUES (2);
INSERT INTO resilience_sagas (id, name, key, input, status, epoch, owner, output, error, created_at, updated_at)
SELECT id, 'checkout', NULL, '{"order":1}', status, 3, '5f0c2f4e-0000-4000-8000-000000000001', NULL, error, now(), now()
FROM (VALUES ('a', 'running', NULL), ('b', 'compensating', 'full'), ('c', 'completed', NULL),
             ('d', 'compensated', 'full'), ('e', 'dead', 'full'), ('f', 'dead', 'differs'),
             ('g', 'dead', 'nobody knows')) AS old (id, status, error);
INSERT INTO resilience_saga_steps (saga_id, position, step, occurrence, arguments, output, undone, finished_at)
SELECT id, position, 'reserve', position, '{"n":"\u0000"}', output, id = 'd', now()
FROM (VALUES ('a'), ('b'), ('d'), ('e')) AS saga (id),
     (VALUES (0, '1'), (1, NULL)) AS step (position, output);
INSERT INTO resilience_dead_letters
    (saga_id, saga_name, kind, operation, arguments, output, error, attempts, status, nonce, note, created_at, updated_at)
VALUES ('e', 'checkout', 'compensation', 'reserve', '{"n":"\u0000"}', '1', 'full', 3, 'open',
        gen_random_uuid(), NULL, now(), now()),
       ('f', 'checkout', 'saga', 'checkout', 'cut {', NULL, 'differs', 1, 'open', gen_random_uuid(), NULL, now(), now()),
       ('d', 'checkout', 'saga', 'checkout', '{}', NULL, 'x', 1, 'resolved', gen_random_uuid(), 'by hand', now(), now())
"#;

async fn old() -> Option<String> {
    let url = database()?;
    execute(&url, ONCE).await;
    execute(&url, SAGAS).await;
    execute(&url, DATA).await;
    Some(url)
}

#[tokio::test]
async fn what_an_older_version_has_written_is_read() {
    let Some(url) = old().await else { return };
    let store = open(&url).await;
    let mut sagas = Vec::new();
    for saga in Journal::list(&store, SagaFilter::default(), None, 99)
        .await
        .unwrap()
    {
        sagas.push((saga.id.to_string(), saga.status, saga.parking));
    }
    sagas.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let expected = [
        ("a", Status::Running, None),
        ("b", Status::Compensating, None),
        ("c", Status::Completed, None),
        ("d", Status::Compensated, None),
        ("e", Status::CompensationFailed, None),
        ("f", Status::Parked, Some(Parking::Mismatch)),
        ("g", Status::CompensationFailed, None),
    ];
    let expected = expected.map(|(id, status, parking)| (id.to_owned(), status, parking));
    assert_eq!(sagas, expected);

    let record = load(&store, &SagaId::from("b".to_owned())).await;
    assert_eq!(
        (record.version, record.epoch, record.interruptions),
        (1, 3, 0)
    );
    let outcomes: Vec<_> = record.steps.iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes, [StepOutcome::Done, StepOutcome::InDoubt]);
    // Nobody can say that there is nothing to undo.
    assert!(record.steps.iter().all(|step| step.compensation.is_some()));

    let letters = Queue::list(&store, Default::default(), None, 9)
        .await
        .unwrap();
    let [failed, parked, resolved] = &letters[..] else {
        panic!("{letters:?}");
    };
    assert_eq!(
        (failed.work.kind, failed.work.position),
        (DeadLetterKind::Compensation, Some(1))
    );
    assert_eq!(failed.work.priority, Priority::High);
    assert_eq!(failed.work.arguments, r#"{"n":"\u0000"}"#);
    assert_eq!(
        (parked.work.kind, parked.work.position),
        (DeadLetterKind::Saga, None)
    );
    assert_eq!(parked.work.arguments, r#""cut {""#);
    assert_eq!(resolved.status, DeadLetterStatus::Resolved);
    assert_eq!(resolved.note.as_deref(), Some("by hand"));
    let known = vec![SagaVersion {
        name: "checkout".to_owned(),
        version: 1,
    }];
    assert_eq!(store.take_over(known, 9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn processes_that_migrate_at_once_do_it_once() {
    let Some(url) = old().await else { return };
    let opening: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { open(&url).await })
        })
        .collect();
    for opening in opening {
        opening.await.unwrap();
    }
    let versions = "SELECT string_agg(version::text, ' ') FROM resilience_schema";
    assert_eq!(asked(&url, versions).await, "3");
}
