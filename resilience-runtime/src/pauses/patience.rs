//! How long a store that fails is asked again.

use std::time::Duration;

use tokio::time::Instant;

use super::Pauses;

/// The tries that a store which fails is given, up to a point in time.
pub(crate) struct Patience {
    pauses: Pauses,
    until: Instant,
}

impl Patience {
    pub(crate) fn of(patience: Duration) -> Self {
        Self {
            pauses: Pauses::new(Duration::from_millis(10), Duration::from_secs(1)),
            until: Instant::now() + patience,
        }
    }

    /// When it ends.
    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    /// Whether there is no time for another try.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Pauses before the next try; false, at once, when the time is over.
    pub(crate) async fn pause(&mut self) -> bool {
        let remaining = self.until.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return false;
        }
        tokio::time::sleep(self.pauses.next().min(remaining)).await;
        true
    }
}
