//! A call under a lock.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

use super::Locked;
use super::acquire::{Options, acquire};
use super::guard::{Counted, LockGuard};
use super::key::LockKey;
use crate::core::current;
use crate::error::Error;
use crate::invocation::Invocation;
use crate::key::Digest;
use crate::outcome::{Answer, Function, Outcome, Refusal};
use crate::policy::keyed_lock::{KeyedGuard, KeyedLock, Refused};
use crate::telemetry::{meter, names};

/// The locks of `#[locked(local)]`.
static LOCAL: KeyedLock<Digest> = KeyedLock::new();

/// What a body runs under.
enum Hold {
    Lock(Box<LockGuard>),
    Local(KeyedGuard<Digest>, Counted),
    /// The store cannot be asked, and the author wants the body to run all the same.
    Nothing,
}

/// Runs `call` while the lock is held.
pub(super) async fn hold<C, T, E>(
    locked: Locked,
    key: LockKey,
    call: Pin<Box<C>>,
    function: Function<Result<T, E>>,
) -> Answer<T, E>
where
    C: Future,
    C::Output: Outcome<Ok = T, Err = E>,
{
    let taken = if locked.local {
        take_local(locked.wait, &key, function.name).await
    } else {
        take(&locked, key, function.name).await
    };
    // The call is moved into what polls it, here and below: it is dropped before the lock is given back.
    match taken {
        Err(error) => refused(error, &function),
        Ok(Hold::Nothing) => unfenced(call).await.into_answer(),
        Ok(Hold::Local(guard, _counted)) => guard.run(unfenced(call)).await.into_answer(),
        Ok(Hold::Lock(guard)) => match guard.run(call).await {
            Ok(outcome) => {
                let answer = outcome.into_answer();
                // The body has run; a store that fails is asked again in the background.
                let _ = guard.release().await;
                answer
            }
            Err(error) => refused(error, &function),
        },
    }
}

async fn take(locked: &Locked, key: LockKey, function: &'static str) -> Result<Hold, Error> {
    let Some(core) = current().filter(|core| !core.inspects) else {
        return Err(Error::NoRuntime {
            attribute: "locked",
            function,
        });
    };
    let options = Options {
        lease: locked.lease,
        wait: locked.wait,
        replicas: locked.replicas,
    };
    match acquire(core, key, function, options).await {
        Ok(guard) => Ok(Hold::Lock(Box::new(guard))),
        Err(Error::Store { source, .. }) if locked.runs_unlocked => {
            tracing::warn!(target: "resilience", lock = locked.name, function, error = %source, "runs without its lock");
            Ok(Hold::Nothing)
        }
        Err(error) => Err(error),
    }
}

async fn take_local(wait: Duration, key: &LockKey, function: &'static str) -> Result<Hold, Error> {
    key.check(function)?;
    let began = Instant::now();
    match LOCAL.lock_within(key.digest(), Some(wait)).await {
        Ok(guard) => {
            let waited = began.elapsed();
            meter::time(names::LOCK_ACQUISITION_DURATION, "lock", key.name(), waited);
            Ok(Hold::Local(guard, Counted::new(key.name())))
        }
        Err((Refused::Recursive, _)) => {
            Err(Refused::Recursive.into_error(function, || key.words()))
        }
        Err((refused, _)) => Err(super::acquire::not_locked(key, function, refused, None)),
    }
}

/// `call`, under no token.
async fn unfenced<C: Future>(mut call: Pin<Box<C>>) -> C::Output {
    poll_fn(|context| {
        let invocation = Invocation {
            token: None,
            ..Invocation::current()
        };
        invocation.enter(|| call.as_mut().poll(context))
    })
    .await
}

/// The call may be made again when nothing but the moment was against it.
#[cold]
fn refused<T, E>(error: Error, function: &Function<Result<T, E>>) -> Answer<T, E> {
    let refusal = match error {
        Error::LockBusy { .. }
        | Error::DeadlineTooClose { .. }
        | Error::LeaseLost { .. }
        | Error::Store { .. } => Refusal::Rejected { retry_after: None },
        _ => Refusal::Final,
    };
    Answer::refused(error, refusal, function)
}
