//! Calls that share one execution: who runs, who gets what, and what becomes of the others when it ends early.

// A panic is the report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod policy_single_flight {
    mod drops;
    mod group;
    mod kinds;
    mod shared;
}

use std::cell::Cell;
use std::pin::Pin;
use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::outcome::{
    Errors, Function, Joined, Uncloned as _, errors, function, joined,
};
use resilience_runtime::policy::single_flight::SingleFlight;
use tokio::time::sleep;

const WORK: Duration = Duration::from_millis(100);

/// What a body can fail with; it cannot be cloned.
#[derive(Debug)]
enum Failure {
    Policy(Error),
    Body(&'static str),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Policy(error) => error.fmt(f),
            Self::Body(text) => f.write_str(text),
        }
    }
}

type Answered = Result<u32, Failure>;

/// One call of `flight` under `key`, as the attribute makes it.
async fn share<C>(flight: &'static SingleFlight, key: u32, body: C) -> Answered
where
    C: Future<Output = Answered>,
{
    let function: Function<Answered> = function("shop::price");
    let errors: Errors<Answered> = errors::<Answered>().described();
    let joined: Joined<u32, Failure> = joined::<Answered>().cloned();
    let call = flight.share(flight.key(&key), body, function, errors, joined);
    call.await.into_result()
}

/// A body that works for a while and counts itself.
async fn work(runs: &Cell<u32>) -> Answered {
    runs.set(runs.get() + 1);
    let run = runs.get();
    sleep(WORK).await;
    Ok(run)
}

/// Bodies of one type, as all calls of a function have them.
fn boxed<'a>(
    body: impl Future<Output = Answered> + 'a,
) -> Pin<Box<dyn Future<Output = Answered> + 'a>> {
    Box::pin(body)
}
