//! Behaviour of `#[idempotent]` through what generated code calls, on a store in memory whose every
//! operation can be counted, delayed and failed.

#[cfg(feature = "metrics")]
mod counters;
mod detached;
mod drops;
mod duplicates;
mod failures;
mod keys;
mod leases;
mod releases;
mod replays;
mod results;
mod resumed;
mod schemas;
mod store;
mod waiting;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::core::{Core, SCOPED, Settings, Stores};
use crate::error::Error;
use crate::idempotency::store::{Claim, Claiming, IdempotencyStore, Nonce};
use crate::idempotency::{Idempotent, Key};
use crate::outcome::{self, Answer};
use crate::registry::Catalog;
use crate::registry::States;
use crate::store::memory::MemoryStore;
use store::Store;

static CHECKOUT: Idempotent = Idempotent::operation("shop::checkout");

/// The error type of the functions under test.
#[derive(Debug, Serialize, Deserialize)]
enum Failure {
    #[serde(skip)]
    Policy(Error),
    Body,
    Declined(u32),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A process with a store.
fn process(store: &Arc<Store>) -> Arc<Core> {
    let elsewhere = Stores::of(Arc::new(MemoryStore::new()));
    let stores = Stores {
        idempotency: Arc::clone(store) as _,
        ..elsewhere
    };
    Core::new(
        stores,
        States::default(),
        Catalog::default(),
        Settings::default(),
        false,
    )
    .0
}

/// What generated code does, in the process `core`.
async fn answer<T>(
    core: &Arc<Core>,
    idempotent: Idempotent,
    key: Key,
    body: impl Future<Output = Result<T, Failure>>,
) -> Answer<T, Failure>
where
    T: Serialize + DeserializeOwned,
{
    let function = outcome::function::<Result<T, Failure>>("shop::checkout");
    let stored = outcome::stored::<Result<T, Failure>>();
    let call = idempotent.once(key, body, function, stored);
    SCOPED.scope(Arc::clone(core), call).await
}

/// The same with these options, as the caller sees it.
async fn with<T>(
    core: &Arc<Core>,
    idempotent: Idempotent,
    body: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure>
where
    T: Serialize + DeserializeOwned,
{
    answer(core, idempotent, idempotent.key("k"), body)
        .await
        .into_result()
}

/// The same, without options.
async fn call<T>(
    core: &Arc<Core>,
    key: &str,
    body: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure>
where
    T: Serialize + DeserializeOwned,
{
    answer(core, CHECKOUT, CHECKOUT.key(key), body)
        .await
        .into_result()
}

/// Takes the key for somebody who dies with it.
async fn somebody_claims(store: &Store, key: Key, lease: Duration) -> Nonce {
    let (sealed, _) = key.seal("shop::checkout").unwrap();
    let nonce = Nonce::random();
    let claiming = Claiming {
        key: sealed.digest,
        fingerprint: sealed.fingerprint,
        nonce,
        lease,
        waits: false,
        replaces: None,
    };
    let claim = store.memory.claim(claiming).await.unwrap();
    assert!(matches!(claim, Claim::Granted(_)));
    nonce
}

/// A body that counts how often it is begun and how often it ends.
#[derive(Default)]
struct Body {
    begun: AtomicU32,
    ended: AtomicU32,
}

impl Body {
    /// Takes 10 ms and answers with the number of the run.
    async fn run(&self) -> Result<u32, Failure> {
        let run = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.ended.fetch_add(1, Ordering::Relaxed);
        Ok(run)
    }

    fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    fn ended(&self) -> u32 {
        self.ended.load(Ordering::Relaxed)
    }
}

/// Lets everything in the background come to rest.
async fn at_rest() {
    tokio::time::sleep(Duration::from_secs(3600)).await;
}

/// The policy's failure.
fn policy<T: fmt::Debug>(result: Result<T, Failure>) -> Error {
    match result {
        Err(Failure::Policy(error)) => error,
        other => panic!("not a policy's failure: {other:?}"),
    }
}
