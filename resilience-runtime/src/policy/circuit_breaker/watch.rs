//! What is counted while calls run, and when that is too much.

use super::moment::Moment;
use super::rules::Rules;
use super::state::Need;
use super::window::Window;

/// What is counted while calls run.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) failures_in_a_row: u32,
    pub(crate) window: Option<Window>,
}

impl Watch {
    pub(crate) const NEW: Self = Self {
        failures_in_a_row: 0,
        window: None,
    };

    /// Counts a call; true when it is one too many.
    pub(crate) fn count(
        &mut self,
        failure: bool,
        slow: bool,
        rules: &Rules,
        now: impl Fn() -> Moment,
    ) -> bool {
        self.failures_in_a_row = match failure {
            true => self.failures_in_a_row.saturating_add(1),
            false => 0,
        };
        let too_many = rules
            .failure_threshold()
            .is_some_and(|threshold| self.failures_in_a_row >= threshold);
        if !rules.has_window() {
            return too_many;
        }
        let window = self.window.get_or_insert_with(|| Window::new(rules, &now));
        window.count(failure, slow, rules, now) || too_many
    }

    /// What the next calls need to know of it.
    pub(crate) fn need(&self, rules: &Rules) -> Need {
        match &self.window {
            None if self.failures_in_a_row == 0 && !rules.has_window() => Need::Nothing,
            None => Need::Watching,
            Some(window) if self.failures_in_a_row == 0 && window.is_full_of_successes() => {
                Need::Nothing
            }
            Some(window) if window.is_safe_from_successes(rules) => Need::Counting,
            Some(_) => Need::Watching,
        }
    }
}
