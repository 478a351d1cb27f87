//! From the question to the lock.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::guard::LockGuard;
use super::key::LockKey;
use super::place::{Place, Reply};
use super::store::{Acquired, FencingToken, Nonce};
use crate::BoxFuture;
use crate::core::{Core, background};
use crate::error::Error;
use crate::lease::asked_again;
use crate::lease::kept::{Kept, Renew, validity};
use crate::policy::keyed_lock::Refused;
use crate::policy::until::Until;
use crate::recursion::Held;
use crate::telemetry::{meter, names};

/// How a lock is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) lease: Duration,
    pub(super) wait: Duration,
    pub(super) replicas: u32,
}

/// One caller that wants a lock.
struct Caller {
    core: Arc<Core>,
    key: LockKey,
    function: &'static str,
    options: Options,
    began: Instant,
    until: Option<Until>,
}

/// Waits for the lock: until it is granted, or the wait is over, or the deadline of the call.
pub(super) async fn acquire(
    core: Arc<Core>,
    key: LockKey,
    function: &'static str,
    options: Options,
) -> Result<LockGuard, Error> {
    key.check(function)?;
    if Held::at_store(&core, key.digest()).is_held() {
        return Err(Error::Recursive {
            function: function.to_owned(),
            key: key.words(),
        });
    }
    let Some(permit) = core.enter() else {
        return Err(Error::ShuttingDown { function });
    };
    let background = background(function)?;
    let place = Place::new(
        Arc::clone(&core),
        background,
        permit,
        key.digest(),
        options.lease,
    );
    let began = Instant::now();
    let caller = Caller {
        core,
        key,
        function,
        options,
        began,
        until: Until::of(began, Some(options.wait)),
    };
    caller.wait(place).await
}

impl Caller {
    async fn wait(self, mut place: Place) -> Result<LockGuard, Error> {
        let mut lease_ends = None;
        if self.until.is_some_and(Until::is_missed) {
            return Err(self.too_late(lease_ends));
        }
        loop {
            let asked = Instant::now();
            let Some(answer) = self.ask(&mut place).await else {
                return Err(self.too_late(lease_ends));
            };
            let answer = answer.map_err(|source| Error::Store {
                function: self.function,
                source,
            })?;
            match answer {
                Acquired::Granted { token, validity } => {
                    if let Some(guard) = self.guard(&mut place, asked, token, validity)? {
                        return Ok(guard);
                    }
                    // The answer came so late that the lease is over.
                    if self.until.is_some_and(|until| until.at <= Instant::now()) {
                        return Err(self.too_late(lease_ends));
                    }
                }
                Acquired::Busy { left, woken } => {
                    let now = Instant::now();
                    lease_ends = left.map(|left| now + left);
                    if !self.pause(now, left, woken).await {
                        return Err(self.too_late(lease_ends));
                    }
                }
            }
        }
    }

    /// The store's answer; `None` when the deadline of the call came first.
    async fn ask(&self, place: &mut Place) -> Option<Reply> {
        let Options {
            lease,
            wait,
            replicas,
        } = self.options;
        let question = place.ask(lease, replicas, !wait.is_zero());
        match self.until {
            Some(until) if until.is_deadline => {
                let answer = timeout_at(until.at, question).await.ok();
                answer.filter(|_| !until.is_missed())
            }
            _ => Some(question.await),
        }
    }

    /// Waits until it is worth to ask again; false when the wait is over.
    async fn pause(
        &self,
        now: Instant,
        left: Option<Duration>,
        woken: BoxFuture<'static, ()>,
    ) -> bool {
        let again = now + asked_again(left);
        let end = self.until.map(|until| until.at);
        if end.is_some_and(|end| end <= now) {
            return false;
        }
        let is_last = end.is_some_and(|end| end <= again);
        let at = end.map_or(again, |end| end.min(again));
        let is_woken = timeout_at(at, woken).await.is_ok();
        is_woken || !is_last
    }

    /// The guard of what was granted; `None` where it may not be relied on any more.
    fn guard(
        &self,
        place: &mut Place,
        asked: Instant,
        token: FencingToken,
        valid: Option<Duration>,
    ) -> Result<Option<LockGuard>, Error> {
        let Self {
            core,
            key,
            function,
            options,
            ..
        } = self;
        let Some(nonce) = place.nonce() else {
            return Ok(None);
        };
        let lease = options.lease;
        let valid = validity(lease).min(valid.unwrap_or(Duration::MAX));
        let kept = Kept::valid_for(
            &background(function)?,
            core.stores.locks.ownership(),
            asked,
            lease,
            valid,
            renewal(core, key, nonce, lease),
        );
        if !kept.is_valid() {
            return Ok(None);
        }
        meter::time(
            names::LOCK_ACQUISITION_DURATION,
            "lock",
            key.name(),
            self.began.elapsed(),
        );
        let held = Held::at_store(core, key.digest());
        let place = place.take();
        Ok(Some(LockGuard::new(
            kept,
            place,
            token,
            held,
            key.clone(),
            function,
        )))
    }

    /// Why there is no lock, when there is no more time. `lease_ends`: the lease of the holder.
    #[cold]
    fn too_late(&self, lease_ends: Option<Instant>) -> Error {
        let waited = self.began.elapsed();
        let refused = if self.until.is_some_and(|until| until.is_deadline) {
            Refused::Deadline { waited }
        } else {
            Refused::Busy { waited }
        };
        let lease_left = lease_ends.map(|end| end.saturating_duration_since(Instant::now()));
        not_locked(&self.key, self.function, refused, lease_left)
    }
}

/// The error of a call that did not get the lock in time, which is counted.
#[cold]
pub(super) fn not_locked(
    key: &LockKey,
    function: &'static str,
    refused: Refused,
    left: Option<Duration>,
) -> Error {
    let lock = key.name();
    let name = match refused {
        Refused::Busy { .. } => lock,
        Refused::Recursive | Refused::Deadline { .. } => function,
    };
    let mut error = refused.into_error(name, || key.words());
    if let Error::LockBusy { lease_left, .. } = &mut error {
        *lease_left = left;
    }
    meter::count(names::LOCK_BUSY, "lock", lock);
    tracing::debug!(target: "resilience", lock, function, %error, "not locked");
    error
}

fn renewal(core: &Core, key: &LockKey, nonce: Nonce, lease: Duration) -> Renew {
    let store = Arc::clone(&core.stores.locks);
    let key = key.digest();
    Box::new(move || {
        let store = Arc::clone(&store);
        Box::pin(async move { store.renew(key, nonce, lease).await })
    })
}
