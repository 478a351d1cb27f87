//! How soon duplicates have the result of the first.

use std::time::{Duration, Instant};

use redis::cmd;
use resilience_runtime::idempotency::store::{Claim, IdempotencyStore, Nonce};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::rows::{claiming, digest, record};
use crate::servers::Servers;
use crate::{Effort, Failure, median};

const WAITERS: usize = 100;
/// In so many processes: each has its own connections.
const PROCESSES: usize = 4;
const POLL: Duration = Duration::from_millis(100);
const DAY: Duration = Duration::from_secs(86_400);

pub(crate) async fn print(servers: &Servers, effort: Effort) -> Result<(), Failure> {
    let (mut woken, mut polled) = (Vec::new(), Vec::new());
    for round in 0..effort.rounds {
        let number = u64::try_from(round)? + (1 << 40);
        woken.push(median(wake(servers, number).await?));
        polled.push(median(poll(servers, number).await?));
    }
    println!(
        "\n{:<52} {:>9} {:>6}",
        "completion to result, 100 duplicates, milliseconds", "p50", "reach"
    );
    println!("{:<52} {:>9.2} {:>6}", "ours, woken", median(woken), "1");
    println!("{:<52} {:>9.2}", "asking every 100 ms", median(polled));
    Ok(())
}

/// From just before the completion is sent.
async fn wake(servers: &Servers, number: u64) -> Result<Vec<f64>, Failure> {
    let store = servers.store().await?;
    let nonce = Nonce::random();
    let Claim::Granted(_) = store.claim(claiming(number, nonce, true)).await? else {
        return Err("the key was used".into());
    };
    let mut waiters = JoinSet::new();
    for _ in 0..PROCESSES {
        let store = servers.store().await?;
        for _ in 0..WAITERS / PROCESSES {
            let store = store.clone();
            let claimed = store.claim(claiming(number, Nonce::random(), true)).await?;
            let Claim::Busy(busy) = claimed else {
                return Err("it runs".into());
            };
            waiters.spawn(async move {
                // The store must live for as long as somebody listens.
                let _store = store;
                (busy.woken.await.is_some(), Instant::now())
            });
        }
    }
    sleep(Duration::from_millis(20)).await;
    let begun = Instant::now();
    store.complete(digest(number), nonce, record(), DAY).await?;
    millis_since(begun, waiters.join_all().await)
}

async fn poll(servers: &Servers, number: u64) -> Result<Vec<f64>, Failure> {
    let connection = servers.connection().await?;
    let key = format!("polled:{number}");
    let mut waiters = JoinSet::new();
    for _ in 0..WAITERS {
        let (mut connection, key) = (connection.clone(), key.clone());
        waiters.spawn(async move {
            // They do not come all at once.
            sleep(POLL.mul_f64(f64::from(fastrand::u8(..)) / 256.0)).await;
            let mut get = cmd("GET");
            get.arg(&key);
            loop {
                let found = get.query_async::<Option<String>>(&mut connection);
                match found.await {
                    Ok(None) => sleep(POLL).await,
                    found => return (found.is_ok(), Instant::now()),
                }
            }
        });
    }
    sleep(2 * POLL + POLL.mul_f64(f64::from(fastrand::u8(..)) / 256.0)).await;
    let begun = Instant::now();
    let mut set = cmd("SET");
    let () = set
        .arg(&key)
        .arg("result")
        .query_async(&mut connection.clone())
        .await?;
    millis_since(begun, waiters.join_all().await)
}

fn millis_since(begun: Instant, ends: Vec<(bool, Instant)>) -> Result<Vec<f64>, Failure> {
    let millis = ends.into_iter().map(|(has_result, end)| {
        let since = end.saturating_duration_since(begun);
        has_result.then_some(since.as_secs_f64() * 1e3)
    });
    let millis: Option<Vec<f64>> = millis.collect();
    millis.ok_or_else(|| "a duplicate has no result".into())
}
