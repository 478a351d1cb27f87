//! The options of a breaker, as an attribute would have them.

use std::fmt;
use std::time::Duration;

use super::CircuitBreaker;
use super::moment::Moment;
use super::rules::{OnCancel, Rules};
use super::state::Machine;
use crate::catalog::{Policy, PolicyKind};
use crate::policy::switch::{PolicyMode, Switch};

impl Policy for CircuitBreaker {
    fn kind(&self) -> PolicyKind {
        PolicyKind::CircuitBreaker
    }

    fn name(&self) -> Option<&'static str> {
        self.named_at.map(|_| self.name)
    }

    fn namespace(&self) -> &'static str {
        "circuit breaker"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rules.describe(f)?;
        match self.probe {
            Some(probe) => write!(f, ", probe = .., probe_every = {:?}", probe.interval()),
            None => Ok(()),
        }
    }

    /// The one of the breaker whose state this one uses, once that is known: it may be of no
    /// annotated function.
    fn switch(&self) -> Option<&Switch> {
        Some(match self.shared.get() {
            Some(shared) => &shared.home.switch,
            None => &self.switch,
        })
    }

    fn rejects_for(&self) -> Option<Duration> {
        // One that was never used is closed.
        let shared = *self.shared.get()?;
        if shared.home.switch.mode() != PolicyMode::Enforced {
            return None;
        }
        let (rules, now) = (&shared.home.rules, Moment::now());
        let rejects = |machine: &mut Machine| machine.rejects_for(now, rules);
        shared.core().lock(rejects).0
    }
}

impl Rules {
    pub(super) fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |millis: u32| Duration::from_millis(millis.into());
        if let Some(threshold) = self.failure_threshold() {
            write!(f, "failure_threshold = {threshold}, ")?;
        }
        if self.failure_rate > 0.0 {
            write!(f, "failure_rate = {}, ", self.failure_rate)?;
        }
        if self.judges_slow_calls() {
            let (after, rate) = (self.slow_after(), self.slow_rate());
            write!(
                f,
                "slow_call_duration = {after:?}, slow_call_rate = {rate}, "
            )?;
        }
        if self.has_window() {
            match self.timed {
                true => write!(f, "time_window = {:?}, ", millis(self.count_window()))?,
                false => write!(f, "count_window = {}, ", self.count_window())?,
            }
            write!(f, "minimum_calls = {}, ", self.minimum_calls())?;
        }
        let open_for = self.lease();
        if self.longest > 0 {
            let (factor, max) = (self.factor, millis(self.longest));
            write!(
                f,
                "open_for = exponential({open_for:?}, factor = {factor}, max = {max:?}), "
            )?;
        } else {
            write!(f, "open_for = {open_for:?}, ")?;
        }
        write!(f, "half_open_permits = {}, ", self.half_open_permits())?;
        if self.half_open_rate > 0.0 {
            write!(f, "half_open_success_rate = {}", self.half_open_rate)?;
        } else {
            write!(f, "success_threshold = {}", self.success_threshold())?;
        }
        if self.recovery > 0 {
            let share = f64::from(self.recovery) / f64::from(Self::WHOLE);
            write!(f, ", recovery = {share}")?;
            // The rate is about the probes, and this about the stages.
            if self.half_open_rate > 0.0 {
                write!(f, ", success_threshold = {}", self.success_threshold())?;
            }
        }
        match self.on_cancel {
            OnCancel::Ignore => Ok(()),
            OnCancel::Failure => f.write_str(", on_cancel = failure"),
        }
    }
}
