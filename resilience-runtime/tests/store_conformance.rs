//! What every store must do, run against each: a store that passes this is a store.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are tests, helpers included"
)]

#[path = "store_conformance/fixture.rs"]
mod fixture;
#[path = "store_conformance/idempotency.rs"]
mod idempotency;
#[path = "store_conformance/journal.rs"]
mod journal;
#[path = "store_conformance/keys.rs"]
mod keys;
#[path = "store_conformance/mixed.rs"]
mod mixed;
#[path = "store_conformance/queue.rs"]
mod queue;
#[path = "store_conformance/recovery.rs"]
mod recovery;

/// Runs each of the test functions against each of the stores.
macro_rules! conformance {
    ($($topic:ident: $($name:ident),+;)+) => {
        mod memory {
            $(mod $topic {
                $(#[tokio::test]
                async fn $name() {
                    crate::$topic::$name(crate::fixture::Memory::new()).await;
                })+
            })+
        }

        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(mod $topic {
                $(#[tokio::test]
                async fn $name() {
                    crate::$topic::$name(crate::fixture::Sqlite::new()).await;
                })+
            })+
        }
    };
}

conformance! {
    idempotency:
        a_key_is_granted_once_and_then_answers_its_result,
        a_released_key_is_granted_again,
        only_the_nonce_that_has_the_key_ends_the_claim,
        other_arguments_are_a_mismatch_in_every_state,
        a_result_may_be_stored_again_by_its_nonce,
        an_expired_record_does_not_count,
        a_vanished_record_is_written_anew,
        the_key_of_a_worker_that_is_gone_is_granted_with_the_next_attempt,
        one_of_many_takes_the_key_of_a_worker_that_is_gone,
        results_come_back_as_they_were_stored,
        a_claim_can_be_asked_for_twice,
        one_of_many_gets_the_key;
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
        a_thousand_operations_at_once_all_happen,
        what_is_asked_for_one_after_another_happens_in_order,
        a_dropped_future_does_not_undo_what_was_handed_over,
        a_dropped_read_leaves_the_store_usable;
}
