//! What one call costs, of one task and of many.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::cmd;
use resilience_runtime::idempotency::Digest;
use resilience_runtime::idempotency::store::{
    Claim, Claiming, Completion, IdempotencyStore, Record, RecordKind,
};
use resilience_runtime::lock::store::{Acquired, Acquiring, LockStore, Nonce};
use resilience_runtime::store::redis::RedisStore;
use rslock::LockManager;

use crate::attributes::Program;
use crate::servers::Servers;
use crate::{Effort, Failure, by_hand, median};

pub(crate) const TASKS: u64 = 64;
pub(crate) const LEASE: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(86_400);
const RESULT: &str =
    r#"{"id":"ch_3MqLiJLkdIwHu7ix0snN0B15","amount":2000,"currency":"eur","status":"succeeded"}"#;

type Call = Arc<dyn Fn(u64) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>>;

struct Row {
    name: &'static str,
    reach: &'static str,
    call: Call,
    /// Microseconds per call.
    one: Vec<f64>,
    many: Vec<f64>,
}

fn row<F>(name: &'static str, reach: &'static str, call: impl Fn(u64) -> F + 'static) -> Row
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    Row {
        name,
        reach,
        call: Arc::new(move |number| Box::pin(call(number))),
        one: Vec::new(),
        many: Vec::new(),
    }
}

async fn rows(servers: &Servers) -> Result<Vec<Row>, Failure> {
    let connection = servers.connection().await?;
    let ping = {
        let connection = connection.clone();
        move |_| {
            let mut connection = connection.clone();
            async move {
                let () = cmd("PING").query_async(&mut connection).await?;
                Ok(())
            }
        }
    };
    let by_hand = move |number: u64| {
        let connection = connection.clone();
        async move { by_hand::first_run(connection, &number.to_string(), RESULT).await }
    };
    let store = servers.store().await?;
    first_run(store.clone(), u64::MAX).await?;
    let (first, hits, locks) = (store.clone(), store.clone(), store);
    let [runs, stores, remembers, locking] = [
        Program::start(servers).await?,
        Program::start(servers).await?,
        Program::start(servers).await?,
        Program::start(servers).await?,
    ];
    runs.clone().charge(u64::MAX).await?;
    let redlock = servers.redlock().await?;
    let (one, three) = (servers.rslock(), servers.rslock_of_three());
    Ok(vec![
        row("`PING`", "", ping),
        row(
            "first run, by hand: GET, SET NX, GET, SETEX, script",
            "",
            by_hand,
        ),
        row("first run, ours: claim, complete", "2.4", move |number| {
            first_run(first.clone(), number)
        }),
        row("hit, ours", "1.2", move |_| hit(hits.clone())),
        row("lock and unlock, ours", "2.4", move |number| {
            lock(locks.clone(), number)
        }),
        row("`#[idempotent]`, first run", "2.4", move |number| {
            runs.clone().charge(number)
        }),
        row("`#[idempotent]`, hit from the store", "1.2", move |_| {
            stores.clone().charge(u64::MAX)
        }),
        row("`#[idempotent]`, hit from the memory", "", move |_| {
            remembers.clone().charge_again()
        }),
        row("`#[locked]`", "2.4", move |number| {
            locking.clone().index(number)
        }),
        row("lock and unlock, rslock 0.10", "", move |number| {
            rslock(one.clone(), number)
        }),
        row(
            "lock and unlock, ours, Redlock of three",
            "",
            move |number| lock(redlock.clone(), number),
        ),
        row(
            "lock and unlock, rslock 0.10, of three",
            "",
            move |number| rslock(three.clone(), number),
        ),
    ])
}

