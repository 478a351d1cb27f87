//! Two processes at one file: who waits in one is woken by the other.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use resilience_runtime::idempotency::Digest;
use resilience_runtime::idempotency::store::{Claim, Completion, IdempotencyStore};
use resilience_runtime::lock::store::{Acquired, LockStore};
use resilience_runtime::saga::journal::{Advance, Journal, Status};
use tokio::time::timeout;

use crate::migrated::of_the_second_schema;
use crate::{acquiring, advance, claiming, known, number, open, record, started, step};

const FOLDER: &str = "STORE_SQLITE_OTHER_PROCESS";
const KEY: Digest = Digest::from_bytes([1; 32]);
const AT_LAST: Duration = Duration::from_secs(60);

/// The other process of the test below; on its own, nothing.
#[tokio::test]
async fn child_that_is_waited_for() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let store = open(&folder.join("a.db")).await;
    let (claim, lock) = (claiming(KEY), acquiring(KEY));
    let nonce = claim.nonce;
    assert!(matches!(
        store.claim(claim).await.unwrap(),
        Claim::Granted(_)
    ));
    let acquired = store.acquire(lock).await.unwrap();
    assert!(matches!(acquired, Acquired::Granted { .. }));
    says(&folder, "holds");
    hears(&folder, "waits").await;
    let stored = store
        .complete(KEY, nonce, record(KEY, "[1]"), AT_LAST)
        .await;
    assert_eq!(stored.unwrap(), Completion::Stored);
    hears(&folder, "has the record").await;
    LockStore::release(&store, KEY, lock.nonce).await.unwrap();
    // It is not its end that wakes.
    hears(&folder, "has the lock").await;
}

#[tokio::test]
async fn who_waits_is_woken_by_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let store = open(&folder.join("a.db")).await;
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::child_that_is_waited_for"])
        .env(FOLDER, folder)
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    hears(folder, "holds").await;
    let Claim::Busy(busy) = store.claim(claiming(KEY)).await.unwrap() else {
        panic!("not busy");
    };
    let waiter = acquiring(KEY);
    let Acquired::Busy { mut woken, .. } = store.acquire(waiter).await.unwrap() else {
        panic!("not busy");
    };
    assert!(
        timeout(Duration::from_millis(100), &mut woken)
            .await
            .is_err()
    );
    says(folder, "waits");
    timeout(AT_LAST, busy.woken).await.unwrap();
    let claim = store.claim(claiming(KEY)).await.unwrap();
    assert!(matches!(claim, Claim::Completed(it) if it == record(KEY, "[1]")));
    // Its place in the line may have become too old on a machine under load.
    let Acquired::Busy { woken, .. } = store.acquire(waiter).await.unwrap() else {
        panic!("not busy");
    };
    says(folder, "has the record");
    timeout(AT_LAST, woken).await.unwrap();
    let acquired = store.acquire(waiter).await.unwrap();
    assert!(matches!(acquired, Acquired::Granted { .. }));
    says(folder, "has the lock");
    assert!(child.0.wait().unwrap().success());
}

const WRITES: &str = "STORE_SQLITE_WRITING_PROCESS";
/// How many sagas each of the two processes below brings to their end.
const SAGAS: i64 = 300;

/// The other process of the test below; on its own, nothing.
#[tokio::test]
async fn child_that_writes() {
    if let Some(folder) = std::env::var_os(WRITES).map(PathBuf::from) {
        says(&folder, "child is there");
        hears(&folder, "parent is there").await;
        write_many(&folder).await;
    }
}

/// They bring an old file to the new schema at the same moment, and none ever hears that it is locked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_to_one_old_file_without_being_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let path = folder.join("a.db");
    of_the_second_schema(&path).await;
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::child_that_writes"])
        .env(WRITES, folder)
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    hears(folder, "child is there").await;
    says(folder, "parent is there");
    write_many(folder).await;
    assert!(child.0.wait().unwrap().success());
    let completed =
        "SELECT count(*) FROM resilience_sagas WHERE name = 'b' AND status = 'completed'";
    assert_eq!(number(&path, completed).await, 2 * SAGAS);
}

async fn write_many(folder: &Path) {
    let store = open(&folder.join("a.db")).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..SAGAS {
        let store = store.clone();
        tasks.spawn(async move {
            let id = started(&store, "b").await;
            let end = Advance {
                steps: vec![step(0)],
                status: Some(Status::Completed),
                ..Advance::default()
            };
            advance(&store, &id, 1, end).await;
            let none = store.take_over(known(&["b"]), 9).await.unwrap();
            assert!(none.is_empty(), "both processes live");
        });
        if tasks.len() == 8 {
            tasks.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    store.close().await.unwrap();
}

/// A process that does not outlive the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn says(folder: &Path, word: &str) {
    std::fs::write(folder.join(word), "").unwrap();
}

async fn hears(folder: &Path, word: &str) {
    let file = folder.join(word);
    let heard = timeout(AT_LAST, async {
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    heard.await.unwrap_or_else(|_| panic!("{word}"));
}
