//! What was done, by whom and when, in a file that the runtime knows nothing of.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

use crate::shop::Order;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// The saga of this order is durable, as its starter was told.
    Acknowledged { order: Order, saga: String },
    /// Something was done to the world outside.
    Effect(Effect),
    /// What a caller was told in the end.
    Answered { order: u64, told: Told },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effect {
    pub(crate) order: u64,
    pub(crate) action: Action,
    /// The saga that did it, which may be one that the order's saga has called.
    pub(crate) saga: String,
    /// The idempotency key that the step or its compensation saw.
    pub(crate) key: String,
    pub(crate) attempt: u32,
    /// The fencing token: the epoch of the saga.
    pub(crate) token: u64,
    pub(crate) process: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Action {
    /// The effect of a step, by its number.
    Do(u32),
    /// Its compensation.
    Undo(u32),
}

/// What a caller was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Told {
    Success(u32),
    /// The saga's own error: everything is undone.
    Refused,
    /// Something could not be undone.
    Stuck,
    /// It waits for an operator.
    Parked,
    /// Its `timeout` was over: everything is undone.
    TimedOut,
    /// Somebody else has the saga.
    Superseded,
    /// Anything else.
    Unclear(String),
}

/// Where a process waits or dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stop {
    pub(crate) action: Action,
    pub(crate) moment: Moment,
    pub(crate) kills: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Moment {
    Before,
    After,
}

/// A file of one line per entry, appended and synced.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    folder: PathBuf,
    stop: Option<Stop>,
}

impl Ledger {
    pub(crate) fn at(folder: &Path) -> Self {
        let folder = folder.to_owned();
        Self { folder, stop: None }
    }

    /// Of a process that comes to a stop.
    pub(crate) fn stopping(mut self, stop: Option<Stop>) -> Self {
        self.stop = stop;
        self
    }

    /// Has the effect of a step, or of its compensation, slowly: a process may be killed before it, in it and after it.
    pub(crate) async fn effect(&self, order: u64, action: Action) {
        self.reach(order, action, Moment::Before).await;
        let pause = Duration::from_millis(pause_of(order, action));
        tokio::time::sleep(pause).await;
        self.append(&Entry::Effect(Effect {
            order,
            action,
            saga: resilience::saga::current()
                .expect("a step has a saga")
                .to_string(),
            key: resilience::saga::idempotency_key().expect("a step has a key"),
            attempt: resilience::attempt(),
            token: resilience::fencing_token()
                .expect("a step has a token")
                .as_u64(),
            process: std::process::id(),
        }));
        tokio::time::sleep(pause).await;
        self.reach(order, action, Moment::After).await;
    }

    /// Comes to a place at which a process may wait or die.
    async fn reach(&self, order: u64, action: Action, moment: Moment) {
        let Some(stop) = self.stop else { return };
        if (stop.action, stop.moment) != (action, moment) {
            return;
        }
        if stop.kills {
            die();
        }
        self.raise("held");
        self.raise(&format!("held{order}"));
        while !self.is_raised("go") {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The sagas of the orders whose starts were acknowledged.
    pub(crate) fn acknowledged(&self) -> BTreeMap<u64, String> {
        let entries = self.read().into_iter();
        let sagas = entries.filter_map(|entry| match entry {
            Entry::Acknowledged { order, saga } => Some((order.id, saga)),
            _ => None,
        });
        sagas.collect()
    }

    /// A signal between processes: a file beside the ledger.
    pub(crate) fn raise(&self, signal: &str) {
        File::create(self.folder.join(signal)).expect("a file beside the ledger");
    }

    pub(crate) fn is_raised(&self, signal: &str) -> bool {
        self.folder.join(signal).exists()
    }

    pub(crate) fn append(&self, entry: &Entry) {
        let path = self.folder.join("ledger");
        let file = File::options().create(true).append(true).open(path);
        let mut file = file.expect("the ledger opens");
        let line = serde_json::to_string(entry).expect("an entry has a JSON form");
        // One write, so that lines of two processes do not mix; and behind what a kill has cut off.
        file.write_all(format!("\n{line}\n").as_bytes())
            .expect("it is written");
        file.sync_data().expect("it is synced");
    }

    pub(crate) fn read(&self) -> Vec<Entry> {
        let text = fs::read_to_string(self.folder.join("ledger")).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines = whole.lines().filter(|line| line.ends_with('}'));
        lines
            .filter_map(|line| match serde_json::from_str(line) {
                Ok(entry) => Some(entry),
                // Its writer was killed in it, or is still in it.
                Err(error) if error.is_eof() => None,
                Err(_) => panic!("a ledger with {line:?}"),
            })
            .collect()
    }

    pub(crate) fn effects(&self, order: u64) -> Vec<Effect> {
        let of_order = |entry| match entry {
            Entry::Effect(effect) if effect.order == order => Some(effect),
            _ => None,
        };
        self.read().into_iter().filter_map(of_order).collect()
    }

    /// What those who asked for this order were told.
    pub(crate) fn told(&self, order: u64) -> Vec<Told> {
        let of_order = |entry| match entry {
            Entry::Answered { order: of, told } if of == order => Some(told),
            _ => None,
        };
        self.read().into_iter().filter_map(of_order).collect()
    }
}

/// Kills this process: nothing is flushed, no handler runs.
pub(crate) fn die() -> ! {
    let _ = kill_process(getpid(), Signal::KILL);
    loop {
        std::thread::park();
    }
}

/// From 1 to 12 ms, the same in each run.
fn pause_of(order: u64, action: Action) -> u64 {
    let (Action::Do(step) | Action::Undo(step)) = action;
    1 + (order.wrapping_mul(7) + u64::from(step) * 5) % 12
}
