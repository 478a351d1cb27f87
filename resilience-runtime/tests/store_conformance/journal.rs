//! The saga journal.

use resilience_runtime::dlq::{DeadLetterStatus, Queue};
use resilience_runtime::error::Effect;
use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, SagaId, Started, Status, StepRecord, Written,
};

use super::{Store, advance, died, letter, new_saga, started, status, step};
use crate::fixture::{Fixture, digest};

pub(crate) async fn a_saga_is_loaded_as_it_was_written(fixture: impl Fixture<Store: Store>) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let saga = new_saga(Some(digest(1)));
    let id = saga.id.clone();
    assert!(matches!(store.start(saga).await.unwrap(), Started::New));
    let steps = vec![
        step(0),
        StepRecord {
            occurrence: 2,
            output: None,
            undone: true,
            ..step(1)
        },
    ];
    let write = Advance {
        steps: steps.clone(),
        output: Some("[7]".to_owned()),
        error: Some("no stock".to_owned()),
        ..status(Status::Completed)
    };
    advance(&store, &id, write).await;
    let record = other.load(id.clone()).await.unwrap().unwrap();
    assert_eq!(record.id, id);
    assert_eq!(record.name, "checkout");
    assert_eq!(record.key, Some(digest(1)));
    assert_eq!(record.input, r#"{"order":1}"#);
    assert_eq!(record.status, Status::Completed);
    assert_eq!(record.epoch, 1);
    assert_eq!(record.output.as_deref(), Some("[7]"));
    assert_eq!(record.error.as_deref(), Some("no stock"));
    assert_eq!(record.steps, steps);
    assert!(store.load(SagaId::generate()).await.unwrap().is_none());
}

pub(crate) async fn a_write_under_another_epoch_changes_nothing(
    fixture: impl Fixture<Store: Store>,
) {
    let store = fixture.worker().await;
    let saga = died(&store, "release").await;
    advance(
        &store,
        &saga,
        Advance {
            steps: vec![step(0)],
            ..Advance::default()
        },
    )
    .await;
    let write = Advance {
        steps: vec![step(1)],
        undone: Some(0),
        output: Some("1".to_owned()),
        error: Some("late".to_owned()),
        dead_letter: Some(letter("late")),
        settles_dead_letter: true,
        ..status(Status::Completed)
    };
    for epoch in [0, 2, -1, i64::MAX] {
        let written = store.advance(saga.clone(), epoch, write.clone()).await;
        assert_eq!(written.unwrap(), Written::Superseded);
    }
    let written = store.advance(SagaId::generate(), 1, write).await;
    assert_eq!(written.unwrap(), Written::Superseded);
    let record = store.load(saga).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Dead);
    assert_eq!(record.output, None);
    assert_eq!(record.error.as_deref(), Some("no stock"));
    assert_eq!(record.steps, [step(0)]);
    let letters = store.list(DeadLetterStatus::Open, None, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].work, letter("release"));
}

pub(crate) async fn a_write_sets_what_is_set_and_nothing_else(fixture: impl Fixture<Store: Store>) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    let write = Advance {
        steps: vec![step(0), step(1)],
        error: Some("no stock".to_owned()),
        ..status(Status::Compensating)
    };
    advance(&store, &saga, write).await;
    advance(&store, &saga, Advance::default()).await;
    let undone = Advance {
        undone: Some(1),
        ..Advance::default()
    };
    advance(&store, &saga, undone).await;
    let record = store.load(saga).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Compensating);
    assert_eq!(record.error.as_deref(), Some("no stock"));
    assert_eq!(record.output, None);
    let undone: Vec<_> = record.steps.iter().map(|step| step.undone).collect();
    assert_eq!(undone, [false, true]);
    assert!(
        store
            .list(DeadLetterStatus::Open, None, 1)
            .await
            .unwrap()
            .is_empty()
    );
}

