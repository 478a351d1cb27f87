//! Sagas that an operator parks because nobody runs them.

use resilience_runtime::dlq::{Closing, DeadLetterKind, DeadLetterStatus, Queue, RetryAs};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Event, Journal, Park, ParkOutcome, Parking, SagaId, SagaRecord, Status, Written,
};
use resilience_runtime::timestamp::Timestamp;

use super::{
    Store, Workers, advance, came_to, dead, handed_over, known, letter, letter_of, letters_of,
    loaded, operator, parked, started, status, step, steps,
};
use crate::fixture::at_once;

/// Parks `saga` as it was seen, with the letter of a saga.
fn park(seen: &SagaRecord) -> Park {
    Park {
        epoch: seen.epoch,
        status: seen.status,
        reason: "nobody has its code".to_owned(),
        dead_letter: parked(Parking::Operator).dead_letter,
    }
}

async fn asked(store: &impl Store, saga: &SagaId, park: Park) -> Option<ParkOutcome> {
    let asked = store.park(saga.clone(), park, operator()).await;
    asked.unwrap()
}

/// Sagas with a step of a worker that has crashed, and of one that was closed.
async fn left_behind(fixture: &impl Workers) -> [SagaId; 2] {
    let (crashes, leaves) = (fixture.worker().await, fixture.worker().await);
    let sagas = [started(&crashes).await, started(&leaves).await];
    advance(&crashes, &sagas[0], steps([step(0)])).await;
    advance(&leaves, &sagas[1], steps([step(0)])).await;
    fixture.crash(crashes).await;
    fixture.close(leaves).await;
    sagas
}

pub(crate) async fn a_saga_that_nobody_has_is_parked(fixture: impl Workers) {
    let store = fixture.worker().await;
    for saga in left_behind(&fixture).await {
        let seen = loaded(&store, &saga).await;
        let outcome = asked(&store, &saga, park(&seen)).await;
        let its = letter_of(&store, &saga).await;
        assert_eq!(outcome, Some(ParkOutcome::Parked(its.id)));
        assert_eq!(its.status, DeadLetterStatus::Open);
        assert_eq!(Some(its.work), park(&seen).dead_letter);
        let record = loaded(&store, &saga).await;
        let found = (record.status, record.parking, record.epoch);
        assert_eq!(found, (Status::Parked, Some(Parking::Operator), 2));
        assert_eq!(record.error.as_deref(), Some("nobody has its code"));
        assert!(record.updated_at >= seen.updated_at);
        assert_eq!(handed_over(&record.steps), [step(0)]);
        let audit = store.audit(its.id).await.unwrap();
        let said = (&*audit[0].operator, &*audit[0].action, audit.len());
        assert_eq!(said, ("ada", "park", 1));
        assert_eq!(audit[0].reason.as_deref(), Some("the warehouse is back"));
        assert_eq!(store.audit_of_saga(saga.clone()).await.unwrap(), audit);
        // Whoever had it can write nothing.
        let late = store.advance(saga.clone(), 1, status(Status::Completed));
        assert_eq!(late.await.unwrap(), Written::Superseded);
        let again = asked(&store, &saga, park(&seen)).await;
        let expected = ParkOutcome::NotUnfinished(Status::Parked);
        assert_eq!(again, Some(expected));
    }
    assert_eq!(store.orphaned(Vec::new()).await.unwrap(), []);
    // A person has decided.
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
    let later = Timestamp::from_micros(4_000_000_000_000_000);
    let taken = store.take_parked(known(), later, 9).await.unwrap();
    assert!(taken.is_empty(), "{taken:?}");
}

