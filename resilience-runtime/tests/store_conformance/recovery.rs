//! What happens to the sagas of a worker that is gone.

use std::time::Duration;

use resilience_runtime::saga::journal::{
    Journal, NewSaga, Parking, SagaId, SagaRecord, Started, Status, Written,
};

use super::{
    Workers, advance, begun, came_to, dead, handed_over, known, known_as, named, new_saga, parked,
    started, status, step, steps,
};
use crate::fixture::{at_once, digest};

pub(crate) async fn sagas_of_a_worker_that_is_gone_are_taken_over(fixture: impl Workers) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let running = started(&crashes).await;
    let write = steps([step(0)]);
    advance(&crashes, &running, write.clone()).await;
    let compensating = started(&crashes).await;
    advance(&crashes, &compensating, status(Status::Compensating)).await;
    fixture.crash(crashes).await;

    let mut taken = store.take_over(known(), 10).await.unwrap();
    taken.sort_by(|a, b| a.id.cmp(&b.id));
    let [first, second] = &taken[..] else {
        panic!("{taken:?}");
    };
    assert_eq!((&first.id, first.status), (&running, Status::Running));
    assert_eq!(handed_over(&first.steps), [step(0)]);
    assert_eq!(
        (&second.id, second.status),
        (&compensating, Status::Compensating)
    );
    for record in &taken {
        assert_eq!(record.epoch, 2);
        let stored = store.load(record.id.clone()).await.unwrap().unwrap();
        assert_eq!((stored.epoch, stored.status), (2, record.status));
        let written = store.advance(record.id.clone(), 2, write.clone()).await;
        assert_eq!(written.unwrap(), Written::YES);
    }
    assert!(store.take_over(known(), 10).await.unwrap().is_empty());
}

pub(crate) async fn sagas_of_live_workers_are_left_alone(fixture: impl Workers) {
    let (store, alive) = (fixture.worker().await, fixture.worker().await);
    started(&alive).await;
    started(&store).await;
    for _ in 0..3 {
        assert!(store.take_over(known(), 10).await.unwrap().is_empty());
        assert!(alive.take_over(known(), 10).await.unwrap().is_empty());
    }
}

pub(crate) async fn sagas_of_a_store_that_was_closed_can_be_taken_at_once(fixture: impl Workers) {
    let (store, leaves) = (fixture.worker().await, fixture.worker().await);
    let saga = started(&leaves).await;
    advance(&leaves, &saga, steps([step(0)])).await;
    fixture.close(leaves).await;
    let taken = store.take_over(known(), 9).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!((&taken[0].id, taken[0].epoch), (&saga, 2));
    assert_eq!(handed_over(&taken[0].steps), [step(0)]);
}

pub(crate) async fn unknown_names_and_versions_and_finished_sagas_are_left_alone(
    fixture: impl Workers,
) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    started(&crashes).await;
    let second = NewSaga {
        version: 2,
        ..new_saga(None)
    };
    let second = begun(&crashes, second).await;
    for end in [
        status(Status::Completed),
        status(Status::Compensated),
        status(Status::Failed),
        status(Status::Resolved),
        dead(0),
        parked(Parking::Mismatch),
    ] {
        came_to(&crashes, end).await;
    }
    fixture.crash(crashes).await;
    let unknown = vec![
        known_as("CHECKOUT", 1),
        known_as("check%", 1),
        known_as("", 1),
        known_as("checkout", 3),
        known_as("checkout", 0),
        known_as("other", 2),
    ];
    assert!(store.take_over(unknown, 10).await.unwrap().is_empty());
    assert!(store.take_over(Vec::new(), 10).await.unwrap().is_empty());
    // Both are known twice over, as is what is not there.
    let known = vec![known_as("checkout", 1), known_as("checkout", 1)];
    assert_eq!(store.take_over(known, 10).await.unwrap().len(), 1);
    let known = vec![known_as("none", 2), known_as("checkout", 2)];
    let taken = store.take_over(known.clone(), 10).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!((&taken[0].id, taken[0].version), (&second, 2));
    assert!(store.take_over(known, 10).await.unwrap().is_empty());
}

