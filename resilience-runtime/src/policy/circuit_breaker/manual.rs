//! What an operator does to a breaker, and reads off it.

use tokio::time::Instant;

use super::moment::Moment;
use super::state::{CircuitState, Machine};
use super::statistics::CircuitStatistics;
use super::{CircuitBreaker, Shared};
use crate::policy::switch::PolicyMode;

/// Operation by hand. All of this concerns every breaker of the same name.
impl CircuitBreaker {
    /// The current state. An open breaker stays open until the first call after `open_for`,
    /// or until its probe succeeds.
    #[must_use]
    pub fn state(&'static self) -> CircuitState {
        match self.used() {
            Some(shared) => shared.core().lock(|machine| machine.state()).0,
            None => CircuitState::Closed,
        }
    }

    /// What it currently knows.
    #[must_use]
    pub fn statistics(&'static self) -> CircuitStatistics {
        let Some(shared) = self.used() else {
            return CircuitStatistics::NEW;
        };
        let rules = &shared.home.rules;
        let now = Moment::now();
        let statistics = |machine: &mut Machine| CircuitStatistics::of(machine, now, rules);
        shared.core().lock(statistics).0
    }

    /// Rejects every call until [`CircuitBreaker::reset`] or another of these methods.
    pub fn force_open(&'static self) {
        self.by_hand(Machine::hold_open);
    }

    /// Lets every call run, and never opens, until [`CircuitBreaker::reset`] or another of these
    /// methods.
    pub fn force_closed(&'static self) {
        self.by_hand(Machine::hold_closed);
    }

    /// Rejects every call until `at`, and then continues as after `open_for`. If `at` has passed, the
    /// next call makes it half-open.
    pub fn open_until(&'static self, at: Instant) {
        self.by_hand(|machine| machine.open_by_hand(Moment::at(at)));
    }

    /// Makes it do nothing until it is [`reset`](CircuitBreaker::reset): calls pass untouched, and are
    /// not counted.
    pub fn disable(&'static self) {
        self.home().switch.set(PolicyMode::Disabled);
    }

    /// Makes it count and change its state but reject nothing until it is
    /// [`reset`](CircuitBreaker::reset).
    pub fn metrics_only(&'static self) {
        self.home().switch.set(PolicyMode::Shadow);
    }

    /// Closes it, forgets all counts, and lets it decide by itself again.
    pub fn reset(&'static self) {
        self.home().switch.set(PolicyMode::Enforced);
        self.by_hand(Machine::close);
    }

    fn by_hand(&'static self, change: impl FnOnce(&mut Machine)) {
        let Ok(shared) = self.home().shared() else {
            return;
        };
        if let ((), Some(change)) = shared.core().lock(change) {
            shared.changed(change, || None);
        }
    }

    /// The state, if there was anything to keep.
    fn used(&'static self) -> Option<&'static Shared> {
        self.home().shared.get().copied()
    }
}
