//! One lock, and many who want it.

use std::time::{Duration, Instant};

use resilience_runtime::lock::store::{Acquired, LockStore, Nonce};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::rows::{LEASE, acquiring, digest};
use crate::servers::Servers;
use crate::{Effort, Failure, median};

const CONTENDERS: u64 = 8;
const EACH: u64 = 10;
const BODY: Duration = Duration::from_millis(1);
/// Waiters ask again after this time, woken or not.
const NET: Duration = Duration::from_secs(1);

pub(crate) async fn print(servers: &Servers, effort: Effort) -> Result<(), Failure> {
    let mut figures = [const { Vec::new() }; 4];
    for round in 0..effort.rounds {
        let number = u64::try_from(round)? + (1 << 41);
        let [ideal, ours, redlock, rslock] = &mut figures;
        ideal.push(sleeps().await);
        let mut stores = Vec::new();
        let mut redlocks = Vec::new();
        for _ in 0..CONTENDERS {
            stores.push(servers.store().await?);
            redlocks.push(servers.redlock().await?);
        }
        ours.push(contend(stores, number).await?);
        redlock.push(contend(redlocks, number).await?);
        rslock.push(contend_for_rslock(servers, number).await?);
    }
    let [ideal, ours, redlock, rslock] = figures.map(median);
    println!(
        "\n{:<52} {:>9} {:>8} {:>6}",
        "8 tasks, 10 times 1 ms each, milliseconds", "wall", "x ideal", "reach"
    );
    let print = |name, millis, reach| {
        println!(
            "{name:<52} {millis:>9.1} {:>8.2} {reach:>6}",
            millis / ideal
        );
    };
    print("80 times 1 ms, one after another", ideal, "");
    print("ours", ours, "1.3");
    print("ours, Redlock of three", redlock, "");
    print("rslock 0.10", rslock, "");
    Ok(())
}

/// What 1 ms is on this machine, 80 times.
async fn sleeps() -> f64 {
    let begun = Instant::now();
    for _ in 0..CONTENDERS * EACH {
        sleep(BODY).await;
    }
    begun.elapsed().as_secs_f64() * 1e3
}

/// Each contender with a store of its own, as another process would have.
async fn contend<S>(stores: Vec<S>, number: u64) -> Result<f64, Failure>
where
    S: LockStore + 'static,
{
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for store in stores {
        tasks.spawn(async move {
            for _ in 0..EACH {
                let nonce = Nonce::random();
                while let Acquired::Busy { woken, .. } =
                    store.acquire(acquiring(number, nonce)).await?
                {
                    // Asked again in any case.
                    let _ = timeout(NET, woken).await;
                }
                sleep(BODY).await;
                store.release(digest(number), nonce).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    for task in tasks.join_all().await {
        task?;
    }
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}

async fn contend_for_rslock(servers: &Servers, number: u64) -> Result<f64, Failure> {
    let managers: Vec<_> = (0..CONTENDERS).map(|_| servers.rslock()).collect();
    let name = format!("contended:{number}");
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for manager in managers {
        let name = name.clone();
        tasks.spawn(async move {
            for _ in 0..EACH {
                let guard = manager.acquire(name.as_str(), LEASE).await?;
                sleep(BODY).await;
                guard.release().await;
            }
            Ok::<_, Failure>(())
        });
    }
    for task in tasks.join_all().await {
        task?;
    }
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}