pub(crate) async fn no_more_than_the_limit_is_taken_and_the_oldest_first(fixture: impl Workers) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let mut expected = Vec::new();
    // Ids that are given are in no order.
    for number in [4, 1, 3, 0, 2] {
        let saga = NewSaga {
            id: SagaId::from(format!("0{number}91a7c0-0000-7000-8000-000000000000")),
            given: true,
            ..new_saga(None)
        };
        expected.push(begun(&crashes, saga).await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    fixture.crash(crashes).await;
    let mut taken = Vec::new();
    for (limit, expected) in [(0, 0), (2, 2), (2, 2), (2, 1), (2, 0)] {
        let page = store.take_over(known(), limit).await.unwrap();
        assert_eq!(page.len(), expected);
        taken.extend(page.into_iter().map(|record| record.id));
    }
    assert_eq!(taken, expected);
}

pub(crate) async fn each_saga_is_taken_over_by_one_of_many(fixture: impl Workers) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let crashes = fixture.worker().await;
    let mut expected = Vec::new();
    for _ in 0..20 {
        expected.push(started(&crashes).await);
    }
    fixture.crash(crashes).await;
    let taken: Vec<Vec<SagaRecord>> = at_once(8, |number| {
        let store = if number.is_multiple_of(2) {
            &here
        } else {
            &there
        }
        .clone();
        async move { store.take_over(known(), 100).await }
    })
    .await;
    let mut ids: Vec<_> = taken.into_iter().flatten().map(|saga| saga.id).collect();
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
}

pub(crate) async fn start_takes_over_the_saga_with_its_key(fixture: impl Workers) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let saga = new_saga(Some(digest(1)));
    let id = saga.id.clone();
    crashes.start(saga).await.unwrap();
    let write = steps([step(0)]);
    advance(&crashes, &id, write).await;
    let busy = store.start(new_saga(Some(digest(1)))).await.unwrap();
    assert!(matches!(busy, Started::Busy(_)));
    fixture.crash(crashes).await;

    let answers = at_once(8, |_| {
        let store = store.clone();
        let saga = NewSaga {
            input: "{}".to_owned(),
            ..new_saga(Some(digest(1)))
        };
        async move { store.start(saga).await }
    })
    .await;
    let mut taken = 0;
    for answer in answers {
        match answer {
            Started::TakenOver(record) => {
                taken += 1;
                assert_eq!((&record.id, record.epoch), (&id, 2));
                assert_eq!(record.input, r#"{"order":1}"#);
                assert_eq!(handed_over(&record.steps), [step(0)]);
            }
            Started::Busy(busy) => assert_eq!(busy, id),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(taken, 1);
}

pub(crate) async fn the_owner_before_is_fenced_out(fixture: impl Workers) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let saga = started(&crashes).await;
    fixture.crash(crashes).await;
    store.take_over(known(), 1).await.unwrap();
    let late = store.advance(saga.clone(), 1, status(Status::Completed));
    assert_eq!(late.await.unwrap(), Written::Superseded);
    let record = store.load(saga).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Running);
}

pub(crate) async fn what_nobody_knows_is_counted(fixture: impl Workers) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let leaves = fixture.worker().await;
    let version = |name: &str, version| NewSaga {
        version,
        ..named(name)
    };
    for saga in [version("a", 1), version("a", 2), version("a", 2)] {
        begun(&crashes, saga).await;
    }
    begun(&leaves, version("b", 1)).await;
    let compensating = begun(&leaves, version("a", 2)).await;
    advance(&leaves, &compensating, status(Status::Compensating)).await;
    // What lives, and what is not unfinished, is none of it.
    begun(&store, version("c", 1)).await;
    for end in [status(Status::Completed), dead(0), parked(Parking::Poison)] {
        let ended = begun(&leaves, version("d", 1)).await;
        advance(&leaves, &ended, end).await;
    }
    fixture.crash(crashes).await;
    fixture.close(leaves).await;
    let orphaned = async |known: &[(&str, u32)]| {
        let known = known.iter().map(|(name, of)| known_as(name, *of));
        let orphaned = store.orphaned(known.collect()).await.unwrap();
        let counts = orphaned
            .into_iter()
            .map(|it| (it.name, it.version, it.count));
        let mut counts: Vec<_> = counts.collect();
        counts.sort();
        counts
    };
    let count = |name: &str, version, count| (name.to_owned(), version, count);
    let all = [count("a", 1, 1), count("a", 2, 3), count("b", 1, 1)];
    assert_eq!(orphaned(&[]).await, all);
    assert_eq!(orphaned(&[("b", 2), ("A", 1)]).await, all);
    assert_eq!(orphaned(&[("a", 1), ("b", 1)]).await, [count("a", 2, 3)]);
    assert_eq!(orphaned(&[("a", 2), ("a", 1), ("b", 1)]).await, []);
    // Taken over they are somebody's.
    store.take_over(vec![known_as("a", 2)], 9).await.unwrap();
    let left = [count("a", 1, 1), count("b", 1, 1)];
    assert_eq!(orphaned(&[]).await, left);
}
