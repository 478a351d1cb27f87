//! Who runs: the decision before the body, the same for every function.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use crate::core::{Core, Permit, background, current};
use crate::error::{Error, StoreError};
use crate::idempotency::Idempotent;
use crate::idempotency::flight::{Boarding, Follower, Landing, Leader};
use crate::idempotency::hold::Hold;
use crate::idempotency::key::{Key, Sealed, Words};
use crate::idempotency::resuming;
use crate::idempotency::store::{Busy, Claim, Grant, Record};
use crate::lease::asked_again;
use crate::recursion::Held;
use crate::telemetry::{meter, names};

/// What this call does.
pub(super) enum Turn {
    /// It runs, and records its result.
    Run(Hold),
    /// It runs and records nothing: see [`resuming`](resuming::resuming).
    RunWithoutKey,
    /// It answers with this record, whose fingerprint is its own.
    Replay(Record),
    /// It fails.
    Refused(Error),
}

/// One call that wants to know its turn.
pub(super) struct Caller {
    core: Arc<Core>,
    background: Handle,
    function: &'static str,
    idempotent: Idempotent,
    key: Sealed,
    pub(super) words: Words,
    permit: Option<Permit>,
    resuming: bool,
    began: Instant,
    has_waited: bool,
}

impl Caller {
    /// Finds the runtime for a call.
    pub(super) fn new(
        idempotent: Idempotent,
        key: Key,
        function: &'static str,
    ) -> Result<Self, Error> {
        let resuming = resuming::take();
        let (key, words) = key.seal(function)?;
        let Some(core) = current().filter(|core| !core.inspects) else {
            return Err(Error::NoRuntime {
                attribute: "idempotent",
                function,
            });
        };
        // Recovery is inside already, and goes on while the runtime waits for it.
        let permit = core.enter();
        if permit.is_none() && !resuming {
            return Err(Error::ShuttingDown { function });
        }
        Ok(Self {
            core,
            background: background(function)?,
            function,
            idempotent,
            key,
            words,
            permit,
            resuming,
            began: Instant::now(),
            has_waited: false,
        })
    }

    /// Finds out what the call does: at once, or when the call that runs has ended, or after `wait`. A record that
    /// it cannot accept it asks to replace.
    pub(super) async fn turn(&mut self, replaces: Option<Record>) -> Turn {
        let key = self.key.digest;
        if let Some(record) = &replaces {
            self.core.results.forget(key, record);
        } else if let Some(record) = self.core.results.get(key) {
            return self.found(record);
        }
        loop {
            match self.core.flights.board(self.key) {
                Boarding::Leading(leader) => return self.claim(leader, replaces).await,
                Boarding::Following(_) | Boarding::Mismatch | Boarding::Undecided(_)
                    if self.resuming =>
                {
                    return Turn::RunWithoutKey;
                }
                Boarding::Mismatch => return self.key_reused(),
                Boarding::Following(_) if Held::at_store(&self.core, key).is_held() => {
                    return self.recursive();
                }
                Boarding::Undecided(mut decided) => {
                    let Some(remaining) = self.remaining() else {
                        return self.in_progress(None);
                    };
                    // Either way it is asked again, and knows then whether it has waited long enough.
                    let _ = timeout(remaining, decided.changed()).await;
                }
                Boarding::Following(follower) => match self.follow(follower).await {
                    None => return self.in_progress(self.core.flights.lease_left(key)),
                    Some(Landing::Finished(record)) => return self.found(record),
                    Some(Landing::NotRecorded(reason)) => return self.not_recorded(&reason),
                    Some(Landing::Released) => {}
                },
            }
        }
    }

    /// Waits for the call that runs in this process.
    async fn follow(&mut self, mut follower: Follower) -> Option<Landing> {
        let remaining = self.remaining()?;
        self.waits();
        timeout(remaining, follower.landed()).await.ok()
    }

