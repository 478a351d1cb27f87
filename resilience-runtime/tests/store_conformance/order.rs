//! The order of what was asked for, of stores with one writer.

pub(crate) mod handed_over;

/// Tests of a store that keeps everything, and does what it is asked for in the order of the questions.
macro_rules! in_order {
    ($fixture:expr, start_paused = $paused:tt) => {
        instantiate! { order, $fixture, $paused:
            handed_over:
                what_is_asked_for_one_after_another_happens_in_order,
                a_dropped_future_does_not_undo_what_was_handed_over;
        }
    };
}
