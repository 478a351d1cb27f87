//! A half-open breaker: how many probes it admits, and what becomes of those that do not end in
//! time.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use crate::support::{
    FAILURES, Failure, OPEN_FOR, PERMITS, Reply, breaker, fail, open, ready_to_probe, rejected_for,
    run, succeed,
};
use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, CircuitState};
use tokio::sync::{Barrier, oneshot};
use tokio::task::{LocalSet, yield_now};
use tokio::time::advance;

/// A call that was admitted and waits to be told how it ends.
struct Waiting {
    end: oneshot::Sender<Reply>,
    call: Pin<Box<dyn Future<Output = Reply>>>,
}

impl Waiting {
    fn admitted(breaker: &'static CircuitBreaker) -> Self {
        let (end, ended) = oneshot::channel();
        let entered = Rc::new(Cell::new(false));
        let enters = Rc::clone(&entered);
        let mut call: Pin<Box<dyn Future<Output = Reply>>> = Box::pin(run(breaker, async move {
            enters.set(true);
            ended.await.unwrap()
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
        assert!(entered.get(), "rejected");
        Self { end, call }
    }

    async fn ends_with(self, reply: Reply) -> Reply {
        self.end.send(reply).unwrap();
        self.call.await
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_callers_exactly_the_permitted_ones_get_in() {
    for concurrent_outcome_is_ok in [true, false] {
        let breaker = ready_to_probe().await;
        let entered = Rc::new(Cell::new(0_u32));
        let start = Rc::new(Barrier::new(1_000));
        let callers = LocalSet::new();
        for _ in 0..1_000 {
            let (entered, start) = (Rc::clone(&entered), Rc::clone(&start));
            callers.spawn_local(async move {
                start.wait().await;
                let _ = run(breaker, async {
                    entered.set(entered.get() + 1);
                    // Long enough for every other caller to have asked.
                    for _ in 0..10 {
                        yield_now().await;
                    }
                    if concurrent_outcome_is_ok {
                        Ok(7)
                    } else {
                        Err(Failure::Body)
                    }
                })
                .await;
            });
        }
        callers.await;
        assert_eq!(entered.get(), PERMITS);
        let state = if concurrent_outcome_is_ok {
            CircuitState::Closed
        } else {
            CircuitState::Open
        };
        assert_eq!(breaker.state(), state);
    }
}

#[tokio::test(start_paused = true)]
async fn succeeded_probes_keep_their_places() {
    let breaker = ready_to_probe().await;
    assert!(succeed(breaker).await.is_ok());
    let _second = Waiting::admitted(breaker);
    let _third = Waiting::admitted(breaker);
    assert_eq!(rejected_for(breaker).await, Some(OPEN_FOR));
}

#[tokio::test(start_paused = true)]
async fn a_probe_dropped_at_any_await_frees_its_place() {
    const AWAITS: usize = 5;
    let breaker = ready_to_probe().await;
    for awaits in 1..=AWAITS {
        // More often than there are places, so that one which is lost is missed.
        for _ in 0..PERMITS * 2 {
            let mut call = Box::pin(run(breaker, async {
                for _ in 0..AWAITS {
                    yield_now().await;
                }
                Ok(7)
            }));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..awaits {
                assert!(call.as_mut().poll(&mut context).is_pending(), "rejected");
            }
            drop(call);
            assert_eq!(breaker.state(), CircuitState::HalfOpen);
        }
    }
    for _ in 0..PERMITS {
        assert!(succeed(breaker).await.is_ok());
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_hung_probe_gives_its_place_away_and_is_not_heard_again() {
    for late in [Ok(7), Err(Failure::Body)] {
        let breaker = ready_to_probe().await;
        let hung = Waiting::admitted(breaker);
        let others = [Waiting::admitted(breaker), Waiting::admitted(breaker)];
        advance(OPEN_FOR - OPEN_FOR / 10).await;
        assert_eq!(rejected_for(breaker).await, Some(OPEN_FOR / 10));
        advance(OPEN_FOR / 10).await;
        let replacement = Waiting::admitted(breaker);

        let succeeds = late.is_ok();
        assert_eq!(hung.ends_with(late).await.is_ok(), succeeds);
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
        // Had the late one counted, two more would have closed it.
        for other in others {
            assert!(other.ends_with(Ok(7)).await.is_ok());
            assert_eq!(breaker.state(), CircuitState::HalfOpen);
        }
        assert!(replacement.ends_with(Ok(7)).await.is_ok());
        assert_eq!(breaker.state(), CircuitState::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hung_probe_that_is_dropped_late_frees_no_place_of_another() {
    let breaker = ready_to_probe().await;
    let hung: Vec<_> = (0..PERMITS).map(|_| Waiting::admitted(breaker)).collect();
    advance(OPEN_FOR).await;
    let _replacements: Vec<_> = (0..PERMITS).map(|_| Waiting::admitted(breaker)).collect();
    assert_eq!(rejected_for(breaker).await, Some(OPEN_FOR));
    drop(hung);
    assert_eq!(rejected_for(breaker).await, Some(OPEN_FOR));
}

#[tokio::test(start_paused = true)]
async fn a_slow_probe_whose_place_nobody_wanted_is_heard() {
    let breaker = ready_to_probe().await;
    let slow = Waiting::admitted(breaker);
    advance(OPEN_FOR * 3).await;
    assert!(slow.ends_with(Err(Failure::Body)).await.is_err());
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_success_from_before_the_breaker_opened_does_not_close_it() {
    let breaker = breaker();
    let early: Vec<_> = (0..PERMITS * 2)
        .map(|_| Waiting::admitted(breaker))
        .collect();
    open(breaker).await;
    let mut early = early.into_iter();
    // While it is open.
    assert!(early.next().unwrap().ends_with(Ok(7)).await.is_ok());
    assert_eq!(breaker.state(), CircuitState::Open);
    // While it is half-open.
    advance(OPEN_FOR).await;
    let probe = Waiting::admitted(breaker);
    for call in early {
        assert!(call.ends_with(Ok(7)).await.is_ok());
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
    }
    assert!(probe.ends_with(Ok(7)).await.is_ok());
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn a_failure_from_before_the_breaker_opened_counts_no_more() {
    let breaker = breaker();
    let mut early: Vec<_> = (0..8).map(|_| Waiting::admitted(breaker)).collect();
    open(breaker).await;
    let mut late_failure = async || {
        let call = early.pop().unwrap();
        assert!(call.ends_with(Err(Failure::Body)).await.is_err());
    };
    advance(OPEN_FOR / 2).await;
    late_failure().await;
    assert_eq!(
        rejected_for(breaker).await,
        Some(OPEN_FOR / 2),
        "not opened anew"
    );
    advance(OPEN_FOR / 2).await;
    assert!(succeed(breaker).await.is_ok());
    late_failure().await;
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    for _ in 1..PERMITS {
        assert!(succeed(breaker).await.is_ok());
    }
    for _ in 0..FAILURES {
        late_failure().await;
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_probe_from_an_earlier_trial_counts_no_more() {
    let breaker = ready_to_probe().await;
    let old = [Waiting::admitted(breaker), Waiting::admitted(breaker)];
    assert!(fail(breaker).await.is_err());
    advance(OPEN_FOR).await;
    let _probe = Waiting::admitted(breaker);
    let [succeeds, fails] = old;
    assert!(succeeds.ends_with(Ok(7)).await.is_ok());
    assert!(fails.ends_with(Err(Failure::Body)).await.is_err());
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    // Two places are left, as before.
    let _more = [Waiting::admitted(breaker), Waiting::admitted(breaker)];
    assert!(rejected_for(breaker).await.is_some());
}
