//! The deadline of a call: who sees it, for how long, and who does not.

use std::cell::RefCell;
use std::future::{poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::outcome::{Function, function};
use resilience_runtime::policy::deadline::{deadline, with_deadline};
use resilience_runtime::policy::timeout::Timeout;
use tokio::time::{Instant, sleep};

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(1);

static SHORT_TIMEOUT: Timeout = Timeout::after(SHORT);
static LONG_TIMEOUT: Timeout = Timeout::after(LONG);

type Seen = Result<Option<Instant>, Error>;

fn call() -> Function<Seen> {
    function::<Seen>("shop::charge")
}

async fn see() -> Seen {
    Ok(deadline())
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_the_deadline_of_what_it_limits() {
    assert_eq!(deadline(), None);
    let start = Instant::now();
    let seen = LONG_TIMEOUT.limit(see(), call()).await.into_result();
    assert_eq!(seen.unwrap(), Some(start + LONG));
    assert_eq!(deadline(), None);
}

#[tokio::test(start_paused = true)]
async fn of_two_the_earlier_one_is_seen() {
    let start = Instant::now();
    for (outer, inner) in [
        (&LONG_TIMEOUT, &SHORT_TIMEOUT),
        (&SHORT_TIMEOUT, &LONG_TIMEOUT),
    ] {
        let nested = outer.limit(inner.limit(see(), call()), call());
        assert_eq!(
            nested.await.into_result().unwrap(),
            Some(start + SHORT),
            "{outer:?} around {inner:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_outer_deadline_is_back_after_the_inner_one() {
    let start = Instant::now();
    let body = async {
        let inner = SHORT_TIMEOUT.limit(see(), call()).await.into_result();
        assert_eq!(inner.unwrap(), Some(start + SHORT));
        see().await
    };
    let seen = LONG_TIMEOUT.limit(body, call()).await.into_result();
    assert_eq!(seen.unwrap(), Some(start + LONG));
}

#[tokio::test(start_paused = true)]
async fn it_is_set_in_every_poll_and_nowhere_between() {
    let start = Instant::now();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let body = {
        let seen = Rc::clone(&seen);
        async move {
            for _ in 0..3 {
                seen.borrow_mut().push(deadline());
                tokio::task::yield_now().await;
            }
            Ok(None)
        }
    };
    let mut limited = pin!(LONG_TIMEOUT.limit(body, call()));
    poll_fn(|context| {
        let polled = limited.as_mut().poll(context).map(drop);
        assert_eq!(deadline(), None);
        polled
    })
    .await;
    assert_eq!(*seen.borrow(), [Some(start + LONG); 3]);
}

#[tokio::test(start_paused = true)]
async fn a_sibling_in_the_same_task_does_not_see_it() {
    let start = Instant::now();
    let long = async {
        sleep(SHORT / 4).await;
        see().await
    };
    let short = async {
        sleep(SHORT / 2).await;
        see().await
    };
    let bare = async {
        sleep(SHORT / 2).await;
        see().await
    };
    let (long, short, bare) = tokio::join!(
        LONG_TIMEOUT.limit(long, call()),
        SHORT_TIMEOUT.limit(short, call()),
        bare
    );
    assert_eq!(long.into_result().unwrap(), Some(start + LONG));
    assert_eq!(short.into_result().unwrap(), Some(start + SHORT));
    assert_eq!(bare.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_spawned_task_does_not_see_it_unless_it_is_handed_over() {
    let start = Instant::now();
    let body = async {
        let bare = tokio::spawn(see());
        assert_eq!(bare.await.unwrap()?, None);
        let Some(at) = deadline() else {
            return Ok(None);
        };
        tokio::spawn(with_deadline(at, see())).await.unwrap()
    };
    let seen = LONG_TIMEOUT.limit(body, call()).await.into_result();
    assert_eq!(seen.unwrap(), Some(start + LONG));
}

#[tokio::test(start_paused = true)]
async fn with_deadline_ends_nothing_and_is_not_later_than_what_is_around_it() {
    let start = Instant::now();
    let slow = async {
        sleep(LONG).await;
        deadline()
    };
    assert_eq!(
        with_deadline(start + SHORT, slow).await,
        Some(start + SHORT)
    );
    assert_eq!(start.elapsed(), LONG);

    let now = Instant::now();
    let inner = with_deadline(now + LONG, async { deadline() });
    assert_eq!(with_deadline(now + SHORT, inner).await, Some(now + SHORT));
    assert_eq!(deadline(), None);
}

/// A panic in the poll of `future`, which is not what is looked at.
fn panics(future: impl Future) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let polled = catch_unwind(AssertUnwindSafe(|| {
        future.as_mut().poll(&mut context).map(drop)
    }));
    assert!(polled.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_panic_leaves_no_deadline_behind() {
    let body = || poll_fn(|_| -> Poll<Seen> { panic!("the body's") });
    panics(LONG_TIMEOUT.limit(body(), call()));
    assert_eq!(deadline(), None);
    panics(with_deadline(Instant::now() + SHORT, body()));
    assert_eq!(deadline(), None);

    let start = Instant::now();
    let around = async {
        panics(SHORT_TIMEOUT.limit(body(), call()));
        deadline()
    };
    assert_eq!(
        with_deadline(start + LONG, around).await,
        Some(start + LONG)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_never_cut_off_has_no_deadline() {
    static NEVER: Timeout = Timeout::after(Duration::MAX);
    let seen = NEVER.limit(see(), call()).await.into_result();
    assert_eq!(seen.unwrap(), None);
    let ready = with_deadline(Instant::now(), ready(7)).await;
    assert_eq!(ready, 7);
}
