//! A claim, from the moment it is asked for until it has ended at the store.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use crate::BoxFuture;
use crate::core::{Core, Permit, go_on};
use crate::error::{Effect, StoreError};
use crate::idempotency::flight::{Holding, Landing, Leader};
use crate::idempotency::give_back::GiveBack;
use crate::idempotency::key::Sealed;
use crate::idempotency::recording::{Recorded, Recording};
use crate::idempotency::store::{
    Claim, Claiming, Grant, Nonce, Ownership, Record, RecordKind, Release,
};
use crate::invocation::Invocation;
use crate::lease::kept::{Kept, Lost, Renew};
use crate::recursion::Held;

/// What the store says to a claim.
pub(super) type Claimed = Result<Claim, StoreError>;

/// The claim of one call, with its place as the leader in this process.
///
/// Wherever it is dropped, the claim is given back in the background: before the store has answered
/// (the answer is waited for, since it may be a grant), while the body runs, or after it. The
/// followers in this process are woken when the claim is back, so that they do not meet it.
pub(super) struct Hold {
    core: Arc<Core>,
    background: Handle,
    /// Lets a shutdown wait for the record.
    permit: Option<Permit>,
    leader: Option<Leader>,
    key: Sealed,
    nonce: Nonce,
    lease: Duration,
    /// The question that the store has not answered yet.
    claiming: Option<BoxFuture<'static, Claimed>>,
    /// Whether the claim is at the store, as far as this process can know.
    held: bool,
    kept: Kept,
    /// What the body learns of its run; `None` where it runs unprotected.
    invocation: Option<Invocation>,
    /// How the claim ends, were it to end now.
    ending: Release,
}

impl Hold {
    pub(super) fn new(
        core: Arc<Core>,
        background: Handle,
        leader: Leader,
        key: Sealed,
        lease: Duration,
    ) -> Self {
        Self {
            core,
            background,
            permit: None,
            leader: Some(leader),
            key,
            nonce: Nonce::random(),
            lease,
            claiming: None,
            held: false,
            kept: Kept::forever(),
            invocation: None,
            ending: Release::Unused,
        }
    }

    /// Where what goes on without its caller belongs to.
    pub(super) fn home(&self) -> (Arc<Core>, Handle) {
        (Arc::clone(&self.core), self.background.clone())
    }

    /// A shutdown waits for as long as this hold lives.
    pub(super) fn counts_for_shutdown(&mut self, permit: Option<Permit>) {
        self.permit = permit;
    }

    /// Asks the store for the key.
    pub(super) async fn claim(&mut self, waits: bool, replaces: Option<Record>) -> Claimed {
        let store = Arc::clone(&self.core.stores.idempotency);
        let claiming = Claiming {
            key: self.key.digest,
            fingerprint: self.key.fingerprint,
            nonce: self.nonce,
            lease: self.lease,
            waits,
            replaces,
        };
        let asked = Instant::now();
        let question = Box::pin(async move { store.claim(claiming).await });
        let answer = self.claiming.insert(question).await;
        self.claiming = None;
        self.held = may_hold(&answer);
        match &answer {
            Ok(Claim::Granted(grant)) => {
                self.is_bound();
                self.keep(*grant, asked);
            }
            Ok(Claim::Busy(busy)) => {
                // By the one who has it, with the same arguments.
                self.is_bound();
                if let (Some(left), Some(leader)) = (busy.left, &self.leader) {
                    leader.knows(Holding::Elsewhere(Instant::now() + left));
                }
            }
            _ => {}
        }
        answer
    }

    /// Renews the claim from now on, if the store has leases.
    fn keep(&mut self, grant: Grant, asked: Instant) {
        self.invocation = Some(Invocation {
            attempt: grant.attempt,
            interrupted: grant.interrupted,
            token: Some(grant.token),
        });
        let store = &self.core.stores.idempotency;
        let ownership = store.ownership();
        if ownership == Ownership::Process {
            return;
        }
        let (key, nonce, lease) = (self.key.digest, self.nonce, self.lease);
        let store = Arc::clone(store);
        let renew: Renew = Box::new(move || {
            let store = Arc::clone(&store);
            Box::pin(async move { store.renew(key, nonce, lease).await })
        });
        self.kept = Kept::new(&self.background, ownership, asked, lease, renew);
        if let (Some(left), Some(leader)) = (self.kept.watched(), &self.leader) {
            leader.knows(Holding::Here(left));
        }
    }

    /// Whether what was granted can still be relied on.
    pub(super) fn is_valid(&self) -> bool {
        self.kept.is_valid()
    }

