//! Many sagas, and long ones.

use std::time::{Duration, Instant};

use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, SagaFilter, SagaSummary, SettledLetters, Started, Status,
};

use crate::{advance, execute, known, number, open, saga, started, step};

/// 100,000 sagas that are over, each with a step, and each tenth one called by the one before.
const MANY: &str = "
WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 99999)
INSERT INTO resilience_sagas
    (id, name, input, status, epoch, owner, output, created_at, updated_at, parent)
SELECT printf('%08d', n), 'old', '{}', 'completed', 1, 'nobody', '1', n, n + 1,
       CASE WHEN n % 10 = 9 THEN printf('%08d', n - 1) END
FROM n ORDER BY n;
INSERT INTO resilience_saga_steps
    (saga_id, position, step, occurrence, arguments, output, undone, finished_at)
SELECT id, 0, 'step', 0, '{}', '1', 0, 0 FROM resilience_sagas;";

/// Generous, and far below what looking through all of them some hundred times takes.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_hundred_thousand_finished_sagas_slow_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (store, other) = (open(&path).await, open(&path).await);
    execute(&path, MANY).await;
    let began = Instant::now();
    for _ in 0..100 {
        let id = started(&store, "a").await;
        let end = Advance {
            steps: vec![step(0)],
            status: Some(Status::Completed),
            output: Some("1".to_owned()),
            settles: SettledLetters::All,
            ..Advance::default()
        };
        advance(&store, &id, 1, end).await;
        assert!(
            other
                .take_over(known(&["a", "old"]), 64)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(other.cancelled().await.unwrap().is_empty());
        assert!(other.orphaned(known(&["a"])).await.unwrap().is_empty());
        let kept = Duration::from_secs(1 << 40);
        assert_eq!(other.purge(kept, 500).await.unwrap(), 0);
    }
    let mut after = None;
    for _ in 0..20 {
        let filter = SagaFilter {
            name: Some("old".to_owned()),
            ..SagaFilter::default()
        };
        let page = Journal::list(&store, filter, after, 100).await.unwrap();
        assert_eq!(page.len(), 100);
        after = page.last().map(SagaSummary::cursor);
    }
    assert_eq!(after.unwrap().id.as_str(), "00001999");
    let filter = SagaFilter {
        statuses: vec![Status::Running, Status::Compensating],
        ..SagaFilter::default()
    };
    for _ in 0..100 {
        let page = Journal::list(&store, filter.clone(), None, 100).await;
        assert!(page.unwrap().is_empty());
    }
    // Each goes with what it called, which nobody looks for among all of them.
    for _ in 0..20 {
        let purged = store.purge(Duration::from_secs(60), 500).await.unwrap();
        assert_eq!(purged, 500);
    }
    for _ in 0..20 {
        let statistics = Journal::statistics(&store).await.unwrap();
        assert_eq!(statistics.len(), 2);
    }
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let left = "SELECT count(*) FROM resilience_sagas WHERE name = 'old'";
    let left = number(&path, left).await;
    // 10,000 that nobody called, and the 1,111 that they had called.
    assert_eq!(left, 100_000 - 11_111);
    let steps = "SELECT count(*) FROM resilience_saga_steps WHERE step = 'step'";
    assert_eq!(number(&path, steps).await, left);
}

/// The longer ago they ended, the longer they took: from 0.5 s to 200 s.
#[tokio::test]
async fn durations_are_those_of_the_last_ten_thousand_of_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    execute(
        &path,
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)
         INSERT INTO resilience_sagas (id, name, input, status, epoch, owner, created_at, updated_at)
         SELECT name || n, name, '{}', 'completed', 1, '', 1e6 - n - n * took, 1e6 - n
         FROM n, (SELECT 'a' AS name, 0.01 AS took UNION ALL SELECT 'b', 0.5)
         WHERE name = 'a' OR n = 1;
         UPDATE resilience_sagas SET status = 'failed' WHERE id = 'a1'",
    )
    .await;
    let found = Journal::statistics(&store).await.unwrap();
    assert_eq!(
        found[0].counts,
        [(Status::Completed, 19_999), (Status::Failed, 1)]
    );
    let millis = |took: Duration| took.as_secs_f64().mul_add(1e3, 0.5).trunc();
    let found = [&found[0], &found[1]].map(|of_name| {
        let took = of_name.completed.unwrap();
        [took.min, took.mean, took.p95, took.max].map(millis)
    });
    // Of the ends from the second to the 10,001st before last.
    assert_eq!(found[0], [20.0, 50_015.0, 95_010.0, 100_010.0]);
    assert_eq!(found[1], [500.0; 4]);
}

#[tokio::test]
async fn a_saga_of_a_thousand_steps_is_a_thousand_and_one_writes_of_one_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    let id = started(&store, "a").await;
    let log = || {
        std::fs::metadata(path.with_extension("db-wal"))
            .unwrap()
            .len()
    };
    execute(&path, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let mut grown = Vec::new();
    for position in 0..1000 {
        let before = log();
        let write = Advance {
            steps: vec![step(position)],
            ..Advance::default()
        };
        advance(&store, &id, 1, write).await;
        // The log is written from its start again when its pages have reached the file.
        grown.push(log().saturating_sub(before));
    }
    assert_eq!(store.commits(), (1001, 1001));
    // A handful of pages, for the last step as for the first.
    let most = grown.iter().max().unwrap();
    assert!(*most <= 8 * 4120, "{most} bytes");
    let record = store.load(id).await.unwrap().unwrap();
    assert_eq!(record.steps.len(), 1000);
}

#[tokio::test]
async fn a_family_is_deleted_together_and_not_while_one_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).await;
    let parent = started(&store, "a").await;
    let mut last = parent.clone();
    let mut family = vec![parent];
    for _ in 0..3 {
        let child = NewSaga {
            parent: Some(last.clone()),
            ..saga("a")
        };
        last = child.id.clone();
        family.push(last.clone());
        let begun = store.start(child).await.unwrap();
        assert!(matches!(begun, Started::New(_)));
    }
    let end = |status| Advance {
        status: Some(status),
        ..Advance::default()
    };
    for id in &family[..3] {
        advance(&store, id, 1, end(Status::Completed)).await;
    }
    advance(&store, &last, 1, end(Status::CompensationFailed)).await;
    let (before, _) = store.commits();
    assert_eq!(store.purge(Duration::ZERO, 9).await.unwrap(), 0);
    assert_eq!(store.commits().0, before, "nothing was written");
    advance(&store, &last, 1, end(Status::Resolved)).await;
    assert_eq!(store.purge(Duration::ZERO, 9).await.unwrap(), 1);
    let left = "SELECT count(*) FROM resilience_sagas";
    assert_eq!(number(&path, left).await, 0);
}
