//! Switched off, and only counting.

use std::future::pending;
use std::task::{Context, Waker};

use super::*;
use crate::error::Error;
use crate::outcome::function;
use crate::policy::switch::PolicyMode;

fn counts(bulkhead: &'static Bulkhead) -> (u32, u32, u32) {
    let would_have = bulkhead.switch.would_have_acted();
    (bulkhead.running(), bulkhead.waiting(), would_have)
}

#[tokio::test(start_paused = true)]
async fn one_that_only_counts_lets_all_run_and_counts_those_without_a_seat() {
    static BULKHEAD: Bulkhead = Bulkhead::for_function("f").max_concurrent(2).max_queue(3);
    BULKHEAD.switch.set(PolicyMode::Shadow);
    let call = function::<Result<u32, Error>>("f");
    let mut context = Context::from_waker(Waker::noop());
    let mut calls = Vec::new();
    for running in 1..=9_u32 {
        let mut entered = Box::pin(BULKHEAD.enter(pending::<Result<u32, Error>>(), call));
        assert!(entered.as_mut().poll(&mut context).is_pending());
        calls.push(entered);
        assert_eq!(counts(&BULKHEAD), (running, 0, running.saturating_sub(5)));
    }
    // Enforced again, a new call waits until there is a place for it.
    BULKHEAD.switch.set(PolicyMode::Enforced);
    let mut waits = Box::pin(BULKHEAD.enter(async { Ok(7) }, call));
    assert!(waits.as_mut().poll(&mut context).is_pending());
    assert_eq!(counts(&BULKHEAD), (9, 1, 4));
    calls.truncate(2);
    assert_eq!(counts(&BULKHEAD), (2, 1, 4));
    calls.truncate(1);
    assert_eq!(waits.await.into_result().ok(), Some(7));
    assert_eq!(counts(&BULKHEAD), (1, 0, 4));
    drop(calls);
    assert_eq!(counts(&BULKHEAD), (0, 0, 4));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_off_does_not_even_count() {
    static BULKHEAD: Bulkhead = Bulkhead::for_function("f").max_concurrent(1);
    BULKHEAD.switch.set(PolicyMode::Disabled);
    let call = function::<Result<u32, Error>>("f");
    let outer = async {
        assert_eq!(counts(&BULKHEAD), (0, 0, 0));
        BULKHEAD.enter(async { Ok(7) }, call).await.into_result()
    };
    let answer = BULKHEAD.enter(outer, call).await;
    assert_eq!(answer.into_result().ok(), Some(7));
    assert_eq!(counts(&BULKHEAD), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_of_names_is_only_counted_where_it_only_counts() {
    static FIRST: Bulkhead = Bulkhead::named("switched").max_concurrent(1);
    static OTHER: Bulkhead = Bulkhead::named("switched").max_concurrent(2);
    OTHER.switch.set(PolicyMode::Shadow);
    let call = function::<Result<u32, Error>>("f");
    for bulkhead in [&FIRST, &OTHER] {
        let answer = bulkhead.enter(async { Ok(7) }, call).await;
        assert_eq!(answer.into_result().ok(), Some(7));
    }
    assert_eq!(OTHER.switch.would_have_acted(), 1);
}
