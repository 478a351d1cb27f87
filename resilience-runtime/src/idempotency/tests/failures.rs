//! Bodies that fail, results that cannot be kept, and stores that are down.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::store::Store;
use super::{Body, CHECKOUT, Failure, answer, at_rest, call, policy, process, with};
use crate::core::{Core, SCOPED};
use crate::error::{Effect, Error};
use crate::idempotency::replayed;
use crate::idempotency::store::{Completion, Ownership, Record, RecordKind, Release};
use crate::invocation::{attempt, interrupted};
use crate::outcome::{self, Answer, Origin, Refusal};
use crate::store::memory::MemoryStore;

#[tokio::test(start_paused = true)]
async fn after_an_error_the_next_call_runs() {
    let store = Store::new();
    let core = process(&store);
    let failed = answer::<u32>(&core, CHECKOUT, CHECKOUT.key("k"), async {
        Err(Failure::Body)
    });
    let failed = failed.await;
    assert_eq!(
        (failed.origin.refusal(), failed.origin.effect()),
        (None, Effect::Ran)
    );
    assert!(matches!(failed.into_result(), Err(Failure::Body)));
    // Released before the caller had its error.
    assert_eq!(store.held(), 0);
    assert_eq!(call(&core, "k", async { Ok(1_u32) }).await.unwrap(), 1);
    assert_eq!(store.claims(), 2);
    assert_eq!(store.releases(), [Release::Failed]);
}

