//! Calls of an annotated function, one of each ending.

use std::future::pending;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use resilience_runtime::catalog::Annotated;
use resilience_runtime::error::Error;
use resilience_runtime::outcome::{Outcome, function, stored};
use resilience_runtime::policy::timeout::Timeout;
use resilience_runtime::private::Idempotent;
use tokio::time::sleep;

pub(crate) static CHARGE: Annotated = Annotated {
    name: "shop::charge",
    file: "src/shop.rs",
    line: 12,
    policies: &[],
};

/// `call`, as generated code makes it.
pub(crate) async fn observed<F>(call: F) -> Result<u32, Error>
where
    F: Future<Output: Outcome<Ok = u32, Err = Error>>,
{
    let mut observed = CHARGE.observe();
    let call = pin!(call);
    let answer = observed.watch(call).await;
    observed.end(answer)
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);

fn failure() -> Error {
    Error::ShuttingDown { function: "inner" }
}

pub(crate) async fn succeeds() -> Result<u32, Error> {
    sleep(SECOND).await;
    Ok(7)
}

pub(crate) async fn fails() -> Result<u32, Error> {
    Err(failure())
}

/// A call that is cut off after two seconds.
async fn times_out() {
    static TIMEOUT: Timeout = Timeout::after(Duration::from_secs(2));
    let function = function::<Result<u32, Error>>(CHARGE.name);
    let call = TIMEOUT.limit(pending::<Result<u32, Error>>(), function);
    let result = observed(call).await;
    assert!(matches!(result, Err(Error::TimedOut { .. })));
}

/// A call that is refused, because there is no runtime to keep its record.
async fn is_refused() {
    static ONCE: Idempotent = Idempotent::operation("shop::charge");
    let key = ONCE.key(&1).argument("order", &1);
    let function = function::<Result<u32, Error>>(CHARGE.name);
    let stored = stored::<Result<u32, Error>>();
    let call = ONCE.once(key, succeeds(), function, stored);
    let result = observed(call).await;
    assert!(matches!(result, Err(Error::NoRuntime { .. })));
}

/// A call that is given up at its first await.
pub(crate) fn is_cancelled() {
    let mut context = Context::from_waker(Waker::noop());
    let mut call = Box::pin(observed(pending::<Result<u32, Error>>()));
    assert!(call.as_mut().poll(&mut context).is_pending());
    drop(call);
}

/// A call that panics.
async fn panics() {
    #[allow(clippy::panic)]
    let call = tokio::spawn(async { observed(panicking()).await });
    assert!(call.await.is_err_and(|error| error.is_panic()));
}

#[allow(clippy::panic)]
async fn panicking() -> Result<u32, Error> {
    tokio::task::yield_now().await;
    panic!("on purpose")
}

/// One call of each kind.
pub(crate) async fn one_of_each() {
    assert!(observed(succeeds()).await.is_ok());
    assert!(observed(fails()).await.is_err());
    times_out().await;
    is_refused().await;
    is_cancelled();
    panics().await;
    // Was never polled, and so is no call.
    drop(observed(succeeds()));
}
