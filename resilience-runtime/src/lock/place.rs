//! What one caller has of a lock at the store: nothing, a question that is not answered, a place in the line, or
//! the lock.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::store::{Acquired, Acquiring, Nonce, Ownership};
use crate::BoxFuture;
use crate::core::{self, Core, Permit, Stores, go_on};
use crate::error::{Effect, StoreError};
use crate::key::Digest;

/// How long a lock is given back to a store that fails, where no lease ends it.
const RELEASING_PATIENCE: Duration = Duration::from_secs(600);

/// What the store says to a question.
pub(super) type Reply = Result<Acquired, StoreError>;

/// The lock of one caller, or its place in the line. Wherever it is dropped it is given back in the background.
pub(super) struct Place {
    /// `None` once it is given back.
    mine: Option<Mine>,
    background: Handle,
    /// Whether the store has something of it, as far as this process can know.
    is_at_store: bool,
}

/// What has to be given back.
struct Mine {
    core: Arc<Core>,
    key: Digest,
    nonce: Nonce,
    /// For how long a lock that is not given back stays.
    stays: Duration,
    /// Lets a shutdown wait.
    _permit: Permit,
}

/// A question that the store has not answered yet.
struct Asking<'a> {
    place: &'a mut Place,
    question: Option<BoxFuture<'static, Reply>>,
}

impl Place {
    pub(super) fn new(
        core: Arc<Core>,
        background: Handle,
        permit: Permit,
        key: Digest,
        lease: Duration,
    ) -> Self {
        let stays = match core.stores.locks.ownership() {
            Ownership::Lease => lease,
            Ownership::Process => RELEASING_PATIENCE,
        };
        let mine = Mine {
            core,
            key,
            nonce: Nonce::random(),
            stays,
            _permit: permit,
        };
        Self {
            mine: Some(mine),
            background,
            is_at_store: false,
        }
    }

    /// Who this is.
    pub(super) fn nonce(&self) -> Option<Nonce> {
        self.mine.as_ref().map(|mine| mine.nonce)
    }

    /// Asks the store for the lock.
    pub(super) async fn ask(&mut self, lease: Duration, replicas: u32, waits: bool) -> Reply {
        let Some(mine) = &self.mine else {
            return Err(StoreError::refused(
                "asking for a lock",
                "it was given back",
            ));
        };
        let store = Arc::clone(&mine.core.stores.locks);
        let acquiring = Acquiring {
            key: mine.key,
            nonce: mine.nonce,
            lease,
            waits,
            replicas,
        };
        let question: BoxFuture<'static, Reply> =
            Box::pin(async move { store.acquire(acquiring).await });
        let mut asking = Asking {
            place: self,
            question: None,
        };
        let answer = asking.question.insert(question).await;
        asking.question = None;
        drop(asking);
        self.is_at_store = self.is_at_store || may_be_at_store(&answer, waits);
        answer
    }

    /// What it has, which leaves nothing here.
    pub(super) fn take(&mut self) -> Self {
        Self {
            mine: self.mine.take(),
            background: self.background.clone(),
            is_at_store: self.is_at_store,
        }
    }

    /// Gives it back.
    pub(super) async fn release(&mut self) -> Result<(), StoreError> {
        let Some(mine) = self.mine.as_ref().filter(|_| self.is_at_store) else {
            return Ok(());
        };
        mine.release().await?;
        // Where the store failed, the drop keeps trying.
        self.is_at_store = false;
        Ok(())
    }

    fn give_back(&mut self, question: Option<BoxFuture<'static, Reply>>) {
        let Some(mine) = self.mine.take() else { return };
        if question.is_none() && !self.is_at_store {
            return;
        }
        let release = give_back(mine, self.is_at_store, question);
        go_on(&self.background, release);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.give_back(None);
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(question) = self.question.take() {
            self.place.give_back(Some(question));
        }
    }
}

impl Mine {
    async fn release(&self) -> Result<(), StoreError> {
        let store = Arc::clone(&self.core.stores.locks);
        store.release(self.key, self.nonce).await
    }
}

/// Whether the store may have a lock or a place after this answer.
fn may_be_at_store(answer: &Reply, waits: bool) -> bool {
    match answer {
        Ok(Acquired::Granted { .. }) => true,
        Ok(Acquired::Busy { .. }) => waits,
        Err(error) => error.effect() != Effect::DidNotRun,
    }
}

/// Waits for the store's answer, where there is none yet, and gives back what it has. A shutdown waits for the
/// first try.
async fn give_back(mine: Mine, is_at_store: bool, question: Option<BoxFuture<'static, Reply>>) {
    if let Some(question) = question
        && !may_be_at_store(&question.await, true)
        && !is_at_store
    {
        return;
    }
    let Mine {
        core,
        key,
        nonce,
        stays,
        _permit: permit,
    } = mine;
    let released = core::give_back(core, stays, permit, async |stores: Stores| {
        stores.locks.release(key, nonce).await
    });
    if let Err(error) = released.await {
        tracing::warn!(target: "resilience", %key, %error, "a lock could not be given back");
    }
}
