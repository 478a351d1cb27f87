//! Times in sentences.

use std::time::Duration;

/// Without the digits below a millisecond that a clock leaves behind; never shorter than it is.
pub(super) fn readable(time: Duration) -> Duration {
    const MILLISECOND: u32 = 1_000_000;
    let excess = time.subsec_nanos() % MILLISECOND;
    if excess == 0 {
        return time;
    }
    time.saturating_add(Duration::from_nanos((MILLISECOND - excess).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longest_and_shortest_stays() {
        assert_eq!(readable(Duration::MAX), Duration::MAX);
        assert_eq!(readable(Duration::ZERO), Duration::ZERO);
    }
}
