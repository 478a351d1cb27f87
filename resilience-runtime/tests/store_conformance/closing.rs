//! Letters that operators close.

use resilience_runtime::dlq::{Closing, DeadLetterStatus, Queue, RetryAs};
use resilience_runtime::saga::journal::{Advance, Event, Journal, Parking, Status, Written};

use super::{
    Store, Workers, advance, advance_under, came_to, dead, known, letter, letter_of, letters_of,
    loaded, operator, parked, started, status,
};
use crate::fixture::at_once;

fn by_hand() -> Closing {
    Closing::Resolve("by hand".to_owned())
}

async fn close(store: &impl Store, letter: i64, closing: Closing) -> bool {
    let closed = Queue::close(store, letter, closing, operator()).await;
    closed.unwrap()
}

pub(crate) async fn a_letter_is_closed_once_with_its_saga(fixture: impl Workers) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    for end in [dead(0), parked(Parking::Poison)] {
        let id = came_to(&here, end).await;
        let letter = letter_of(&here, &id).await.id;
        let before = loaded(&here, &id).await;
        let closed = at_once(20, |number| {
            let even = number.is_multiple_of(2);
            let store = if even { &here } else { &there }.clone();
            let closing = Closing::Resolve(format!("operator {number}"));
            async move { Queue::close(&store, letter, closing, operator()).await }
        })
        .await;
        assert_eq!(closed.iter().filter(|closed| **closed).count(), 1);
        assert_eq!(here.audit(letter).await.unwrap().len(), 1);
        let found = here.get(letter).await.unwrap().unwrap();
        assert_eq!(found.status, DeadLetterStatus::Resolved);
        let winner = closed.iter().position(|closed| *closed).unwrap();
        assert_eq!(found.note, Some(format!("operator {winner}")));
        let record = loaded(&there, &id).await;
        assert_eq!((record.status, record.epoch), (Status::Resolved, 2));
        assert_eq!(record.parking, None);
        assert_eq!(record.error, before.error);
        assert!(record.updated_at > before.updated_at);
        // It is over.
        let late = here.advance(id.clone(), 1, status(Status::Completed));
        assert_eq!(late.await.unwrap(), Written::Superseded);
        for event in [Event::Resumed, Event::Compensate] {
            let revived = here.revive(id.clone(), event, None).await;
            assert!(revived.unwrap().is_none());
        }
        assert!(!close(&here, letter + 9, by_hand()).await);
    }
}

pub(crate) async fn a_saga_is_resolved_with_its_last_letter(fixture: impl Workers) {
    let store = fixture.worker().await;
    let (saga, untouched) = (started(&store).await, came_to(&store, dead(0)).await);
    for position in [2, 1] {
        let write = Advance {
            dead_letter: Some(letter(position)),
            ..status(Status::Compensating)
        };
        advance(&store, &saga, write).await;
    }
    advance(&store, &saga, dead(0)).await;
    let letters = letters_of(&store, &saga).await;
    assert_eq!(letters.len(), 3);
    for (closing, letter) in [by_hand(), Closing::Discard].into_iter().zip(&letters) {
        assert!(close(&store, letter.id, closing).await);
        let record = loaded(&store, &saga).await;
        assert_eq!(
            (record.status, record.epoch),
            (Status::CompensationFailed, 1)
        );
    }
    assert!(close(&store, letters[2].id, by_hand()).await);
    let record = loaded(&store, &saga).await;
    assert_eq!((record.status, record.epoch), (Status::Resolved, 2));
    let statuses: Vec<_> = letters_of(&store, &saga)
        .await
        .iter()
        .map(|letter| letter.status)
        .collect();
    let (resolved, discarded) = (DeadLetterStatus::Resolved, DeadLetterStatus::Discarded);
    assert_eq!(statuses, [resolved, discarded, resolved]);
    let untouched = loaded(&store, &untouched).await;
    assert_eq!(untouched.status, Status::CompensationFailed);
}

pub(crate) async fn a_letter_that_is_given_up_is_discarded(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let saga = came_to(&store, dead(0)).await;
    let letter = letter_of(&store, &saga).await;
    assert!(close(&other, letter.id, Closing::Discard).await);
    let found = letter_of(&store, &saga).await;
    assert_eq!(found.status, DeadLetterStatus::Discarded);
    assert_eq!((found.note, found.work), (None, letter.work));
    assert_eq!(loaded(&store, &saga).await.status, Status::Resolved);
    for closing in [Closing::Discard, by_hand()] {
        assert!(!close(&store, letter.id, closing).await);
    }
}

pub(crate) async fn the_letter_of_a_saga_that_was_revived_is_not_closed(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = came_to(&store, dead(0)).await;
    let letter = letter_of(&store, &saga).await.id;
    let revived = store.revive(saga.clone(), Event::Compensate, None).await;
    assert!(revived.unwrap().is_some());
    for closing in [Closing::Discard, by_hand()] {
        assert!(!close(&store, letter, closing).await);
    }
    let record = loaded(&store, &saga).await;
    assert_eq!((record.status, record.epoch), (Status::Compensating, 2));
    advance_under(&store, &saga, 2, dead(0)).await;
    assert!(close(&store, letter, by_hand()).await);
    assert_eq!(loaded(&store, &saga).await.status, Status::Resolved);
    // Nor is one of a saga that is still undoing the rest.
    let saga = started(&store).await;
    let write = Advance {
        dead_letter: Some(super::letter(1)),
        ..status(Status::Compensating)
    };
    advance(&store, &saga, write).await;
    let letter = letter_of(&store, &saga).await.id;
    assert!(!close(&store, letter, by_hand()).await);
}

pub(crate) async fn a_request_that_nobody_has_taken_up_is_withdrawn(fixture: impl Workers) {
    let store = fixture.worker().await;
    for (end, closing, status) in [
        (dead(0), by_hand(), DeadLetterStatus::Resolved),
        (
            parked(Parking::Poison),
            Closing::Discard,
            DeadLetterStatus::Discarded,
        ),
    ] {
        let saga = came_to(&store, end).await;
        let letter = letter_of(&store, &saga).await.id;
        let request = store.request_retry(letter, RetryAs::Itself, operator());
        assert!(request.await.unwrap());
        assert!(close(&store, letter, closing.clone()).await);
        assert!(!close(&store, letter, closing).await);
        assert_eq!(letter_of(&store, &saga).await.status, status);
        let record = loaded(&store, &saga).await;
        assert_eq!((record.status, record.epoch), (Status::Resolved, 2));
        assert!(store.take_over(known(), 9).await.unwrap().is_empty());
    }
    // The request stands for the letters that are left.
    let saga = started(&store).await;
    let write = Advance {
        dead_letter: Some(letter(1)),
        ..status(Status::Compensating)
    };
    advance(&store, &saga, write).await;
    advance(&store, &saga, dead(0)).await;
    let letters = letters_of(&store, &saga).await;
    let request = store.request_retry(letters[0].id, RetryAs::Itself, operator());
    assert!(request.await.unwrap());
    assert!(close(&store, letters[0].id, by_hand()).await);
    assert_eq!(
        loaded(&store, &saga).await.status,
        Status::CompensationFailed
    );
    assert_eq!(store.take_over(known(), 9).await.unwrap().len(), 1);
    assert!(!close(&store, letters[1].id, by_hand()).await);
}
