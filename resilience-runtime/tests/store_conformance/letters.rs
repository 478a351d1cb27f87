//! Letters that the journal writes.

use resilience_runtime::dlq::{DeadLetterKind, DeadLetterStatus, NewDeadLetter, Priority, Queue};
use resilience_runtime::saga::journal::{Advance, Event, Journal, Parking, SettledLetters, Status};

use super::{
    Workers, advance, advance_under, came_to, dead, letter, letter_of, letters_of, parked, started,
    status,
};

fn about(work: NewDeadLetter) -> Advance {
    Advance {
        dead_letter: Some(work),
        ..Advance::default()
    }
}

pub(crate) async fn a_dead_letter_is_read_as_it_was_written(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let saga = came_to(&store, dead(3)).await;
    let found = letter_of(&other, &saga).await;
    assert_eq!(found.saga.as_ref(), Some(&saga));
    assert_eq!(found.saga_name.as_deref(), Some("checkout"));
    assert_eq!(found.work, letter(3));
    assert_eq!(found.status, DeadLetterStatus::Open);
    assert_eq!(found.note, None);
    let read = other.get(found.id).await.unwrap();
    assert_eq!(read.as_ref(), Some(&found));
    assert_eq!(other.get(found.id + 1).await.unwrap(), None);

    for (kind, priority) in [
        (DeadLetterKind::Saga, Priority::Low),
        (DeadLetterKind::Compensation, Priority::Normal),
        (DeadLetterKind::Saga, Priority::Critical),
    ] {
        let work = NewDeadLetter {
            kind,
            priority,
            dependency: None,
            position: None,
            output: None,
            attempts: 0,
            ..letter(0)
        };
        let saga = came_to(&store, about(work.clone())).await;
        assert_eq!(letter_of(&other, &saga).await.work, work);
    }
}

pub(crate) async fn a_step_has_one_open_letter(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = came_to(&store, dead(0)).await;
    let untouched = came_to(&store, dead(0)).await;
    let first = letter_of(&store, &saga).await;
    let mut again = letter(0);
    again.error = "still no answer".to_owned();
    again.priority = Priority::Critical;
    again.output = None;
    advance(&store, &saga, about(again.clone())).await;
    let replaced = letter_of(&store, &saga).await;
    assert_eq!(replaced.id, first.id);
    again.attempts = 6;
    assert_eq!(replaced.work, again);
    // One of another step, and one of none, stand beside it.
    advance(&store, &saga, about(letter(1))).await;
    let whole = parked(Parking::Stuck).dead_letter.unwrap();
    advance(&store, &saga, about(whole.clone())).await;
    let works = async || {
        let letters = letters_of(&store, &saga).await.into_iter();
        letters.map(|letter| letter.work).collect::<Vec<_>>()
    };
    assert_eq!(works().await, [again.clone(), letter(1), whole.clone()]);
    let mut whole_again = whole;
    advance(&store, &saga, about(whole_again.clone())).await;
    whole_again.attempts *= 2;
    assert_eq!(works().await, [again, letter(1), whole_again]);
    assert_eq!(letter_of(&store, &untouched).await.work, letter(0));
}

pub(crate) async fn a_letter_about_other_work_begins_at_its_own_attempts(fixture: impl Workers) {
    let store = fixture.worker().await;
    let others = [
        NewDeadLetter {
            kind: DeadLetterKind::Saga,
            ..letter(0)
        },
        NewDeadLetter {
            operation: "refund".to_owned(),
            ..letter(0)
        },
        NewDeadLetter {
            arguments: "[]".to_owned(),
            ..letter(0)
        },
    ];
    for other in others {
        let saga = came_to(&store, dead(0)).await;
        let first = letter_of(&store, &saga).await.id;
        advance(&store, &saga, about(other.clone())).await;
        let replaced = letter_of(&store, &saga).await;
        assert_eq!((replaced.id, replaced.work), (first, other));
    }
}

pub(crate) async fn letters_are_settled_by_position_or_all(fixture: impl Workers) {
    let store = fixture.worker().await;
    let (saga, untouched) = (started(&store).await, came_to(&store, dead(0)).await);
    for position in [0, 1, 2] {
        advance(&store, &saga, about(letter(position))).await;
    }
    let whole = parked(Parking::Stuck).dead_letter.unwrap();
    advance(&store, &saga, about(whole)).await;
    let open = async || {
        let letters = letters_of(&store, &saga).await;
        let open = letters
            .iter()
            .filter(|it| it.status == DeadLetterStatus::Open);
        open.map(|letter| letter.work.position).collect::<Vec<_>>()
    };
    let settles = |settles| Advance {
        settles,
        ..Advance::default()
    };
    advance(&store, &saga, settles(SettledLetters::Nothing)).await;
    advance(&store, &saga, settles(SettledLetters::Step(9))).await;
    assert_eq!(open().await, [Some(0), Some(1), Some(2), None]);
    advance(&store, &saga, settles(SettledLetters::Step(1))).await;
    assert_eq!(open().await, [Some(0), Some(2), None]);
    advance(&store, &saga, settles(SettledLetters::Step(1))).await;
    advance(&store, &saga, settles(SettledLetters::All)).await;
    assert_eq!(open().await, []);
    for letter in letters_of(&store, &saga).await {
        assert_eq!(letter.status, DeadLetterStatus::Settled);
    }
    let left = letter_of(&store, &untouched).await;
    assert_eq!(left.status, DeadLetterStatus::Open);
    assert_eq!(store.unresolved().await.unwrap(), 1);
}

pub(crate) async fn a_letter_that_was_settled_is_not_replaced(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = came_to(&store, dead(0)).await;
    let settled = letter_of(&store, &saga).await;
    let revived = store.revive(saga.clone(), Event::Compensate, None).await;
    assert!(revived.unwrap().is_some());
    let write = Advance {
        settles: SettledLetters::All,
        ..status(Status::Compensating)
    };
    advance_under(&store, &saga, 2, write).await;
    advance_under(&store, &saga, 2, dead(0)).await;
    let letters = letters_of(&store, &saga).await;
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0].id, settled.id);
    assert_eq!(letters[0].status, DeadLetterStatus::Settled);
    assert_eq!(letters[1].status, DeadLetterStatus::Open);
    assert_eq!(letters[1].work, letter(0));
}
