//! Holders that end without a word.

use resilience_runtime::idempotency::store::{
    Claim, Completion, IdempotencyStore, Ownership, Release,
};

use super::{Caller, told};
use crate::fixture::{
    EarliestEnd, Fixture, LONG, SHORT, dies, is_over, lease_is_over, until_proven,
};

pub(crate) async fn a_claim_ends_as_the_ownership_says(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let caller = Caller::of(1);
    let first = caller.granted(&here).await;
    let next = caller.another();
    let left = next.busy(&there).await.left;
    caller.ends_soon(&here).await;
    lease_is_over().await;
    if here.ownership() == Ownership::Process {
        // Slow is not gone.
        assert_eq!(left, None);
        assert_eq!(next.busy(&there).await.left, None);
        assert_eq!(caller.completes(&here, "1").await, Completion::Stored);
        return;
    }
    assert!(
        left.is_some_and(|left| !left.is_zero() && left <= LONG),
        "{left:?}"
    );
    caller.with_other_arguments().mismatch(&there).await;
    let grant = next.granted(&there).await;
    assert_eq!(told(grant), (2, true));
    assert!(grant.token > first.token);
    let left = caller.another().busy(&here).await.left;
    assert!(
        left.is_some_and(|left| left > LONG / 2 && left <= LONG),
        "{left:?}"
    );

    // Who comes back has nothing any more.
    assert!(!caller.renews(&here, LONG).await);
    let refused = caller.completes(&here, "0").await;
    assert_eq!(refused, Completion::Refused(None));
    caller.releases(&here, Release::Failed).await;
    assert_eq!(next.granted(&there).await, grant);
    assert_eq!(next.completes(&there, "1").await, Completion::Stored);
    let refused = caller.completes(&here, "0").await;
    assert_eq!(refused, Completion::Refused(Some(next.value("1"))));
}

pub(crate) async fn the_claim_of_a_worker_that_is_gone_is_granted_with_the_next_attempt(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let store = fixture.worker().await;
    let caller = Caller::of(1);
    let mut last = None;
    for attempt in 1..=3 {
        let crashes = fixture.worker().await;
        let runs = caller.another();
        let grant = runs.granted(&crashes).await;
        assert_eq!(told(grant), (attempt, attempt > 1));
        assert!(Some(grant.token) > last);
        last = Some(grant.token);
        caller.busy(&store).await;
        runs.ends_soon(&crashes).await;
        dies(&fixture, crashes, store.ownership()).await;
        caller.with_other_arguments().mismatch(&store).await;
    }
    assert_eq!(told(caller.granted(&store).await), (4, true));
    assert_eq!(caller.completes(&store, "1").await, Completion::Stored);
}

pub(crate) async fn a_lease_that_is_renewed_does_not_end(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    if here.ownership() == Ownership::Process {
        return;
    }
    until_proven(async |key, short| {
        let caller = Caller::of(key).leased(short);
        let mut end = EarliestEnd::of(short);
        let grant = caller.granted(&here).await;
        // The last time for longer than a lease.
        for lease in [short, short, short, LONG] {
            tokio::time::sleep(short / 3).await;
            let next = EarliestEnd::of(lease);
            let is_renewed = caller.renews(&here, lease).await;
            end.must_be_ahead()?;
            assert!(is_renewed);
            end = next;
            let busy = caller.another().without_waiting().claims(&there).await;
            end.must_be_ahead()?;
            assert!(matches!(busy, Claim::Busy(_)));
        }
        is_over(short).await;
        let left = caller.another().busy(&there).await.left;
        assert!(
            left.is_some_and(|left| left > LONG / 2 && left <= LONG),
            "{left:?}"
        );
        assert_eq!(caller.granted(&here).await, grant);
        assert_eq!(caller.completes(&here, "1").await, Completion::Stored);
        Ok(())
    })
    .await;
}

pub(crate) async fn a_lease_is_renewed_by_its_holder_alone(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    if here.ownership() == Ownership::Process {
        return;
    }
    let caller = Caller::of(1);
    assert!(!caller.renews(&here, LONG).await, "nothing is there");
    caller.granted(&here).await;
    assert!(!caller.another().renews(&here, LONG).await, "another's");
    assert!(caller.renews(&there, LONG).await, "wherever it asks");
    caller.releases(&here, Release::Failed).await;
    assert!(!caller.renews(&here, LONG).await, "released");
    caller.another().granted(&here).await;

    let caller = Caller::of(2).leased(SHORT);
    caller.granted(&here).await;
    assert_eq!(caller.completes(&here, "1").await, Completion::Stored);
    assert!(!caller.renews(&here, SHORT).await, "completed");
    lease_is_over().await;
    let record = caller.another().record(&there).await;
    assert_eq!(record, caller.value("1"), "a record has no lease");

    let caller = Caller::of(3).leased(SHORT);
    caller.granted(&here).await;
    lease_is_over().await;
    assert!(
        !caller.renews(&here, LONG).await,
        "over, though nobody took it"
    );
    assert_eq!(told(caller.another().granted(&there).await), (2, true));
}

/// The holder counts its lease from before the question that was answered.
pub(crate) async fn asked_again_a_lease_begins_again(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    until_proven(async |key, short| {
        let caller = Caller::of(key).leased(short);
        let end = EarliestEnd::of(short);
        let grant = caller.granted(&here).await;
        let again = caller.leased(LONG).granted(&here).await;
        end.must_be_ahead()?;
        assert_eq!(again, grant);
        is_over(short).await;
        caller.another().busy(&there).await;
        Ok(())
    })
    .await;
}

pub(crate) async fn a_lost_claim_that_nobody_took_is_completed(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let caller = Caller::of(1).leased(SHORT);
    caller.granted(&here).await;
    lease_is_over().await;
    assert_eq!(caller.completes(&here, "1").await, Completion::Stored);
    let record = caller.another().record(&there).await;
    assert_eq!(record, caller.value("1"));
}