pub(crate) async fn what_was_parked_by_hand_goes_on_or_ends_by_its_letter(fixture: impl Workers) {
    let store = fixture.worker().await;
    let [forward, backward] = left_behind(&fixture).await;
    let [resolved, discarded] = left_behind(&fixture).await;
    for saga in [&forward, &backward, &resolved, &discarded] {
        let seen = loaded(&store, saga).await;
        asked(&store, saga, park(&seen)).await;
    }
    for (saga, how, expected) in [
        (&forward, RetryAs::Itself, Status::Running),
        (&backward, RetryAs::Compensation, Status::Compensating),
    ] {
        let id = letter_of(&store, saga).await.id;
        let requested = store.request_retry(id, how, operator()).await;
        assert!(requested.unwrap());
        let taken = store.take_over(known(), 9).await.unwrap();
        let found: Vec<_> = taken.iter().map(|it| (&it.id, it.status)).collect();
        assert_eq!(found, [(saga, expected)]);
        assert_eq!((taken[0].epoch, taken[0].parking), (3, None));
    }
    for (saga, closing) in [
        (&resolved, Closing::Resolve("by hand".to_owned())),
        (&discarded, Closing::Discard),
    ] {
        let id = letter_of(&store, saga).await.id;
        let closed = Queue::close(&store, id, closing, operator()).await;
        assert!(closed.unwrap());
        let record = loaded(&store, saga).await;
        assert_eq!((record.status, record.epoch), (Status::Resolved, 3));
        assert_eq!(record.parking, None);
    }
}

pub(crate) async fn a_saga_that_somebody_has_is_not_parked(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let (mine, theirs) = (started(&store).await, started(&other).await);
    for saga in [&mine, &theirs] {
        let seen = loaded(&store, saga).await;
        let owned = asked(&store, saga, park(&seen)).await;
        assert!(matches!(owned, Some(ParkOutcome::Owned(_))), "{owned:?}");
        assert_eq!(letters_of(&store, saga).await, []);
        assert_eq!(store.audit_of_saga(saga.clone()).await.unwrap(), []);
        advance(&store, saga, steps([step(0)])).await;
    }
    for end in [
        status(Status::Completed),
        status(Status::Compensated),
        status(Status::Failed),
        status(Status::Resolved),
        dead(0),
        parked(Parking::Poison),
    ] {
        let status = end.status.unwrap();
        let saga = came_to(&store, end).await;
        let letters = letters_of(&store, &saga).await;
        let mut seen = loaded(&store, &saga).await;
        seen.status = Status::Running;
        let outcome = asked(&store, &saga, park(&seen)).await;
        assert_eq!(outcome, Some(ParkOutcome::NotUnfinished(status)));
        assert_eq!(letters_of(&store, &saga).await, letters);
        assert_eq!(loaded(&store, &saga).await.epoch, 1);
    }
    let seen = loaded(&store, &mine).await;
    let missing = asked(&store, &SagaId::generate(), park(&seen)).await;
    assert_eq!(missing, Some(ParkOutcome::NotFound));
}

pub(crate) async fn a_saga_that_is_not_as_it_was_seen_is_not_parked(fixture: impl Workers) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let running = started(&crashes).await;
    let undoing = started(&crashes).await;
    advance(&crashes, &undoing, steps([step(0), step(1)])).await;
    let seen = loaded(&store, &undoing).await;
    advance(&crashes, &undoing, status(Status::Compensating)).await;
    let mut undone = steps([]);
    undone.undone = Some(1);
    advance(&crashes, &undoing, undone).await;
    fixture.crash(crashes).await;

    let now = loaded(&store, &undoing).await;
    let about_step = Park {
        dead_letter: Some(letter(1)),
        ..park(&now)
    };
    let without_letter = Park {
        dead_letter: None,
        ..park(&now)
    };
    for park in [park(&seen), about_step, without_letter] {
        let outcome = asked(&store, &undoing, park.clone()).await;
        assert_eq!(outcome, None, "{park:?}");
    }
    let mut seen = loaded(&store, &running).await;
    seen.epoch = 2;
    assert_eq!(asked(&store, &running, park(&seen)).await, None);
    for saga in [&running, &undoing] {
        assert_eq!(letters_of(&store, saga).await, []);
        assert_eq!(store.audit_of_saga(saga.clone()).await.unwrap(), []);
        let record = loaded(&store, saga).await;
        assert!(record.status.is_unfinished() && record.epoch == 1);
    }
}