    /// Goes on without the store. What it may have granted is given back; the place as the leader stays.
    pub(super) fn go_on_unprotected(&mut self) {
        self.is_bound();
        if std::mem::take(&mut self.held) {
            self.in_background(GiveBack {
                core: Arc::clone(&self.core),
                leader: None,
                permit: None,
                key: self.key.digest,
                nonce: self.nonce,
                lease: self.lease,
                kept: Kept::forever(),
                claiming: None,
                how: Release::Unused,
            });
        }
    }

    /// Runs the body, for as long as the lease is this call's.
    pub(super) async fn run<F: Future>(&mut self, body: Pin<&mut F>) -> Result<F::Output, Lost> {
        self.ending = Release::Interrupted;
        // Unprotected, it has nothing of a call around it: that token is of another key.
        let invocation = self.invocation.unwrap_or(Invocation::NONE);
        let held = Held::at_store(&self.core, self.key.digest);
        self.kept.guard(invocation, pin!(held.during(body))).await
    }

    /// Gives the followers what the store has, and the permit back to the caller.
    pub(super) fn share(mut self, record: Record) -> Option<Permit> {
        self.land(Landing::Finished(record));
        self.permit.take()
    }

    /// Records what the body came to, in a task of its own: it has had its effect, and a caller that goes
    /// away now must not take the record with it.
    pub(super) async fn complete(
        mut self,
        kind: RecordKind,
        schema: Arc<str>,
        content: String,
        ttl: Duration,
    ) -> Recorded {
        let record = Record {
            fingerprint: self.key.fingerprint,
            kind,
            schema,
            content: content.into(),
        };
        if self.invocation.is_none() {
            // Without the store there are at least those who wait in this process.
            self.land(Landing::Finished(record));
            return Recorded::Stored;
        }
        let background = self.background.clone();
        match background.spawn(self.record(record, ttl)).await {
            Ok(recorded) => recorded,
            Err(error) => {
                Recorded::Not(format!("the task that records it did not finish: {error}"))
            }
        }
    }

    async fn record(mut self, record: Record, ttl: Duration) -> Recorded {
        let recording = Recording {
            core: Arc::clone(&self.core),
            key: self.key.digest,
            nonce: self.nonce,
            patience: self.lease,
        };
        let recorded = recording.record(&record, ttl).await;
        match &recorded {
            Recorded::Stored => {
                self.held = false;
                self.land(Landing::Finished(record));
            }
            Recorded::Theirs(theirs) => {
                self.held = false;
                self.land(Landing::Finished(theirs.clone()));
            }
            Recorded::Taken => self.held = false,
            Recorded::Not(reason) => self.land(Landing::NotRecorded(reason.as_str().into())),
        }
        recorded
    }

    /// Ends the claim, so that the next call runs.
    pub(super) async fn release(mut self, how: Release) {
        self.ending = how;
        if !self.held {
            return;
        }
        std::mem::replace(&mut self.kept, Kept::forever())
            .end()
            .await;
        let store = Arc::clone(&self.core.stores.idempotency);
        let released = store.release(self.key.digest, self.nonce, how);
        if let Ok(Ok(())) = timeout(self.lease / 3, released).await {
            self.held = false;
        }
        // Where the store failed or does not answer, the drop keeps trying, and the caller has its error.
    }

    fn is_bound(&self) {
        if let Some(leader) = &self.leader {
            leader.is_bound();
        }
    }

    fn land(&mut self, landing: Landing) {
        if let Some(leader) = self.leader.take() {
            leader.land(landing);
        }
    }

    fn in_background(&self, give_back: GiveBack) {
        go_on(&self.background, give_back.run());
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let claiming = self.claiming.take();
        if claiming.is_none() && !self.held {
            return;
        }
        // A lease that was lost may be another's by now: who waits has to ask, and not to wait for this.
        let leader = self.leader.take().filter(|_| self.kept.is_valid());
        let give_back = GiveBack {
            core: Arc::clone(&self.core),
            leader,
            permit: self.permit.take(),
            key: self.key.digest,
            nonce: self.nonce,
            lease: self.lease,
            kept: std::mem::replace(&mut self.kept, Kept::forever()),
            claiming,
            how: self.ending,
        };
        self.in_background(give_back);
    }
}

/// Whether a claim may be at the store after this answer.
pub(super) fn may_hold(answer: &Claimed) -> bool {
    match answer {
        Ok(Claim::Granted(_)) => true,
        Ok(_) => false,
        Err(error) => error.effect() != Effect::DidNotRun,
    }
}
