//! What a page of a list costs the server.

use std::time::{Duration, Instant};

use resilience_runtime::dlq::{DeadLetterFilter, DeadLetterStatus, Queue};
use resilience_runtime::order::Order;
use resilience_runtime::saga::journal::{Journal, SagaFilter, SagaId, SagaSummary, Status};
use sqlx::{Connection as _, PgConnection};

use crate::{database, open};

/// Each hundredth saga is parked, and each thousandth was called by the one before. A hundred letters are open, and
/// three hundred are about each operation.
const MANY: &str = "
INSERT INTO resilience_sagas (id, name, input, status, epoch, created_at, updated_at, parent)
SELECT lpad(n::text, 8, '0'), 'old', '{}', CASE WHEN n % 100 = 0 THEN 'parked' ELSE 'completed' END, 1,
       now() + n * interval '1 second', now(), CASE WHEN n % 1000 = 999 THEN lpad((n - 1)::text, 8, '0') END
FROM generate_series(0, 29999) AS n;
INSERT INTO resilience_dead_letters
    (saga_id, kind, operation, dependency, priority, arguments, error, attempts, nonce, status, created_at, updated_at)
SELECT lpad(n::text, 8, '0'), 'work', 'send-' || n % 100,
       CASE WHEN n % 1000 = 7 THEN 'printer' END, 1, '{}', '', 1, gen_random_uuid(),
       CASE WHEN n % 300 = 0 THEN 'open' ELSE 'settled' END, now() + n * interval '1 second', now()
FROM generate_series(0, 29999) AS n;
ANALYZE resilience_sagas, resilience_dead_letters";

/// More than five: the plan that serves any parameters is asked for, too.
const TIMES: u32 = 8;
/// A page.
const PAGE: u32 = 20;

/// How many rows of the two tables the server has read, once it tells of at least `more` than `before`.
async fn rows_read(connection: &mut PgConnection, before: i64, more: i64) -> i64 {
    let give_up = Instant::now() + Duration::from_secs(15);
    loop {
        let read: i64 = sqlx::query_scalar(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int8 FROM pg_stat_user_tables
             WHERE relname IN ('resilience_sagas', 'resilience_dead_letters')",
        )
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        if read - before >= more || Instant::now() > give_up {
            return read;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The same, once it stays.
async fn settled(connection: &mut PgConnection) -> i64 {
    let mut read = rows_read(connection, 0, 1).await;
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let next = rows_read(connection, 0, 1).await;
        if next == read {
            return read;
        }
        read = next;
    }
}

#[tokio::test]
async fn a_page_reads_no_more_than_a_page_from_either_end() {
    let Some(url) = database() else { return };
    open(&url).await.close().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(MANY).execute(&mut connection).await.unwrap();
    let sagas = |status: &[Status]| SagaFilter {
        statuses: status.to_vec(),
        ..SagaFilter::default()
    };
    let alike = SagaFilter {
        id_prefix: Some("000123".to_owned()),
        ..sagas(&[])
    };
    let called = SagaFilter {
        parent: Some(SagaId::from("00009998".to_owned())),
        ..sagas(&[])
    };
    let of_saga = DeadLetterFilter {
        saga: Some(SagaId::from("00009998".to_owned())),
        ..DeadLetterFilter::default()
    };
    let of_operation = DeadLetterFilter {
        operation: Some("send-7".to_owned()),
        ..DeadLetterFilter::default()
    };
    let of_dependency = DeadLetterFilter {
        dependency: Some("printer".to_owned()),
        ..DeadLetterFilter::default()
    };
    let newest = DeadLetterFilter {
        order: Order::NewestFirst,
        ..DeadLetterFilter::default()
    };
    let hundred = Queue::list(&open(&url).await, newest, None, 100).await;
    let late = DeadLetterFilter {
        since: Some(hundred.unwrap()[99].created_at),
        ..DeadLetterFilter::default()
    };
    let lists = [
        Of::Sagas(sagas(&[]), 2 * PAGE),
        Of::Sagas(sagas(&[Status::Parked]), 2 * PAGE),
        Of::Sagas(called, 1),
        // All that are alike are put in order, for each page again.
        Of::Sagas(alike, 100 + 100),
        Of::Letters(DeadLetterFilter::default(), 2 * PAGE),
        // All that are open are put in order, for each page again.
        Of::Letters(DeadLetterFilter::from(DeadLetterStatus::Open), 100 + 100),
        Of::Letters(of_saga, 1),
        Of::Letters(of_operation, 300 + 300),
        Of::Letters(of_dependency, 30 + 30),
        Of::Letters(late, 100 + 100),
    ];
    // What made all this is told of first.
    connection.close().await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut before = settled(&mut connection).await;
    for list in lists {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let store = open(&url).await;
            let mut found = 0;
            for _ in 0..TIMES {
                found += list.two_pages(&store, order).await;
            }
            // A connection that ends says what it has read.
            store.close().await;
            let after = rows_read(&mut connection, before, found).await;
            let most = i64::from(TIMES * list.most());
            let read = after - before;
            assert!(read <= 3 * most, "{list:?} {order:?}: {read} of {most}");
            assert!(found > 0 && read >= found, "{list:?}: {read} of {found}");
            before = after;
        }
    }
}

#[derive(Debug)]
enum Of {
    Sagas(SagaFilter, u32),
    Letters(DeadLetterFilter, u32),
}

impl Of {
    /// How many rows two pages are of at most.
    fn most(&self) -> u32 {
        match self {
            Self::Sagas(_, most) | Self::Letters(_, most) => *most,
        }
    }

    async fn two_pages(&self, store: &(impl Journal + Queue), order: Order) -> i64 {
        let found = match self {
            Self::Sagas(filter, _) => {
                let filter = SagaFilter {
                    order,
                    ..filter.clone()
                };
                let page = Journal::list(store, filter.clone(), None, PAGE).await;
                let page = page.unwrap();
                let after = page.last().map(SagaSummary::cursor);
                let next = Journal::list(store, filter, after, PAGE).await;
                page.len() + next.unwrap().len()
            }
            Self::Letters(filter, _) => {
                let filter = DeadLetterFilter {
                    order,
                    ..filter.clone()
                };
                let page = Queue::list(store, filter.clone(), None, PAGE).await;
                let page = page.unwrap();
                let after = page.last().map(|letter| letter.id);
                let next = Queue::list(store, filter, after, PAGE).await;
                page.len() + next.unwrap().len()
            }
        };
        i64::try_from(found).unwrap()
    }
}
