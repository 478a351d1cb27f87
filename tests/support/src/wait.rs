//! Waiting for a condition with a deadline, instead of sleeping.

use std::time::{Duration, Instant};

/// How long a condition may take before the test is a failure. Generous: it is only ever used up
/// when something is wrong, and a loaded machine is not wrong.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Blocks until `condition` holds.
///
/// # Panics
/// When it does not hold within [`PATIENCE`]; the message names `what` was waited for.
pub fn until(what: &str, condition: impl FnMut() -> bool) {
    assert!(
        holds_within(PATIENCE, condition),
        "waited {} s in vain for {what}",
        PATIENCE.as_secs()
    );
}

/// Whether `condition` comes to hold within `limit`. It is asked at least once.
pub fn holds_within(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if begun.elapsed() >= limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
