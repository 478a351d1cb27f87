//! What a worker writes that has nothing to do.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use crate::Failure;
use crate::place::{Place, Store, close};

/// So often it looks for work: fifty times as often as by default.
const INTERVAL: Duration = Duration::from_millis(100);
/// A lease is renewed three times while it lasts.
const LEASE: Duration = Duration::from_secs(30);

pub(crate) async fn report(places: &[Place], quick: bool) -> Result<(), Failure> {
    let watched = Duration::from_secs(if quick { 2 } else { 20 });
    println!(
        "\n| an idle worker, which looks for work every 100 ms, in {} s | written |",
        watched.as_secs()
    );
    println!("|---|---|");
    for place in places {
        let url = place.new_url("idle");
        let (runtime, store) = place
            .open(&url, |it| it.poll_interval(INTERVAL).worker_lease(LEASE))
            .await?;
        runtime.recovered().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        match (&store, place) {
            (Store::Sqlite(store), _) => {
                let before = store.commits().0;
                tokio::time::sleep(watched).await;
                println!("| SQLite | {} commits |", store.commits().0 - before);
            }
            (Store::Postgres(_), _) => {
                let mut connection = PgConnection::connect(&url).await?;
                let before = written(&mut connection).await?;
                tokio::time::sleep(watched).await;
                let bytes = written(&mut connection).await? - before;
                close(runtime, store).await?;
                let before = written(&mut connection).await?;
                tokio::time::sleep(watched).await;
                let without = written(&mut connection).await? - before;
                println!(
                    "| PostgreSQL, a lease of {} s | {bytes} bytes of log; without a worker {without} |",
                    LEASE.as_secs()
                );
                continue;
            }
        }
        close(runtime, store).await?;
    }
    Ok(())
}

/// How long the log is.
async fn written(connection: &mut PgConnection) -> Result<i64, Failure> {
    let length =
        sqlx::query_scalar("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8");
    Ok(length.fetch_one(connection).await?)
}
