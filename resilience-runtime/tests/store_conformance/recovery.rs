//! What happens to the sagas of a worker that is gone.

use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, SagaRecord, Started, Status, Written,
};

use super::{Store, advance, died, new_saga, started, status, step};
use crate::fixture::{Fixture, at_once, digest};

fn known() -> Vec<String> {
    vec!["other".to_owned(), "checkout".to_owned()]
}

pub(crate) async fn sagas_of_a_worker_that_is_gone_are_taken_over(
    fixture: impl Fixture<Store: Store>,
) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let running = started(&crashes).await;
    let write = Advance {
        steps: vec![step(0)],
        ..Advance::default()
    };
    advance(&crashes, &running, write.clone()).await;
    let compensating = started(&crashes).await;
    advance(&crashes, &compensating, status(Status::Compensating)).await;
    fixture.end(crashes).await;

    let mut taken = store.take_over(known(), 10).await.unwrap();
    taken.sort_by(|a, b| a.id.cmp(&b.id));
    let [first, second] = &taken[..] else {
        panic!("{taken:?}");
    };
    assert_eq!((&first.id, first.status), (&running, Status::Running));
    assert_eq!(first.steps, [step(0)]);
    assert_eq!(
        (&second.id, second.status),
        (&compensating, Status::Compensating)
    );
    for record in &taken {
        assert_eq!(record.epoch, 2);
        let stored = store.load(record.id.clone()).await.unwrap().unwrap();
        assert_eq!((stored.epoch, stored.status), (2, record.status));
        let written = store.advance(record.id.clone(), 2, write.clone()).await;
        assert_eq!(written.unwrap(), Written::Yes);
    }
    assert!(store.take_over(known(), 10).await.unwrap().is_empty());
}

pub(crate) async fn sagas_of_live_workers_are_left_alone(fixture: impl Fixture<Store: Store>) {
    let (store, alive) = (fixture.worker().await, fixture.worker().await);
    started(&alive).await;
    started(&store).await;
    for _ in 0..3 {
        assert!(store.take_over(known(), 10).await.unwrap().is_empty());
        assert!(alive.take_over(known(), 10).await.unwrap().is_empty());
    }
}

pub(crate) async fn unknown_names_and_finished_sagas_are_left_alone(
    fixture: impl Fixture<Store: Store>,
) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    started(&crashes).await;
    for after in [Status::Completed, Status::Compensated, Status::Dead] {
        let saga = started(&crashes).await;
        advance(&crashes, &saga, status(after)).await;
    }
    fixture.end(crashes).await;
    let unknown = vec!["CHECKOUT".to_owned(), "check%".to_owned(), String::new()];
    assert!(store.take_over(unknown, 10).await.unwrap().is_empty());
    assert!(store.take_over(Vec::new(), 10).await.unwrap().is_empty());
    assert_eq!(store.take_over(known(), 10).await.unwrap().len(), 1);
}

pub(crate) async fn no_more_than_the_limit_is_taken(fixture: impl Fixture<Store: Store>) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    for _ in 0..5 {
        started(&crashes).await;
    }
    fixture.end(crashes).await;
    for (limit, expected) in [(0, 0), (2, 2), (2, 2), (2, 1), (2, 0)] {
        let taken = store.take_over(known(), limit).await.unwrap();
        assert_eq!(taken.len(), expected);
    }
}

pub(crate) async fn each_saga_is_taken_over_by_one_of_many(fixture: impl Fixture<Store: Store>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let crashes = fixture.worker().await;
    let mut expected = Vec::new();
    for _ in 0..20 {
        expected.push(started(&crashes).await);
    }
    fixture.end(crashes).await;
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

pub(crate) async fn start_takes_over_the_saga_with_its_key(fixture: impl Fixture<Store: Store>) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let saga = new_saga(Some(digest(1)));
    let id = saga.id.clone();
    crashes.start(saga).await.unwrap();
    let write = Advance {
        steps: vec![step(0)],
        ..Advance::default()
    };
    advance(&crashes, &id, write).await;
    let busy = store.start(new_saga(Some(digest(1)))).await.unwrap();
    assert!(matches!(busy, Started::Busy(_)));
    fixture.end(crashes).await;

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
                assert_eq!(record.steps, [step(0)]);
            }
            Started::Busy(busy) => assert_eq!(busy, id),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(taken, 1);
}

pub(crate) async fn the_owner_before_is_fenced_out(fixture: impl Fixture<Store: Store>) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let saga = started(&crashes).await;
    fixture.end(crashes).await;
    store.take_over(known(), 1).await.unwrap();
    let late = store.advance(saga.clone(), 1, status(Status::Completed));
    assert_eq!(late.await.unwrap(), Written::Superseded);
    let record = store.load(saga).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Running);
}

pub(crate) async fn one_of_many_revives_a_dead_saga(fixture: impl Fixture<Store: Store>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let saga = died(&here, "release").await;
    let answers = at_once(8, |number| {
        let store = if number.is_multiple_of(2) {
            &here
        } else {
            &there
        }
        .clone();
        let saga = saga.clone();
        async move { store.revive(saga).await }
    })
    .await;
    let revived: Vec<_> = answers.into_iter().flatten().collect();
    let [record] = &revived[..] else {
        panic!("{revived:?}");
    };
    assert_eq!((&record.id, record.epoch), (&saga, 2));
    assert_eq!(record.status, Status::Compensating);
    let late = here.advance(saga.clone(), 1, status(Status::Completed));
    assert_eq!(late.await.unwrap(), Written::Superseded);
    let record = here.load(saga.clone()).await.unwrap().unwrap();
    assert_eq!((record.epoch, record.status), (2, Status::Compensating));

    let running = started(&here).await;
    assert!(here.revive(running).await.unwrap().is_none());
}
