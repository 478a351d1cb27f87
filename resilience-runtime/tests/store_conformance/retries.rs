//! Retries of sagas that operators request.

use resilience_runtime::dlq::{DeadLetter, DeadLetterStatus, Queue, RetryAs};
use resilience_runtime::saga::journal::{
    Advance, Event, Journal, Parking, SagaId, SagaRecord, SettledLetters, Status, Written,
};

use super::{
    Store, Workers, advance, advance_under, came_to, dead, handed_over, known, known_as, letter,
    letter_of, letters_of, loaded, operator, parked, started, status, step, steps,
};
use crate::fixture::at_once;

async fn request(store: &impl Store, letter: &DeadLetter, how: RetryAs) -> bool {
    let request = store.request_retry(letter.id, how, operator());
    request.await.unwrap()
}

/// Takes the one saga for which a retry was requested.
async fn taken(store: &impl Store) -> SagaRecord {
    let mut taken = store.take_over(known(), 9).await.unwrap();
    assert_eq!(taken.len(), 1, "{taken:?}");
    taken.remove(0)
}

/// A saga with two steps that could not be undone, and a third that could.
async fn with_two_letters(store: &impl Store) -> SagaId {
    let saga = started(store).await;
    let first = Advance {
        dead_letter: Some(letter(1)),
        status: Some(Status::Compensating),
        ..steps([0, 1, 2].map(step))
    };
    advance(store, &saga, first).await;
    advance(store, &saga, dead(0)).await;
    saga
}

pub(crate) async fn a_retry_takes_a_saga_to_where_it_was_asked_to(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let undoing = Status::Compensating;
    for (end, how, expected) in [
        (parked(Parking::Poison), RetryAs::Itself, Status::Running),
        (parked(Parking::Stuck), RetryAs::Itself, Status::Running),
        (parked(Parking::Mismatch), RetryAs::Compensation, undoing),
        (dead(0), RetryAs::Itself, undoing),
        (dead(0), RetryAs::Compensation, undoing),
    ] {
        let saga = started(&store).await;
        advance(&store, &saga, steps([step(0)])).await;
        advance(&store, &saga, end.clone()).await;
        let letter = letter_of(&store, &saga).await;
        assert!(request(&other, &letter, how).await);
        // It only waits until somebody takes it up.
        let waiting = loaded(&store, &saga).await;
        assert_eq!((Some(waiting.status), waiting.epoch), (end.status, 1));
        let requested = letter_of(&store, &saga).await;
        assert_eq!(requested.status, DeadLetterStatus::Retrying);
        assert_eq!((requested.id, requested.work), (letter.id, letter.work));

        let record = taken(&other).await;
        assert_eq!((&record.id, record.status), (&saga, expected));
        assert_eq!((record.epoch, record.interruptions), (2, 0));
        assert_eq!(record.parking, None);
        assert_eq!(handed_over(&record.steps), [step(0)]);
        let stored = loaded(&store, &saga).await;
        assert_eq!((stored.status, stored.epoch), (expected, 2));
        assert!(letter_of(&store, &saga).await.status.is_unresolved());
        // Once, and the owner before is fenced out.
        for store in [&store, &other] {
            assert!(store.take_over(known(), 9).await.unwrap().is_empty());
        }
        let late = store.advance(saga.clone(), 1, status(Status::Completed));
        assert_eq!(late.await.unwrap(), Written::Superseded);
        let end = Advance {
            settles: SettledLetters::All,
            ..status(Status::Compensated)
        };
        advance_under(&other, &saga, 2, end).await;
    }
}

