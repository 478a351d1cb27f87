//! The clock of the store, as this process knows it.

use tokio::time::Instant;

use crate::timestamp::Timestamp;

/// A moment that the store told, and what the clock of this process said then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    told: Timestamp,
    here: Instant,
}

impl Clock {
    /// The store says that it is `told` now.
    pub(super) fn at(told: Timestamp) -> Self {
        let here = Instant::now();
        Self { told, here }
    }

    /// The time of the store.
    pub(super) fn now(&self) -> Timestamp {
        self.told.after(self.here.elapsed())
    }

    /// When it will be `moment` for the store, by the clock of this process; now, where it was before it was asked.
    pub(super) fn instant(&self, moment: Timestamp) -> Instant {
        let until = moment.since(self.told);
        self.here.checked_add(until).unwrap_or_else(far_away)
    }
}

/// Later than anybody waits, and no trouble for a clock.
fn far_away() -> Instant {
    Instant::now() + crate::lease::LONGEST
}
