//! Limits per key, and what is remembered of them.

use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::policy::rate_limit::{KeyedRateLimit, RateLimit};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance};

use crate::{SECOND, call};

fn keyed(rate: u32, max_keys: u32) -> &'static KeyedRateLimit {
    let limit = RateLimit::for_function("shop::charge").rate(rate, SECOND);
    Box::leak(Box::new(limit.per_key(max_keys)))
}

async fn admit(limit: &'static KeyedRateLimit, key: u32) -> Result<u32, Error> {
    let admitted = limit.of(&key).admit(async { Ok(7) }, call());
    admitted.await.into_result()
}

#[tokio::test(start_paused = true)]
async fn each_key_has_its_own_limit() {
    let limit = keyed(2, 500);
    for key in 0..500 {
        assert!(admit(limit, key).await.is_ok() && admit(limit, key).await.is_ok());
        assert!(admit(limit, key).await.is_err());
    }
    assert_eq!(limit.keys(), 500);
    advance(SECOND / 2).await;
    for key in 0..500 {
        assert!(admit(limit, key).await.is_ok());
        assert!(admit(limit, key).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_keys_are_remembered_as_it_says_in_how_many_parts_ever() {
    // Sixteen parts, fifteen of them with one more than the last.
    let limit = keyed(1, 1_039);
    for key in 0..20_000 {
        admit(limit, key).await.ok();
    }
    assert_eq!(limit.keys(), 1_039);
}

#[tokio::test(start_paused = true)]
async fn equal_keys_are_one_key_however_they_are_written() {
    let limit = keyed(1, 10);
    let owned = limit.of(&String::from("a")).admit(async { Ok(7) }, call());
    assert!(owned.await.into_result().is_ok());
    let borrowed = limit.of("a").admit(async { Ok(7) }, call());
    assert!(borrowed.await.into_result().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_busy_key_is_never_forgotten_for_a_new_one() {
    let limit = keyed(1, 2);
    for key in [1, 2] {
        assert!(admit(limit, key).await.is_ok());
    }
    // New keys share what is left: one bucket.
    assert!(admit(limit, 3).await.is_ok());
    for key in 3..300 {
        assert!(admit(limit, key).await.is_err(), "{key}");
    }
    for key in [1, 2] {
        assert!(admit(limit, key).await.is_err());
    }
    assert_eq!(limit.keys(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_bucket_is_full_again_makes_room() {
    let limit = keyed(1, 2);
    assert!(admit(limit, 1).await.is_ok());
    advance(SECOND / 2).await;
    assert!(admit(limit, 2).await.is_ok());
    assert!(admit(limit, 3).await.is_ok());
    assert!(admit(limit, 4).await.is_err());
    advance(SECOND / 2).await;
    // Of the first one nothing is left to know.
    assert!(admit(limit, 4).await.is_ok());
    assert!(admit(limit, 4).await.is_err());
    assert!(admit(limit, 2).await.is_err());
    assert_eq!(limit.keys(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_later_key_makes_room_before_an_earlier_one_that_owes_more() {
    let limit = keyed(10, 2);
    for _ in 0..10 {
        assert!(admit(limit, 1).await.is_ok());
    }
    assert!(admit(limit, 2).await.is_ok());
    // The bucket that the others share is empty from now on.
    for _ in 0..10 {
        assert!(admit(limit, 3).await.is_ok());
    }
    advance(SECOND / 10).await;
    // It takes the place of the second, and owes as little.
    assert!(admit(limit, 4).await.is_ok());
    advance(SECOND / 10).await;
    // The first one still owes.
    for call in 0..10 {
        assert!(admit(limit, 5).await.is_ok(), "{call}");
    }
    assert_eq!(limit.keys(), 2);
}

#[tokio::test(start_paused = true)]
async fn its_memory_is_bounded_whatever_comes() {
    for max_keys in [1, 100, 2_000] {
        let limit = keyed(1, max_keys);
        for key in 0..5_000 {
            let _ = admit(limit, key).await;
            if key % 7 == 0 {
                advance(Duration::from_millis(50)).await;
            }
            assert!(limit.keys() <= max_keys as usize);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_for_which_somebody_waits_is_not_forgotten() {
    let limit = RateLimit::for_function("f").rate(1, SECOND);
    let limit: &'static _ = Box::leak(Box::new(limit.max_wait(SECOND * 10).per_key(1)));
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for _ in 0..3 {
        calls.spawn(async move {
            admit(limit, 1).await.unwrap();
            start.elapsed()
        });
    }
    let other = async {
        for _ in 0..25 {
            advance(SECOND / 10).await;
            tokio::task::yield_now().await;
            let admitted = limit.of(&2).admit(async { Ok(7) }, call());
            let _ = tokio::time::timeout(Duration::ZERO, admitted).await;
        }
    };
    other.await;
    let mut ends: Vec<_> = Vec::new();
    while let Some(end) = calls.join_next().await {
        ends.push(end.unwrap().as_secs());
    }
    assert_eq!(ends, [0, 1, 2]);
}
