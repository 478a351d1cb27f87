//! The metrics of calls.

use std::collections::BTreeMap;
use std::future::pending;
use std::ops::ControlFlow;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use allocation_counter::measure;
use resilience_runtime::error::Error;
use resilience_runtime::outcome::{errors, returns};
use resilience_runtime::policy::deadline::with_deadline;
use resilience_runtime::policy::retry::{Backoff, Jitter, Retry, RetryBudget};
use resilience_test_support::meter::Meter;
use tokio::time::Instant;

use crate::calls::{CHARGE, SECOND, fails, is_cancelled, observed, one_of_each, succeeds};

#[tokio::test(start_paused = true)]
async fn every_call_is_counted_once_by_its_ending() {
    let meter = Meter::default();
    let _listening = meter.listen();
    one_of_each().await;
    let expected = [
        ("calls_total", 6.0),
        // The error, the timeout and the panic.
        ("calls_failed_total", 3.0),
        ("calls_refused_total", 1.0),
        ("calls_cancelled_total", 1.0),
        ("timeouts_total", 1.0),
        // A second until the success and two until the timeout.
        ("call_duration_seconds", 3.0),
    ]
    .map(|(name, sum)| (format!("{name}{{function=shop::charge}}"), sum));
    assert_eq!(meter.take_sums(), BTreeMap::from(expected));
}

/// A call that fails and is not tried again: the deadline is too close, or, without one, the budget
/// has had its one token for the call before.
async fn is_not_tried_again(within: Option<Duration>) -> Error {
    static SPENT: RetryBudget = RetryBudget::for_function("shop::charge")
        .burst(1)
        .ratio(0.001)
        .per_second(0);
    static RETRY: Retry = Retry::max_attempts(2)
        .backoff(Backoff::fixed(SECOND))
        .jitter(Jitter::None)
        .shared_budget(&SPENT);
    let function = returns::<Result<u32, Error>>(CHARGE.name);
    let mut attempts = RETRY.attempts(function, errors().wrapped());
    let call = observed(async {
        loop {
            match attempts.settle(fails().await) {
                ControlFlow::Break(answer) => return answer,
                ControlFlow::Continue(pause) => pause.await,
            }
        }
    });
    match within {
        Some(time) => with_deadline(Instant::now() + time, call)
            .await
            .unwrap_err(),
        None => call.await.unwrap_err(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ran_and_is_not_tried_again_has_failed() {
    let meter = Meter::default();
    let _listening = meter.listen();
    let error = is_not_tried_again(Some(SECOND)).await;
    assert!(matches!(error, Error::DeadlineTooClose { .. }), "{error}");
    // It has the token, and its second attempt was the last.
    let error = is_not_tried_again(None).await;
    assert!(matches!(error, Error::ShuttingDown { .. }), "{error}");
    let error = is_not_tried_again(None).await;
    assert!(
        matches!(error, Error::RetryBudgetExhausted { .. }),
        "{error}"
    );
    let calls: Vec<_> = meter
        .take_sums()
        .into_iter()
        .filter(|(name, _)| name.starts_with("calls_"))
        .collect();
    let expected = [("calls_failed_total", 3.0), ("calls_total", 3.0)]
        .map(|(name, sum)| (format!("{name}{{function=shop::charge}}"), sum));
    assert_eq!(calls, expected);
}

#[tokio::test(start_paused = true)]
async fn a_recorder_hears_of_the_calls_that_begin_while_it_is_there() {
    let meter = Meter::default();
    is_cancelled();
    {
        let _listening = meter.listen();
        is_cancelled();
    }
    is_cancelled();
    assert_eq!(
        meter.take_sums().get("calls_total{function=shop::charge}"),
        Some(&1.0)
    );
    // One that began before is not half a call.
    let mut call = Box::pin(observed(succeeds()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    let _listening = meter.listen();
    tokio::time::advance(SECOND + Duration::from_millis(1)).await;
    assert!(call.await.is_ok());
    assert_eq!(meter.take_sums(), BTreeMap::new());
}

#[test]
fn an_observation_is_what_allocates() {
    let meter = Meter::default();
    let call = || {
        let mut context = Context::from_waker(Waker::noop());
        let call = pending::<Result<u32, Error>>();
        assert!(pin!(observed(call)).poll(&mut context).is_pending());
    };
    assert_eq!(measure(call).count_total, 0);
    let _listening = meter.listen();
    assert!(measure(call).count_total > 0);
}

#[test]
fn a_call_that_panics_between_its_polls_has_failed() {
    let meter = Meter::default();
    let _listening = meter.listen();
    let panicked = std::panic::catch_unwind(|| {
        let _observed = CHARGE.observe();
        // As a predicate of `#[retry]` may.
        assert_eq!(1, 2, "on purpose");
    });
    assert!(panicked.is_err());
    let expected = [("calls_total", 1.0), ("calls_failed_total", 1.0)]
        .map(|(name, sum)| (format!("{name}{{function=shop::charge}}"), sum));
    assert_eq!(meter.take_sums(), BTreeMap::from(expected));
}

#[tokio::test(start_paused = true)]
async fn what_two_kinds_of_one_name_would_have_done_is_counted_apart() {
    use resilience_runtime::catalog::{Annotated, Entry, PolicyKind, switchboard};
    use resilience_runtime::outcome::function;
    use resilience_runtime::policy::rate_limit::RateLimit;
    use resilience_runtime::policy::switch::PolicyMode;

    static LIMIT: RateLimit = RateLimit::named("shadowed").rate(1, Duration::from_secs(3_600));
    static LIMITED: Annotated = Annotated {
        name: "shop::limited",
        file: "src/shop.rs",
        line: 1,
        policies: &[&LIMIT],
    };
    resilience_runtime::private::submit! { Entry(&LIMITED) }

    let switched = switchboard().set(PolicyKind::RateLimit, "shadowed", PolicyMode::Shadow);
    assert_eq!(switched, Ok(1));
    let meter = Meter::default();
    let _listening = meter.listen();
    for _ in 0..3 {
        let call = LIMIT.admit(async { Ok::<_, Error>(7) }, function("shop::limited"));
        assert!(call.await.into_result().is_ok());
    }
    let counted = meter.take_sums();
    let labels = ["kind=rate_limit", "policy=shadowed"];
    let (_, sum) = counted
        .iter()
        .find(|(key, _)| labels.iter().all(|label| key.contains(label)))
        .expect("it is counted");
    assert_eq!(*sum, 2.0);
}
