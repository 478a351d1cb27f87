//! The functions under test. They have one body, and differ in their attributes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use resilience::{Error, Runtime, idempotent, locked};
use serde::{Deserialize, Serialize};

use super::effects::{Effects, Told};

/// What a policy said; the bodies here do not fail.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// Lets a runtime have its connections, and each connection its statements: what is asked first takes other messages
/// than what is asked later.
pub(crate) async fn warm_up(runtime: &Runtime) {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    runtime.recovered().await;
    for _ in 0..4 {
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        let done = runtime.scope(nothing((std::process::id(), number))).await;
        done.expect("it has no effect");
    }
}

#[idempotent(key = key)]
async fn nothing(key: (u32, u64)) -> Result<(), Failure> {
    Ok(())
}

/// The lease is longer than any test.
#[idempotent(key = key, wait = 60s, lease = 1h)]
async fn pay(#[state] effects: &Effects, key: u64) -> Result<String, Failure> {
    Ok(effects.act(key).await)
}

/// Its lease, and those of the others below, are what is waited for where a holder is gone: as short as a machine under load
/// lets them be.
#[idempotent(key = key, wait = 60s, lease = 3s, name = "book")]
async fn book(#[state] effects: &Effects, key: u64) -> Result<String, Failure> {
    Ok(effects.act(key).await)
}

/// The same operation for somebody who does not wait.
#[idempotent(key = key, wait = 0s, lease = 3s, name = "book")]
async fn book_now(#[state] effects: &Effects, key: u64) -> Result<String, Failure> {
    Ok(effects.act(key).await)
}

#[idempotent(key = key, wait = 0s, lease = 3s, when_unavailable = run)]
async fn book_anyway(#[state] effects: &Effects, key: u64) -> Result<String, Failure> {
    Ok(effects.act(key).await)
}

#[idempotent(key = key, wait = 1s, ttl = 1s, lease = 3s)]
async fn book_for_a_second(#[state] effects: &Effects, key: u64) -> Result<String, Failure> {
    Ok(effects.act(key).await)
}

#[locked(key = key, wait = 60s, lease = 1h)]
async fn enter(effects: &Effects, key: u64) -> Result<String, Failure> {
    Ok(effects.act(key).await)
}

#[locked(key = key, wait = 60s, lease = 3s, name = "visit")]
async fn visit(effects: &Effects, key: u64) -> Result<String, Failure> {
    Ok(effects.act(key).await)
}

#[locked(key = key, wait = 0s, lease = 3s, name = "visit")]
async fn visit_now(effects: &Effects, key: u64) -> Result<String, Failure> {
    Ok(effects.act(key).await)
}

#[locked(key = key, wait = 0s, lease = 3s, when_unavailable = run)]
async fn visit_anyway(effects: &Effects, key: u64) -> Result<String, Failure> {
    Ok(effects.act(key).await)
}

/// Longer than the short leases, which a holder that lives renews.
pub(crate) const SEVERAL_RENEWALS: Duration = Duration::from_secs(4);

/// One of them, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Operation {
    Pay,
    Book,
    BookNow,
    BookAnyway,
    BookForASecond,
    Enter,
    Visit,
    VisitNow,
    VisitAnyway,
}

impl Operation {
    pub(crate) async fn call(self, effects: &Effects, key: u64) -> Told {
        let answer = match self {
            Self::Pay => pay(effects, key).await,
            Self::Book => book(effects, key).await,
            Self::BookNow => book_now(effects, key).await,
            Self::BookAnyway => book_anyway(effects, key).await,
            Self::BookForASecond => book_for_a_second(effects, key).await,
            Self::Enter => enter(effects, key).await,
            Self::Visit => visit(effects, key).await,
            Self::VisitNow => visit_now(effects, key).await,
            Self::VisitAnyway => visit_anyway(effects, key).await,
        };
        answer.map_err(|Failure(error)| name(&error))
    }
}

/// The name of the variant.
pub(crate) fn name(error: &Error) -> String {
    let text = format!("{error:?}");
    let end = text.find(|c: char| !c.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}
