//! What a person can do with nothing but psql.

use resilience_runtime::dlq::{Closing, DeadLetterStatus, Queue};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{Advance, Journal, Status, Written};

use super::{
    NEVER, asked, at_last, database, dead, execute, known, load, open, shell, step, write_to,
};

#[tokio::test]
async fn work_is_added_looked_at_and_closed() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    execute(
        &url,
        r#"SELECT resilience_dead_letter_add('bill', '{"order": 7, "text": "\u0000"}', 'no answer', 'bank', 'critical');
           SELECT resilience_dead_letter_add('bill', '[1]', 'no answer', who => 'anna', why => 'found in a log')"#,
    )
    .await;
    let letters = Queue::list(&store, Default::default(), None, 9)
        .await
        .unwrap();
    assert_eq!(letters.len(), 2);
    assert_eq!(
        letters[0].work.arguments,
        r#"{"order": 7, "text": "\u0000"}"#
    );
    let text = "SELECT arguments::text FROM resilience_critical_dead_letters";
    assert_eq!(asked(&url, text).await, letters[0].work.arguments);
    let inside = "SELECT arguments ->> 0 FROM resilience_unresolved_dead_letters WHERE id = 2";
    assert_eq!(asked(&url, inside).await, "1");
    let stats = "SELECT string_agg(concat_ws('/', by, value, letters), ' ' ORDER BY by, value)
                 FROM resilience_dead_letter_stats()";
    assert_eq!(
        asked(&url, stats).await,
        "dependency/bank/1 operation/bill/2 priority/critical/1 priority/normal/1 status/open/2 unresolved/2"
    );

    let resolve = "SELECT resilience_dead_letter_resolve(1, 'anna', 'billed by phone')::text";
    assert_eq!(asked(&url, resolve).await, "true");
    assert_eq!(asked(&url, resolve).await, "false");
    let discard = "SELECT resilience_dead_letter_discard(2, 'anna', 'a test')::text";
    assert_eq!(asked(&url, discard).await, "true");
    assert_eq!(asked(&url, discard).await, "false");
    let nobody = "SELECT resilience_dead_letter_discard(3, 'anna', 'a test')::text";
    assert_eq!(asked(&url, nobody).await, "false");
    let first = store.get(1).await.unwrap().unwrap();
    assert_eq!(first.status, DeadLetterStatus::Resolved);
    assert_eq!(first.note.as_deref(), Some("billed by phone"));
    let audit = store.audit(2).await.unwrap();
    let said: Vec<_> = audit
        .iter()
        .map(|it| (&*it.operator, &*it.action, it.reason.as_deref()))
        .collect();
    assert_eq!(
        said,
        [
            ("anna", "add", Some("found in a log")),
            ("anna", "discard", Some("a test"))
        ]
    );
    assert_eq!(store.audit(1).await.unwrap()[0].operator, "postgres");
    assert_eq!(store.unresolved().await.unwrap(), 0);
}

#[tokio::test]
async fn a_priority_that_there_is_not_is_refused() {
    let Some(url) = database() else { return };
    open(&url).await;
    let mut shell = shell(&url).await;
    let add = "SELECT resilience_dead_letter_add('bill', '{}', 'x', NULL, 'urgent')";
    let refused = sqlx::raw_sql(add).execute(&mut shell).await.unwrap_err();
    assert!(refused.to_string().contains("urgent"), "{refused}");
}

#[tokio::test]
async fn a_saga_is_resolved_with_its_last_letter_under_a_new_epoch() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    let saga = dead(&store).await;
    let resolve = "SELECT resilience_dead_letter_resolve(id, 'anna', 'by hand')::text
                   FROM resilience_unresolved_dead_letters";
    assert_eq!(asked(&url, resolve).await, "true");
    let record = load(&store, &saga).await;
    assert_eq!((record.status, record.epoch), (Status::Resolved, 2));
    let late = write_to(&store, &saga, 1, Advance::default()).await;
    assert_eq!(late, Written::Superseded);
    assert_eq!(
        store.audit_of_saga(saga).await.unwrap()[0].action,
        "resolve"
    );
}