#[tokio::test(start_paused = true)]
async fn when_the_leader_fails_one_waiter_runs() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let (core, body) = (Arc::clone(&core), Arc::clone(&body));
        calls.spawn(async move {
            let run = async {
                match body.run().await {
                    Ok(1) => Err(Failure::Body),
                    other => other,
                }
            };
            call(&core, "k", run).await.ok()
        });
    }
    let mut results = calls.join_all().await;
    results.sort_unstable();
    assert_eq!(results[0], None);
    assert_eq!(results[1..], [Some(2); 9]);
    assert_eq!((body.begun(), store.claims()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn when_the_leader_panics_one_waiter_runs() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let (core, body) = (Arc::clone(&core), Arc::clone(&body));
        calls.spawn(async move {
            let run = async {
                let run = body.run().await?;
                assert_ne!(run, 1, "the first run panics");
                Ok(run)
            };
            call(&core, "k", run).await.unwrap()
        });
    }
    let mut results = Vec::new();
    let mut panics = 0;
    while let Some(joined) = calls.join_next().await {
        match joined {
            Ok(result) => results.push(result),
            Err(_) => panics += 1,
        }
    }
    assert_eq!((panics, results), (1, vec![2; 9]));
    // The waiters were woken when the claim was back, and did not have to ask twice.
    assert_eq!((body.begun(), store.claims()), (2, 2));
    assert_eq!((store.held(), core.flights.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_refuses_the_call() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    store.state().failing.claims = 1;
    let refused = answer(&core, CHECKOUT, CHECKOUT.key("k"), body.run()).await;
    assert_eq!(refused.origin.effect(), Effect::DidNotRun);
    assert_eq!(
        refused.origin.refusal(),
        Some(Refusal::Rejected { retry_after: None })
    );
    assert!(matches!(policy(refused.into_result()), Error::Store { .. }));
    assert_eq!((body.begun(), store.releases().len()), (0, 0));
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_answer_is_lost_is_given_back() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    store.state().failing.answers = 1;
    let refused = call(&core, "k", body.run()).await;
    assert!(matches!(policy(refused), Error::Store { .. }));
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 1);
    assert_eq!(
        (store.claims(), store.releases()),
        (2, vec![Release::Unused])
    );
}

#[tokio::test(start_paused = true)]
async fn a_result_is_offered_again_to_a_store_that_comes_back() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    store.state().failing.completions = 3;
    let started = Instant::now();
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 1);
    // The body, and pauses of 10, 20 and 40 ms.
    assert_eq!(started.elapsed(), Duration::from_millis(10 + 10 + 20 + 40));
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 1);
    assert_eq!((store.completions(), body.begun()), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn a_result_whose_confirmation_is_lost_is_stored_once() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    store.state().failing.confirmations = 2;
    assert_eq!(call(&core, "k", body.run()).await.unwrap(), 1);
    assert_eq!(
        (store.completions(), store.results()),
        (3, vec!["1".to_owned()])
    );
    at_rest().await;
    assert_eq!(store.releases().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_the_store_does_not_take_is_not_recorded_and_not_repeated_by_those_who_waited()
 {
    for ownership in [Ownership::Lease, Ownership::Process] {
        let store = Store::on(MemoryStore::new(), ownership);
        let core = process(&store);
        let body = Arc::new(Body::default());
        store.state().failing.completions = u32::MAX;
        let started = Instant::now();
        let patient = CHECKOUT.wait(Duration::from_secs(60));
        let mut calls = JoinSet::new();
        for _ in 0..10 {
            let (core, body) = (Arc::clone(&core), Arc::clone(&body));
            calls.spawn(async move {
                let result = answer(&core, patient, patient.key("k"), body.run()).await;
                assert_eq!(result.origin.refusal(), Some(Refusal::Final));
                assert_eq!(result.origin.effect(), Effect::Ran);
                policy(result.into_result()).to_string()
            });
        }
        let expected = "`shop::checkout` has run, and its result could not be recorded: the store \
                        failed while asking: down; a later call with this key may run it again";
        assert_eq!(calls.join_all().await, [expected; 10]);
        // For as long as a lease lasts.
        assert_eq!(started.elapsed(), Duration::from_millis(10 + 30_000));
        assert_eq!(body.begun(), 1);

        store.state().failing.completions = 0;
        let again = call(&core, "k", async { Ok(attempt_and_interruption()) }).await;
        assert_eq!(again.unwrap(), (2, true));
        assert_eq!(
            (store.held(), store.results()),
            (0, vec!["[2,true]".to_owned()])
        );
        assert_eq!(store.releases(), [Release::Interrupted]);
    }
}

fn attempt_and_interruption() -> (u32, bool) {
    (attempt(), interrupted())
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_asked_again() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    // Never opened.
    store.state().gate = Some(Arc::new(Semaphore::new(0)));
    let started = Instant::now();
    let repair = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        store.state().gate = None;
    };
    let (called, ()) = tokio::join!(call(&core, "k", body.run()), repair);
    assert_eq!(
        (called.unwrap(), store.results()),
        (1, vec!["1".to_owned()])
    );
    // The body, the first try, which is given up after a third of the lease, and a pause.
    assert_eq!(started.elapsed(), Duration::from_millis(10 + 10_000 + 10));
}

#[tokio::test(start_paused = true)]
async fn whose_completion_is_refused_gets_the_result_of_the_other_one() {
    let store = Store::new();
    let core = process(&store);
    let (_, words) = CHECKOUT.key("c").seal("shop::checkout").unwrap();
    let record = |fingerprint, kind, content: &str| Record {
        fingerprint,
        kind,
        schema: "u32@1".into(),
        content: content.into(),
    };
    let (sealed, _) = CHECKOUT.key("k").seal("shop::checkout").unwrap();
    let refuses = |theirs| store.state().completion = Some(Completion::Refused(theirs));

    refuses(Some(record(sealed.fingerprint, RecordKind::Value, "7")));
    let theirs = answer(&core, CHECKOUT, CHECKOUT.key("k"), async { Ok(1_u32) }).await;
    assert_eq!(theirs.origin.effect(), Effect::Ran);
    assert_eq!(theirs.into_result().unwrap(), 7);
    assert!(replayed());

    // Without a result of theirs there is none but this one.
    let tombstone = record(sealed.fingerprint, RecordKind::Tombstone, "too long");
    refuses(Some(tombstone.clone()));
    assert_eq!(call(&core, "a", async { Ok(1_u32) }).await.unwrap(), 1);
    // And the result of other work is none for this one.
    let other = CHECKOUT
        .key("b")
        .argument("amount", &1)
        .seal("f")
        .unwrap()
        .0;
    refuses(Some(record(other.fingerprint, RecordKind::Value, "7")));
    let taken = call(&core, "b", async { Ok(1_u32) }).await;
    assert!(matches!(policy(taken), Error::NotRecorded { .. }));

    refuses(None);
    let taken = call(&core, "c", async { Ok(1_u32) }).await;
    let expected = format!(
        "`shop::checkout` has run, and its result could not be recorded: another call with key {words} has \
         taken the key over, and runs it too; a later call with this key may run it again"
    );
    assert_eq!(policy(taken).to_string(), expected);
    at_rest().await;
    // Nothing is given back that is not ours.
    assert_eq!((store.releases().len(), core.flights.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_began_leaves_no_attempt_behind() {
    let core = process(&Store::new());
    let rejected = |effect| Answer {
        result: Err::<u32, _>(Failure::Body),
        origin: Origin::new(Some(Refusal::Rejected { retry_after: None }), effect),
    };
    let function = outcome::function::<Result<u32, Failure>>("shop::checkout");
    let stored = outcome::stored::<Result<u32, Failure>>();
    for (effect, expected) in [
        (Effect::DidNotRun, (1, false)),
        (Effect::Ran, (2, false)),
        (Effect::MayHaveRun, (3, true)),
    ] {
        let key = CHECKOUT.key("k");
        let call = CHECKOUT.once(key, async { rejected(effect) }, function, stored);
        let failed = SCOPED.scope(Arc::clone(&core), call).await.into_result();
        assert!(matches!(failed, Err(Failure::Body)));
        let next = call_that_fails(&core).await;
        assert_eq!(next, expected, "{effect:?}");
    }
}

/// What the next run learns of itself, which then never was.
async fn call_that_fails(core: &Arc<Core>) -> (u32, bool) {
    let mut seen = (0, false);
    let body = async {
        seen = attempt_and_interruption();
        Answer {
            result: Err::<u32, _>(Failure::Body),
            origin: Origin::new(Some(Refusal::Final), Effect::DidNotRun),
        }
    };
    let function = outcome::function::<Result<u32, Failure>>("shop::checkout");
    let stored = outcome::stored::<Result<u32, Failure>>();
    let call = CHECKOUT.once(CHECKOUT.key("k"), body, function, stored);
    let _ = SCOPED.scope(Arc::clone(core), call).await;
    seen
}

#[tokio::test(start_paused = true)]
async fn where_the_author_says_so_a_store_that_is_down_does_not_refuse_the_call() {
    let unprotected = CHECKOUT.when_unavailable_run();
    for in_doubt in [false, true] {
        let store = Store::new();
        let core = process(&store);
        let body = Arc::new(Body::default());
        if in_doubt {
            store.state().failing.answers = 1;
        } else {
            store.state().failing.claims = 1;
        }
        let mut calls = JoinSet::new();
        for _ in 0..10 {
            let (core, body) = (Arc::clone(&core), Arc::clone(&body));
            calls.spawn(async move { with(&core, unprotected, body.run()).await.unwrap() });
        }
        // Once in this process, all the same.
        assert_eq!(calls.join_all().await, [1; 10]);
        assert_eq!((store.claims(), store.completions()), (1, 0));
        at_rest().await;
        assert_eq!(store.held(), 0);
        let releases: &[_] = if in_doubt { &[Release::Unused] } else { &[] };
        assert_eq!(store.releases(), releases);
        assert_eq!(with(&core, unprotected, body.run()).await.unwrap(), 2);
        assert_eq!(store.completions(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_while_the_result_is_recorded_does_not_take_it_along() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    let gate = Arc::new(Semaphore::new(0));
    store.state().gate = Some(Arc::clone(&gate));
    let cut = tokio::time::timeout(Duration::from_secs(1), call(&core, "k", body.run())).await;
    assert!(cut.is_err());
    assert_eq!((body.ended(), store.held()), (1, 1));

    let duplicate = call(&core, "k", body.run());
    let open = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        gate.add_permits(1);
    };
    let (duplicate, ()) = tokio::join!(duplicate, open);
    assert_eq!(duplicate.unwrap(), 1);
    assert_eq!((body.begun(), store.results()), (1, vec!["1".to_owned()]));
    assert_eq!((store.claims(), store.releases().len()), (1, 0));
}

/// The token is of another key, and the attempt is of another run.
#[tokio::test(start_paused = true)]
async fn a_call_that_runs_unprotected_inside_another_one_has_nothing_of_it() {
    use crate::invocation::{attempt, fencing_token};
    let store = Store::new();
    let core = process(&store);
    assert!(
        call::<u32>(&core, "outer", async { Err(Failure::Body) })
            .await
            .is_err()
    );
    let unprotected = CHECKOUT.when_unavailable_run();
    let outer = call(&core, "outer", async {
        assert_eq!((attempt(), fencing_token().is_some()), (2, true));
        store.state().failing.claims = 1;
        with(&core, unprotected, async {
            assert_eq!((attempt(), fencing_token()), (1, None));
            Ok(7)
        })
        .await
    });
    assert_eq!(outer.await.unwrap(), 7);
}
