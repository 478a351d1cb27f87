//! What operators do is written down.

use resilience_runtime::dlq::{AuditEntry, Closing, DeadLetterId, Queue, RetryAs};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{Advance, Event, Journal, Parking, SagaId, Status};

use super::work::{added, nonce, requested, work};
use super::{
    Store, Workers, advance, advance_under, came_to, dead, known, letter, letter_of, letters_of,
    operator, parked, started, status,
};

async fn of_letter(store: &impl Store, letter: DeadLetterId) -> Vec<AuditEntry> {
    store.audit(letter).await.unwrap()
}

async fn of_saga(store: &impl Store, saga: &SagaId) -> Vec<AuditEntry> {
    store.audit_of_saga(saga.clone()).await.unwrap()
}

/// What was done by whom.
fn words(entries: &[AuditEntry]) -> Vec<(&str, &str)> {
    let words = entries
        .iter()
        .map(|it| (it.operator.as_str(), it.action.as_str()));
    words.collect()
}

pub(crate) async fn what_operators_do_is_written_down_in_its_order(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let saga = started(&store).await;
    let cancel = store.cancel(saga.clone(), Operator::named("ada")).await;
    assert!(cancel.unwrap().is_some());
    let written = store.advance(saga.clone(), 1, parked(Parking::Poison));
    written.await.unwrap();
    let by = Operator::named("bob").because("a new version");
    let revived = store.revive(saga.clone(), Event::Resumed, Some(by)).await;
    assert!(revived.unwrap().is_some());
    let written = store.advance(saga.clone(), 2, parked(Parking::Stuck));
    written.await.unwrap();
    let id = letter_of(&store, &saga).await.id;
    let request = other.request_retry(id, RetryAs::Itself, Operator::named("cy"));
    assert!(request.await.unwrap());
    other.take_over(known(), 9).await.unwrap();
    let written = other.advance(saga.clone(), 3, parked(Parking::Stuck));
    written.await.unwrap();
    let by = Operator::named("dan");
    let revived = store
        .revive(saga.clone(), Event::Compensate, Some(by))
        .await;
    assert!(revived.unwrap().is_some());
    let mut end = dead(0);
    end.dead_letter = parked(Parking::Stuck).dead_letter;
    store.advance(saga.clone(), 4, end).await.unwrap();
    let closing = Closing::Resolve("note".to_owned());
    let by = Operator::named("eve").because("done");
    assert!(Queue::close(&store, id, closing, by).await.unwrap());

    let entries = of_letter(&other, id).await;
    let expected = [
        ("ada", "cancel"),
        ("bob", "retry"),
        ("cy", "retry"),
        ("dan", "compensate"),
        ("eve", "resolve"),
    ];
    assert_eq!(words(&entries), expected);
    assert_eq!(of_saga(&other, &saga).await, entries);
    let reasons: Vec<_> = entries.iter().map(|it| it.reason.as_deref()).collect();
    let new = Some("a new version");
    assert_eq!(reasons, [None, new, None, None, Some("done")]);
    assert!(entries.is_sorted_by_key(|entry| entry.at));
    let letters: Vec<_> = entries.iter().map(|entry| entry.letter).collect();
    assert_eq!(letters, [None, None, Some(id), None, Some(id)]);
    for entry in entries.iter().filter(|entry| entry.letter.is_none()) {
        assert_eq!(entry.saga.as_ref(), Some(&saga));
    }

    let saga = came_to(&store, parked(Parking::Poison)).await;
    let id = letter_of(&store, &saga).await.id;
    let request = store.request_retry(id, RetryAs::Compensation, operator());
    assert!(request.await.unwrap());
    let entries = of_saga(&store, &saga).await;
    assert_eq!(words(&entries), [("ada", "compensate")]);

    let id = added(&store, "mail").await;
    assert!(requested(&store, id).await);
    store.take_work(vec!["mail".to_owned()], 9).await.unwrap();
    let failed = Some("again".to_owned());
    assert!(store.end_work(id, failed).await.unwrap());
    let discard = Queue::close(&store, id, Closing::Discard, operator());
    assert!(discard.await.unwrap());
    let entries = of_letter(&other, id).await;
    let expected = [("ada", "add"), ("ada", "retry"), ("ada", "discard")];
    assert_eq!(words(&entries), expected);
    for entry in entries {
        assert_eq!(entry.reason, operator().reason);
        assert_eq!((entry.letter, entry.saga), (Some(id), None));
    }
}

pub(crate) async fn what_is_not_done_is_not_written_down(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = came_to(&store, dead(0)).await;
    let id = letter_of(&store, &saga).await.id;
    let revived = store.revive(saga.clone(), Event::Resumed, Some(operator()));
    assert!(revived.await.unwrap().is_none());
    store.cancel(saga.clone(), operator()).await.unwrap();
    // Nobody asked for it.
    let revived = store.revive(saga.clone(), Event::Compensate, None).await;
    assert!(revived.unwrap().is_some());
    let closed = Queue::close(&store, id, Closing::Discard, operator()).await;
    assert!(!closed.unwrap());
    assert_eq!(of_letter(&store, id).await, []);
    advance_under(&store, &saga, 2, dead(0)).await;
    assert!(requested(&store, id).await);
    let revived = store.revive(saga.clone(), Event::Compensate, None).await;
    assert!(revived.unwrap().is_some());
    for _ in 0..2 {
        assert!(!requested(&store, id).await);
        let closed = Queue::close(&store, id, Closing::Discard, operator()).await;
        assert!(!closed.unwrap());
    }
    assert_eq!(words(&of_letter(&store, id).await), [("ada", "retry")]);

    let again = nonce();
    for _ in 0..3 {
        let added = store.add(work("mail"), again.clone(), operator()).await;
        assert_eq!(of_letter(&store, added.unwrap()).await.len(), 1);
    }
    let missing = SagaId::generate();
    store.cancel(missing.clone(), operator()).await.unwrap();
    assert_eq!(of_saga(&store, &missing).await, []);
    assert_eq!(of_letter(&store, 4_711).await, []);
}

pub(crate) async fn an_audit_is_of_its_letter_or_saga_alone(fixture: impl Workers) {
    let store = fixture.worker().await;
    let (saga, other) = (started(&store).await, came_to(&store, dead(0)).await);
    let first = Advance {
        dead_letter: Some(letter(1)),
        ..status(Status::Compensating)
    };
    advance(&store, &saga, first).await;
    advance(&store, &saga, dead(0)).await;
    let letters = letters_of(&store, &saga).await;
    let close = Queue::close(&store, letters[0].id, Closing::Discard, operator());
    assert!(close.await.unwrap());
    let work = added(&store, "mail").await;
    assert_eq!(of_letter(&store, letters[0].id).await.len(), 1);
    assert_eq!(of_letter(&store, letters[1].id).await, []);
    assert_eq!(of_saga(&store, &saga).await.len(), 1);
    assert_eq!(of_saga(&store, &other).await, []);
    let id = letter_of(&store, &other).await.id;
    assert_eq!(of_letter(&store, id).await, []);
    assert_eq!(of_letter(&store, work).await.len(), 1);
}