/// Somebody's search path has nothing to do with where our tables are.
#[tokio::test]
async fn a_retry_wakes_a_worker_that_takes_it_up() {
    let Some(url) = database() else { return };
    execute(&url, "CREATE SCHEMA app").await;
    let in_app = format!("{url}?options=-c%20search_path%3Dapp");
    let store = open(&in_app).await;
    for (as_compensation, expected) in [
        (
            "SELECT app.resilience_dead_letter_retry(1, 'anna', 'it is back')::text",
            Status::Compensating,
        ),
        (
            "SELECT app.resilience_dead_letter_retry(2, 'anna', 'it is back', true)::text",
            Status::Compensating,
        ),
    ] {
        let saga = dead(&store).await;
        let changed = store.changed();
        assert_eq!(asked(&url, as_compensation).await, "true");
        at_last(changed).await;
        // Nobody has taken it up: it can be asked for again.
        assert_eq!(asked(&url, as_compensation).await, "true");
        let letter = Queue::list(&store, Default::default(), None, 9)
            .await
            .unwrap()
            .pop()
            .unwrap();
        assert_eq!(letter.status, DeadLetterStatus::Retrying);
        let taken = store.take_over(known(), 9).await.unwrap();
        assert_eq!((taken.len(), &taken[0].id), (1, &saga));
        assert_eq!((taken[0].status, taken[0].epoch), (expected, 2));
        assert!(store.take_over(known(), 9).await.unwrap().is_empty());
        assert_eq!(asked(&url, as_compensation).await, "false");
        let by = Operator::named("ben");
        let closed = Queue::close(&store, letter.id, Closing::Discard, by).await;
        assert!(!closed.unwrap());
        let end = Advance {
            status: Some(Status::Compensated),
            settles: resilience_runtime::saga::journal::SettledLetters::All,
            ..Advance::default()
        };
        assert_eq!(write_to(&store, &saga, 2, end).await, Written::YES);
        let letter = store.get(letter.id).await.unwrap().unwrap();
        assert_eq!(letter.status, DeadLetterStatus::Settled);
    }
}

#[tokio::test]
async fn a_saga_is_cancelled() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    let saga = super::started(&store).await;
    let changed = store.changed();
    let cancel = "SELECT resilience_saga_cancel(id, 'anna', 'ordered twice') FROM resilience_unfinished_sagas";
    assert_eq!(asked(&url, cancel).await, "requested");
    at_last(changed).await;
    assert_eq!(
        store.cancelled().await.unwrap(),
        std::slice::from_ref(&saga)
    );
    let write = Advance {
        steps: vec![step(0)],
        ..Advance::default()
    };
    let written = write_to(&store, &saga, 1, write).await;
    assert_eq!(written, Written::Yes { cancelled: true });
    assert!(tokio::time::timeout(NEVER, store.changed()).await.is_err());
}

#[tokio::test]
async fn views_show_what_happened() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    dead(&store).await;
    super::started(&store).await;
    for (question, expected) in [
        (
            "SELECT count(*)::text FROM resilience_unresolved_dead_letters",
            "1",
        ),
        ("SELECT count(*)::text FROM resilience_recent_failures", "1"),
        (
            "SELECT priority FROM resilience_critical_dead_letters",
            "high",
        ),
        ("SELECT status FROM resilience_unfinished_sagas", "running"),
    ] {
        assert_eq!(asked(&url, question).await, expected, "{question}");
    }
    execute(
        &url,
        "UPDATE resilience_dead_letters SET created_at = now() - interval '25 hours'",
    )
    .await;
    let recent = "SELECT count(*)::text FROM resilience_recent_failures";
    assert_eq!(asked(&url, recent).await, "0");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_hides_no_other_one() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    execute(
        &url,
        "SELECT resilience_dead_letter_add('bill', json_build_array(n), 'no answer') FROM generate_series(1, 9) AS n;
         UPDATE resilience_dead_letters SET status = 'odd' WHERE id IN (1, 3, 4, 9)",
    )
    .await;
    let mut found = Vec::new();
    let mut last = None;
    loop {
        let page = Queue::list(&store, Default::default(), last, 2)
            .await
            .unwrap();
        let Some(letter) = page.last() else { break };
        last = Some(letter.id);
        found.extend(page.iter().map(|letter| letter.id));
    }
    assert_eq!(found, [2, 5, 6, 7, 8]);
}

#[tokio::test]
async fn what_is_not_said_by_anybody_is_not_done() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    execute(
        &url,
        "SELECT resilience_dead_letter_add('bill', '{}', 'no answer')",
    )
    .await;
    for call in [
        "SELECT resilience_dead_letter_retry(1, NULL, NULL, NULL, NULL)",
        "SELECT resilience_dead_letter_resolve(1, NULL, NULL, NULL, NULL)",
        "SELECT resilience_dead_letter_discard(1, NULL, NULL, NULL)",
        "SELECT resilience_dead_letter_add('bill', '{}', 'no answer', NULL, NULL)",
        "SELECT resilience_dead_letter_add('bill', '{\"', 'no answer')",
        "SELECT resilience_dead_letter_add('bill', '{}', 'no answer', attempts => -1)",
        "SELECT resilience_dead_letter_add(NULL, NULL, NULL)",
    ] {
        let mut shell = shell(&url).await;
        assert!(
            sqlx::raw_sql(call).execute(&mut shell).await.is_err(),
            "{call}"
        );
    }
    let injected = "SELECT resilience_dead_letter_discard(NULL, '''; DROP TABLE resilience_sagas; --', '')::text";
    assert_eq!(asked(&url, injected).await, "false");
    let letters = Queue::list(&store, Default::default(), None, 9)
        .await
        .unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].status, DeadLetterStatus::Open);
}
