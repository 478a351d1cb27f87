//! The journal of sagas and the dead letters.

pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod mixed;
pub(crate) mod queue;
pub(crate) mod recovery;

use std::time::Duration;

use resilience_runtime::dlq::{Kind, NewDeadLetter, Queue};
use resilience_runtime::idempotency::{Digest, SagaKey};
use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, SagaId, Started, Status, StepRecord, Written,
};

/// Tests of a store that keeps sagas and dead letters.
macro_rules! sagas {
    ($fixture:expr, start_paused = $paused:tt) => {
        instantiate! { sagas, $fixture, $paused:
            journal:
                a_saga_is_loaded_as_it_was_written,
                a_write_under_another_epoch_changes_nothing,
                a_write_sets_what_is_set_and_nothing_else,
                steps_come_back_in_order_whatever_the_order_of_writing,
                a_write_may_be_made_again_but_not_with_another_step,
                texts_come_back_or_are_visibly_replaced,
                sagas_are_counted_by_status;
            keys:
                a_key_has_one_saga_until_it_is_compensated,
                one_of_many_starts_with_a_key,
                a_dead_saga_keeps_its_key,
                a_completed_saga_keeps_its_key_for_its_ttl,
                an_unfinished_saga_keeps_its_key_whatever_its_age,
                one_of_many_starts_with_the_key_of_an_old_saga;
            recovery:
                sagas_of_a_worker_that_is_gone_are_taken_over,
                sagas_of_live_workers_are_left_alone,
                unknown_names_and_finished_sagas_are_left_alone,
                no_more_than_the_limit_is_taken,
                each_saga_is_taken_over_by_one_of_many,
                start_takes_over_the_saga_with_its_key,
                the_owner_before_is_fenced_out,
                one_of_many_revives_a_dead_saga;
            queue:
                a_dead_letter_is_read_as_it_was_written,
                letters_are_listed_oldest_first_in_pages,
                a_saga_has_one_open_letter,
                a_letter_is_settled_by_the_journal,
                a_letter_is_resolved_once_with_its_saga,
                the_letter_of_a_saga_that_was_revived_is_not_resolved;
            mixed:
                writes_to_a_saga_happen_in_the_order_in_which_they_are_asked_for,
                a_dropped_future_does_not_undo_what_was_handed_over,
                a_dropped_read_leaves_the_store_usable;
        }
    };
}

/// Tests of a store that keeps everything.
macro_rules! everything {
    ($fixture:expr, start_paused = $paused:tt) => {
        mod everything {
            instantiate! { sagas, $fixture, $paused:
                mixed:
                    a_thousand_operations_at_once_all_happen;
            }
        }
    };
}

/// Tests of a store that carries out everything in the order in which it is asked for.
macro_rules! one_after_another {
    ($fixture:expr, start_paused = $paused:tt) => {
        mod one_after_another {
            instantiate! { sagas, $fixture, $paused:
                mixed:
                    claims_happen_in_the_order_in_which_they_are_asked_for;
            }
        }
    };
}

pub(crate) trait Store: Journal + Queue + Clone + Send + Sync + 'static {}

impl<T: Journal + Queue + Clone + Send + Sync + 'static> Store for T {}

/// A saga whose key is kept for an hour.
pub(crate) fn new_saga(key: Option<Digest>) -> NewSaga {
    NewSaga {
        id: SagaId::generate(),
        name: "checkout".to_owned(),
        key: key.map(|digest| SagaKey {
            digest,
            ttl: Duration::from_secs(3600),
        }),
        input: r#"{"order":1}"#.to_owned(),
    }
}

pub(crate) fn step(position: u32) -> StepRecord {
    StepRecord {
        position,
        step: format!("step-{position}"),
        occurrence: 0,
        arguments: r#"{"n":1}"#.to_owned(),
        output: Some("null".to_owned()),
        undone: false,
    }
}

pub(crate) fn letter(operation: &str) -> NewDeadLetter {
    NewDeadLetter {
        kind: Kind::Compensation,
        operation: operation.to_owned(),
        arguments: "{}".to_owned(),
        output: Some("1".to_owned()),
        error: "the warehouse does not answer".to_owned(),
        attempts: 3,
    }
}

pub(crate) fn status(status: Status) -> Advance {
    Advance {
        status: Some(status),
        ..Advance::default()
    }
}

pub(crate) fn dead(operation: &str) -> Advance {
    Advance {
        dead_letter: Some(letter(operation)),
        error: Some("no stock".to_owned()),
        ..status(Status::Dead)
    }
}

/// Starts a saga without a key.
pub(crate) async fn started(store: &impl Store) -> SagaId {
    let saga = new_saga(None);
    let id = saga.id.clone();
    assert!(matches!(store.start(saga).await.unwrap(), Started::New));
    id
}

/// Writes under the first epoch, and expects it to be written.
pub(crate) async fn advance(store: &impl Store, saga: &SagaId, advance: Advance) {
    let written = store.advance(saga.clone(), 1, advance).await;
    assert_eq!(written.unwrap(), Written::Yes);
}

/// A saga that is dead, with a letter about `operation`.
pub(crate) async fn died(store: &impl Store, operation: &str) -> SagaId {
    let saga = started(store).await;
    advance(store, &saga, dead(operation)).await;
    saga
}
