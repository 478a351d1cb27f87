//! Calls that are dropped, at every await.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use resilience_test_support::cancel::{DroppedAt, Moment, Run, at_every_await};

use super::store::Store;
use super::{Body, Failure, at_rest, call, process};
use crate::core::Core;
use crate::idempotency::store::{Ownership, Release};
use crate::invocation::{attempt, interrupted};
use crate::store::memory::MemoryStore;

/// A body with an end of its own: when it is dropped, no claim may have been given back yet.
async fn watched(body: &Body, store: &Store) -> Result<u32, Failure> {
    struct Watch<'a>(&'a Store, usize);
    impl Drop for Watch<'_> {
        fn drop(&mut self) {
            assert_eq!(
                self.0.releases().len(),
                self.1,
                "released before the body was gone"
            );
        }
    }
    let releases = store.releases().len();
    let _watch = Watch(store, releases);
    body.run().await
}

/// A process of its own for each run.
struct Scene {
    store: Arc<Store>,
    core: Arc<Core>,
    body: Body,
}

/// The one of the run that is under way.
#[derive(Default)]
struct Scenes(RefCell<Option<Arc<Scene>>>);

impl Scenes {
    fn next(&self, ownership: Ownership) -> Arc<Scene> {
        let store = Store::on(MemoryStore::new(), ownership);
        let core = process(&store);
        let body = Body::default();
        let scene = Arc::new(Scene { store, core, body });
        Arc::clone(self.0.borrow_mut().insert(scene))
    }

    fn now(&self) -> Arc<Scene> {
        Arc::clone(self.0.borrow().as_ref().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn wherever_a_call_is_dropped_the_next_one_succeeds_and_knows() {
    for ownership in [Ownership::Lease, Ownership::Process] {
        let scenes = Scenes::default();
        // How it was with the body when the call was dropped, and how the claim came back.
        let ways = RefCell::new(BTreeSet::new());
        let operation = || {
            let scene = scenes.next(ownership);
            async move { call(&scene.core, "k", watched(&scene.body, &scene.store)).await }
        };
        let check = |run: Run| {
            let (scene, ways) = (scenes.now(), &ways);
            async move {
                let (begun, ended) = (scene.body.begun(), scene.body.ended());
                let body = async {
                    let (attempt, interrupted) = (attempt(), interrupted());
                    // A body that was begun is an attempt, and one that was not has never been.
                    assert_eq!((attempt, interrupted), (begun + 1, begun == 1), "{run:?}");
                    watched(&scene.body, &scene.store).await
                };
                let second = call(&scene.core, "k", body).await.unwrap();
                // A run that had ended is never repeated; one that had not is.
                let expected = if ended == 1 { 1 } else { begun + 1 };
                assert_eq!(second, expected, "{run:?}");
                assert_eq!(
                    (scene.body.begun(), scene.body.ended()),
                    (second, 1),
                    "{run:?}"
                );
                at_rest().await;
                assert_eq!(
                    (scene.store.held(), scene.core.flights.len()),
                    (0, 0),
                    "{run:?}"
                );
                assert_eq!(scene.store.results(), [second.to_string()], "{run:?}");
                let releases = scene.store.releases();
                ways.borrow_mut().insert((
                    begun,
                    ended,
                    releases.first().map(|how| format!("{how:?}")),
                ));
            }
        };
        let summary = at_every_await(operation, check).await;
        // The claim yields twice, the body sleeps, and the record is waited for.
        assert!(summary.dropped >= 8, "{summary:?}");
        let way =
            |begun, ended, how: Option<Release>| (begun, ended, how.map(|how| format!("{how:?}")));
        assert_eq!(
            ways.into_inner(),
            BTreeSet::from([
                way(0, 0, None),
                way(0, 0, Some(Release::Unused)),
                way(1, 0, Some(Release::Interrupted)),
                way(1, 1, None),
            ])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn wherever_a_leader_is_dropped_a_waiter_takes_its_place() {
    for moment in [Moment::Suspended, Moment::Woken] {
        for suspension in 0.. {
            let store = Store::new();
            let core = process(&store);
            let body = Body::default();
            let leader = call(&core, "k", watched(&body, &store));
            let leader = DroppedAt::new(leader, suspension, moment);
            let waiter = async {
                tokio::task::yield_now().await;
                call(&core, "k", watched(&body, &store)).await.unwrap()
            };
            // The leader is polled first.
            let (leader, waiter) = tokio::join!(biased; leader, waiter);
            let seen = (body.begun(), body.ended());
            assert_eq!(seen, (waiter, 1), "{moment:?} {suspension}");
            at_rest().await;
            assert_eq!(store.held(), 0, "{moment:?} {suspension}");
            assert_eq!(
                store.results(),
                [waiter.to_string()],
                "{moment:?} {suspension}"
            );
            if let Some(leader) = leader {
                assert_eq!((leader.unwrap(), waiter), (1, 1));
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn wherever_a_failing_call_is_dropped_its_claim_comes_back() {
    let scenes = Scenes::default();
    let operation = || {
        let scene = scenes.next(Ownership::Lease);
        async move { call::<u32>(&scene.core, "k", async { Err(Failure::Body) }).await }
    };
    let check = |run: Run| {
        let scene = scenes.now();
        async move {
            assert_eq!(call(&scene.core, "k", async { Ok(1) }).await.unwrap(), 1);
            at_rest().await;
            let left = (scene.store.held(), scene.core.flights.len());
            assert_eq!(left, (0, 0), "{run:?}");
        }
    };
    let summary = at_every_await(operation, check).await;
    // Twice in the claim, twice in the release, and where the renewal is ended.
    assert!(summary.dropped >= 8, "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_waiter_leaves_nothing_behind() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    let waiters = async {
        tokio::task::yield_now().await;
        for _ in 0..10 {
            let waiter = call(&core, "k", body.run());
            let cut = tokio::time::timeout(Duration::from_millis(1), waiter).await;
            assert!(cut.is_err());
        }
    };
    let slow = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        body.run().await
    };
    let (leader, ()) = tokio::join!(biased; call(&core, "k", slow), waiters);
    assert_eq!(leader.unwrap(), 1);
    assert_eq!((body.begun(), store.claims()), (1, 1));
    assert_eq!(core.flights.len(), 0);
}

/// A future may outlive the runtime that it was polled in.
#[test]
fn a_call_can_be_dropped_where_no_runtime_is() {
    let store = Store::new();
    let core = process(&store);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut running = Box::pin(call::<u32>(&core, "k", std::future::pending()));
    runtime.block_on(async {
        let started = tokio::time::timeout(Duration::from_millis(20), running.as_mut()).await;
        assert!(started.is_err());
    });
    assert_eq!(store.held(), 1);
    drop(running);
    let next = runtime.block_on(call(&core, "k", async { Ok(1) }));
    assert_eq!(next.unwrap(), 1);
    assert_eq!(
        (store.held(), store.releases()),
        (0, vec![Release::Interrupted])
    );
}
