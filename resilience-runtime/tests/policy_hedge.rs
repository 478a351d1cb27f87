//! Hedges: when they start, who wins, and what is left behind.

#![expect(
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test, too"
)]

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use resilience_runtime::outcome::{errors, returns};
use resilience_runtime::policy::deadline::with_deadline;
use resilience_runtime::policy::hedge::Hedge;
use resilience_runtime::policy::retry::RetryBudget;
use tokio::time::{Instant, sleep};

const MILLI: Duration = Duration::from_millis(1);
const DELAY: Duration = Duration::from_millis(100);

type Reply = Result<usize, usize>;

fn leak(hedge: Hedge) -> &'static Hedge {
    Box::leak(Box::new(hedge))
}

/// How long an attempt takes, in milliseconds, and whether it succeeds.
type Plan = (u64, bool);

/// What a call came to.
#[derive(Debug, PartialEq)]
struct Seen {
    /// The number of the attempt that answered, from 0.
    reply: Reply,
    took: u128,
    /// When each attempt began.
    starts: Vec<u128>,
    /// How many attempts were dropped before their end.
    dropped: usize,
}

/// Counts attempts that are dropped.
struct Running<'a>(&'a Cell<usize>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

async fn race(hedge: &'static Hedge, plans: &[Plan]) -> Seen {
    let start = Instant::now();
    let starts = RefCell::new(Vec::new());
    let dropped = Cell::new(0);
    let attempt = || {
        let (starts, dropped) = (&starts, &dropped);
        async move {
            let number = starts.borrow().len();
            starts.borrow_mut().push(start.elapsed().as_millis());
            let running = Running(dropped);
            let (millis, succeeds) = plans[number];
            if millis > 0 {
                sleep(MILLI * u32::try_from(millis).unwrap()).await;
            }
            std::mem::forget(running);
            if succeeds { Ok(number) } else { Err(number) }
        }
    };
    let race = hedge.race(attempt, returns::<Reply>("shop::price"), errors());
    let reply = race.await.into_result();
    Seen {
        reply,
        took: start.elapsed().as_millis(),
        dropped: dropped.get(),
        starts: starts.into_inner(),
    }
}

fn seen(reply: Reply, took: u128, starts: &[u128], dropped: usize) -> Seen {
    Seen {
        reply,
        took,
        starts: starts.to_vec(),
        dropped,
    }
}

#[tokio::test(start_paused = true)]
async fn every_course_of_a_race() {
    let two = || leak(Hedge::after(DELAY).max_hedges(2));
    let cases: [(&[Plan], Seen); 9] = [
        (&[(0, true)], seen(Ok(0), 0, &[0], 0)),
        (&[(99, true)], seen(Ok(0), 99, &[0], 0)),
        // A hedge wins, and the first attempt is dropped.
        (&[(500, true), (50, true)], seen(Ok(1), 150, &[0, 100], 1)),
        // The first attempt wins nevertheless.
        (&[(150, true), (90, true)], seen(Ok(0), 150, &[0, 100], 1)),
        // One after the other, and no more than two.
        (
            &[(999, true), (999, true), (20, true)],
            seen(Ok(2), 220, &[0, 100, 200], 2),
        ),
        (
            &[(500, true), (999, true), (999, true)],
            seen(Ok(0), 500, &[0, 100, 200], 2),
        ),
        // A failure starts the next at once, and the delay begins again.
        (
            &[(10, false), (500, true), (20, true)],
            seen(Ok(2), 130, &[0, 10, 110], 1),
        ),
        // A failure does not end what runs.
        (
            &[(300, true), (50, false), (400, true)],
            seen(Ok(0), 300, &[0, 100, 150], 1),
        ),
        // All fail: the last error.
        (
            &[(10, false), (20, false), (0, false)],
            seen(Err(2), 30, &[0, 10, 30], 0),
        ),
    ];
    for (plans, expected) in cases {
        assert_eq!(race(two(), plans).await, expected, "{plans:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_token_there_is_no_hedge() {
    let budget = RetryBudget::for_function("shop")
        .burst(1)
        .per_second(0)
        .ratio(0.5);
    let hedge = leak(Hedge::after(DELAY).budget(budget));
    let slow: &[Plan] = &[(300, true), (300, true)];
    assert_eq!(race(hedge, slow).await.starts, [0, 100]);
    // One success gave half a token back, and the next will give the other half.
    assert_eq!(race(hedge, slow).await.starts, [0]);
    assert_eq!(race(hedge, slow).await.starts, [0, 100]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_race_drops_all_attempts_and_keeps_its_tokens() {
    let budget = RetryBudget::for_function("shop").burst(2).per_second(0);
    let hedge = leak(Hedge::after(DELAY).budget(budget));
    let slow: &[Plan] = &[(500, true), (500, true)];
    for (after, left) in [(0, 2), (50, 2), (150, 1), (350, 0)] {
        let dropped = tokio::time::timeout(MILLI * after, race(hedge, slow)).await;
        assert!(dropped.is_err());
        let _ = left;
    }
    // 150 and 350 had their hedges.
    assert_eq!(race(hedge, slow).await.starts, [0]);
}

#[tokio::test(start_paused = true)]
async fn no_hedge_starts_at_the_deadline() {
    for (deadline, starts) in [(100, 1), (102, 2)] {
        let hedge = leak(Hedge::after(DELAY));
        let deadline = Instant::now() + MILLI * deadline;
        let seen = with_deadline(deadline, race(hedge, &[(300, true), (300, true)])).await;
        assert_eq!(seen.starts.len(), starts);
    }
}

#[tokio::test(start_paused = true)]
async fn the_delay_is_learned_from_a_hundred_calls_on() {
    let hedge = leak(Hedge::quantile(0.9, DELAY));
    for _ in 0..99 {
        assert_eq!(race(hedge, &[(8, true)]).await.starts, [0]);
    }
    assert_eq!(
        race(hedge, &[(150, true), (150, true)]).await.starts,
        [0, 100]
    );
    let learned = race(hedge, &[(150, true), (150, true)]).await.starts;
    assert_eq!(learned.len(), 2);
    assert!((8..=10).contains(&learned[1]), "{learned:?}");
}

#[test]
fn a_call_that_is_ready_needs_no_runtime_and_answers_once() {
    let hedge = leak(Hedge::after(DELAY));
    let started = Cell::new(0);
    let attempt = || {
        started.set(started.get() + 1);
        async { Reply::Ok(7) }
    };
    let mut race = pin!(hedge.race(attempt, returns::<Reply>("shop::price"), errors()));
    assert_eq!(started.get(), 0);
    let mut context = Context::from_waker(Waker::noop());
    assert!(race.as_mut().poll(&mut context).is_ready());
    assert!(race.as_mut().poll(&mut context).is_pending());
    assert_eq!(started.get(), 1);
}
