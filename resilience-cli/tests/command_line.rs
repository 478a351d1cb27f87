//! The tool as people and programs use it: the built binary, on SQLite files and on PostgreSQL.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Each case on both stores.
macro_rules! on_both_stores {
    ($($file:ident: $($case:ident),+;)+) => {
        mod on_sqlite {
            $($(
                #[tokio::test]
                async fn $case() {
                    crate::$file::$case(crate::stage::Stage::sqlite().await).await;
                }
            )+)+
        }
        mod on_postgres {
            $($(
                #[tokio::test]
                async fn $case() {
                    let Some(stage) = crate::stage::Stage::postgres().await else { return };
                    crate::$file::$case(stage).await;
                }
            )+)+
        }
    };
}

#[path = "command_line/by_sql.rs"]
mod by_sql;
#[path = "command_line/closing.rs"]
mod closing;
#[path = "command_line/doctor.rs"]
mod doctor;
#[path = "command_line/ends.rs"]
mod ends;
#[path = "command_line/hostile.rs"]
mod hostile;
#[path = "command_line/looking.rs"]
mod looking;
#[path = "command_line/migrate.rs"]
mod migrate;
#[path = "command_line/naming.rs"]
mod naming;
#[path = "command_line/nothing.rs"]
mod nothing;
#[path = "command_line/parking.rs"]
mod parking;
#[path = "command_line/program.rs"]
mod program;
#[path = "command_line/retrying.rs"]
mod retrying;
#[path = "command_line/sagas.rs"]
mod sagas;
#[path = "command_line/stage.rs"]
mod stage;
#[path = "command_line/tool.rs"]
mod tool;
#[path = "command_line/usage.rs"]
mod usage;

on_both_stores! {
    looking: letters_are_listed_with_filters_and_pages, a_letter_is_shown_with_all_that_is_kept,
        letters_are_counted, no_text_breaks_a_table;
    closing: letters_are_resolved_and_discarded_once, several_are_closed_and_each_is_told;
    retrying: a_request_that_nobody_takes_up_is_told, a_program_takes_up_what_was_asked_for,
        what_fails_again_is_told, a_dry_run_says_what_would_be_done_and_does_nothing, many_are_asked_for_and_another_run_goes_on;
    sagas: sagas_are_listed_with_filters_and_pages, a_saga_is_shown_with_its_steps_and_letters,
        a_running_saga_is_cancelled, what_does_not_run_is_not_cancelled, a_dead_saga_is_undone_by_a_program, sagas_are_counted,
        moments_are_shown_as_such, versions_are_named_where_they_matter;
    ends: a_saga_that_is_past_a_pivot_is_not_cancelled, a_cancel_that_waits_says_how_the_saga_ended,
        a_letter_that_is_closed_while_it_is_waited_for_is_told, what_somebody_works_on_is_left_to_him,
        letters_of_one_saga_go_along, a_compensation_that_is_asked_for_is_told;
    parking: a_saga_that_nobody_runs_is_parked_and_closed, what_was_parked_by_hand_waits_for_a_request,
        what_cannot_be_parked_is_a_conflict, a_large_saga_and_an_odd_reason_are_parked;
    nothing: an_empty_store_is_shown_as_such;
    naming: a_beginning_that_is_unique_names_a_saga, a_beginning_that_fits_several_names_none;
    hostile: no_name_is_a_command_or_another_line, a_payload_of_ten_megabytes_is_shown, a_reader_that_leaves_is_no_failure;
    migrate: a_store_is_migrated_once, a_newer_store_is_refused_by_every_command;
    doctor: a_sound_store_is_ok, what_waits_is_a_warning_and_too_much_fails, what_nobody_works_on_is_named,
        a_request_that_nobody_takes_up_is_a_warning;
}
