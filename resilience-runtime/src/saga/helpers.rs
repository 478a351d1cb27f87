//! Functions that the body of a saga uses in place of clocks and random numbers, so that it does the same when it is run
//! again; and functions that tell its steps where they are.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::context::{self, Context, Part};
use super::execution::{Asked, Begun, Execution, Terms};
use super::id::SagaId;
use super::step_name;
use crate::timestamp::Timestamp;

/// Where random numbers come from, with the version of how they are made.
const RANDOM_DOMAIN: &[u8] = b"resilience saga random\x01";
/// Where the keys of steps come from.
const STEP_DOMAIN: &[u8] = b"resilience saga step key\x01";
/// Where the keys of compensations come from.
const COMPENSATION_DOMAIN: &[u8] = b"resilience saga compensation key\x01";

/// Returns the current time by the store's clock, in microseconds, and the same time when the body of the saga is run again.
///
/// It costs a durable write only before the first step; otherwise it is written together with the step before it. In a
/// step, and outside of sagas, it is the time by the clock of this machine.
///
/// # Cancellation
/// The future can be dropped at any time: a time that a run has seen is the one that later runs see.
pub async fn now() -> SystemTime {
    let Some(execution) = context::body() else {
        return SystemTime::now();
    };
    let moment = match ask(&execution, step_name::NOW, "{}".to_owned()).await {
        Begun::Done(text) => read(&execution, step_name::NOW, &text).await,
        Begun::Failed(_) => never().await,
        Begun::New(step) => {
            let now = execution.store_now();
            step.finish(now.as_micros().to_string());
            now
        }
    };
    let micros = u64::try_from(moment.as_micros()).unwrap_or(0);
    UNIX_EPOCH + Duration::from_micros(micros)
}

/// Waits for `duration`; if the body of the saga is run again meanwhile, it waits only for the rest.
///
/// The time at which the sleep ends, by the store's clock, is durable before the sleep begins. In a step, and outside of
/// sagas, this is [`tokio::time::sleep`].
///
/// # Cancellation
/// If the future is dropped, the end of the sleep may have been recorded or not. The next run waits until that end, or for
/// all of `duration`.
pub async fn sleep(duration: Duration) {
    let Some(execution) = context::body() else {
        return tokio::time::sleep(duration).await;
    };
    let arguments =
        serde_json::json!({ "duration": humantime::format_duration(duration).to_string() });
    let until = match ask(&execution, step_name::SLEEP, arguments.to_string()).await {
        Begun::Done(text) => {
            // It may be over, and what stands beside it under way since an earlier run: that is asked for first.
            tokio::task::yield_now().await;
            read(&execution, step_name::SLEEP, &text).await
        }
        Begun::Failed(_) => never().await,
        Begun::New(step) => {
            let until = execution.store_now().after(duration);
            step.finish(until.as_micros().to_string());
            until
        }
    };
    let _asleep = execution.asleep();
    if execution.flush().await.is_err() {
        never::<()>().await;
    }
    // Where the clock of the store was set back meanwhile, not for longer than the whole of it.
    let until = execution.store_now().after(duration).min(until);
    tokio::time::sleep_until(execution.instant(until)).await;
}

/// Returns a random number; in the body of a saga, the same one when the body is run again. Not for secrets.
///
/// In the body of a saga the number is derived from the saga's id and from how many were drawn before it. So a body that
/// draws in the same order gets the same numbers, and nothing is written. In a step, and outside of sagas, it is any number.
#[must_use]
pub fn random() -> u64 {
    match context::body() {
        Some(execution) => u64::from_le_bytes(first(&draw(&execution))),
        None => fastrand::u64(..),
    }
}

/// Returns a UUID; in the body of a saga, the same one when the body is run again.
///
/// It is derived like [`random`] and of version 8 in the body of a saga, and of version 7 elsewhere.
#[must_use]
pub fn uuid() -> String {
    match context::body() {
        Some(execution) => text(&draw(&execution)),
        None => uuid::Uuid::now_v7().to_string(),
    }
}

/// Returns the id of the saga in whose body, step or compensation the current code runs. `None` elsewhere, and in tasks that
/// these spawn.
#[must_use]
pub fn current() -> Option<SagaId> {
    Some(match Context::current()? {
        Context::Body(execution) => execution.id.clone(),
        Context::Inner(part) | Context::Compensation(part) => part.saga.clone(),
    })
}

/// Returns the idempotency key of the current step, to be sent with a request so that the service recognises a repeated one.
///
/// The key is the same each time this step of this saga is run, in whatever process, and no other step has it. A
/// compensation has a key of its own, which is just as stable. A key has the form of a UUID. `None` outside of steps and
/// compensations.
#[must_use]
pub fn idempotency_key() -> Option<String> {
    match Context::current()? {
        Context::Body(_) => None,
        Context::Inner(part) => Some(key(STEP_DOMAIN, &part)),
        Context::Compensation(part) => Some(key(COMPENSATION_DOMAIN, &part)),
    }
}

/// Asks for a helper. A run that must not go on is ended from outside, and hears nothing.
async fn ask(execution: &Arc<Execution>, name: &'static str, arguments: String) -> Begun {
    let asked = Asked {
        name: Cow::Borrowed(name),
        arguments,
        terms: Terms::default(),
        has_effects: false,
    };
    match execution.ask(asked).await {
        Ok(begun) => begun,
        Err(_stop) => never().await,
    }
}

async fn read(execution: &Execution, name: &str, text: &str) -> Timestamp {
    match text.parse() {
        Ok(micros) => Timestamp::from_micros(micros),
        Err(error) => {
            execution.mismatch(format!(
                "what the journal has of `{name}` is no time: {error}"
            ));
            never().await
        }
    }
}

async fn never<T>() -> T {
    std::future::pending().await
}

fn draw(execution: &Execution) -> [u8; 32] {
    let hash = Sha256::new_with_prefix(RANDOM_DOMAIN);
    let hash = with_text(hash, execution.id.as_str());
    hash.chain_update(execution.draw().to_le_bytes())
        .finalize()
        .into()
}

fn key(domain: &[u8], part: &Part) -> String {
    let hash = with_text(Sha256::new_with_prefix(domain), part.saga.as_str());
    text(&with_text(hash, &part.known_by).finalize().into())
}

/// Adds `text` so that it cannot be mistaken for a part of what follows.
fn with_text(hash: Sha256, text: &str) -> Sha256 {
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    hash.chain_update(length.to_le_bytes()).chain_update(text)
}

fn text(digest: &[u8; 32]) -> String {
    uuid::Uuid::new_v8(first(digest)).to_string()
}

fn first<const N: usize>(digest: &[u8; 32]) -> [u8; N] {
    let mut bytes = [0; N];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = *from;
    }
    bytes
}
