//! The table of `claim`, and who may end what.

use std::time::Duration;

use resilience_runtime::idempotency::store::{
    Claim, Completion, IdempotencyStore, Record, RecordKind, Release,
};

use super::{Caller, told};
use crate::fixture::{Fixture, LONG, NEVER, SHORT, at_once};

pub(crate) async fn a_key_is_granted_once_and_then_answers_its_record(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let caller = Caller::of(1);
    assert_eq!(told(caller.granted(&here).await), (1, false));
    for store in [&here, &there] {
        caller.another().busy(store).await;
    }
    assert_eq!(caller.completes(&here, "[1]").await, Completion::Stored);
    for store in [&here, &there] {
        let record = caller.another().record(store).await;
        assert_eq!(record, caller.value("[1]"));
    }
}

pub(crate) async fn asked_again_with_its_nonce_a_claim_is_granted_as_it_was(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let store = fixture.worker().await;
    let mut caller = Caller::of(1);
    for expected in [(1, false), (2, true), (3, true)] {
        let grant = caller.granted(&store).await;
        assert_eq!(told(grant), expected);
        assert_eq!(caller.granted(&store).await, grant);
        assert_eq!(caller.without_waiting().granted(&store).await, grant);
        caller.another().busy(&store).await;
        caller.releases(&store, Release::Interrupted).await;
        caller = caller.another();
    }
}

pub(crate) async fn other_arguments_are_a_mismatch(fixture: impl Fixture<Store: IdempotencyStore>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let caller = Caller::of(1);
    caller.granted(&here).await;
    for store in [&here, &there] {
        caller.with_other_arguments().mismatch(store).await;
    }
    caller.releases(&here, Release::Interrupted).await;
    for store in [&here, &there] {
        caller.with_other_arguments().mismatch(store).await;
    }
    let next = caller.another();
    next.granted(&there).await;
    assert_eq!(next.completes(&there, "1").await, Completion::Stored);
    for store in [&here, &there] {
        caller.with_other_arguments().mismatch(store).await;
    }
    assert_eq!(caller.record(&here).await, caller.value("1"));
}

pub(crate) async fn an_expired_record_does_not_count(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let store = fixture.worker().await;
    let caller = Caller::of(1);
    let first = caller.granted(&store).await;
    let stored = caller.completes_for(&store, "1", SHORT).await;
    assert_eq!(stored, Completion::Stored);
    tokio::time::sleep(2 * SHORT).await;

    let next = caller.with_other_arguments();
    let grant = next.granted(&store).await;
    assert_eq!(told(grant), (1, false));
    assert!(grant.token > first.token);
    // The claim has taken the place of the record, and the time of the old one with it.
    next.another().busy(&store).await;
    let stored = next.completes_for(&store, "2", Duration::MAX).await;
    assert_eq!(stored, Completion::Stored);
    assert_eq!(next.another().record(&store).await, next.value("2"));

    // Kept for no time at all.
    let caller = Caller::of(2);
    caller.granted(&store).await;
    let stored = caller.completes_for(&store, "1", Duration::ZERO).await;
    assert_eq!(stored, Completion::Stored);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let grant = caller.another().granted(&store).await;
    assert_eq!(told(grant), (1, false));
}

pub(crate) async fn a_record_is_replaced_by_one_who_has_read_it(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let first = Caller::of(1);
    let token = first.granted(&here).await.token;
    first.completes(&here, "1").await;
    let record = first.value("1");
    // Other arguments, and another record than the one that is there.
    let mismatch = first.with_other_arguments();
    let claim = mismatch.replaces(&there, record.clone()).await;
    assert!(matches!(claim, Claim::Mismatch));
    for other in [
        first.value("2"),
        first.with_other_arguments().value("1"),
        Record {
            schema: "Invoice".into(),
            ..record.clone()
        },
        Record {
            kind: RecordKind::Error,
            ..record.clone()
        },
    ] {
        let claim = first.another().replaces(&there, other).await;
        assert!(matches!(claim, Claim::Completed(found) if found == record));
    }

    let stores = [here, there];
    let claims = at_once(20, |number| {
        let store = stores[usize::from(number.is_multiple_of(2))].clone();
        let record = record.clone();
        async move {
            let caller = first.another();
            Ok((caller, caller.replaces(&store, record).await))
        }
    })
    .await;
    let (granted, busy): (Vec<_>, Vec<_>) = claims
        .into_iter()
        .partition(|(_, claim)| matches!(claim, Claim::Granted(_)));
    assert_eq!((granted.len(), busy.len()), (1, 19));
    assert!(busy.iter().all(|it| matches!(it.1, Claim::Busy(_))));
    let (second, Claim::Granted(grant)) = &granted[0] else {
        unreachable!()
    };
    assert_eq!(told(*grant), (2, false));
    assert!(grant.token > token);
    let [here, there] = stores;
    // Asked again, because the answer was lost.
    let claim = second.replaces(&here, record.clone()).await;
    assert!(matches!(claim, Claim::Granted(again) if again == *grant));
    assert_eq!(second.completes(&here, "2").await, Completion::Stored);
    // Who had read the first finds the second.
    let late = first.another().replaces(&there, record).await;
    assert!(matches!(late, Claim::Completed(found) if found == second.value("2")));
}