    /// Asks the store, until this call has the key, or another one has finished.
    async fn claim(&mut self, leader: Leader, replaces: Option<Record>) -> Turn {
        let (core, background) = (Arc::clone(&self.core), self.background.clone());
        let mut hold = Hold::new(core, background, leader, self.key, self.idempotent.lease);
        hold.counts_for_shutdown(self.permit.take());
        loop {
            let waits = self.remaining().is_some();
            match hold.claim(waits, replaces.clone()).await {
                Ok(Claim::Granted(grant)) => return self.granted(hold, grant),
                // Not asked again for ever, should a store not know what it is to replace.
                Ok(Claim::Completed(record)) if replaces.as_ref() == Some(&record) => {
                    let function = self.function;
                    let reason = "it does not replace the record";
                    let source = StoreError::refused("claiming an idempotency key", reason);
                    return Turn::Refused(Error::Store { function, source });
                }
                Ok(Claim::Completed(record)) => return self.finished(hold, record),
                Ok(Claim::Busy(_) | Claim::Mismatch) if self.resuming => {
                    return Turn::RunWithoutKey;
                }
                Ok(Claim::Mismatch) => return self.key_reused(),
                Ok(Claim::Busy(busy)) => {
                    let Some(remaining) = self.remaining() else {
                        return self.in_progress(busy.left);
                    };
                    if let Some(record) = self.woken(busy, remaining).await {
                        return self.finished(hold, record);
                    }
                }
                Err(source) => return self.unavailable(hold, source),
            }
        }
    }

    /// Waits for the call that runs in another process; until it is worth to ask again.
    async fn woken(&mut self, busy: Busy, remaining: Duration) -> Option<Record> {
        self.waits();
        let pause = asked_again(busy.left).min(remaining);
        timeout(pause, busy.woken).await.ok().flatten()
    }

    fn granted(&self, hold: Hold, grant: Grant) -> Turn {
        let function = self.function;
        if !hold.is_valid() {
            let late = "the answer took longer than the lease";
            let source = StoreError::refused("claiming an idempotency key", late);
            return Turn::Refused(Error::Store { function, source });
        }
        if grant.interrupted {
            let (key, attempt) = (self.key.digest, grant.attempt);
            tracing::debug!(target: "resilience", function, %key, attempt, "the end of an earlier run was not seen");
            meter::count(names::IDEMPOTENCY_TAKEOVERS, "function", function);
        }
        Turn::Run(hold)
    }

    /// What the store has is for all who wait in this process.
    fn finished(&mut self, hold: Hold, record: Record) -> Turn {
        self.permit = hold.share(record.clone());
        self.found(record)
    }

    fn found(&self, record: Record) -> Turn {
        if record.fingerprint == self.key.fingerprint {
            return Turn::Replay(record);
        }
        if self.resuming {
            return Turn::RunWithoutKey;
        }
        self.key_reused()
    }

    fn unavailable(&self, mut hold: Hold, source: StoreError) -> Turn {
        let function = self.function;
        if !self.idempotent.runs_unprotected {
            return Turn::Refused(Error::Store { function, source });
        }
        tracing::warn!(target: "resilience", function, key = %self.key.digest, error = %source,
            "the store cannot be asked, and the call runs without protection against a second one");
        meter::count(names::IDEMPOTENCY_UNPROTECTED, "function", function);
        hold.go_on_unprotected();
        Turn::Run(hold)
    }

    /// How long the call may still wait; `None` when that time is over.
    fn remaining(&self) -> Option<Duration> {
        self.idempotent
            .wait
            .checked_sub(self.began.elapsed())
            .filter(|remaining| !remaining.is_zero())
    }

    fn waits(&mut self) {
        if !std::mem::replace(&mut self.has_waited, true) {
            meter::count(names::IDEMPOTENCY_WAITS, "function", self.function);
        }
    }

    fn in_progress(&self, lease_left: Option<Duration>) -> Turn {
        Turn::Refused(Error::InProgress {
            function: self.function,
            key: self.words.to_string(),
            waited: self.began.elapsed(),
            lease_left,
        })
    }

    #[cold]
    fn recursive(&self) -> Turn {
        Turn::Refused(Error::Recursive {
            function: self.function.to_owned(),
            key: self.words.to_string(),
        })
    }

    fn key_reused(&self) -> Turn {
        meter::count(names::IDEMPOTENCY_CONFLICTS, "function", self.function);
        Turn::Refused(Error::KeyReused {
            function: self.function,
            key: self.words.to_string(),
        })
    }

    fn not_recorded(&self, reason: &str) -> Turn {
        Turn::Refused(Error::NotRecorded {
            function: self.function,
            reason: reason.to_owned(),
        })
    }
}
