//! What `#[idempotent]` asks of PostgreSQL: the first run and the hit, beside `SELECT 1` and the flow that is
//! written by hand.
//!
//! `cargo bench -p resilience-benches --bench postgres`
//!
//! On a private server on this machine, whose commits do not wait for a disk (`fsync = off`), so that the
//! figures are those of the messages and the statements. The operations take turns; times are of the wall, because
//! waiting for the server is what is measured.

use std::error::Error;
use std::time::{Duration, Instant};

use resilience_runtime::idempotency::Digest;
use resilience_runtime::idempotency::store::{
    Claim, Claiming, IdempotencyStore, Nonce, Record, RecordKind,
};
use resilience_runtime::lock::store::{Acquired, Acquiring, LockStore};
use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::store::risk::{Accepted, Risk};
use resilience_test_support::server::Postgres;
use sqlx::{Connection, PgConnection};

const ROUNDS: u32 = 4_000;
const ROUNDS_QUICK: u32 = 200;
const HOUR: Duration = Duration::from_secs(3600);

type Failure = Box<dyn Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let Some(server) = Postgres::start() else {
        return Ok(());
    };
    let url = server.url();
    let store = PostgresStore::open(&url, &Accepted::only(&[Risk::NotDurable])).await?;
    let mut by_hand = PgConnection::connect(&url).await?;
    sqlx::raw_sql(
        "CREATE TABLE by_hand (key bytea PRIMARY KEY, state text, result text, expires_at timestamptz)",
    )
    .execute(&mut by_hand)
    .await?;

    let rounds = if quick { ROUNDS_QUICK } else { ROUNDS };
    let mut rows = [
        ("SELECT 1", Vec::new()),
        ("hit", Vec::new()),
        ("first run", Vec::new()),
        ("first run, five round trips by hand", Vec::new()),
        ("lock and unlock", Vec::new()),
    ];
    for number in 0..rounds {
        let key = digest(number);
        let mut took = |row: usize, since: Instant| rows[row].1.push(since.elapsed());

        let began = Instant::now();
        sqlx::query("SELECT 1").fetch_one(&mut by_hand).await?;
        took(0, began);

        let began = Instant::now();
        first(&store, key).await?;
        took(2, began);

        let began = Instant::now();
        if !matches!(store.claim(claiming(key)).await?, Claim::Completed(_)) {
            return Err("not a hit".into());
        }
        took(1, began);

        let began = Instant::now();
        first_by_hand(&mut by_hand, key).await?;
        took(3, began);

        let began = Instant::now();
        lock_and_unlock(&store, key).await?;
        took(4, began);
    }
    print(&mut rows);
    if quick {
        println!("\nA quick run: not to be quoted.");
    }
    store.close().await;
    Ok(())
}

fn digest(number: u32) -> Digest {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Digest::from_bytes(bytes)
}

fn claiming(key: Digest) -> Claiming {
    Claiming {
        key,
        fingerprint: key,
        nonce: Nonce::random(),
        lease: Duration::from_secs(30),
        waits: true,
        replaces: None,
    }
}

async fn first(store: &PostgresStore, key: Digest) -> Result<(), Failure> {
    let claiming = claiming(key);
    let nonce = claiming.nonce;
    if !matches!(store.claim(claiming).await?, Claim::Granted(_)) {
        return Err("not granted".into());
    }
    let record = Record {
        fingerprint: key,
        kind: RecordKind::Value,
        schema: "Receipt".into(),
        content: r#"{"order":17,"total":4200}"#.into(),
    };
    store.complete(key, nonce, record, HOUR).await?;
    Ok(())
}

/// Look, insert, look again, store, notify.
async fn first_by_hand(connection: &mut PgConnection, key: Digest) -> Result<(), Failure> {
    const LOOK: &str = "SELECT state, result FROM by_hand WHERE key = $1 AND expires_at > now()";
    let key = key.as_bytes().as_slice();
    sqlx::query(LOOK)
        .bind(key)
        .fetch_optional(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO by_hand VALUES ($1, 'running', NULL, now() + interval '30 seconds')
         ON CONFLICT DO NOTHING",
    )
    .bind(key)
    .execute(&mut *connection)
    .await?;
    sqlx::query(LOOK)
        .bind(key)
        .fetch_optional(&mut *connection)
        .await?;
    sqlx::query(
        "UPDATE by_hand SET state = 'completed', result = $2, expires_at = now() + interval '1 hour'
         WHERE key = $1",
    )
    .bind(key)
    .bind(r#"{"order":17,"total":4200}"#)
    .execute(&mut *connection)
    .await?;
    sqlx::query("SELECT pg_notify('done', encode($1, 'hex'))")
        .bind(key)
        .execute(connection)
        .await?;
    Ok(())
}

async fn lock_and_unlock(store: &PostgresStore, key: Digest) -> Result<(), Failure> {
    let nonce = Nonce::random();
    let acquiring = Acquiring {
        key,
        nonce,
        lease: Duration::from_secs(30),
        waits: true,
        replicas: 0,
    };
    if !matches!(store.acquire(acquiring).await?, Acquired::Granted { .. }) {
        return Err("not granted".into());
    }
    Ok(LockStore::release(store, key, nonce).await?)
}

fn print(rows: &mut [(&'static str, Vec<Duration>)]) {
    println!(
        "{:<38} {:>10} {:>10} {:>12}",
        "microseconds", "median", "minimum", "x SELECT 1"
    );
    let mut one = None;
    for (name, took) in rows {
        took.sort_unstable();
        let micros = |took: Duration| took.as_secs_f64() * 1e6;
        let median = micros(took[took.len() / 2]);
        let one = *one.get_or_insert(median);
        println!(
            "{name:<38} {median:>10.1} {:>10.1} {:>12.2}",
            micros(took[0]),
            median / one
        );
    }
}