pub(crate) async fn a_result_may_be_stored_again_by_its_nonce(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let store = fixture.worker().await;
    let caller = Caller::of(1);
    caller.granted(&store).await;
    for how in [Release::Failed, Release::Interrupted, Release::Unused] {
        // The first answer may have been lost, and then the key is given back.
        assert_eq!(caller.completes(&store, "1").await, Completion::Stored);
        caller.releases(&store, how).await;
        let record = caller.another().record(&store).await;
        assert_eq!(record, caller.value("1"));
    }
}

pub(crate) async fn a_vanished_claim_is_written_all_the_same(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let store = fixture.worker().await;
    let caller = Caller::of(1);
    assert_eq!(caller.completes(&store, "1").await, Completion::Stored);
    let record = caller.another().record(&store).await;
    assert_eq!(record, caller.value("1"));

    // An expired record has vanished, whether or not it was deleted yet.
    let (gone, caller) = (Caller::of(2), Caller::of(2));
    let stored = gone.completes_for(&store, "1", Duration::ZERO).await;
    assert_eq!(stored, Completion::Stored);
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(caller.completes(&store, "2").await, Completion::Stored);
    let record = caller.another().record(&store).await;
    assert_eq!(record, caller.value("2"));
}

pub(crate) async fn a_result_is_refused_where_another_has_the_key(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let (caller, other) = (Caller::of(1), Caller::of(1));
    caller.granted(&here).await;
    for store in [&here, &there] {
        let refused = other.completes(store, "0").await;
        assert_eq!(refused, Completion::Refused(None));
    }
    assert_eq!(caller.completes(&here, "1").await, Completion::Stored);
    for store in [&here, &there] {
        let refused = other.completes(store, "0").await;
        assert_eq!(refused, Completion::Refused(Some(caller.value("1"))));
    }
    assert_eq!(other.record(&there).await, caller.value("1"));
}

pub(crate) async fn only_the_nonce_that_has_the_key_releases_it(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let caller = Caller::of(1);
    // Nothing is there yet.
    caller.releases(&here, Release::Interrupted).await;
    let grant = caller.granted(&here).await;
    assert_eq!(told(grant), (1, false));
    for how in [Release::Failed, Release::Interrupted, Release::Unused] {
        caller.another().releases(&here, how).await;
        caller.another().releases(&there, how).await;
        caller.another().busy(&there).await;
    }
    assert_eq!(caller.granted(&here).await, grant);
    // The second release finds no claim any more.
    caller.releases(&here, Release::Failed).await;
    caller.releases(&here, Release::Interrupted).await;
    let grant = caller.another().granted(&there).await;
    assert_eq!(told(grant), (2, false));
}

pub(crate) async fn keys_do_not_touch_each_other(fixture: impl Fixture<Store: IdempotencyStore>) {
    let store = fixture.worker().await;
    let (first, second) = (Caller::of(1), Caller::of(2).leased(LONG));
    first.granted(&store).await;
    second.granted(&store).await;
    // The nonce of one key is nobody at the other.
    let (key, nonce) = (second.key(), first.nonce());
    store.release(key, nonce, Release::Failed).await.unwrap();
    let busy = second.another().busy(&store).await;
    assert_eq!(first.completes(&store, "1").await, Completion::Stored);
    second.another().busy(&store).await;
    assert_eq!(second.completes(&store, "2").await, Completion::Stored);
    assert_eq!(first.record(&store).await, first.value("1"));
    assert_eq!(second.record(&store).await, second.value("2"));
    drop(tokio::time::timeout(NEVER, busy.woken).await);
}
