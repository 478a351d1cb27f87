//! What is remembered of runs without a result.

use resilience_runtime::idempotency::store::{Completion, IdempotencyStore, Release};

use super::{Caller, told};
use crate::fixture::{Fixture, SHORT};

pub(crate) async fn a_run_after_a_failed_one_is_another_attempt(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let caller = Caller::of(1);
    for (attempt, store) in (1..=4).zip([&here, &there, &there, &here]) {
        let runs = caller.another();
        assert_eq!(told(runs.granted(store).await), (attempt, false));
        runs.releases(store, Release::Failed).await;
    }
    let runs = caller.another();
    assert_eq!(told(runs.granted(&there).await), (5, false));
    assert_eq!(runs.completes(&there, "1").await, Completion::Stored);
    assert_eq!(caller.record(&here).await, caller.value("1"));
}

pub(crate) async fn a_failed_run_does_not_bind_the_next_one_to_its_arguments(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let store = fixture.worker().await;
    let caller = Caller::of(1);
    let first = caller.granted(&store).await;
    caller.releases(&store, Release::Failed).await;
    let other = caller.with_other_arguments();
    let grant = other.granted(&store).await;
    assert_eq!(told(grant), (1, false));
    assert!(grant.token > first.token);
    // The key has these arguments now.
    caller.another().mismatch(&store).await;
    assert_eq!(other.completes(&store, "1").await, Completion::Stored);
    caller.another().mismatch(&store).await;
    assert_eq!(other.another().record(&store).await, other.value("1"));
}

pub(crate) async fn a_run_after_an_interrupted_one_knows_of_it(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let caller = Caller::of(1);
    caller.granted(&here).await;
    caller.releases(&here, Release::Interrupted).await;
    let next = caller.another();
    assert_eq!(told(next.granted(&there).await), (2, true));
    next.releases(&there, Release::Interrupted).await;
    assert_eq!(told(caller.another().granted(&here).await), (3, true));
}

pub(crate) async fn interrupted_stays_with_the_key_until_it_is_completed(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let store = fixture.worker().await;
    let caller = Caller::of(1);
    caller.granted(&store).await;
    caller.releases(&store, Release::Interrupted).await;
    for attempt in 2..4 {
        let fails = caller.another();
        assert_eq!(told(fails.granted(&store).await), (attempt, true));
        fails.releases(&store, Release::Failed).await;
        // The run that was interrupted may have had its effect, with its arguments.
        caller.with_other_arguments().mismatch(&store).await;
    }
    let runs = caller.another();
    assert_eq!(told(runs.granted(&store).await), (4, true));
    runs.completes_for(&store, "1", SHORT).await;
    tokio::time::sleep(2 * SHORT).await;
    let grant = caller.another().granted(&store).await;
    assert_eq!(told(grant), (1, false));
}

pub(crate) async fn a_claim_that_was_not_used_leaves_the_key_as_it_was(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let store = fixture.worker().await;
    // As if nobody had ever asked.
    let caller = Caller::of(1);
    caller.granted(&store).await;
    caller.releases(&store, Release::Unused).await;
    let other = caller.with_other_arguments();
    assert_eq!(told(other.granted(&store).await), (1, false));

    let caller = Caller::of(2);
    caller.granted(&store).await;
    caller.releases(&store, Release::Failed).await;
    for _ in 0..2 {
        let unused = caller.another();
        assert_eq!(told(unused.granted(&store).await), (2, false));
        unused.releases(&store, Release::Unused).await;
    }
    let other = caller.with_other_arguments();
    assert_eq!(told(other.granted(&store).await), (1, false));

    let caller = Caller::of(3);
    caller.granted(&store).await;
    caller.releases(&store, Release::Interrupted).await;
    for _ in 0..2 {
        let unused = caller.another();
        assert_eq!(told(unused.granted(&store).await), (2, true));
        unused.releases(&store, Release::Unused).await;
        caller.with_other_arguments().mismatch(&store).await;
    }
}

/// A run that lost its key ends late: if no other has the key, what it did is all that is known.
pub(crate) async fn a_trace_is_completed_by_whoever_ran(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let store = fixture.worker().await;
    for (key, how) in [(1, Release::Failed), (2, Release::Interrupted)] {
        for late_is_another in [false, true] {
            let caller = Caller::of(2 * key + u32::from(late_is_another));
            caller.granted(&store).await;
            caller.releases(&store, how).await;
            let late = if late_is_another {
                caller.another()
            } else {
                caller
            };
            assert_eq!(late.completes(&store, "1").await, Completion::Stored);
            let record = caller.another().record(&store).await;
            assert_eq!(record, caller.value("1"));
        }
    }
}

pub(crate) async fn tokens_grow_however_a_claim_ends(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let caller = Caller::of(1);
    let mut last = None;
    for round in 0..24_u32 {
        let store = [&here, &there][usize::from(round % 3 == 0)];
        let runs = caller.another();
        let grant = runs.granted(store).await;
        assert!(Some(grant.token) > last, "{round}: {last:?}, {grant:?}");
        last = Some(grant.token);
        match round % 4 {
            0 => runs.releases(store, Release::Unused).await,
            1 => runs.releases(store, Release::Failed).await,
            2 => runs.releases(store, Release::Interrupted).await,
            _ => {
                runs.completes_for(store, "1", std::time::Duration::ZERO)
                    .await;
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    }
}
