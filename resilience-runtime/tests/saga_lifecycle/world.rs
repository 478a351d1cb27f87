//! What the sagas act on: a ledger of effects, a script of how actions go, and what each saga's code asks for.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::error::Error;
use serde::{Deserialize, Serialize};

/// An error that the journal can keep, except for where it comes from a policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum TripError {
    Refused(String),
    Policy(String, #[serde(skip)] Option<Arc<Error>>),
}

impl TripError {
    /// The failure of a policy.
    pub(crate) fn policy(&self) -> &Error {
        match self {
            Self::Policy(_, Some(error)) => error,
            other => panic!("no failure of a policy: {other:?}"),
        }
    }
}

impl fmt::Display for TripError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(what) => write!(f, "refused: {what}"),
            Self::Policy(text, _) => f.write_str(text),
        }
    }
}

impl From<Error> for TripError {
    fn from(error: Error) -> Self {
        Self::Policy(error.to_string(), Some(Arc::new(error)))
    }
}

/// How an action goes, when not well at once.
#[derive(Clone, Copy)]
pub(crate) enum Do {
    Fail,
    Panic,
    Wait(Duration),
    Hang,
}

/// What the code of a saga asks for.
#[derive(Clone, Copy)]
pub(crate) enum Ask {
    /// A step that can be given back.
    Take(u32),
    /// A step that is given back also when it is in doubt.
    Doubt(u32),
    /// A step that is tried again until it is done.
    Again(u32),
    /// A step behind which there is no way back.
    Pivot(u32),
    /// Two that can be given back, at once.
    Both(u32, u32),
    /// Another saga.
    Call(&'static str),
    /// Another saga, with an order from 100 on, if the own one is below.
    CallDeeper(&'static str),
    /// Another saga, whose failure does not matter.
    Try(&'static str),
    /// Another saga, which is not waited for.
    Start(&'static str),
    /// Something that is no step.
    Think(Duration),
    /// `saga::sleep`.
    Sleep(Duration),
    Fail,
    Panic,
}

#[derive(Clone, Default)]
pub(crate) struct World(Arc<Inside>);

#[derive(Default)]
struct Inside {
    effects: Mutex<Vec<String>>,
    script: Mutex<HashMap<String, VecDeque<Do>>>,
    plans: Mutex<HashMap<&'static str, Vec<Ask>>>,
}

impl World {
    /// The code of `saga`.
    pub(crate) fn plan(&self, saga: &'static str, plan: &[Ask]) {
        self.0.plans.lock().unwrap().insert(saga, plan.to_vec());
    }

    pub(crate) fn plan_of(&self, saga: &str) -> Vec<Ask> {
        let plans = self.0.plans.lock().unwrap();
        plans.get(saga).cloned().unwrap_or_default()
    }

    /// The next times that `action` is done, it goes like this.
    pub(crate) fn script(&self, action: &str, goes: &[Do]) {
        let mut script = self.0.script.lock().unwrap();
        script.insert(action.to_owned(), goes.iter().copied().collect());
    }

    pub(crate) fn effects(&self) -> Vec<String> {
        self.0.effects.lock().unwrap().clone()
    }

    pub(crate) fn times(&self, action: &str) -> usize {
        let effects = self.effects();
        effects.iter().filter(|effect| *effect == action).count()
    }

    /// Resolves when `action` was begun.
    pub(crate) async fn has(&self, action: &str) {
        while self.times(action) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) async fn act(&self, action: String) -> Result<String, TripError> {
        tokio::task::yield_now().await;
        let goes = {
            let mut script = self.0.script.lock().unwrap();
            script.get_mut(&action).and_then(VecDeque::pop_front)
        };
        self.0.effects.lock().unwrap().push(action.clone());
        tokio::task::yield_now().await;
        match goes {
            None => {}
            Some(Do::Wait(time)) => tokio::time::sleep(time).await,
            Some(Do::Fail) => return Err(TripError::Refused(action)),
            Some(Do::Panic) => panic!("{action} panicked"),
            Some(Do::Hang) => std::future::pending().await,
        }
        Ok(format!("did {action}"))
    }
}
