//! One execution, and its answer.

use std::cell::Cell;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::outcome::{errors, function, joined};
use resilience_runtime::policy::deadline::with_deadline;
use resilience_runtime::policy::single_flight::SingleFlight;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::{Answered, Failure, WORK, boxed, share, work};

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_share_one_execution_and_nothing_is_remembered() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let runs = Arc::new(AtomicU32::new(0));
    let began = Instant::now();
    for round in 1..=2 {
        let mut tasks = JoinSet::new();
        for _ in 0..1_000 {
            let runs = Arc::clone(&runs);
            tasks.spawn(share(&FLIGHT, 7, async move {
                let run = runs.fetch_add(1, Ordering::Relaxed) + 1;
                sleep(WORK).await;
                Ok(run)
            }));
        }
        let answers = tasks.join_all().await;
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer, Ok(it) if *it == round))
        );
        assert_eq!(began.elapsed(), WORK * round);
        assert_eq!(FLIGHT.running(), 0);
    }
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn other_keys_fly_by_themselves() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let runs = Cell::new(0);
    let calls = || {
        (
            share(&FLIGHT, 1, work(&runs)),
            share(&FLIGHT, 2, work(&runs)),
        )
    };
    let ((a, b), (c, d)) = (calls(), calls());
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    assert_eq!([a, b, c, d].map(Result::unwrap), [1, 2, 1, 2]);
    assert_eq!(runs.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_comes_after_the_end_runs_again() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let runs = Cell::new(0);
    let late = async {
        sleep(WORK + Duration::from_millis(1)).await;
        share(&FLIGHT, 7, work(&runs)).await
    };
    let joins = async {
        sleep(WORK - Duration::from_millis(1)).await;
        share(&FLIGHT, 7, work(&runs)).await
    };
    let (first, joined, late) = tokio::join!(share(&FLIGHT, 7, work(&runs)), joins, late);
    assert_eq!([first, joined, late].map(Result::unwrap), [1, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn errors_are_told_in_words_where_they_cannot_be_cloned() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let fails = || async {
        sleep(WORK).await;
        Err(Failure::Body("no price today"))
    };
    let call = function::<Result<u32, Told>>("shop::price");
    let calls = (share(&FLIGHT, 7, fails()), share(&FLIGHT, 7, fails()));
    let (first, second) = tokio::join!(calls.0, calls.1);
    assert!(matches!(first, Err(Failure::Body("no price today"))));
    // The `described` of the helper is that of any type; the text comes from one that is asked.
    let Err(Failure::Policy(error)) = second else {
        panic!("{second:?}")
    };
    assert_eq!(error.effect(), Effect::Ran);
    assert!(
        matches!(
            &error,
            Error::JoinedFailure {
                function: "shop::price",
                ..
            }
        ),
        "{error}"
    );

    let told = || {
        let errors = errors::<Result<u32, Told>>().described();
        let joined = joined::<Result<u32, Told>>();
        FLIGHT.share(
            FLIGHT.key(&8),
            async {
                sleep(WORK).await;
                Err(Told("no price"))
            },
            call,
            errors,
            joined,
        )
    };
    let (first, second) = tokio::join!(told(), told());
    assert_eq!(first.into_result().unwrap_err().0, "no price");
    let text = second.into_result().unwrap_err().0;
    assert_eq!(
        text,
        "`shop::price` failed in the call that this one had joined: no price"
    );
}

#[derive(Debug, Clone)]
struct Told(&'static str);

impl From<Error> for Told {
    fn from(error: Error) -> Self {
        Self(Box::leak(error.to_string().into_boxed_str()))
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn errors_that_can_be_cloned_are() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let call = function::<Result<u32, Told>>("shop::price");
    let told = |text: &'static str| {
        let joined = joined::<Result<u32, Told>>().cloned();
        let body = async move {
            sleep(WORK).await;
            Err(Told(text))
        };
        FLIGHT.share(FLIGHT.key(&8), body, call, errors(), joined)
    };
    let (first, second) = tokio::join!(told("one"), told("two"));
    assert_eq!(first.into_result().unwrap_err().0, "one");
    assert_eq!(second.into_result().unwrap_err().0, "one");
}

#[tokio::test(start_paused = true)]
async fn recursion_is_an_error_and_no_deadlock() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let inner = async {
        sleep(WORK).await;
        let again = share(&FLIGHT, 7, boxed(async { Ok(1) }));
        let deeper = share(&FLIGHT, 8, boxed(again)).await;
        let Err(Failure::Policy(Error::Recursive { function, .. })) = deeper else {
            panic!("{deeper:?}")
        };
        assert_eq!(function, "shop::price");
        Ok(7)
    };
    let calls = (
        share(&FLIGHT, 7, boxed(inner)),
        share(&FLIGHT, 7, boxed(pending())),
    );
    // One that joins from outside is no recursion.
    let (first, second) = tokio::join!(calls.0, calls.1);
    assert_eq!((first.unwrap(), second.unwrap()), (7, 7));
}

#[tokio::test(start_paused = true)]
async fn who_joined_waits_until_its_deadline() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let runs = Cell::new(0);
    let deadline = Instant::now() + WORK / 2;
    let joins = async {
        let joined = with_deadline(deadline, share(&FLIGHT, 7, work(&runs))).await;
        (joined, Instant::now())
    };
    let comes_late = async {
        sleep(WORK - Duration::from_millis(1)).await;
        with_deadline(deadline, share(&FLIGHT, 7, work(&runs))).await
    };
    let (first, (joined, at), late) =
        tokio::join!(share(&FLIGHT, 7, work(&runs)), joins, comes_late);
    assert_eq!((first.unwrap(), at), (1, deadline));
    for (refused, waited) in [(joined, WORK / 2), (late, Duration::ZERO)] {
        assert!(
            matches!(&refused, Err(Failure::Policy(Error::DeadlineTooClose { needed, .. })) if *needed == waited),
            "{refused:?}"
        );
    }
    assert_eq!((runs.get(), FLIGHT.running()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_serialised_is_an_error_of_the_call() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let joined = joined::<Result<u32, Told>>();
    let call = function::<Result<u32, Told>>("shop::price");
    let body = async { Ok(1) };
    let refused = FLIGHT.share(FLIGHT.key(&f64::NAN), body, call, errors(), joined);
    let text = refused.await.into_result().unwrap_err().0;
    assert!(text.contains("the key of `shop::price`"), "{text}");
    // One that is empty is a key like any other: that of a function without arguments.
    let body = async { Ok(1) };
    let answer = FLIGHT.share(FLIGHT.key(&()), body, call, errors(), joined);
    assert_eq!(answer.await.into_result().unwrap(), 1);
}

/// On real time: while a key is asked for, it never runs twice at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_four_threads_one_runs_at_a_time() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let inside: Arc<[AtomicU32; 4]> = Arc::default();
    let runs = Arc::new(AtomicU32::new(0));
    let mut tasks = JoinSet::new();
    for task in 0..20_u32 {
        let (inside, runs) = (Arc::clone(&inside), Arc::clone(&runs));
        tasks.spawn(async move {
            for round in 0..500 {
                let key = (task + round) % 4;
                let place = &inside[key as usize];
                let body = async {
                    assert_eq!(place.fetch_add(1, Ordering::SeqCst), 0, "two inside");
                    runs.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    place.fetch_sub(1, Ordering::SeqCst);
                    Ok(key)
                };
                let answer: Answered = share(&FLIGHT, key, body).await;
                assert_eq!(answer.unwrap(), key);
            }
        });
    }
    assert_eq!(tasks.join_all().await.len(), 20);
    assert!(runs.load(Ordering::Relaxed) <= 10_000);
    assert_eq!(FLIGHT.running(), 0);
}

#[cfg(feature = "metrics")]
#[tokio::test(start_paused = true)]
async fn those_that_another_one_answered_are_counted() {
    static FLIGHT: SingleFlight = SingleFlight::named("shop::counted");
    let meter = resilience_test_support::meter::Meter::default();
    let _listening = meter.listen();
    let runs = Cell::new(0);
    let calls = || share(&FLIGHT, 7, work(&runs));
    let (first, second, third) = tokio::join!(calls(), calls(), calls());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    let joined = (
        "single_flight_joined_total{function=shop::price}".to_owned(),
        2.0,
    );
    assert_eq!(meter.take_sums(), [joined].into());
}
