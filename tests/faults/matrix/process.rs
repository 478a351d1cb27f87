//! The child processes of the matrix.

use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use resilience::Runtime;
use resilience_test_support::{child, wait};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use super::effects::{Effects, Point, Told, What};
use super::ground::Address;
use super::operations::{Operation, warm_up};
use super::stress;

/// What a child does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Job {
    /// One call.
    Call(Operation, u64),
    /// From each of so many runtimes, so many calls of each of so many keys, all at once.
    Calls {
        operation: Operation,
        runtimes: u32,
        keys: u64,
        calls: u32,
    },
    /// So many calls one after the other, by each of so many tasks.
    InTurn {
        operation: Operation,
        tasks: u32,
        calls: u32,
    },
    Stress(stress::Size),
}

#[derive(Serialize, Deserialize)]
struct Errand {
    address: Address,
    folder: PathBuf,
    job: Job,
    held_at: Option<Point>,
    takes: Duration,
}

const CHILD: &str = "matrix::process::child";

/// A process that is killed when this is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts one that does `job`. Its calls are held at a point, and its bodies take their time.
    pub(crate) fn start(
        address: &Address,
        effects: &Effects,
        job: Job,
        held_at: impl Into<Option<Point>>,
        takes: Duration,
    ) -> Self {
        let errand = Errand {
            address: address.clone(),
            folder: effects.folder().to_owned(),
            job,
            held_at: held_at.into(),
            takes,
        };
        let errand = serde_json::to_string(&errand).expect("it has a JSON form");
        let mut command = child::again(CHILD, errand);
        if std::env::var_os("FAULTS_VERBOSE").is_some() {
            command.stderr(std::process::Stdio::inherit());
        }
        Self(command.spawn().expect("it starts"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits for its end, which has to be a good one.
    pub(crate) fn end(mut self) {
        assert!(child::wait(&mut self.0).success());
    }

    pub(crate) fn kill9(mut self) {
        self.0.kill().expect("it is there");
        let status = self.0.wait().expect("its status");
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(9)
        );
    }

    /// Lets it stand still, in all of its threads.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
        let status = format!("/proc/{}/stat", self.id());
        wait::until("the process to be stopped", || {
            let status = std::fs::read_to_string(&status).expect("it is there");
            // The name of the program, in brackets, may hold anything.
            let state = status.rsplit(')').next().unwrap_or_default();
            state.trim_start().starts_with('T')
        });
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.id()).expect("a process id");
        let id = Pid::from_raw(id).expect("not 0");
        kill_process(id, signal).expect("it is there");
    }
}

impl Drop for Process {
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
    let effects = Effects::at(&errand.folder);
    let effects = effects.held_at(errand.held_at).taking(errand.takes);
    let address = &errand.address;
    match errand.job {
        Job::Call(operation, key) => {
            let runtime = address.open().await;
            warm_up(&runtime).await;
            effects.reach(key, Point::Before).await;
            let told = runtime.scope(operation.call(&effects, key)).await;
            effects.reach(key, Point::Answered).await;
            effects.note(key, What::Told(told));
            runtime.shutdown().await;
        }
        Job::Calls {
            operation,
            runtimes,
            keys,
            calls,
        } => {
            let runtimes = open(address, runtimes).await;
            effects.reach(0, Point::Before).await;
            let mut tasks = Vec::new();
            for runtime in &runtimes {
                for _ in 0..calls {
                    tasks.extend((0..keys).map(|key| task(runtime, &effects, operation, key, 1)));
                }
            }
            end(tasks, runtimes).await;
        }
        Job::InTurn {
            operation,
            tasks,
            calls,
        } => {
            let runtimes = open(address, 1).await;
            effects.reach(0, Point::Before).await;
            let tasks = (0..tasks).map(|_| task(&runtimes[0], &effects, operation, 0, calls));
            end(tasks.collect(), runtimes).await;
        }
        Job::Stress(size) => {
            let runtimes = open(address, size.runtimes).await;
            effects.reach(0, Point::Before).await;
            stress::work(&effects, &runtimes, size).await;
            end(Vec::new(), runtimes).await;
        }
    }
}

async fn open(address: &Address, runtimes: u32) -> Vec<Runtime> {
    let mut opened = Vec::new();
    for _ in 0..runtimes {
        opened.push(address.open().await);
    }
    opened
}

async fn end(tasks: Vec<JoinHandle<()>>, runtimes: Vec<Runtime>) {
    for task in tasks {
        task.await.expect("no call panics");
    }
    for runtime in runtimes {
        assert_eq!(runtime.shutdown().await.left, 0);
    }
}

fn task(
    runtime: &Runtime,
    effects: &Effects,
    operation: Operation,
    key: u64,
    calls: u32,
) -> JoinHandle<()> {
    let (runtime, effects) = (runtime.clone(), effects.clone());
    tokio::spawn(async move {
        for _ in 0..calls {
            let told = runtime.scope(operation.call(&effects, key)).await;
            effects.note(key, What::Told(told));
        }
    })
}

/// A call in this process, beside the test.
pub(crate) fn call(
    runtime: &Runtime,
    effects: &Effects,
    operation: Operation,
    key: u64,
) -> JoinHandle<Told> {
    let (runtime, effects) = (runtime.clone(), effects.clone());
    tokio::spawn(async move { runtime.scope(operation.call(&effects, key)).await })
}

/// What a call that ends in time answers.
pub(crate) async fn answer(call: JoinHandle<Told>) -> Told {
    let ended = tokio::time::timeout(wait::PATIENCE, call).await;
    ended.expect("the call ends").expect("it does not panic")
}
