//! A claim, from the moment it is asked for until it has ended at the store.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::BoxFuture;
use crate::core::{Core, Permit};
use crate::error::{Effect, StoreError};
use crate::idempotency::flight::{Landing, Leader};
use crate::idempotency::key::Sealed;
use crate::idempotency::store::{Claim, Claiming, Completion, Nonce, Record, RecordKind, Release};
use crate::pauses::Pauses;

/// How long a result is offered to a store that fails, while the caller waits.
const RECORDING_PATIENCE: Duration = Duration::from_secs(5);
/// How long a claim is given back to a store that fails. Nobody waits for it, and a claim that stays
/// blocks its key until the process ends.
const RELEASING_PATIENCE: Duration = Duration::from_secs(600);

type Answer = Result<Claim, StoreError>;

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
    /// The question that the store has not answered yet.
    claiming: Option<BoxFuture<'static, Answer>>,
    /// Whether the claim is at the store, as far as this process can know.
    held: bool,
}

impl Hold {
    pub(super) fn new(core: Arc<Core>, background: Handle, leader: Leader, key: Sealed) -> Self {
        Self {
            core,
            background,
            permit: None,
            leader: Some(leader),
            key,
            nonce: Nonce::random(),
            claiming: None,
            held: false,
        }
    }

    /// A shutdown waits for as long as this hold lives.
    pub(super) fn counts_for_shutdown(&mut self, permit: Option<Permit>) {
        self.permit = permit;
    }

    /// Asks the store for the key.
    pub(super) async fn claim(&mut self) -> Answer {
        let store = Arc::clone(&self.core.stores.idempotency);
        let (key, nonce) = (self.key, self.nonce);
        let claiming: BoxFuture<'static, Answer> = Box::pin(async move {
            let claiming = Claiming {
                key: key.digest,
                fingerprint: key.fingerprint,
                nonce,
                lease: Duration::from_secs(30),
                waits: true,
                replaces: None,
            };
            store.claim(claiming).await
        });
        let answer = self.claiming.insert(claiming).await;
        self.claiming = None;
        self.held = may_hold(&answer);
        answer
    }

    /// Gives the followers the result that the store has.
    pub(super) fn share(mut self, result: Arc<str>) {
        self.land(Landing::Finished(result));
    }

    /// Records the result in a task of its own: the body has had its effect, and a caller that goes
    /// away now must not take the record with it. Answers with the reason when there is no record.
    pub(super) async fn complete(self, result: String, ttl: Duration) -> Result<(), String> {
        let background = self.background.clone();
        let recording = background.spawn(self.record(result, ttl));
        match recording.await {
            Ok(recorded) => recorded,
            Err(error) => Err(format!("the task that records it did not finish: {error}")),
        }
    }

    async fn record(mut self, result: String, ttl: Duration) -> Result<(), String> {
        let store = Arc::clone(&self.core.stores.idempotency);
        let Sealed {
            digest,
            fingerprint,
        } = self.key;
        let mut patience = Patience::of(RECORDING_PATIENCE);
        loop {
            let record = Record {
                fingerprint,
                kind: RecordKind::Value,
                schema: "".into(),
                content: result.as_str().into(),
            };
            match store.complete(digest, self.nonce, record, ttl).await {
                Ok(Completion::Stored) => {
                    self.held = false;
                    self.land(Landing::Finished(result.into()));
                    return Ok(());
                }
                Ok(Completion::Refused(_)) => {
                    self.held = false;
                    return Err("another call has taken the key over".to_owned());
                }
                Err(error) => {
                    if !patience.pause().await {
                        let reason = error.to_string();
                        self.land(Landing::NotRecorded(reason.as_str().into()));
                        return Err(reason);
                    }
                }
            }
        }
    }

    /// Gives the key back after a body that has had its effect and whose result cannot be kept. The
    /// followers are told, and do not run; a call that comes later does.
    pub(super) async fn abandon(mut self, reason: &str) {
        self.land(Landing::NotRecorded(reason.into()));
        self.release().await;
    }

    /// Gives the key back, so that the next call runs.
    pub(super) async fn release(mut self) {
        let store = Arc::clone(&self.core.stores.idempotency);
        if store
            .release(self.key.digest, self.nonce, Release::Failed)
            .await
            .is_ok()
        {
            self.held = false;
        }
        // Where the store failed, the drop keeps trying, and the caller has its error.
    }

    fn land(&mut self, landing: Landing) {
        if let Some(leader) = self.leader.take() {
            leader.land(landing);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let claiming = self.claiming.take();
        if claiming.is_none() && !self.held {
            return;
        }
        let release = give_back(
            Arc::clone(&self.core),
            self.leader.take(),
            self.key,
            self.nonce,
            claiming,
        );
        // The runtime that this is dropped in may be another one than the call began in, and is the
        // one that still runs.
        Handle::try_current()
            .unwrap_or_else(|_| self.background.clone())
            .spawn(release);
    }
}

/// Whether a claim may be at the store after this answer.
fn may_hold(answer: &Answer) -> bool {
    match answer {
        Ok(Claim::Granted(_)) => true,
        Ok(_) => false,
        Err(error) => error.effect() != Effect::DidNotRun,
    }
}

/// Waits for the claim's answer, where there is none yet, and releases the claim.
async fn give_back(
    core: Arc<Core>,
    leader: Option<Leader>,
    key: Sealed,
    nonce: Nonce,
    claiming: Option<BoxFuture<'static, Answer>>,
) {
    if let Some(claiming) = claiming
        && !may_hold(&claiming.await)
    {
        return;
    }
    let mut store = Arc::clone(&core.stores.idempotency);
    let mut released = store.release(key.digest, nonce, Release::Interrupted).await;
    drop(leader);
    // A runtime that was closed meanwhile is not kept open: its claims ended with it.
    let core = {
        let weak = Arc::downgrade(&core);
        drop(core);
        weak
    };
    let mut patience = Patience::of(RELEASING_PATIENCE);
    while let Err(error) = released {
        drop(store);
        if !patience.pause().await {
            tracing::error!(target: "resilience", key = %key.digest,
                %error,
                "an idempotency key could not be released and stays busy until this process ends"
            );
            return;
        }
        let Some(core) = core.upgrade() else { return };
        store = Arc::clone(&core.stores.idempotency);
        released = store.release(key.digest, nonce, Release::Interrupted).await;
    }
}

/// The tries that a store which fails is given, up to a point in time.
struct Patience {
    pauses: Pauses,
    until: Instant,
}

impl Patience {
    fn of(patience: Duration) -> Self {
        Self {
            pauses: Pauses::new(Duration::from_millis(10), Duration::from_secs(1)),
            until: Instant::now() + patience,
        }
    }

    /// Pauses before the next try; false, at once, when the time is over.
    async fn pause(&mut self) -> bool {
        let remaining = self.until.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return false;
        }
        tokio::time::sleep(self.pauses.next().min(remaining)).await;
        true
    }
}
