//! Ids that authors give.

use resilience_runtime::dlq::{Closing, Queue};
use resilience_runtime::error::Effect;
use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, Parking, SagaId, Started, Status,
};

use super::{
    Workers, advance, begun, dead, handed_over, letter_of, loaded, new_saga, operator, parked,
    status, step, steps,
};
use crate::fixture::at_once;

fn given(id: &SagaId) -> NewSaga {
    NewSaga {
        id: id.clone(),
        given: true,
        ..new_saga(None)
    }
}

/// Asks for `id`, with everything else different.
fn again(id: &SagaId) -> NewSaga {
    NewSaga {
        name: "other".to_owned(),
        version: 9,
        input: "{}".to_owned(),
        ..given(id)
    }
}

pub(crate) async fn a_given_id_belongs_to_its_saga_however_it_ended(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let completed = Advance {
        output: Some("7".to_owned()),
        status: Some(Status::Completed),
        ..steps([step(0)])
    };
    for end in [
        completed,
        status(Status::Compensated),
        status(Status::Failed),
        dead(0),
        parked(Parking::Poison),
    ] {
        let id = begun(&store, given(&SagaId::generate())).await;
        advance(&store, &id, end.clone()).await;
        for store in [&store, &other] {
            match store.start(again(&id)).await.unwrap() {
                Started::Ended(record) => {
                    assert_eq!((&record.id, Some(record.status)), (&id, end.status));
                    assert_eq!((record.name.as_str(), record.version), ("checkout", 1));
                    assert_eq!(record.input, r#"{"order":1}"#);
                    assert_eq!(record.output, end.output);
                    assert_eq!((record.error, record.epoch), (end.error.clone(), 1));
                    assert_eq!(handed_over(&record.steps), end.steps);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let id = begun(&store, given(&SagaId::generate())).await;
    advance(&store, &id, dead(0)).await;
    let letter = letter_of(&store, &id).await.id;
    let closed = Queue::close(&store, letter, Closing::Discard, operator()).await;
    assert!(closed.unwrap());
    match store.start(given(&id)).await.unwrap() {
        Started::Ended(record) => assert_eq!(record.status, Status::Resolved),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_given_id_that_is_worked_on_is_busy(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let id = begun(&store, given(&SagaId::generate())).await;
    for after in [Status::Running, Status::Compensating] {
        advance(&store, &id, status(after)).await;
        for store in [&store, &other] {
            for saga in [given(&id), again(&id)] {
                match store.start(saga).await.unwrap() {
                    Started::Busy(busy) => assert_eq!(busy, id),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    assert_eq!(loaded(&store, &id).await.epoch, 1);
}

pub(crate) async fn the_given_id_of_a_worker_that_is_gone_is_taken_over(fixture: impl Workers) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let id = begun(&crashes, given(&SagaId::generate())).await;
    advance(&crashes, &id, steps([step(0)])).await;
    fixture.crash(crashes).await;
    let by_others = [
        again(&id),
        NewSaga {
            version: 9,
            ..given(&id)
        },
    ];
    for other in by_others.clone() {
        let left = store.start(other).await.unwrap();
        assert!(matches!(left, Started::Busy(_)), "{left:?}");
    }
    assert_eq!(store.orphaned(Vec::new()).await.unwrap().len(), 1);
    match store.start(given(&id)).await.unwrap() {
        Started::TakenOver(record) => {
            assert_eq!((record.epoch, record.interruptions), (2, 1));
            assert_eq!(record.input, r#"{"order":1}"#);
            assert_eq!(handed_over(&record.steps), [step(0)]);
        }
        other => panic!("{other:?}"),
    }
    for saga in by_others.into_iter().chain([given(&id)]) {
        let busy = store.start(saga).await.unwrap();
        assert!(matches!(busy, Started::Busy(_)), "{busy:?}");
    }
    fixture.close(store).await;
    let store = fixture.worker().await;
    match store.start(given(&id)).await.unwrap() {
        Started::TakenOver(record) => {
            assert_eq!((record.epoch, record.interruptions), (3, 1));
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn one_of_many_starts_with_a_given_id(fixture: impl Workers) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let id = SagaId::generate();
    let answers = at_once(20, |number| {
        let even = number.is_multiple_of(2);
        let store = if even { &here } else { &there }.clone();
        let saga = given(&id);
        async move { store.start(saga).await }
    })
    .await;
    let new = answers.iter().filter(|a| matches!(a, Started::New(_)));
    assert_eq!(new.count(), 1);
    let busy = answers.iter().filter(|a| matches!(a, Started::Busy(_)));
    assert_eq!(busy.count(), 19);
}

pub(crate) async fn an_id_that_was_not_given_is_no_answer(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let id = begun(&store, new_saga(None)).await;
    let saga = NewSaga {
        given: false,
        ..again(&id)
    };
    let refused = other.start(saga.clone()).await.unwrap_err();
    assert_eq!(refused.effect(), Effect::DidNotRun);
    advance(&store, &id, status(Status::Completed)).await;
    let refused = other.start(saga).await.unwrap_err();
    assert_eq!(refused.effect(), Effect::DidNotRun);
    let record = loaded(&store, &id).await;
    assert_eq!((record.name.as_str(), record.epoch), ("checkout", 1));
    // Given by the one who asks, it is.
    let ended = other.start(given(&id)).await.unwrap();
    assert!(matches!(ended, Started::Ended(_)), "{ended:?}");
}

pub(crate) async fn a_start_that_is_made_again_finds_its_own(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    for is_given in [true, false] {
        let saga = NewSaga {
            given: is_given,
            ..new_saga(None)
        };
        for _ in 0..2 {
            let started = store.start(saga.clone()).await.unwrap();
            assert!(matches!(started, Started::New(_)), "{started:?}");
        }
        let another = NewSaga {
            nonce: saga.nonce ^ 1,
            given: true,
            ..saga.clone()
        };
        for (store, saga) in [(&store, &another), (&other, &another)] {
            let started = store.start(saga.clone()).await.unwrap();
            assert!(matches!(started, Started::Busy(_)), "{started:?}");
        }
        advance(&store, &saga.id, status(Status::Completed)).await;
        match store.start(saga).await {
            Ok(Started::Ended(record)) => assert_eq!(record.status, Status::Completed),
            Err(error) if !is_given => assert_eq!(error.effect(), Effect::DidNotRun),
            other => panic!("{other:?}"),
        }
    }
}
