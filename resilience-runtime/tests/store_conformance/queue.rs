//! The dead letter queue.

use resilience_runtime::dlq::{DeadLetterStatus, Kind, NewDeadLetter, Queue};
use resilience_runtime::saga::journal::{Advance, Journal, Started, Status, Written};

use super::{Store, advance, dead, died, letter, new_saga, status};
use crate::fixture::{Fixture, at_once, digest};

async fn open(store: &impl Store) -> Vec<resilience_runtime::dlq::DeadLetter> {
    let open = store.list(DeadLetterStatus::Open, None, 100).await;
    open.unwrap()
}

pub(crate) async fn a_dead_letter_is_read_as_it_was_written(fixture: impl Fixture<Store: Store>) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let saga = died(&store, "release").await;
    let letters = open(&other).await;
    let [found] = &letters[..] else {
        panic!("{letters:?}");
    };
    assert_eq!(found.saga, saga);
    assert_eq!(found.saga_name, "checkout");
    assert_eq!(found.work, letter("release"));
    assert_eq!(found.status, DeadLetterStatus::Open);
    assert!(found.created_at > 1_700_000_000);
    assert_eq!(found.note, None);
    assert_eq!(other.get(found.id).await.unwrap().as_ref(), Some(found));
    assert_eq!(other.get(found.id + 1).await.unwrap(), None);

    let write = Advance {
        dead_letter: Some(NewDeadLetter {
            kind: Kind::Saga,
            output: None,
            ..letter("checkout")
        }),
        ..status(Status::Dead)
    };
    advance(&store, &saga, write.clone()).await;
    assert_eq!(Some(open(&other).await[0].work.clone()), write.dead_letter);
}

pub(crate) async fn letters_are_listed_oldest_first_in_pages(fixture: impl Fixture<Store: Store>) {
    let store = fixture.worker().await;
    let mut expected = Vec::new();
    for number in 0..5 {
        expected.push(died(&store, &format!("step-{number}")).await);
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(DeadLetterStatus::Open, after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        found.extend(page.into_iter().map(|letter| letter.saga));
    }
    assert_eq!(found, expected);
    for status in [DeadLetterStatus::Settled, DeadLetterStatus::Resolved] {
        assert!(store.list(status, None, 9).await.unwrap().is_empty());
    }
}

pub(crate) async fn a_saga_has_one_open_letter(fixture: impl Fixture<Store: Store>) {
    let store = fixture.worker().await;
    let saga = died(&store, "release").await;
    let first = open(&store).await[0].id;
    let mut again = dead("release");
    again.dead_letter.as_mut().unwrap().error = "still no answer".to_owned();
    advance(&store, &saga, again).await;
    let letters = open(&store).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].id, first);
    assert_eq!(letters[0].work.error, "still no answer");
    assert_eq!(letters[0].work.attempts, 6);
    // Other work of the same saga has been tried as often as it says, and no more.
    advance(&store, &saga, dead("refund")).await;
    let letters = open(&store).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].work, letter("refund"));
}

pub(crate) async fn a_letter_is_settled_by_the_journal(fixture: impl Fixture<Store: Store>) {
    let store = fixture.worker().await;
    let saga = died(&store, "release").await;
    let other = died(&store, "release").await;
    let id = open(&store).await[0].id;
    store.revive(saga.clone()).await.unwrap().unwrap();
    let write = Advance {
        settles_dead_letter: true,
        ..status(Status::Compensated)
    };
    let written = store.advance(saga.clone(), 2, write).await;
    assert_eq!(written.unwrap(), Written::Yes);
    let settled = store.get(id).await.unwrap().unwrap();
    assert_eq!(settled.status, DeadLetterStatus::Settled);
    assert!(!store.resolve(id, "late".to_owned()).await.unwrap());
    let left = open(&store).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].saga, other);
    let mut counts = Queue::counts(&store).await.unwrap();
    counts.sort_by_key(|(status, _)| status.as_str());
    assert_eq!(
        counts,
        [(DeadLetterStatus::Open, 1), (DeadLetterStatus::Settled, 1)]
    );
}

pub(crate) async fn a_letter_is_resolved_once_with_its_saga(fixture: impl Fixture<Store: Store>) {
    let store = fixture.worker().await;
    let saga = new_saga(Some(digest(1)));
    let id = saga.id.clone();
    store.start(saga).await.unwrap();
    advance(&store, &id, dead("release")).await;
    let letter = open(&store).await[0].id;
    let resolved = at_once(8, |number| {
        let store = store.clone();
        async move { store.resolve(letter, format!("operator {number}")).await }
    })
    .await;
    assert_eq!(resolved.iter().filter(|resolved| **resolved).count(), 1);
    let found = store.get(letter).await.unwrap().unwrap();
    assert_eq!(found.status, DeadLetterStatus::Resolved);
    let winner = resolved.iter().position(|resolved| *resolved).unwrap();
    assert_eq!(found.note, Some(format!("operator {winner}")));
    let record = store.load(id.clone()).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Compensated);
    let late = store.advance(id.clone(), 1, status(Status::Completed));
    assert_eq!(late.await.unwrap(), Written::Superseded);
    assert!(store.revive(id).await.unwrap().is_none());
    let again = store.start(new_saga(Some(digest(1)))).await.unwrap();
    assert!(matches!(again, Started::New));
    assert!(!store.resolve(letter + 9, String::new()).await.unwrap());
}

pub(crate) async fn the_letter_of_a_saga_that_was_revived_is_not_resolved(
    fixture: impl Fixture<Store: Store>,
) {
    let store = fixture.worker().await;
    let saga = died(&store, "release").await;
    let letter = open(&store).await[0].id;
    store.revive(saga.clone()).await.unwrap().unwrap();
    assert!(!store.resolve(letter, "by hand".to_owned()).await.unwrap());
    let record = store.load(saga.clone()).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Compensating);
    let written = store.advance(saga, 2, dead("release")).await;
    assert_eq!(written.unwrap(), Written::Yes);
    assert!(store.resolve(letter, "by hand".to_owned()).await.unwrap());
}