pub(crate) async fn a_retry_that_many_ask_for_is_taken_up_once(fixture: impl Workers) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let saga = with_two_letters(&here).await;
    let letters = letters_of(&here, &saga).await;
    assert_eq!(letters.len(), 2);
    let answers = at_once(20, |number| {
        let even = number.is_multiple_of(2);
        let store = if even { &here } else { &there }.clone();
        // The two letters of one saga are one request.
        let id = letters[usize::from(number.is_multiple_of(3))].id;
        async move { store.request_retry(id, RetryAs::Itself, operator()).await }
    })
    .await;
    assert!(answers.iter().all(|requested| *requested), "{answers:?}");
    assert_eq!(here.audit_of_saga(saga.clone()).await.unwrap().len(), 20);
    for letter in letters_of(&here, &saga).await {
        assert_eq!(letter.status, DeadLetterStatus::Retrying);
    }
    assert_eq!(taken(&there).await.id, saga);
    assert!(here.take_over(known(), 9).await.unwrap().is_empty());
}

pub(crate) async fn the_latest_request_is_the_one_that_is_taken_up(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    for (first, latest, expected) in [
        (RetryAs::Itself, RetryAs::Compensation, Status::Compensating),
        (RetryAs::Compensation, RetryAs::Itself, Status::Running),
    ] {
        let saga = came_to(&store, parked(Parking::Poison)).await;
        let letter = letter_of(&store, &saga).await;
        assert!(request(&store, &letter, first).await);
        assert!(request(&other, &letter, latest).await);
        assert_eq!(store.audit_of_saga(saga.clone()).await.unwrap().len(), 2);
        let record = taken(&store).await;
        assert_eq!((record.id, record.status), (saga.clone(), expected));
        assert!(!request(&other, &letter, latest).await);
        let end = Advance {
            settles: SettledLetters::All,
            ..status(Status::Compensated)
        };
        advance_under(&store, &saga, 2, end).await;
    }
}

pub(crate) async fn a_retry_waits_for_somebody_who_knows_the_saga(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = came_to(&store, dead(0)).await;
    let letter = letter_of(&store, &saga).await;
    assert!(request(&store, &letter, RetryAs::Itself).await);
    for unknown in [known_as("checkout", 2), known_as("other", 1)] {
        let taken = store.take_over(vec![unknown], 9).await.unwrap();
        assert!(taken.is_empty(), "{taken:?}");
    }
    assert!(store.take_over(known(), 0).await.unwrap().is_empty());
    // Also after a restart.
    fixture.crash(store).await;
    let store = fixture.worker().await;
    assert_eq!(taken(&store).await.id, saga);
}

pub(crate) async fn one_of_many_takes_up_a_retry(fixture: impl Workers) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let mut expected = Vec::new();
    for _ in 0..10 {
        let saga = came_to(&here, dead(0)).await;
        let letter = letter_of(&here, &saga).await;
        assert!(request(&there, &letter, RetryAs::Itself).await);
        expected.push(saga);
    }
    let taken = at_once(8, |number| {
        let even = number.is_multiple_of(2);
        let store = if even { &here } else { &there }.clone();
        async move { store.take_over(known(), 100).await }
    })
    .await;
    let mut ids: Vec<_> = taken.into_iter().flatten().map(|saga| saga.id).collect();
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
}

pub(crate) async fn a_retry_that_succeeds_settles_its_letters(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = with_two_letters(&store).await;
    let first = letters_of(&store, &saga).await.remove(0);
    assert!(request(&store, &first, RetryAs::Itself).await);
    taken(&store).await;
    let write = Advance {
        undone: Some(1),
        settles: SettledLetters::Step(1),
        ..Advance::default()
    };
    advance_under(&store, &saga, 2, write).await;
    let statuses = async || {
        let letters = letters_of(&store, &saga).await.into_iter();
        let mut statuses: Vec<_> = letters
            .map(|letter| (letter.work.position, letter.status.is_unresolved()))
            .collect();
        statuses.sort();
        statuses
    };
    assert_eq!(statuses().await, [(Some(0), true), (Some(1), false)]);
    let end = Advance {
        undone: Some(0),
        settles: SettledLetters::All,
        ..status(Status::Compensated)
    };
    advance_under(&store, &saga, 2, end).await;
    assert_eq!(statuses().await, [(Some(0), false), (Some(1), false)]);
    for letter in letters_of(&store, &saga).await {
        assert_eq!(letter.status, DeadLetterStatus::Settled);
    }
    assert!(!request(&store, &first, RetryAs::Itself).await);
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
}

