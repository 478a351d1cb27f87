//! The steps of sagas.

use resilience_runtime::error::Effect;
use resilience_runtime::saga::journal::{Advance, Journal, Status, StepOutcome, StepRecord};

use super::{Workers, advance, handed_over, loaded, started, step, steps};

pub(crate) async fn steps_come_back_in_order_whatever_the_order_of_writing(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    for positions in [[11, 2], [0, 1], [10, 9]] {
        advance(&store, &saga, steps(positions.map(step))).await;
    }
    let record = loaded(&store, &saga).await;
    assert_eq!(handed_over(&record.steps), [0, 1, 2, 9, 10, 11].map(step));
}

pub(crate) async fn a_step_is_read_as_it_was_written(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let saga = started(&store).await;
    let written = [
        step(0),
        StepRecord {
            outcome: StepOutcome::Failed,
            output: Some(r#"{"NoStock":3}"#.to_owned()),
            compensation: None,
            ..step(1)
        },
        StepRecord {
            outcome: StepOutcome::InDoubt,
            output: None,
            occurrence: 4,
            ..step(2)
        },
        StepRecord {
            step: "saga::call checkout".to_owned(),
            compensation: Some("<shop::Shop as Stock>::release\0🦀".replace('\0', "")),
            undone: true,
            ..step(3)
        },
        StepRecord {
            occurrence: u32::try_from(i32::MAX).unwrap(),
            arguments: "{}".to_owned(),
            ..step(4)
        },
    ];
    advance(&store, &saga, steps(written.clone())).await;
    assert_eq!(handed_over(&loaded(&other, &saga).await.steps), written);
}

pub(crate) async fn a_write_may_be_made_again_but_not_with_another_step(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    advance(&store, &saga, steps([step(0)])).await;
    let once = loaded(&store, &saga).await.steps;
    advance(&store, &saga, steps([step(0)])).await;
    assert_eq!(loaded(&store, &saga).await.steps, once);
    let others = [
        StepRecord {
            step: "other".to_owned(),
            ..step(0)
        },
        StepRecord {
            occurrence: 1,
            ..step(0)
        },
    ];
    for other in others {
        let end = |steps| Advance {
            status: Some(Status::Completed),
            ..steps
        };
        let writes = [
            end(steps([step(1), other.clone()])),
            end(steps([other.clone()])),
            steps([other]),
        ];
        for write in writes {
            let refused = store.advance(saga.clone(), 1, write).await.unwrap_err();
            assert_eq!(refused.effect(), Effect::DidNotRun);
            let record = loaded(&store, &saga).await;
            assert_eq!(record.status, Status::Running);
            assert_eq!(record.steps, once);
        }
    }
    let end = Advance {
        status: Some(Status::Completed),
        ..steps([step(0)])
    };
    advance(&store, &saga, end.clone()).await;
    let ended = loaded(&store, &saga).await;
    assert_eq!((ended.status, &ended.steps), (Status::Completed, &once));
    advance(&store, &saga, end).await;
    let again = loaded(&store, &saga).await;
    assert_eq!(again.updated_at, ended.updated_at);
    assert_eq!((again.status, &again.steps), (Status::Completed, &once));
}

pub(crate) async fn a_step_in_doubt_is_replaced_by_what_it_came_to(fixture: impl Workers) {
    let store = fixture.worker().await;
    for outcome in [StepOutcome::Done, StepOutcome::Failed] {
        let saga = started(&store).await;
        let in_doubt = StepRecord {
            outcome: StepOutcome::InDoubt,
            output: None,
            ..step(1)
        };
        let came_to = StepRecord {
            outcome,
            output: Some("7".to_owned()),
            ..step(1)
        };
        advance(&store, &saga, steps([step(0), in_doubt.clone()])).await;
        advance(&store, &saga, steps([in_doubt.clone()])).await;
        let record = loaded(&store, &saga).await;
        assert_eq!(handed_over(&record.steps), [step(0), in_doubt]);
        let write = steps([came_to.clone(), step(2)]);
        advance(&store, &saga, write).await;
        let record = loaded(&store, &saga).await;
        assert_eq!(handed_over(&record.steps), [step(0), came_to, step(2)]);
    }
}

pub(crate) async fn a_step_is_written_and_undone_in_one_write(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    let write = Advance {
        undone: Some(1),
        ..steps([step(0), step(1)])
    };
    advance(&store, &saga, write).await;
    // There is no such step.
    let write = Advance {
        undone: Some(9),
        ..Advance::default()
    };
    advance(&store, &saga, write).await;
    let undone = StepRecord {
        undone: true,
        ..step(1)
    };
    let record = loaded(&store, &saga).await;
    assert_eq!(handed_over(&record.steps), [step(0), undone]);
}

pub(crate) async fn a_saga_has_many_steps(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    advance(&store, &saga, steps((0..1_000).map(step))).await;
    advance(&store, &saga, steps((1_000..1_010).map(step))).await;
    let record = loaded(&store, &saga).await;
    let expected: Vec<_> = (0..1_010).map(step).collect();
    assert_eq!(handed_over(&record.steps), expected);
}
