//! Two runtimes of one process on one store.

use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::saga::journal::{CancelOutcome, Status};
use resilience_runtime::saga::start;

use crate::ground::{Ground, at_last};
use crate::trips::{by_key, trip};
use crate::world::{Ask, Do, World};

on_every_store!(
    each_runs_its_own_and_waits_for_those_of_the_other,
    each_cancels_what_the_other_one_runs,
    the_sagas_of_one_that_is_dropped_are_finished_by_the_other,
);

async fn each_runs_its_own_and_waits_for_those_of_the_other(ground: Ground) {
    let (here, there) = (World::default(), World::default());
    for world in [&here, &there] {
        world.plan("by_key", &[Ask::Take(1), Ask::Take(2)]);
    }
    let (one, other) = tokio::join!(ground.open(&here), ground.open(&there));
    for order in 0..20 {
        let (first, second) = match order % 2 {
            0 => (&one, &other),
            _ => (&other, &one),
        };
        let world = first.world.clone();
        let started = first.scope(start(by_key(&world, order, 5))).await.unwrap();
        let handle = second.runtime.sagas().handle::<String, Error>(started.id());
        let world = second.world.clone();
        let (theirs, again) = at_last(async {
            tokio::join!(
                handle.result(),
                second.scope(start(by_key(&world, order, 5)))
            )
        })
        .await;
        let expected = format!("by_key of {order}");
        assert_eq!(theirs.unwrap(), expected);
        assert_eq!(again.unwrap().id(), started.id());
        assert_eq!(started.result().await.unwrap(), expected);
    }
    assert_eq!((here.times("take 1"), there.times("take 1")), (10, 10));
    assert_eq!(one.shutdown().await.left, 0);
    // The other one works on.
    assert_eq!(other.scope(trip(&there, 7, 5)).await.unwrap(), "trip of 7");
    assert_eq!(other.shutdown().await.left, 0);
}

async fn each_cancels_what_the_other_one_runs(ground: Ground) {
    let world = World::default();
    world.plan(
        "trip",
        &[Ask::Take(1), Ask::Think(Duration::from_secs(3600))],
    );
    // The process of the saga hears of it: no round of its own is due.
    let (one, other) = tokio::join!(ground.open_woken(&world), ground.open_woken(&world));
    for (runs, cancels) in [(&one, &other), (&other, &one)] {
        let started = runs.scope(start(trip(&world, 7, 5))).await.unwrap();
        at_last(world.has("take 1")).await;
        let sagas = cancels.runtime.sagas();
        let cancel = sagas.cancel(started.id(), "ada").await.unwrap();
        assert_eq!(cancel, Some(CancelOutcome::Requested));
        let error = at_last(started.result()).await.unwrap_err();
        assert!(matches!(error.policy(), Error::SagaCancelled { .. }));
        let record = cancels.over(started.id()).await;
        assert_eq!((record.status, record.epoch), (Status::Compensated, 1));
        let audit = sagas.audit(started.id()).await.unwrap();
        assert_eq!(audit.len(), 1, "{audit:?}");
    }
    assert_eq!(world.times("give back 1"), 2);
}

async fn the_sagas_of_one_that_is_dropped_are_finished_by_the_other(ground: Ground) {
    let world = World::default();
    world.plan("trip", &[Ask::Take(1), Ask::Take(2)]);
    world.script("take 2", &[Do::Hang; 5]);
    // On PostgreSQL a process that says nothing is gone at the end of its lease.
    let short = |builder: resilience_runtime::runtime::RuntimeBuilder| {
        builder
            .worker_lease(Duration::from_secs(1))
            .poll_interval(Duration::from_millis(200))
    };
    let other = ground.open_with(&world, short).await;
    let dropped = ground.open_with(&world, short).await;
    let mut started = Vec::new();
    for order in 0..5 {
        let handle = dropped.scope(start(trip(&world, order, 5))).await.unwrap();
        started.push(handle.id().clone());
    }
    at_last(async {
        while world.times("take 2") < 5 {
            crate::ground::pause().await;
        }
    })
    .await;
    drop(dropped);
    for id in &started {
        let record = other.over(id).await;
        assert_eq!(record.status, Status::Completed);
        // PostgreSQL may still have been told that it goes.
        assert!(record.interruptions <= 1);
    }
    assert_eq!((world.times("take 1"), world.times("take 2")), (5, 10));
    assert_eq!(other.shutdown().await.left, 0);
}