pub(crate) async fn a_retry_that_fails_leaves_its_letters_open(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = with_two_letters(&store).await;
    let before = letters_of(&store, &saga).await;
    assert!(request(&store, &before[0], RetryAs::Itself).await);
    taken(&store).await;
    let mut again = dead(0);
    again.dead_letter.as_mut().unwrap().error = "again".to_owned();
    advance_under(&store, &saga, 2, again).await;
    let after = letters_of(&store, &saga).await;
    let ids = |letters: &[DeadLetter]| letters.iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(ids(&after), ids(&before));
    for letter in &after {
        assert_eq!(letter.status, DeadLetterStatus::Open);
        let again = letter.work.position == Some(0);
        assert_eq!(letter.work.attempts, if again { 6 } else { 3 });
        assert_eq!(letter.work.error == "again", again);
    }
    // The request is used up, and can be made again.
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
    assert!(request(&store, &after[1], RetryAs::Itself).await);
    assert_eq!(taken(&store).await.epoch, 3);
}

pub(crate) async fn only_letters_that_nobody_works_on_are_retried(fixture: impl Workers) {
    let store = fixture.worker().await;
    let missing = store.request_retry(4_711, RetryAs::Itself, operator());
    assert!(!missing.await.unwrap());
    let saga = came_to(&store, dead(0)).await;
    let letter = letter_of(&store, &saga).await;
    assert!(request(&store, &letter, RetryAs::Itself).await);
    taken(&store).await;
    assert!(!request(&store, &letter, RetryAs::Itself).await);

    let saga = came_to(&store, dead(0)).await;
    let letter = letter_of(&store, &saga).await;
    let closing = resilience_runtime::dlq::Closing::Discard;
    let closed = Queue::close(&store, letter.id, closing, operator()).await;
    assert!(closed.unwrap());
    assert!(!request(&store, &letter, RetryAs::Itself).await);
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
}

pub(crate) async fn a_saga_that_is_worked_on_is_not_retried(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = started(&store).await;
    for after in [Status::Running, Status::Compensating] {
        let write = Advance {
            dead_letter: Some(letter(0)),
            ..status(after)
        };
        advance(&store, &saga, write).await;
        let open = letter_of(&store, &saga).await;
        assert!(!request(&store, &open, RetryAs::Itself).await);
        assert_eq!(letter_of(&store, &saga).await, open);
    }
    advance(&store, &saga, dead(0)).await;
    let open = letter_of(&store, &saga).await;
    let revived = store.revive(saga.clone(), Event::Compensate, None).await;
    assert!(revived.unwrap().is_some());
    assert!(!request(&store, &open, RetryAs::Itself).await);
    let audit = store.audit_of_saga(saga.clone()).await.unwrap();
    assert!(audit.is_empty(), "{audit:?}");
    // No request stands when it is dead again.
    advance_under(&store, &saga, 2, dead(0)).await;
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
    assert!(request(&store, &open, RetryAs::Itself).await);
}

/// Somebody takes it by hand before a process has taken up the request.
pub(crate) async fn a_request_is_used_up_by_whoever_revives_the_saga(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = came_to(&store, dead(0)).await;
    let letter = letter_of(&store, &saga).await;
    assert!(request(&store, &letter, RetryAs::Itself).await);
    let revived = store.revive(saga.clone(), Event::Compensate, None).await;
    assert!(revived.unwrap().is_some());
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
    advance_under(&store, &saga, 2, dead(0)).await;
    let open = letter_of(&store, &saga).await;
    assert_eq!((open.id, open.status), (letter.id, DeadLetterStatus::Open));
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
}
