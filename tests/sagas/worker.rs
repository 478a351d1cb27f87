//! The processes that run the sagas.

use std::ops::Range;
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use resilience_test_support::child;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::ground;
use crate::ledger::{Entry, Ledger};
use crate::shop::{Order, purchase, told};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Errand {
    pub(crate) url: String,
    pub(crate) folder: PathBuf,
    /// What it starts: what was started before is joined.
    pub(crate) orders: Range<u64>,
    /// Between two starts.
    pub(crate) pause: Duration,
}

const CHILD: &str = "worker::child";

/// A process that is killed when this is dropped.
pub(crate) struct Worker(Child);

impl Worker {
    pub(crate) fn start(errand: &Errand) -> Self {
        let errand = serde_json::to_string(errand).expect("it has a JSON form");
        let mut command = child::again(CHILD, errand);
        if std::env::var_os("FAULTS_VERBOSE").is_some() {
            command.stderr(std::process::Stdio::inherit());
        }
        Self(command.spawn().expect("it starts"))
    }

    /// Waits for its end, which has to be a good one.
    pub(crate) fn end(mut self) {
        assert!(child::wait(&mut self.0).success());
    }

    pub(crate) fn kill9(mut self) {
        self.0.kill().expect("it is there");
        let _ = self.0.wait();
    }

    /// Lets it stand still, in all of its threads.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.0.id()).expect("a process id");
        kill_process(Pid::from_raw(id).expect("not 0"), signal).expect("it is there");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What every child runs; by itself, nothing.
#[test]
fn child() {
    let Some(errand) = child::role(CHILD) else {
        return;
    };
    let errand = errand.into_string().expect("text");
    let errand: Errand = serde_json::from_str(&errand).expect("an errand");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work(errand));
}

async fn work(errand: Errand) {
    let ledger = Ledger::at(&errand.folder);
    let runtime = ground::runtime(&errand.url, &ledger).open().await;
    let runtime = runtime.expect("the store opens");
    let mut callers = Vec::new();
    for id in errand.orders {
        let order = Order::new(id);
        match resilience::saga::start(purchase(&ledger, order)).await {
            Ok(handle) => {
                let saga = handle.id().to_string();
                ledger.append(&Entry::Acknowledged { order: id, saga });
                let ledger = ledger.clone();
                callers.push(tokio::spawn(async move {
                    let told = told(&handle.result().await);
                    ledger.append(&Entry::Answered { order: id, told });
                }));
            }
            Err(error) => {
                let told = told(&Err(error));
                ledger.append(&Entry::Answered { order: id, told });
            }
        }
        tokio::time::sleep(errand.pause).await;
    }
    while !ledger.is_closed() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for caller in callers {
        caller.await.expect("no caller panics");
    }
    runtime.shutdown().await;
}
