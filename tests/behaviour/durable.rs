//! The attributes that keep records, on a runtime in memory: what the tests share.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are tests, helpers included"
)]

mod deadline;
mod detached;
mod idempotent;
mod kept_errors;
mod locked;
mod methods;
mod saga;
mod scope;
mod told;
mod undo;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience::{Error, Runtime};

/// How long an action takes.
const ACTION: Duration = Duration::from_millis(10);

/// What a scripted action does instead of taking [`ACTION`] and succeeding.
#[derive(Clone, Copy)]
enum Do {
    Fail,
    /// Takes so long, and succeeds.
    Take(Duration),
    /// Never ends.
    Hang,
}

/// The outside world: counts what is done to it, and does what its script says.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Inner>);

#[derive(Default)]
struct Inner {
    script: Mutex<HashMap<String, VecDeque<Do>>>,
    begun: Mutex<Vec<String>>,
    refused: Mutex<Vec<Arc<str>>>,
}

impl World {
    /// What `action` does when it is taken for the first, second, … time from now on.
    fn script<const N: usize>(&self, action: &str, script: [Do; N]) {
        let mut scripts = self.0.script.lock().unwrap();
        scripts.insert(action.to_owned(), script.into());
    }

    async fn act(&self, action: String) -> Result<(), ShopError> {
        let scripted = self
            .0
            .script
            .lock()
            .unwrap()
            .get_mut(&action)
            .and_then(VecDeque::pop_front);
        self.0.begun.lock().unwrap().push(action.clone());
        match scripted {
            Some(Do::Take(time)) => tokio::time::sleep(time).await,
            Some(Do::Hang) => std::future::pending().await,
            Some(Do::Fail) | None => tokio::time::sleep(ACTION).await,
        }
        if matches!(scripted, Some(Do::Fail)) {
            let action: Arc<str> = action.into();
            self.0.refused.lock().unwrap().push(Arc::clone(&action));
            return Err(ShopError::Refused(action));
        }
        Ok(())
    }

    /// The actions that were begun since the last look, in order.
    fn begun(&self) -> Vec<String> {
        std::mem::take(&mut self.0.begun.lock().unwrap())
    }

    /// Whether `error` is the very error of the last action that failed.
    fn is_last_refusal(&self, error: &ShopError) -> bool {
        let refused = self.0.refused.lock().unwrap();
        matches!((error, refused.last()),
            (ShopError::Refused(this), Some(last)) if Arc::ptr_eq(this, last))
    }
}

/// The user's error type.
#[derive(Debug)]
enum ShopError {
    Refused(Arc<str>),
    Policy(Error),
}

impl From<Error> for ShopError {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(action) => write!(f, "{action} was refused"),
            Self::Policy(error) => error.fmt(f),
        }
    }
}

/// A runtime of its own for each test: every saga of this program takes the world.
async fn open(world: &World) -> Runtime {
    let builder = Runtime::builder("memory:").state(world.clone()).scoped();
    builder.open().await.unwrap()
}

/// The policy's failure.
fn policy<T: fmt::Debug>(result: Result<T, ShopError>) -> Error {
    match result {
        Err(ShopError::Policy(error)) => error,
        other => panic!("not a policy's failure: {other:?}"),
    }
}
