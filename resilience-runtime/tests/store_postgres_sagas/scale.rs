//! What is over is in nobody's way: how many rows the server reads for each operation, where 60,000 sagas and letters are over.

use std::time::Duration;

use resilience_runtime::dlq::{DeadLetterStatus, Queue};
use resilience_runtime::saga::journal::{Advance, Journal, SagaFilter, Status};
use resilience_runtime::store::postgres::PostgresStore;

use super::{at_last, database, dead, execute, known, now, open, shell, started, step, write_to};

/// An operation may look at so many rows and entries of indexes: far fewer than there are of what is over.
const READ_MAX: i64 = 1_000;
/// What is over is as old as this at most, and kept for longer.
const RETENTION: Duration = Duration::from_secs(86_400);

const OVER: &str = "
INSERT INTO resilience_sagas (id, name, input, status, epoch, owner, output, created_at, updated_at)
SELECT '000' || n, 'checkout', '{}', 'completed', 1, gen_random_uuid(), '7',
       now() - interval '1 hour' + n * interval '1 ms', now() - interval '1 hour' + n * interval '1 ms'
FROM generate_series(100001, 160000) AS n;
INSERT INTO resilience_dead_letters
    (kind, operation, priority, arguments, error, attempts, status, nonce, created_at, updated_at)
SELECT 'work', 'bill', 2, '{}', '', 1, 'resolved', gen_random_uuid(), now() - interval '1 hour', now() - interval '1 hour'
FROM generate_series(1, 60000);";

/// Rows that were read one after the other, and entries of indexes, of our tables.
const READ: &str = "
SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)::int8 + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)::int8";

