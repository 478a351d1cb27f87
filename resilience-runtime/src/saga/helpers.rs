//! What the body of a saga uses instead of clocks and random numbers, so that it does the same when it is run again; and what
//! its steps can ask.

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

/// The time, in microseconds, by the clock of the store. When the body of a saga is run again, the time that it was told before.
///
/// It costs a write only before the first step, and otherwise goes along with that of the step before it. In a step,
/// and outside of sagas, the clock of this machine.
///
/// # Cancellation
/// Dropped, nothing is kept, or the time is: what follows is told the same.
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

/// Waits for `duration`. In the body of a saga the moment at which it ends is durable before it begins, by the clock of the
/// store: when the body is run again, after a crash or elsewhere, it waits for what is left.
///
/// In a step, and outside of sagas, it is [`tokio::time::sleep`].
///
/// # Cancellation
/// Dropped, the sleep has begun or not: the next run waits until its end, or for `duration`.
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

/// A random number. In the body of a saga it is made of the saga's id and of how many were drawn before it: a body that is
/// run again, and draws in the same order, draws the same, and nothing is written. Nothing for secrets. In a step, and
/// outside of sagas, any number.
#[must_use]
pub fn random() -> u64 {
    match context::body() {
        Some(execution) => u64::from_le_bytes(first(&draw(&execution))),
        None => fastrand::u64(..),
    }
}

/// A UUID, drawn like [`random`]: of version 8 in the body of a saga, and of version 7 elsewhere.
#[must_use]
pub fn uuid() -> String {
    match context::body() {
        Some(execution) => text(&draw(&execution)),
        None => uuid::Uuid::now_v7().to_string(),
    }
}

/// The saga that the current code is part of: its body, one of its steps or one of its compensations. `None` elsewhere, and
/// in tasks that those spawn.
#[must_use]
pub fn current() -> Option<SagaId> {
    Some(match Context::current()? {
        Context::Body(execution) => execution.id.clone(),
        Context::Inner(part) | Context::Compensation(part) => part.saga.clone(),
    })
}

/// In a step: a text that is the same each time this step of this saga is run, in whatever process, and that no other step
/// has: what to send along with a request, so that the service can tell one that is made again. In a compensation another
/// one, which is as stable. It looks like a UUID. `None` elsewhere.
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
