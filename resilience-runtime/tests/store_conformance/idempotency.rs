//! Idempotency records.

use std::time::Duration;

use resilience_runtime::idempotency::store::{Claim, IdempotencyStore, Nonce};

use crate::fixture::{Fixture, at_once, digest};

const HOUR: Duration = Duration::from_secs(3600);
const FIRST: Claim = Claim::Granted { attempt: 1 };

fn completed(result: &str) -> Claim {
    Claim::Completed {
        result: result.to_owned(),
    }
}

pub(crate) async fn a_key_is_granted_once_and_then_answers_its_result(fixture: impl Fixture) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let (key, arguments, nonce) = (digest(1), digest(2), Nonce::random());
    assert_eq!(here.claim(key, arguments, nonce).await.unwrap(), FIRST);
    for store in [&here, &there] {
        let claim = store.claim(key, arguments, Nonce::random()).await;
        assert_eq!(claim.unwrap(), Claim::Busy);
    }
    let result = "[1]".to_owned();
    let stored = here.complete(key, arguments, nonce, result, HOUR).await;
    assert!(stored.unwrap());
    for store in [&here, &there] {
        let claim = store.claim(key, arguments, Nonce::random()).await;
        assert_eq!(claim.unwrap(), completed("[1]"));
    }
}

pub(crate) async fn a_released_key_is_granted_again(fixture: impl Fixture) {
    let store = fixture.worker().await;
    let (key, nonce) = (digest(1), Nonce::random());
    assert_eq!(store.claim(key, digest(2), nonce).await.unwrap(), FIRST);
    store.release(key, nonce).await.unwrap();
    // Also for other arguments: the claim is as if it had never been.
    let claim = store.claim(key, digest(3), Nonce::random()).await;
    assert_eq!(claim.unwrap(), FIRST);
}

pub(crate) async fn only_the_nonce_that_has_the_key_ends_the_claim(fixture: impl Fixture) {
    let store = fixture.worker().await;
    let (key, arguments, nonce) = (digest(1), digest(2), Nonce::random());
    store.claim(key, arguments, nonce).await.unwrap();
    let stored = store
        .complete(key, arguments, Nonce::random(), "0".to_owned(), HOUR)
        .await;
    assert!(!stored.unwrap());
    store.release(key, Nonce::random()).await.unwrap();
    let claim = store.claim(key, arguments, Nonce::random()).await;
    assert_eq!(claim.unwrap(), Claim::Busy);

    let stored = store.complete(key, arguments, nonce, "1".to_owned(), HOUR);
    assert!(stored.await.unwrap());
    let stored = store
        .complete(key, arguments, Nonce::random(), "0".to_owned(), HOUR)
        .await;
    assert!(!stored.unwrap());
    // A result is no claim any more: it stays.
    store.release(key, nonce).await.unwrap();
    let claim = store.claim(key, arguments, Nonce::random()).await;
    assert_eq!(claim.unwrap(), completed("1"));
}

pub(crate) async fn other_arguments_are_a_mismatch_in_every_state(fixture: impl Fixture) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let (key, arguments, nonce) = (digest(1), digest(2), Nonce::random());
    other.claim(key, arguments, nonce).await.unwrap();
    let claim = store.claim(key, digest(3), Nonce::random()).await;
    assert_eq!(claim.unwrap(), Claim::Mismatch, "running");

    fixture.end(other).await;
    let claim = store.claim(key, digest(3), Nonce::random()).await;
    assert_eq!(claim.unwrap(), Claim::Mismatch, "left behind");

    store.claim(key, arguments, nonce).await.unwrap();
    let stored = store.complete(key, arguments, nonce, "1".to_owned(), HOUR);
    assert!(stored.await.unwrap());
    let claim = store.claim(key, digest(3), Nonce::random()).await;
    assert_eq!(claim.unwrap(), Claim::Mismatch, "completed");
}

pub(crate) async fn a_result_may_be_stored_again_by_its_nonce(fixture: impl Fixture) {
    let store = fixture.worker().await;
    let (key, arguments, nonce) = (digest(1), digest(2), Nonce::random());
    store.claim(key, arguments, nonce).await.unwrap();
    for _ in 0..2 {
        // The first answer may have been lost.
        let stored = store.complete(key, arguments, nonce, "1".to_owned(), HOUR);
        assert!(stored.await.unwrap());
        store.release(key, nonce).await.unwrap();
        let claim = store.claim(key, arguments, Nonce::random()).await;
        assert_eq!(claim.unwrap(), completed("1"));
    }
}

pub(crate) async fn an_expired_record_does_not_count(fixture: impl Fixture) {
    let store = fixture.worker().await;
    let (key, nonce) = (digest(1), Nonce::random());
    store.claim(key, digest(2), nonce).await.unwrap();
    let stored = store.complete(key, digest(2), nonce, "1".to_owned(), Duration::ZERO);
    assert!(stored.await.unwrap());
    let next = Nonce::random();
    assert_eq!(store.claim(key, digest(3), next).await.unwrap(), FIRST);
    // The claim has taken the place of the record, and the time of the old one with it.
    let claim = store.claim(key, digest(3), Nonce::random()).await;
    assert_eq!(claim.unwrap(), Claim::Busy);
    let stored = store.complete(key, digest(3), next, "2".to_owned(), Duration::MAX);
    assert!(stored.await.unwrap());
    let claim = store.claim(key, digest(3), Nonce::random()).await;
    assert_eq!(claim.unwrap(), completed("2"));
}

