//! Locks: those who wait stand in line.

pub(crate) mod places;

/// Tests of a `LockStore`: who gets the lock next.
macro_rules! lock_line {
    ($fixture:expr, start_paused = $paused:tt) => {
        instantiate! { line, $fixture, $paused:
            places:
                the_lock_goes_down_the_line,
                who_asks_again_keeps_its_place,
                nobody_overtakes_the_line,
                a_waiter_that_leaves_is_not_waited_for,
                when_the_head_leaves_the_next_is_woken,
                a_waiter_that_asks_no_more_is_skipped_after_its_place,
                a_release_before_the_first_poll_is_not_missed,
                who_gets_the_lock_has_no_place_any_more,
                a_lock_that_is_lost_goes_to_the_head_of_the_line,
                many_waiters_all_get_their_turn;
        }
    };
}
