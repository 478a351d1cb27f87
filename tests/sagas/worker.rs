//! The processes that run the sagas.

use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use resilience::Runtime;
use resilience::saga::SagaId;
use resilience_test_support::clock::MovedClock;
use resilience_test_support::{child, wait};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::entries::Entries;
use crate::ground::{self, Ground, LEASE, block_on};
use crate::ledger::{Action, Entry, Ledger, Moment, Stop};
use crate::shop::builds::Build;
use crate::shop::{self, Order, told};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Errand {
    pub(crate) url: String,
    pub(crate) folder: PathBuf,
    /// What it starts: what was started before is joined.
    pub(crate) orders: Vec<Order>,
    /// Between two starts.
    pub(crate) pause: Duration,
    /// Where it waits or dies.
    pub(crate) stop: Option<Stop>,
    /// How long it may be silent.
    pub(crate) lease: Duration,
    /// How often a saga may be interrupted; `None` for as often as it is by itself.
    pub(crate) interruptions: Option<u32>,
    /// It looks for what others have left only while it opens, is ready when that is over, and deletes nothing.
    pub(crate) alone: bool,
    /// When open it raises `ready<number>`, and starts at `go<number>`.
    pub(crate) number: Option<u64>,
    /// How its program was built.
    pub(crate) build: Build,
    /// What an operator undoes there when it is open.
    pub(crate) undoes: Option<String>,
    /// Whether it ends as soon as everything that it has started is over, instead of when `closed` is raised.
    pub(crate) leaves: bool,
}

impl Errand {
    pub(crate) fn new(ground: &Ground, orders: Vec<Order>) -> Self {
        Self {
            url: ground.url.clone(),
            folder: ground.folder().to_owned(),
            orders,
            pause: Duration::ZERO,
            stop: None,
            lease: LEASE,
            interruptions: None,
            alone: false,
            number: None,
            build: Build::default(),
            undoes: None,
            leaves: false,
        }
    }
}

const CHILD: &str = "worker::child";

/// A process that is killed when this is dropped.
pub(crate) struct Worker(Child);

impl Worker {
    pub(crate) fn start(errand: &Errand) -> Self {
        Self::spawn(errand, None)
    }

    /// A process on a machine with this clock.
    pub(crate) fn start_by(clock: &MovedClock, errand: &Errand) -> Self {
        Self::spawn(errand, Some(clock))
    }

    fn spawn(errand: &Errand, clock: Option<&MovedClock>) -> Self {
        let errand = serde_json::to_string(errand).expect("it has a JSON form");
        let mut command = child::again(CHILD, errand);
        if std::env::var_os("FAULTS_VERBOSE").is_some() {
            command.stderr(std::process::Stdio::inherit());
        }
        if let Some(clock) = clock {
            clock.give_to(&mut command);
        }
        Self(command.spawn().expect("it starts"))
    }

    /// A process is killed when all of `orders` have had this effect, before it is recorded.
    pub(crate) fn leave(ground: &Ground, orders: &[Order], action: Action) {
        let stop = Some(Stop {
            action,
            moment: Moment::After,
            kills: false,
        });
        let errand = Errand::new(ground, orders.to_vec());
        let worker = Self::start(&Errand { stop, ..errand });
        let ledger = ground.ledger();
        wait::until("all to be under way", || {
            let has = |order: &Order| {
                ledger
                    .effects(order.id)
                    .iter()
                    .any(|it| it.action == action)
            };
            // A saga can have its effects before its start is noted.
            orders.iter().all(has) && ledger.acknowledged().len() == orders.len()
        });
        worker.kill9();
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("its state").is_some()
    }

    /// Waits for its end, which has to be a good one.
    pub(crate) fn end(mut self) {
        assert!(child::wait(&mut self.0).success());
    }

    /// Waits for the end that it makes of itself.
    pub(crate) fn dies(mut self) {
        use std::os::unix::process::ExitStatusExt as _;
        assert_eq!(child::wait(&mut self.0).signal(), Some(9));
    }

    pub(crate) fn kill9(mut self) {
        self.0.kill().expect("it is there");
        let _ = self.0.wait();
    }

    /// Lets it stand still, in all of its threads.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
        wait::until("a process to stand still", || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", self.id()));
            // The name of the program, in brackets, may hold anything.
            let is_stopped = |state: &str| state.trim_start().starts_with('T');
            state.is_ok_and(|state| state.rsplit(')').next().is_some_and(is_stopped))
        });
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
    block_on(work(errand));
}

async fn work(errand: Errand) {
    errand.build.applies();
    let ledger = Ledger::at(&errand.folder).stopping(errand.stop);
    let builder = ground::with_lease(&errand.url, &ledger, errand.lease);
    let builder = match errand.interruptions {
        Some(most) => builder.max_interruptions(most),
        None => builder,
    };
    let builder = match errand.alone {
        // Nothing is asked in the background, not even what may be deleted: its messages would be counted with the saga's.
        true => builder
            .poll_interval(Duration::from_secs(3600))
            .retention(None),
        false => builder,
    };
    let runtime = builder.open().await.expect("the store opens");
    if errand.alone {
        runtime.recovered().await;
    }
    if let Some(number) = errand.number {
        ledger.raise(&format!("ready{number}"));
        raised(&ledger, &format!("go{number}")).await;
    }
    if let Some(saga) = errand.undoes {
        // What is parked is tried again first.
        runtime.recovered().await;
        let saga = SagaId::from(saga);
        let undone = runtime.sagas().compensate(&saga, "ada").await;
        undone.expect("the store answers");
    }
    let entries = Entries::at(&errand.url);
    let mut callers = Vec::new();
    for order in errand.orders {
        let told = start(&ledger, &entries, order).await;
        callers.extend(told.map(tokio::spawn));
        tokio::time::sleep(errand.pause).await;
    }
    if !errand.leaves {
        raised(&ledger, "closed").await;
    }
    for caller in callers {
        caller.await.expect("no caller panics");
    }
    runtime.shutdown().await;
}

async fn raised(ledger: &Ledger, signal: &str) {
    while !ledger.is_raised(signal) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Starts the saga of `order`, or joins it. The future writes down what it is told in the end.
async fn start(
    ledger: &Ledger,
    entries: &Entries,
    order: Order,
) -> Option<impl Future<Output = ()> + Send + use<>> {
    let (id, ledger) = (order.id, ledger.clone());
    match shop::start(&ledger, entries, order).await {
        Ok(handle) => {
            let saga = handle.id().to_string();
            ledger.append(&Entry::Acknowledged { order, saga });
            Some(async move {
                let told = told(&handle.result().await);
                ledger.append(&Entry::Answered { order: id, told });
            })
        }
        Err(error) => {
            let told = told(&Err(error));
            ledger.append(&Entry::Answered { order: id, told });
            None
        }
    }
}

/// Lets all of `orders` come to their end in this process, on a store whose other processes are gone or take part.
pub(crate) async fn finish(ground: &Ground, runtime: &Runtime, orders: &[Order]) {
    let (ledger, entries) = (ground.ledger(), Entries::at(&ground.url));
    let mut callers = Vec::new();
    for order in orders {
        let told = runtime.scope(start(&ledger, &entries, *order)).await;
        callers.extend(told.map(|told| {
            let runtime = runtime.clone();
            tokio::spawn(async move { runtime.scope(told).await })
        }));
    }
    for caller in callers {
        caller.await.expect("no caller panics");
    }
}
