//! Who runs: the decision before the body, the same for every function.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::core::{Core, Permit, background, current};
use crate::error::Error;
use crate::idempotency::flight::{Boarding, Follower, Landing, Leader};
use crate::idempotency::hold::Hold;
use crate::idempotency::key::{Key, Sealed};
use crate::idempotency::resuming;
use crate::idempotency::store::Claim;
use crate::pauses::Pauses;

/// The pauses between two questions to the store while another process holds the key. A store
/// cannot wake a waiter, so they are short, and grow because most waits are short too.
const POLLS: Pauses = Pauses::new(Duration::from_millis(2), Duration::from_millis(20));

/// What this call does.
pub(super) enum Turn {
    /// It runs, and records its result.
    Run(Hold),
    /// It runs and records nothing: see [`resuming`](resuming::resuming).
    RunWithoutKey,
    /// It answers with this result, as JSON.
    Replay(Arc<str>),
    /// It fails.
    Refused(Error),
}

/// One call that wants to know its turn.
struct Waiting {
    core: Arc<Core>,
    background: Handle,
    function: &'static str,
    key: Sealed,
    permit: Option<Permit>,
    resuming: bool,
    began: Instant,
    wait: Duration,
}

/// Finds out what the call does: at once, or when the call that runs has ended, or after `wait`.
pub(super) async fn take(key: Key, function: &'static str, wait: Duration) -> Turn {
    let resuming = resuming::take();
    let key = match key.seal(function) {
        Ok(key) => key,
        Err(error) => return Turn::Refused(error),
    };
    let Some(core) = current().filter(|core| !core.inspects) else {
        return Turn::Refused(Error::NoRuntime {
            attribute: "idempotent",
            function,
        });
    };
    // Recovery is inside already, and goes on while the runtime waits for it.
    let permit = core.enter();
    if permit.is_none() && !resuming {
        return Turn::Refused(Error::ShuttingDown { function });
    }
    let background = match background(function) {
        Ok(background) => background,
        Err(error) => return Turn::Refused(error),
    };
    let waiting = Waiting {
        core,
        background,
        function,
        key,
        permit,
        resuming,
        began: Instant::now(),
        wait,
    };
    waiting.board().await
}

impl Waiting {
    /// Among the calls of this process.
    async fn board(mut self) -> Turn {
        loop {
            match self.core.flights.board(self.key) {
                Boarding::Leading(leader) => return self.claim(leader).await,
                Boarding::Following(_) | Boarding::Mismatch if self.resuming => {
                    return Turn::RunWithoutKey;
                }
                Boarding::Mismatch => return self.key_reused(),
                Boarding::Following(follower) => match self.follow(follower).await {
                    None => return self.in_progress(),
                    Some(Landing::Finished(result)) => return Turn::Replay(result),
                    Some(Landing::NotRecorded(reason)) => return self.not_recorded(&reason),
                    Some(Landing::Released) => {}
                },
            }
        }
    }

    async fn follow(&self, mut follower: Follower) -> Option<Landing> {
        let remaining = self.remaining()?;
        tokio::time::timeout(remaining, follower.landed())
            .await
            .ok()
    }

    /// Among the processes.
    async fn claim(&mut self, leader: Leader) -> Turn {
        let core = Arc::clone(&self.core);
        let mut hold = Hold::new(core, self.background.clone(), leader, self.key);
        hold.counts_for_shutdown(self.permit.take());
        let mut polls = POLLS;
        loop {
            match hold.claim().await {
                Ok(Claim::Granted(grant)) => {
                    let attempt = grant.attempt;
                    if attempt > 1 {
                        let (function, key) = (self.function, self.key.digest);
                        tracing::debug!(target: "resilience", function, %key, attempt, "the earlier holder is gone");
                    }
                    return Turn::Run(hold);
                }
                Ok(Claim::Completed(record)) => {
                    let result = record.content;
                    hold.share(Arc::clone(&result));
                    return Turn::Replay(result);
                }
                Ok(Claim::Busy(_) | Claim::Mismatch) if self.resuming => {
                    return Turn::RunWithoutKey;
                }
                Ok(Claim::Mismatch) => return self.key_reused(),
                Ok(Claim::Busy(_)) => {
                    let Some(remaining) = self.remaining() else {
                        return self.in_progress();
                    };
                    tokio::time::sleep(polls.next().min(remaining)).await;
                }
                Err(source) => {
                    return Turn::Refused(Error::Store {
                        function: self.function,
                        source,
                    });
                }
            }
        }
    }

    /// How long the call may still wait; `None` when that time is over.
    fn remaining(&self) -> Option<Duration> {
        self.wait
            .checked_sub(self.began.elapsed())
            .filter(|remaining| !remaining.is_zero())
    }

    fn in_progress(&self) -> Turn {
        Turn::Refused(Error::InProgress {
            function: self.function,
            key: self.key.digest.to_string(),
            waited: self.began.elapsed(),
            lease_left: None,
        })
    }

    fn key_reused(&self) -> Turn {
        Turn::Refused(Error::KeyReused {
            function: self.function,
            key: self.key.digest.to_string(),
        })
    }

    fn not_recorded(&self, reason: &str) -> Turn {
        Turn::Refused(Error::NotRecorded {
            function: self.function,
            reason: reason.to_owned(),
        })
    }
}
