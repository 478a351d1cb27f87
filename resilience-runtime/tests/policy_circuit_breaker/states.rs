//! The circuit breaker: what counts, when it opens, and how it closes again.

use std::cell::Cell;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::{
    FAILURES, Failure, OPEN_FOR, PERMITS, Reply, breaker, call, fail, leak, open, ready_to_probe,
    rejected_for, run, succeed,
};
use resilience_runtime::error::{Effect, Error};
use resilience_runtime::outcome::{errors, function};
use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, CircuitState};
use resilience_runtime::policy::timeout::Timeout;
use tokio::time::advance;

const MILLI: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn it_opens_at_exactly_the_threshold() {
    for threshold in 1..=7 {
        let breaker = leak(CircuitBreaker::for_function("f").failure_threshold(threshold));
        for _ in 0..threshold {
            assert_eq!(breaker.state(), CircuitState::Closed);
            assert!(matches!(fail(breaker).await, Err(Failure::Body)));
        }
        assert_eq!(breaker.state(), CircuitState::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_in_between_starts_the_count_again() {
    let breaker = breaker();
    for _ in 0..20 {
        for _ in 1..FAILURES {
            let _ = fail(breaker).await;
        }
        assert_eq!(succeed(breaker).await.unwrap(), 7);
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_rejects_without_running_the_body() {
    let breaker = breaker();
    open(breaker).await;
    advance(OPEN_FOR / 4).await;
    let ran = Cell::new(false);
    let error = run(breaker, async {
        ran.set(true);
        Ok(7)
    })
    .await
    .unwrap_err();
    let Failure::Policy(error) = error else {
        panic!("{error:?}")
    };
    assert!(!ran.get());
    assert_eq!(error.effect(), Effect::DidNotRun);
    assert_eq!(error.retry_after(), Some(OPEN_FOR / 4 * 3));
    assert!(matches!(error, Error::CircuitOpen { breaker: name, .. } if name == breaker.name()));
}

#[tokio::test(start_paused = true)]
async fn it_stays_open_for_exactly_its_time() {
    let breaker = breaker();
    open(breaker).await;
    advance(OPEN_FOR - MILLI).await;
    assert_eq!(rejected_for(breaker).await, Some(MILLI));
    advance(MILLI).await;
    assert_eq!(breaker.state(), CircuitState::Open, "until somebody calls");
    for _ in 0..PERMITS {
        assert_eq!(succeed(breaker).await.unwrap(), 7);
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn successes_below_the_threshold_leave_it_half_open() {
    let breaker = ready_to_probe().await;
    for _ in 1..PERMITS {
        assert_eq!(succeed(breaker).await.unwrap(), 7);
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
    }
    assert_eq!(succeed(breaker).await.unwrap(), 7);
    assert_eq!(breaker.state(), CircuitState::Closed);
    // And the count of failures starts from zero.
    open(breaker).await;
}

#[tokio::test(start_paused = true)]
async fn one_failed_probe_opens_it_for_another_full_time() {
    let breaker = ready_to_probe().await;
    let _ = succeed(breaker).await;
    let _ = fail(breaker).await;
    assert_eq!(breaker.state(), CircuitState::Open);
    assert_eq!(rejected_for(breaker).await, Some(OPEN_FOR));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure() {
    let breaker = breaker();
    for _ in 0..FAILURES {
        assert_eq!(breaker.state(), CircuitState::Closed);
        let task = tokio::spawn(run(breaker, async { panic!("on purpose") }));
        assert!(task.await.unwrap_err().is_panic());
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_panic_counts_once_also_when_the_future_is_kept() {
    let breaker = breaker();
    for _ in 0..FAILURES {
        assert_eq!(breaker.state(), CircuitState::Closed);
        let body = std::future::poll_fn(|_| -> Poll<Reply> { panic!("on purpose") });
        let mut guarded = Box::pin(breaker.guard(body, call(), errors()));
        let mut context = Context::from_waker(Waker::noop());
        let poll = AssertUnwindSafe(|| guarded.as_mut().poll(&mut context).is_ready());
        assert!(std::panic::catch_unwind(poll).is_err());
        drop(guarded);
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_panicking_probe_opens_it_again() {
    let breaker = ready_to_probe().await;
    let task = tokio::spawn(run(breaker, async { panic!("on purpose") }));
    assert!(task.await.is_err());
    assert_eq!(breaker.state(), CircuitState::Open);
}

/// Polls a call to its end, or drops it at its await, while its thread panics.
struct CallInDrop {
    breaker: &'static CircuitBreaker,
    ends: bool,
}

impl Drop for CallInDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking());
        let ends = self.ends;
        let body = async move {
            if ends {
                Ok(7)
            } else {
                pending::<Reply>().await
            }
        };
        let mut context = Context::from_waker(Waker::noop());
        let polled = pin!(run(self.breaker, body)).poll(&mut context);
        assert_eq!(polled.is_ready(), ends);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_thread_that_panics_already_is_no_failure() {
    let breaker = breaker();
    for ends in [false, true, false, true, false, false] {
        let caller = CallInDrop { breaker, ends };
        let panics = AssertUnwindSafe(move || {
            let _caller = caller;
            panic!("on purpose");
        });
        assert!(std::panic::catch_unwind(panics).is_err());
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_is_a_failure_and_one_outside_is_not() {
    let timeout: &'static _ = Box::leak(Box::new(Timeout::after(Duration::from_secs(1))));
    let outside = breaker();
    for _ in 0..FAILURES * 2 {
        let guarded = outside.guard(pending::<Reply>(), call(), errors());
        assert!(timeout.limit(guarded, call()).await.into_result().is_err());
    }
    assert_eq!(outside.state(), CircuitState::Closed);

    let inside = breaker();
    for _ in 0..FAILURES {
        assert_eq!(inside.state(), CircuitState::Closed);
        let limited = timeout.limit(pending::<Reply>(), call());
        assert!(
            inside
                .guard(limited, call(), errors())
                .await
                .into_result()
                .is_err()
        );
    }
    assert_eq!(inside.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_inside_counts_as_nothing() {
    let inner = breaker();
    open(inner).await;
    let through_both = |outer: &'static CircuitBreaker| {
        outer.guard(
            inner.guard(async { Ok(7) }, call(), errors()),
            call(),
            errors(),
        )
    };
    let outer = breaker();
    for _ in 0..FAILURES * 2 {
        assert!(through_both(outer).await.into_result().is_err());
    }
    assert_eq!(outer.state(), CircuitState::Closed);
    // Nor does it reset the count.
    for _ in 1..FAILURES {
        let _ = fail(outer).await;
    }
    assert!(through_both(outer).await.into_result().is_err());
    let _ = fail(outer).await;
    assert_eq!(outer.state(), CircuitState::Open);
    // Nor does a probe keep its place.
    inner_refusals_free_their_places(inner).await;
}

async fn inner_refusals_free_their_places(inner: &'static CircuitBreaker) {
    let outer = leak(
        CircuitBreaker::for_function("outer")
            .failure_threshold(1)
            .open_for(MILLI),
    );
    let _ = fail(outer).await;
    advance(MILLI).await;
    for _ in 0..PERMITS * 2 {
        let guarded = outer.guard(
            inner.guard(async { Ok(7) }, call(), errors()),
            call(),
            errors(),
        );
        let Err(Failure::Policy(error)) = guarded.await.into_result() else {
            panic!("the inner breaker is open");
        };
        assert!(matches!(error, Error::CircuitOpen { breaker, .. } if breaker == inner.name()));
    }
    assert_eq!(outer.state(), CircuitState::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_polled_asks_for_nothing() {
    let breaker = ready_to_probe().await;
    for _ in 0..PERMITS * 2 {
        drop(breaker.guard(async { Ok(7) }, call(), errors()));
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn polling_after_the_answer_is_harmless() {
    let breaker = breaker();
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..FAILURES + 1 {
        // The last one is rejected.
        let mut guarded =
            pin!(breaker.guard(async { Err::<u32, _>(Failure::Body) }, call(), errors()));
        assert!(guarded.as_mut().poll(&mut context).is_ready());
        assert!(guarded.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(rejected_for(breaker).await, Some(OPEN_FOR));
}

#[test]
fn senseless_breakers_panic_with_a_sentence() {
    type Build = fn(CircuitBreaker) -> CircuitBreaker;
    let cases: [(Build, &str); 16] = [
        (
            |breaker| breaker.failure_threshold(0),
            "`failure_threshold`",
        ),
        (|breaker| breaker.open_for(Duration::ZERO), "`open_for`"),
        (
            |breaker| breaker.half_open_permits(0),
            "`half_open_permits`",
        ),
        (
            |breaker| breaker.success_threshold(0),
            "`success_threshold`",
        ),
        (
            |breaker| breaker.half_open_permits(2).success_threshold(3),
            "never close",
        ),
        (
            |breaker| breaker.success_threshold(3).half_open_permits(2),
            "never close",
        ),
        (|breaker| breaker.failure_rate(0.0), "`failure_rate`"),
        (|breaker| breaker.failure_rate(1.5), "`failure_rate`"),
        (
            |breaker| breaker.slow_call_rate(f64::NAN),
            "`slow_call_rate`",
        ),
        (|breaker| breaker.count_window(0), "`count_window`"),
        (|breaker| breaker.minimum_calls(0), "`minimum_calls`"),
        (
            |breaker| breaker.time_window(Duration::ZERO),
            "`time_window`",
        ),
        (|breaker| breaker.growing(0.5, MILLI), "`growing`"),
        (|breaker| breaker.recovery(1.0), "`recovery`"),
        (
            |breaker| breaker.half_open_success_rate(0.5).success_threshold(1),
            "exclude each other",
        ),
        (|breaker| breaker.open_for(Duration::MAX), "49 days"),
    ];
    for (make, part) in cases {
        let make = move || make(CircuitBreaker::for_function("f"));
        let panic = std::panic::catch_unwind(make).unwrap_err();
        let text = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap();
        assert!(text.contains(part), "{text}");
    }
}

/// Neither the values nor the errors of a call need be sent.
#[tokio::test(start_paused = true)]
async fn nothing_has_to_be_sent() {
    type Local = Result<std::rc::Rc<u32>, Failure>;
    let body = async { Local::Ok(std::rc::Rc::new(7)) };
    let answer = breaker()
        .guard(body, function::<Local>("local"), errors())
        .await;
    assert_eq!(*answer.into_result().unwrap(), 7);
}
