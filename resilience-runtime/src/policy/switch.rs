//! Turning a policy off, or making it only count, while the program runs.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::catalog::PolicyKind;
use crate::telemetry::meter;

/// Whether a policy acts, only counts, or does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PolicyMode {
    /// The policy acts.
    #[default]
    Enforced,
    /// The policy does not act, but counts how often it would have acted.
    Shadow,
    /// The policy does nothing.
    Disabled,
}

/// The switch of one policy, inside its `static`. Reading it costs one relaxed load.
#[derive(Debug)]
pub struct Switch {
    mode: AtomicU8,
    would_have_acted: AtomicU32,
}

impl Default for Switch {
    fn default() -> Self {
        Self::new()
    }
}

impl Switch {
    /// A switch that is [`PolicyMode::Enforced`].
    #[must_use]
    pub const fn new() -> Self {
        Self {
            mode: AtomicU8::new(PolicyMode::Enforced as u8),
            would_have_acted: AtomicU32::new(0),
        }
    }

    /// The current mode.
    #[inline]
    #[must_use]
    pub fn mode(&self) -> PolicyMode {
        match self.mode.load(Ordering::Relaxed) {
            0 => PolicyMode::Enforced,
            1 => PolicyMode::Shadow,
            _ => PolicyMode::Disabled,
        }
    }

    /// Changes the mode. Calls that have already begun may end under the previous mode.
    pub(crate) fn set(&self, mode: PolicyMode) {
        self.mode.store(mode as u8, Ordering::Relaxed);
    }

    /// Counts what the policy of this kind and name, or on this function, would have done if it were not in
    /// [`PolicyMode::Shadow`].
    #[cold]
    pub(crate) fn note(&self, kind: PolicyKind, policy: &'static str) {
        self.would_have_acted.fetch_add(1, Ordering::Relaxed);
        meter::count_shadow(kind.name(), policy);
    }

    /// How often the policy would have acted while it was in [`PolicyMode::Shadow`]. The count
    /// starts again at zero after 4,294,967,295.
    #[must_use]
    pub fn would_have_acted(&self) -> u32 {
        self.would_have_acted.load(Ordering::Relaxed)
    }
}