pub(crate) async fn print(servers: &Servers, effort: Effort) -> Result<(), Failure> {
    let mut rows = rows(servers).await?;
    if let Ok(word) = std::env::var("ROWS") {
        rows.retain(|row| row.name == "`PING`" || row.name.contains(&word));
    }
    let numbers = Arc::new(AtomicU64::new(0));
    for row in &rows {
        one(&row.call, &numbers, 20).await?;
    }
    for _ in 0..effort.rounds {
        for row in &mut rows {
            row.one.push(one(&row.call, &numbers, effort.calls).await?);
        }
        for row in &mut rows {
            row.many
                .push(many(&row.call, &numbers, effort.calls_each).await?);
        }
    }
    println!(
        "{:<52} {:>9} {:>8} {:>11} {:>8} {:>6}",
        "microseconds per call, median", "1 task", "x PING", "64 tasks", "x PING", "reach"
    );
    let ping = (median(rows[0].one.clone()), median(rows[0].many.clone()));
    for row in rows {
        let (one, many) = (median(row.one), median(row.many));
        println!(
            "{:<52} {one:>9.1} {:>8.2} {many:>11.2} {:>8.2} {:>6}",
            row.name,
            one / ping.0,
            many / ping.1,
            row.reach
        );
    }
    Ok(())
}

/// The median of some calls, one after another.
async fn one(call: &Call, numbers: &AtomicU64, calls: u64) -> Result<f64, Failure> {
    let mut micros = Vec::new();
    for _ in 0..calls {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        call(number).await?;
        micros.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(micros))
}

/// The wall time of the calls of many tasks, divided by the calls.
async fn many(call: &Call, numbers: &Arc<AtomicU64>, calls_each: u64) -> Result<f64, Failure> {
    let local = tokio::task::LocalSet::new();
    let begun = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (call, numbers) = (Arc::clone(call), Arc::clone(numbers));
            local.spawn_local(async move {
                for _ in 0..calls_each {
                    call(numbers.fetch_add(1, Ordering::Relaxed)).await?;
                }
                Ok::<_, Failure>(())
            })
        })
        .collect();
    local.await;
    let taken = begun.elapsed();
    for task in tasks {
        task.await??;
    }
    // Exact up to 2^53.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let calls = (TASKS * calls_each) as f64;
    Ok(taken.as_secs_f64() * 1e6 / calls)
}

pub(crate) fn digest(number: u64) -> Digest {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Digest::from_bytes(bytes)
}

pub(crate) fn claiming(number: u64, nonce: Nonce, waits: bool) -> Claiming {
    Claiming {
        key: digest(number),
        fingerprint: digest(1),
        nonce,
        lease: LEASE,
        waits,
        replaces: None,
    }
}

pub(crate) fn record() -> Record {
    Record {
        fingerprint: digest(1),
        kind: RecordKind::Value,
        schema: "Charge".into(),
        content: RESULT.into(),
    }
}

async fn first_run(store: RedisStore, number: u64) -> Result<(), Failure> {
    let nonce = Nonce::random();
    let Claim::Granted(_) = store.claim(claiming(number, nonce, true)).await? else {
        return Err("the key was used".into());
    };
    match store.complete(digest(number), nonce, record(), DAY).await? {
        Completion::Stored => Ok(()),
        Completion::Refused(_) => Err("the key was lost".into()),
    }
}

async fn hit(store: RedisStore) -> Result<(), Failure> {
    match store
        .claim(claiming(u64::MAX, Nonce::random(), true))
        .await?
    {
        Claim::Completed(_) => Ok(()),
        _ => Err("there is a record".into()),
    }
}

pub(crate) fn acquiring(number: u64, nonce: Nonce) -> Acquiring {
    Acquiring {
        key: digest(number),
        nonce,
        lease: LEASE,
        waits: true,
        replicas: 0,
    }
}

async fn lock(store: impl LockStore, number: u64) -> Result<(), Failure> {
    let nonce = Nonce::random();
    match store.acquire(acquiring(number, nonce)).await? {
        Acquired::Granted { .. } => Ok(store.release(digest(number), nonce).await?),
        Acquired::Busy { .. } => Err("the lock is taken".into()),
    }
}

async fn rslock(manager: LockManager, number: u64) -> Result<(), Failure> {
    let lock = manager.lock(number.to_string().as_str(), LEASE).await?;
    manager.unlock(&lock).await;
    Ok(())
}