/// Rows that were read, and none of the entries that led to them.
const ROWS_READ: &str = "
SELECT (SELECT sum(seq_tup_read) + sum(coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables)::int8";

/// Sessions that have ended have told what they read.
const SESSIONS: &str = "
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";

/// What is not over yet when the store is looked at: three sagas of nobody, and one that is dead, with its letter.
async fn begin(url: &str, statistics: bool) {
    let store = open(url).await;
    execute(url, OVER).await;
    if statistics {
        execute(url, "ANALYZE").await;
    }
    for _ in 0..3 {
        started(&store).await;
    }
    dead(&store).await;
    store.close().await;
}

/// Makes `work` on a store of its own, and asks the server what it read for that.
async fn reads_little(url: &str, what: &str, work: impl AsyncFnOnce(&PostgresStore)) {
    let read = read(url, READ, work).await;
    assert!(read > 0 && read < READ_MAX, "{what}: {read}");
}

/// By how much `work`, on a store of its own, raises a figure of the server.
async fn read(url: &str, figure: &'static str, work: impl AsyncFnOnce(&PostgresStore)) -> i64 {
    let mut shell = shell(url).await;
    let before: i64 = sqlx::query_scalar(figure)
        .fetch_one(&mut shell)
        .await
        .unwrap();
    let store = open(url).await;
    work(&store).await;
    store.close().await;
    at_last(async {
        while sqlx::query_scalar::<_, i64>(SESSIONS)
            .fetch_one(&mut shell)
            .await
            .unwrap()
            > 0
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let after: i64 = sqlx::query_scalar(figure)
        .fetch_one(&mut shell)
        .await
        .unwrap();
    after - before
}

/// How many sagas are on a page of those in one of these statuses.
async fn page(store: &PostgresStore, statuses: &[Status]) -> usize {
    let filter = SagaFilter {
        statuses: statuses.to_vec(),
        ..SagaFilter::default()
    };
    Journal::list(store, filter, None, 50).await.unwrap().len()
}

#[tokio::test]
async fn what_is_over_is_not_read() {
    let Some(url) = database() else { return };
    begin(&url, true).await;
    everything(&url).await;
    reads_little(&url, "a page of sagas", async |store| {
        assert_eq!(page(store, &[]).await, 50);
    })
    .await;
}

/// As after a flood, or a restore: until the server has looked through the tables, it goes by rules of thumb.
#[tokio::test]
async fn what_is_over_is_not_read_by_a_server_without_statistics() {
    let Some(url) = database() else { return };
    begin(&url, false).await;
    everything(&url).await;
}

/// All are counted, by entries of an index; and the durations are of the last 10,000.
#[tokio::test]
async fn statistics_count_what_is_over_without_a_look_at_its_rows() {
    let Some(url) = database() else { return };
    begin(&url, true).await;
    execute(&url, "VACUUM").await;
    // What ended long before took an hour.
    execute(
        &url,
        "INSERT INTO resilience_sagas (id, name, input, status, epoch, created_at, updated_at)
         VALUES ('0001', 'checkout', '{}', 'completed', 1, now() - interval '1 day', now() - interval '23 hours')",
    )
    .await;
    let sagas = async |store: &PostgresStore| {
        let statistics = Journal::statistics(store).await.unwrap();
        let [checkout] = &statistics[..] else {
            panic!("{statistics:?}");
        };
        let counts = [
            (Status::Running, 3),
            (Status::Completed, 60_001),
            (Status::CompensationFailed, 1),
        ];
        assert_eq!(checkout.counts, counts);
        assert_eq!(checkout.completed.unwrap().max, Duration::ZERO);
    };
    let entries = read(&url, READ, sagas).await;
    assert!(entries < 60_000 + 10_000 + READ_MAX, "{entries}");
    let letters = async |store: &PostgresStore| {
        let counts = Queue::statistics(store).await.unwrap().counts;
        let expected = [
            (DeadLetterStatus::Open, 1),
            (DeadLetterStatus::Resolved, 60_000),
        ];
        assert_eq!(counts, expected);
    };
    for rows in [
        read(&url, ROWS_READ, sagas).await,
        read(&url, ROWS_READ, letters).await,
    ] {
        assert!(rows < READ_MAX, "{rows}");
    }
}

async fn everything(url: &str) {
    reads_little(url, "nothing to take over", async |store| {
        // Of those that nobody has none is of a function that this process knows.
        assert!(store.take_over(vec![], 64).await.unwrap().is_empty());
    })
    .await;
    reads_little(url, "the unfinished sagas", async |store| {
        let unfinished = [Status::Running, Status::Compensating];
        assert_eq!(page(store, &unfinished).await, 3);
    })
    .await;
    reads_little(url, "the dead sagas", async |store| {
        assert_eq!(page(store, &[Status::CompensationFailed]).await, 1);
    })
    .await;
    reads_little(url, "the open letters", async |store| {
        let page = Queue::list(store, DeadLetterStatus::Open.into(), None, 50).await;
        assert_eq!(page.unwrap().len(), 1);
    })
    .await;
    reads_little(url, "what nobody knows", async |store| {
        assert_eq!(store.orphaned(vec![]).await.unwrap().len(), 1);
    })
    .await;
    reads_little(url, "taking over", async |store| {
        assert_eq!(store.take_over(known(), 64).await.unwrap().len(), 3);
    })
    .await;
    reads_little(url, "what is parked, or to be cancelled", async |store| {
        let parked = store.take_parked(known(), now(), 64).await;
        assert!(parked.unwrap().is_empty());
        assert!(store.cancelled().await.unwrap().is_empty());
    })
    .await;
    reads_little(url, "sagas from their start to their end", async |store| {
        for _ in 0..4 {
            let saga = started(store).await;
            for position in 0..3 {
                let write = Advance {
                    steps: vec![step(position)],
                    status: (position == 2).then_some(Status::Completed),
                    ..Advance::default()
                };
                write_to(store, &saga, 1, write).await;
            }
        }
    })
    .await;
    reads_little(url, "deleting", async |store| {
        assert_eq!(store.purge(RETENTION, 64).await.unwrap(), 0);
        assert_eq!(store.purge_letters(RETENTION, 64).await.unwrap(), 0);
    })
    .await;
    reads_little(url, "how many letters", async |store| {
        assert_eq!(store.unresolved().await.unwrap(), 1);
    })
    .await;
    reads_little(url, "work to be done again", async |store| {
        let work = store.take_work(vec!["bill".to_owned()], 9).await;
        assert!(work.unwrap().is_empty());
    })
    .await;
}
