//! The child processes of these tests, and what each of them does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use resilience_test_support::{child, crash};
use serde::{Deserialize, Serialize};

use crate::place::{Place, block_on};
use crate::shop::{Order, Plan, forgetful_purchase, keyed_purchase, purchase, told};
use crate::{errors, full_disk};

/// The child's exit status when the store did not open.
pub(crate) const NOT_OPENED: i32 = 12;
/// When the call waits for a disk that does not recover.
pub(crate) const WAITS: i32 = 11;

/// What a child does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Job {
    /// One saga.
    Purchase(Plan),
    /// The same, and gives up when the disk has been broken for a while.
    PurchaseOnBrokenDisk(Plan),
    /// One saga on a disk that has room again after a while.
    PurchaseOnFullDisk(Plan),
    /// The same, and the saga is cancelled in its second step.
    CancelOnFullDisk,
    /// The dead letter that is there is retried, on such a disk.
    RetryOnFullDisk,
    /// The saga that is broken on purpose.
    Forgetful,
    /// Recovery alone.
    Recover,
    /// Sagas with keys, at once, all to succeed.
    Keyed(Vec<u64>),
    /// The same, and then it stays until [`Ledger::release`](crate::ledger::Ledger::release).
    KeyedAndStay(Vec<u64>),
}

#[derive(Serialize, Deserialize)]
struct Errand {
    folder: PathBuf,
    job: Job,
}

const CHILD: &str = "process::child";

/// A command that does `job` at `folder` in a process of its own.
pub(crate) fn command(folder: &Path, job: &Job) -> Command {
    let errand = Errand {
        folder: folder.to_owned(),
        job: job.clone(),
    };
    let errand = serde_json::to_string(&errand).expect("it has a JSON form");
    let mut command = child::again(CHILD, errand);
    if std::env::var_os("FAULTS_VERBOSE").is_some() {
        command.stderr(std::process::Stdio::inherit());
    }
    command
}

/// What every child runs; by itself, nothing.
#[test]
fn child() {
    let Some(errand) = child::role(CHILD) else {
        return;
    };
    let errand = errand.into_string().expect("text");
    let Errand { folder, job } = serde_json::from_str(&errand).expect("an errand");
    let place = Place::at(&folder);
    match job {
        Job::Keyed(orders) => keyed(&place, orders, false),
        Job::KeyedAndStay(orders) => keyed(&place, orders, true),
        job => block_on(work(&place, job)),
    }
}

async fn work(place: &Place, job: Job) {
    let opened = place
        .runtime()
        .shutdown_timeout(Duration::from_millis(100))
        .open()
        .await;
    let Ok(runtime) = opened else {
        std::process::exit(NOT_OPENED);
    };
    let ledger = place.ledger();
    let order = |plan| Order { id: 7, plan };
    if matches!(
        job,
        Job::PurchaseOnFullDisk(_) | Job::CancelOnFullDisk | Job::RetryOnFullDisk
    ) {
        errors::write_to(&ledger.errors());
        tokio::spawn(async {
            disk_broken_for(TRIED_AGAIN / 2).await;
            crash::make_room();
        });
    }
    let answer = match job {
        Job::Purchase(plan) => Some(purchase(&ledger, order(plan)).await),
        Job::PurchaseOnBrokenDisk(plan) => tokio::select! {
            answer = purchase(&ledger, order(plan)) => Some(answer),
            () = disk_broken_for(TRIED_AGAIN) => std::process::exit(WAITS),
        },
        Job::PurchaseOnFullDisk(plan) => Some(purchase(&ledger, order(plan)).await),
        Job::CancelOnFullDisk => Some(full_disk::cancel(&runtime, &ledger).await),
        Job::RetryOnFullDisk => {
            full_disk::retry(&runtime).await;
            None
        }
        Job::Forgetful => Some(forgetful_purchase(&ledger, order(Plan::Succeed)).await),
        Job::Recover | Job::Keyed(_) | Job::KeyedAndStay(_) => {
            runtime.recovered().await;
            None
        }
    };
    if let Some(answer) = answer {
        ledger.answer(7, &told(&answer));
    }
    runtime.shutdown().await;
}

/// Long enough for what failed to have been tried again.
const TRIED_AGAIN: Duration = Duration::from_millis(120);

/// Resolves when the fault that was injected into this process has lasted for `time`.
async fn disk_broken_for(time: Duration) {
    while !crash::has_struck() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(time).await;
}

fn keyed(place: &Place, orders: Vec<u64>, stays: bool) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let runtime = place.runtime().open().await.expect("the store opens");
        let ledger = place.ledger();
        let calls: Vec<_> = orders
            .into_iter()
            .map(|id| {
                let ledger = ledger.clone();
                tokio::spawn(async move {
                    let plan = Plan::Succeed;
                    let answer = keyed_purchase(&ledger, Order { id, plan }).await;
                    ledger.answer(id, &told(&answer));
                })
            })
            .collect();
        for call in calls {
            call.await.expect("no call panics");
        }
        if stays {
            ledger.hold().await;
        }
        runtime.shutdown().await;
    });
}
