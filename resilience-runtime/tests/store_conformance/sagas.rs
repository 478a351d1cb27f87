//! The journal of sagas and the dead letters.

pub(crate) mod audits;
pub(crate) mod cancelling;
pub(crate) mod changes;
pub(crate) mod closing;
pub(crate) mod filters;
pub(crate) mod ids;
pub(crate) mod interruptions;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod letters;
pub(crate) mod listing;
pub(crate) mod mixed;
pub(crate) mod model;
pub(crate) mod parking;
pub(crate) mod purging;
pub(crate) mod queue;
pub(crate) mod recovery;
pub(crate) mod retries;
pub(crate) mod revival;
mod samples;
pub(crate) mod steps;
pub(crate) mod texts;
pub(crate) mod times;
pub(crate) mod work;

use resilience_runtime::dlq::Queue;
use resilience_runtime::saga::journal::Journal;

pub(crate) use self::samples::*;
use crate::fixture::Fixture;

/// Tests of a store that keeps sagas and dead letters.
macro_rules! sagas {
    ($fixture:expr, start_paused = $paused:tt) => {
        instantiate! { sagas, $fixture, $paused:
            journal:
                a_saga_is_loaded_as_it_was_written,
                what_was_wrong_with_a_saga_that_is_completed_is_forgotten,
                a_write_under_another_epoch_changes_nothing,
                a_write_sets_what_is_set_and_nothing_else,
                a_saga_is_parked_for_as_long_as_its_status_says,
                every_status_is_read_as_it_was_written;
            steps:
                steps_come_back_in_order_whatever_the_order_of_writing,
                a_step_is_read_as_it_was_written,
                a_write_may_be_made_again_but_not_with_another_step,
                a_step_in_doubt_is_replaced_by_what_it_came_to,
                a_step_is_written_and_undone_in_one_write,
                a_saga_has_many_steps;
            texts:
                texts_come_back_or_are_visibly_replaced,
                names_are_found_whatever_is_in_them,
                long_texts_come_back;
            times:
                moments_are_in_their_order,
                a_deadline_is_as_far_away_as_it_was_asked_for,
                a_saga_is_as_old_as_its_status_or_its_owner,
                steps_carry_the_moment_of_their_write;
            ids:
                a_given_id_belongs_to_its_saga_however_it_ended,
                a_given_id_that_is_worked_on_is_busy,
                the_given_id_of_a_worker_that_is_gone_is_taken_over,
                one_of_many_starts_with_a_given_id,
                an_id_that_was_not_given_is_no_answer,
                a_start_that_is_made_again_finds_its_own;
            keys:
                a_key_has_one_saga_until_it_is_given_up,
                one_of_many_starts_with_a_key,
                a_dead_saga_keeps_its_key,
                a_completed_saga_keeps_its_key_for_its_ttl,
                an_unfinished_saga_keeps_its_key_whatever_its_age,
                one_of_many_starts_with_the_key_of_an_old_saga;
            cancelling:
                a_request_to_cancel_reaches_the_owner,
                a_saga_that_is_not_running_is_not_cancelled,
                a_saga_past_a_pivot_is_not_cancelled,
                a_request_to_cancel_outlives_the_owner;
            recovery:
                sagas_of_a_worker_that_is_gone_are_taken_over,
                sagas_of_live_workers_are_left_alone,
                sagas_of_a_store_that_was_closed_can_be_taken_at_once,
                unknown_names_and_versions_and_finished_sagas_are_left_alone,
                no_more_than_the_limit_is_taken_and_the_oldest_first,
                each_saga_is_taken_over_by_one_of_many,
                start_takes_over_the_saga_with_its_key,
                the_owner_before_is_fenced_out,
                what_nobody_knows_is_counted;
            parking:
                a_saga_that_nobody_has_is_parked,
                what_was_parked_by_hand_goes_on_or_ends_by_its_letter,
                a_saga_that_somebody_has_is_not_parked,
                a_saga_that_is_not_as_it_was_seen_is_not_parked,
                what_was_being_undone_is_parked_as_such,
                one_of_many_parks_a_saga_or_takes_it_over,
                any_reason_is_kept;
            interruptions:
                each_interruption_is_counted,
                progress_ends_a_row_of_interruptions,
                a_store_that_was_closed_in_order_interrupts_nothing;
            revival:
                a_saga_is_revived_from_where_its_status_allows,
                a_revived_saga_begins_anew_with_its_letters_open,
                one_of_many_revives_a_saga,
                parked_sagas_are_tried_again,
                what_is_not_parked_for_a_mismatch_is_left_alone;
            retries:
                a_retry_takes_a_saga_to_where_it_was_asked_to,
                a_retry_that_many_ask_for_is_taken_up_once,
                the_latest_request_is_the_one_that_is_taken_up,
                a_retry_waits_for_somebody_who_knows_the_saga,
                one_of_many_takes_up_a_retry,
                a_retry_that_succeeds_settles_its_letters,
                a_retry_that_fails_leaves_its_letters_open,
                only_letters_that_nobody_works_on_are_retried,
                a_saga_that_is_worked_on_is_not_retried,
                a_request_is_used_up_by_whoever_revives_the_saga;
            letters:
                a_dead_letter_is_read_as_it_was_written,
                a_step_has_one_open_letter,
                a_letter_about_other_work_begins_at_its_own_attempts,
                letters_are_settled_by_position_or_all,
                a_letter_that_was_settled_is_not_replaced;
            closing:
                a_letter_is_closed_once_with_its_saga,
                a_saga_is_resolved_with_its_last_letter,
                a_letter_that_is_given_up_is_discarded,
                the_letter_of_a_saga_that_was_revived_is_not_closed,
                a_request_that_nobody_has_taken_up_is_withdrawn;
            work:
                work_is_added_once_for_a_nonce,
                work_is_taken_when_a_retry_was_requested,
                one_of_many_takes_a_work,
                work_ends_settled_or_open_again,
                the_work_of_a_worker_that_is_gone_is_taken_again,
                what_a_worker_that_is_gone_had_can_be_closed_and_asked_for,
                work_is_closed_without_a_saga,
                attempts_are_counted_as_far_as_a_number_goes;
            queue:
                letters_are_listed_oldest_first_in_pages,
                pages_of_letters_stay_right_whatever_happens,
                pages_of_the_newest_letters_stay_right_whatever_happens,
                letters_are_counted,
                an_empty_queue_is_counted;
            filters:
                letters_are_filtered,
                sagas_are_filtered,
                sagas_are_found_by_how_their_ids_begin,
                a_store_says_what_time_it_is;
            listing:
                sagas_are_listed_oldest_first_in_pages,
                pages_of_sagas_stay_right_whatever_happens,
                pages_of_the_newest_sagas_stay_right_whatever_happens,
                a_summary_says_what_the_record_says,
                sagas_are_counted_by_name_and_status,
                durations_are_those_of_the_completed_ones,
                statistics_equal_the_lists;
            audits:
                what_operators_do_is_written_down_in_its_order,
                what_is_not_done_is_not_written_down,
                an_audit_is_of_its_letter_or_saga_alone;
            purging:
                what_is_over_is_deleted_with_all_that_belongs_to_it,
                what_is_not_over_or_too_young_stays,
                no_more_than_the_limit_is_deleted_and_the_oldest_first,
                a_saga_that_another_one_called_goes_with_that_one,
                a_saga_stays_while_one_that_it_called_is_not_over,
                an_id_or_key_that_was_deleted_is_new,
                letters_about_work_are_deleted_when_they_are_closed;
            model:
                random_operations_do_what_the_model_does;
            mixed:
                writes_to_a_saga_happen_in_the_order_in_which_they_are_asked_for,
                a_dropped_future_does_not_undo_what_was_handed_over,
                a_dropped_read_leaves_the_store_usable;
        }
    };
}

/// Tests of a store that can tell when there may be something to take over or to cancel.
macro_rules! saga_changes {
    ($fixture:expr, start_paused = $paused:tt) => {
        mod saga_changes {
            instantiate! { sagas, $fixture, $paused:
                changes:
                    a_worker_hears_of_one_that_leaves,
                    a_worker_hears_of_requests,
                    a_change_is_heard_of_by_who_asks_after_it;
            }
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

/// Workers that keep sagas, and how they end.
pub(crate) trait Workers: Fixture<Store: Store> {
    /// Kills the worker; the store is its last clone. Answers when the others can see that it is gone.
    async fn crash(&self, store: Self::Store);

    /// Closes the store in order.
    async fn close(&self, store: Self::Store);
}