pub(crate) async fn a_vanished_record_is_written_anew(fixture: impl Fixture) {
    let store = fixture.worker().await;
    let (key, arguments, nonce) = (digest(1), digest(2), Nonce::random());
    let stored = store.complete(key, arguments, nonce, "1".to_owned(), HOUR);
    assert!(stored.await.unwrap());
    let claim = store.claim(key, arguments, Nonce::random()).await;
    assert_eq!(claim.unwrap(), completed("1"));
    // An expired record has vanished, whether or not it was deleted yet.
    let (key, gone) = (digest(3), Nonce::random());
    for (nonce, result, ttl) in [(gone, "1", Duration::ZERO), (nonce, "2", HOUR)] {
        let stored = store.complete(key, arguments, nonce, result.to_owned(), ttl);
        assert!(stored.await.unwrap());
    }
    let claim = store.claim(key, arguments, Nonce::random()).await;
    assert_eq!(claim.unwrap(), completed("2"));
}

pub(crate) async fn the_key_of_a_worker_that_is_gone_is_granted_with_the_next_attempt(
    fixture: impl Fixture,
) {
    let (key, arguments) = (digest(1), digest(2));
    let store = fixture.worker().await;
    let mut before = Nonce::random();
    for attempt in 1..=3 {
        let crashes = fixture.worker().await;
        before = Nonce::random();
        let claim = crashes.claim(key, arguments, before).await;
        assert_eq!(claim.unwrap(), Claim::Granted { attempt });
        let claim = store.claim(key, arguments, Nonce::random()).await;
        assert_eq!(claim.unwrap(), Claim::Busy);
        fixture.end(crashes).await;
    }
    let nonce = Nonce::random();
    let claim = store.claim(key, arguments, nonce).await;
    assert_eq!(claim.unwrap(), Claim::Granted { attempt: 4 });
    let stored = store.complete(key, arguments, before, "0".to_owned(), HOUR);
    assert!(!stored.await.unwrap());
    store.release(key, before).await.unwrap();
    let stored = store.complete(key, arguments, nonce, "1".to_owned(), HOUR);
    assert!(stored.await.unwrap());
}

pub(crate) async fn one_of_many_takes_the_key_of_a_worker_that_is_gone(fixture: impl Fixture) {
    let store = fixture.worker().await;
    let crashes = fixture.worker().await;
    let claim = crashes.claim(digest(1), digest(2), Nonce::random()).await;
    assert_eq!(claim.unwrap(), FIRST);
    fixture.end(crashes).await;
    let claims = at_once(8, |_| {
        let store = store.clone();
        async move { store.claim(digest(1), digest(2), Nonce::random()).await }
    })
    .await;
    let granted = Claim::Granted { attempt: 2 };
    assert_eq!(claims.iter().filter(|claim| **claim == granted).count(), 1);
    assert_eq!(claims.iter().filter(|c| **c == Claim::Busy).count(), 7);
}

pub(crate) async fn results_come_back_as_they_were_stored(fixture: impl Fixture) {
    let store = fixture.worker().await;
    let huge = format!("\"{}\"", "0123456789abcdef".repeat(65536));
    let nested = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
    let results = [
        "null",
        "false",
        "0",
        "\"\"",
        "",
        "[]",
        "9007199254740993",
        r#""a\u0000b""#,
        "\"🦀 ärger \\\" ' ; --\"",
        "\\",
        &nested,
        &huge,
    ];
    for (number, result) in (0..).zip(results) {
        let (key, nonce) = (digest(number), Nonce::random());
        store.claim(key, digest(2), nonce).await.unwrap();
        let stored = store.complete(key, digest(2), nonce, result.to_owned(), HOUR);
        assert!(stored.await.unwrap());
        let claim = store.claim(key, digest(2), Nonce::random()).await;
        assert!(claim.unwrap() == completed(result), "result {number}");
    }
}

pub(crate) async fn a_claim_can_be_asked_for_twice(fixture: impl Fixture) {
    let store = fixture.worker().await;
    let (key, nonce) = (digest(1), Nonce::random());
    for _ in 0..2 {
        assert_eq!(store.claim(key, digest(2), nonce).await.unwrap(), FIRST);
    }
}

pub(crate) async fn one_of_many_gets_the_key(fixture: impl Fixture) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let claims = at_once(50, |number| {
        let store = if number.is_multiple_of(2) {
            &here
        } else {
            &there
        }
        .clone();
        async move { store.claim(digest(1), digest(2), Nonce::random()).await }
    })
    .await;
    assert_eq!(claims.iter().filter(|claim| **claim == FIRST).count(), 1);
    assert_eq!(claims.iter().filter(|c| **c == Claim::Busy).count(), 49);
}
