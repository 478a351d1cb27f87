//! Pauses that grow.

mod patience;

use std::time::Duration;

pub(crate) use patience::Patience;

/// How long to wait before each further try of something that fails or is not ready: from a first
/// pause, each one twice as long as the one before it, up to a longest one.
///
/// For what the crate does by itself; the pauses that a user chooses are
/// [`Backoff`](crate::policy::retry::Backoff), which has jitter.
#[derive(Debug, Clone)]
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    /// Between two tries of what has to be done, and whose store fails.
    pub(crate) const STORE: Self = Self::new(Duration::from_millis(50), Duration::from_secs(2));

    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self {
            next: first,
            longest,
        }
    }

    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next.min(self.longest);
        self.next = pause.saturating_mul(2);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_double_up_to_the_longest() {
        let mut pauses = Pauses::new(Duration::from_millis(50), Duration::from_millis(150));
        let pauses: Vec<_> = (0..4).map(|_| pauses.next().as_millis()).collect();
        assert_eq!(pauses, [50, 100, 150, 150]);
    }
}
