//! Locks: one holder at a time. For every `LockStore`, also one without a line.

pub(crate) mod held;

use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::error::StoreError;
use resilience_runtime::lock::store::{
    Acquired, Acquiring, FencingToken, LockStore, Nonce, Ownership,
};
use tokio::time::Instant;

use crate::fixture::{AT_LAST, LONG, SHORT, digest};

/// Tests of a `LockStore`: who has the lock.
macro_rules! lock_holders {
    ($fixture:expr, start_paused = $paused:tt) => {
        instantiate! { holders, $fixture, $paused:
            held:
                a_lock_has_one_holder,
                one_of_many_gets_the_lock,
                asked_again_by_its_holder_it_is_granted_with_the_same_token,
                locks_do_not_touch_each_other,
                only_its_holder_releases_a_lock,
                tokens_grow_however_a_lock_ends,
                a_lock_ends_as_the_ownership_says,
                the_lock_of_a_worker_that_is_gone_is_free,
                a_lease_that_is_renewed_does_not_end,
                a_lease_is_renewed_by_its_holder_alone,
                asked_again_a_lease_begins_again,
                who_does_not_wait_is_not_woken;
        }
    };
}

/// Who asks for a lock.
#[derive(Clone, Copy)]
pub(crate) struct Asker(Acquiring);

/// The answer that a lock is taken.
pub(crate) struct Taken {
    pub(crate) left: Option<Duration>,
    pub(crate) woken: BoxFuture<'static, ()>,
}

impl Asker {
    /// One that does not wait, and is granted the lock for [`LONG`].
    pub(crate) fn of(key: u32) -> Self {
        Self(Acquiring {
            key: digest(key),
            nonce: Nonce::random(),
            lease: LONG,
            waits: false,
            replicas: 0,
        })
    }

    /// Another one that asks for the same lock.
    pub(crate) fn another(self) -> Self {
        let nonce = Nonce::random();
        Self(Acquiring { nonce, ..self.0 })
    }

    pub(crate) fn leased(self, lease: Duration) -> Self {
        Self(Acquiring { lease, ..self.0 })
    }

    pub(crate) fn waiting(self) -> Self {
        let waits = true;
        Self(Acquiring { waits, ..self.0 })
    }

    pub(crate) async fn acquires(self, store: &impl LockStore) -> Result<FencingToken, Taken> {
        match answered(|| store.acquire(self.0)).await {
            Acquired::Granted { token, .. } => Ok(token),
            Acquired::Busy { left, woken } => Err(Taken { left, woken }),
        }
    }

    #[track_caller]
    pub(crate) fn granted(self, store: &impl LockStore) -> impl Future<Output = FencingToken> {
        let at = std::panic::Location::caller();
        async move {
            let acquired = self.acquires(store).await;
            acquired.unwrap_or_else(|_| panic!("{at}: busy"))
        }
    }

    #[track_caller]
    pub(crate) fn busy(self, store: &impl LockStore) -> impl Future<Output = Taken> {
        let at = std::panic::Location::caller();
        async move {
            match self.acquires(store).await {
                Err(taken) => taken,
                Ok(token) => panic!("{at}: granted under {token}"),
            }
        }
    }

    pub(crate) async fn releases(self, store: &impl LockStore) {
        store.release(self.0.key, self.0.nonce).await.unwrap();
    }

    /// Has it for no longer than [`SHORT`] from now on.
    pub(crate) async fn ends_soon(self, store: &impl LockStore) {
        if store.ownership() == Ownership::Lease {
            assert!(self.renews(store, SHORT).await);
        }
    }

    pub(crate) async fn renews(self, store: &impl LockStore, lease: Duration) -> bool {
        answered(|| store.renew(self.0.key, self.0.nonce, lease)).await
    }
}

/// Asks until there is an answer: a store of many nodes gives each a small part of the lease to answer in, which can be too little
/// on a machine under load.
async fn answered<T, F>(ask: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, StoreError>>,
{
    let until = Instant::now() + AT_LAST;
    loop {
        match ask().await {
            Err(error)
                if error.to_string().contains("nodes answered") && Instant::now() < until => {}
            answer => return answer.unwrap(),
        }
    }
}