pub(crate) async fn what_was_being_undone_is_parked_as_such(fixture: impl Workers) {
    let (store, crashes) = (fixture.worker().await, fixture.worker().await);
    let first = started(&crashes).await;
    let mut undoing = steps([step(0), step(1)]);
    undoing.status = Some(Status::Compensating);
    undoing.error = Some("no stock".to_owned());
    advance(&crashes, &first, undoing).await;
    let retried = came_to(&crashes, dead(0)).await;
    let revived = crashes.revive(retried.clone(), Event::Compensate, None);
    assert!(revived.await.unwrap().is_some());
    fixture.crash(crashes).await;

    let about_step = Park {
        dead_letter: Some(letter(1)),
        ..park(&loaded(&store, &first).await)
    };
    let outcome = asked(&store, &first, about_step).await;
    let its = letter_of(&store, &first).await;
    assert_eq!(outcome, Some(ParkOutcome::Parked(its.id)));
    let found = (its.work.kind, its.work.position);
    assert_eq!(found, (DeadLetterKind::Compensation, Some(1)));

    // It has a letter, which says what has failed.
    let without_letter = Park {
        dead_letter: None,
        ..park(&loaded(&store, &retried).await)
    };
    let before = letter_of(&store, &retried).await;
    let outcome = asked(&store, &retried, without_letter).await;
    assert_eq!(outcome, Some(ParkOutcome::Parked(before.id)));
    let after = letter_of(&store, &retried).await;
    assert_eq!(
        (after.status, after.work),
        (DeadLetterStatus::Open, before.work)
    );

    for (saga, epoch) in [(&first, 2), (&retried, 3)] {
        let record = loaded(&store, saga).await;
        let found = (record.status, record.parking, record.epoch);
        assert_eq!(found, (Status::CompensationFailed, None, epoch));
        assert_eq!(record.error.as_deref(), Some("no stock"));
    }
}

pub(crate) async fn one_of_many_parks_a_saga_or_takes_it_over(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let [saga, also] = left_behind(&fixture).await;
    let seen = [loaded(&store, &saga).await, loaded(&store, &also).await];
    let won = at_once(12, |number| {
        let (store, other, seen) = (store.clone(), other.clone(), seen.clone());
        async move {
            if number % 3 == 2 {
                let taken = other.take_over(known(), 1).await?;
                return Ok(taken.into_iter().map(|it| it.id).collect::<Vec<_>>());
            }
            let mut parked = Vec::new();
            for seen in &seen {
                let by = Operator::named(number.to_string());
                let outcome = store.park(seen.id.clone(), park(seen), by).await?;
                if matches!(outcome, Some(ParkOutcome::Parked(_))) {
                    parked.push(seen.id.clone());
                }
            }
            Ok(parked)
        }
    });
    let mut won: Vec<_> = won.await.into_iter().flatten().collect();
    won.sort();
    let mut all = vec![saga, also];
    all.sort();
    assert_eq!(won, all);
    for saga in all {
        let record = loaded(&store, &saga).await;
        assert_eq!(record.epoch, 2);
        let is_parked = record.status == Status::Parked;
        let audit = store.audit_of_saga(saga.clone()).await.unwrap();
        assert_eq!(audit.len(), usize::from(is_parked));
        assert_eq!(
            letters_of(&store, &saga).await.len(),
            usize::from(is_parked)
        );
    }
}

pub(crate) async fn any_reason_is_kept(fixture: impl Workers) {
    let store = fixture.worker().await;
    let long = "why ".repeat(1 << 18);
    let reasons = ["", "nul\0", "📦 語 \u{202e}'; DROP TABLE x; --", &*long];
    for reason in reasons {
        // Some stores cannot keep it as it is, and show that.
        let kept = reason.replace('\0', "\u{2400}");
        let shown = |text: &str| text.replace('\0', "\u{2400}");
        let [saga, _] = left_behind(&fixture).await;
        let seen = loaded(&store, &saga).await;
        let mut park = park(&seen);
        park.reason = reason.to_owned();
        if let Some(letter) = &mut park.dead_letter {
            letter.error = reason.to_owned();
        }
        let by = Operator::named(reason).because(reason);
        let outcome = store.park(saga.clone(), park, by).await.unwrap();
        assert!(matches!(outcome, Some(ParkOutcome::Parked(_))));
        let record = loaded(&store, &saga).await;
        assert_eq!(shown(&record.error.unwrap()), kept);
        assert_eq!(shown(&letter_of(&store, &saga).await.work.error), kept);
        let audit = store.audit_of_saga(saga).await.unwrap();
        assert_eq!(shown(&audit[0].operator), kept);
        assert_eq!(audit[0].reason.as_deref().map(shown), Some(kept));
    }
}