pub(crate) async fn steps_come_back_in_order_whatever_the_order_of_writing(
    fixture: impl Fixture<Store: Store>,
) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    for positions in [[11, 2], [0, 1], [10, 9]] {
        let write = Advance {
            steps: positions.map(step).to_vec(),
            ..Advance::default()
        };
        advance(&store, &saga, write).await;
    }
    let record = store.load(saga).await.unwrap().unwrap();
    assert_eq!(record.steps, [0, 1, 2, 9, 10, 11].map(step));
}

pub(crate) async fn a_write_may_be_made_again_but_not_with_another_step(
    fixture: impl Fixture<Store: Store>,
) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    let write = Advance {
        steps: vec![step(0)],
        ..Advance::default()
    };
    advance(&store, &saga, write.clone()).await;
    advance(&store, &saga, write).await;
    let other = StepRecord {
        step: "other".to_owned(),
        ..step(0)
    };
    let write = Advance {
        steps: vec![step(1), other],
        ..status(Status::Completed)
    };
    let refused = store.advance(saga.clone(), 1, write).await.unwrap_err();
    assert_eq!(refused.effect(), Effect::DidNotRun);
    let record = store.load(saga).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Running);
    assert_eq!(record.steps, [step(0)]);
}

pub(crate) async fn texts_come_back_or_are_visibly_replaced(fixture: impl Fixture<Store: Store>) {
    let store = fixture.worker().await;
    let saga = NewSaga {
        name: "check'out🦀\0;--".to_owned(),
        input: "{\"a\":\"\\u0000 🦀 '\"}".to_owned(),
        ..new_saga(None)
    };
    let (id, input) = (saga.id.clone(), saga.input.clone());
    let name = saga.name.clone();
    store.start(saga).await.unwrap();
    let mut work = letter("🦀\0end");
    work.error = "before\0after 🦀".to_owned();
    let write = Advance {
        error: Some("\0 at the start".to_owned()),
        dead_letter: Some(work),
        ..status(Status::Dead)
    };
    advance(&store, &id, write).await;
    let shown = |text: &str| text.replace('\0', "\u{2400}");
    let record = store.load(id).await.unwrap().unwrap();
    assert_eq!(record.input, input);
    assert_eq!(shown(&record.name), shown(&name));
    assert_eq!(shown(&record.error.unwrap()), "\u{2400} at the start");
    let letters = store.list(DeadLetterStatus::Open, None, 1).await.unwrap();
    assert_eq!(shown(&letters[0].work.error), "before\u{2400}after 🦀");
    assert_eq!(shown(&letters[0].work.operation), "🦀\u{2400}end");
    assert_eq!(shown(&letters[0].saga_name), shown(&name));
    assert!(
        store
            .resolve(letters[0].id, "done\0by hand".to_owned())
            .await
            .unwrap()
    );
    let letter = store.get(letters[0].id).await.unwrap().unwrap();
    assert_eq!(shown(&letter.note.unwrap()), "done\u{2400}by hand");
    // The name is found again by the name.
    let crashes = fixture.worker().await;
    let saga = NewSaga {
        name: name.clone(),
        ..new_saga(None)
    };
    crashes.start(saga).await.unwrap();
    fixture.end(crashes).await;
    assert_eq!(store.take_over(vec![name], 9).await.unwrap().len(), 1);
}

pub(crate) async fn sagas_are_counted_by_status(fixture: impl Fixture<Store: Store>) {
    let store = fixture.worker().await;
    assert_eq!(Journal::counts(&store).await.unwrap(), []);
    for after in [
        Status::Running,
        Status::Completed,
        Status::Completed,
        Status::Dead,
    ] {
        let saga = started(&store).await;
        advance(&store, &saga, status(after)).await;
    }
    let mut counts = Journal::counts(&store).await.unwrap();
    counts.sort_by_key(|(status, _)| status.as_str());
    assert_eq!(
        counts,
        [
            (Status::Completed, 2),
            (Status::Dead, 1),
            (Status::Running, 1)
        ]
    );
}
