//! The effects, in a file that the runtime knows nothing of.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// The saga of this order is durable, as its starter was told.
    Acknowledged { order: u64, saga: String },
    /// Something was done to the world outside.
    Effect(Effect),
    /// What a caller was told in the end.
    Answered { order: u64, told: Told },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effect {
    pub(crate) order: u64,
    pub(crate) action: Action,
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
    /// Anything else.
    Unclear(String),
}

/// A file of one line per entry, appended and synced.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(PathBuf);

impl Ledger {
    pub(crate) fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// Has the effect of a step, or of its compensation, slowly: a process may be killed before it, in it and after it.
    pub(crate) async fn effect(&self, order: u64, action: Action) {
        let pause = Duration::from_millis(fastrand_of(order, action));
        tokio::time::sleep(pause).await;
        self.append(&Entry::Effect(Effect {
            order,
            action,
            key: resilience::saga::idempotency_key().expect("a step has a key"),
            attempt: resilience::attempt(),
            token: resilience::fencing_token()
                .expect("a step has a token")
                .as_u64(),
            process: std::process::id(),
        }));
        tokio::time::sleep(pause).await;
    }

    pub(crate) fn append(&self, entry: &Entry) {
        let path = self.0.join("ledger");
        let file = File::options().create(true).append(true).open(path);
        let mut file = file.expect("the ledger opens");
        let line = serde_json::to_string(entry).expect("an entry has a JSON form");
        // One write, so that lines of two processes do not mix.
        file.write_all(format!("{line}\n").as_bytes())
            .expect("it is written");
        file.sync_data().expect("it is synced");
    }

    pub(crate) fn read(&self) -> Vec<Entry> {
        let text = fs::read_to_string(self.0.join("ledger")).unwrap_or_default();
        text.lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|_| panic!("a ledger with {line:?}"))
            })
            .collect()
    }

    /// Tells all workers to end in order.
    pub(crate) fn close(&self) {
        File::create(self.0.join("closed")).expect("a file beside the ledger");
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.join("closed").exists()
    }
}

/// From 1 to 12 ms, the same in each run.
fn fastrand_of(order: u64, action: Action) -> u64 {
    let (Action::Do(step) | Action::Undo(step)) = action;
    1 + (order.wrapping_mul(7) + u64::from(step) * 5) % 12
}
