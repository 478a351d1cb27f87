//! The two ways back: the probes of a half-open breaker, and the stages of a recovery.

use std::num::NonZeroU32;
use std::time::Duration;

use super::moment::Moment;
use super::rules::{Rules, reaches};

/// The probes of one half-open generation. Running and ended ones together are never more than the
/// permits.
#[derive(Debug)]
pub(crate) struct Trial {
    succeeded: u32,
    failed: u32,
    next_probe: NonZeroU32,
    /// The running ones, in the order in which they were admitted.
    running: Vec<Probe>,
}

#[derive(Debug)]
struct Probe {
    number: NonZeroU32,
    lease_ends: Moment,
}

/// What the probes that have ended say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    Undecided,
    Healthy,
    Broken,
}

impl Trial {
    pub(crate) const NEW: Self = Self {
        succeeded: 0,
        failed: 0,
        next_probe: NonZeroU32::MIN,
        running: Vec::new(),
    };

    /// The number of a new probe, or how long the oldest running one may keep its place.
    pub(crate) fn admit(&mut self, now: Moment, rules: &Rules) -> Result<NonZeroU32, Duration> {
        let ended = u64::from(self.succeeded) + u64::from(self.failed);
        let taken = ended + self.running.len() as u64;
        if taken >= u64::from(rules.half_open_permits())
            && let Some(oldest) = self.running.first()
        {
            if now < oldest.lease_ends {
                return Err(oldest.lease_ends.since(now));
            }
            self.running.remove(0);
        }
        let number = self.next_probe;
        self.next_probe = number.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.running.push(Probe {
            number,
            lease_ends: now.after(rules.lease()),
        });
        Ok(number)
    }

    /// Takes the place back; false when it went to another.
    pub(crate) fn end(&mut self, number: NonZeroU32) -> bool {
        let place = self.running.iter().position(|probe| probe.number == number);
        place.map(|place| self.running.remove(place)).is_some()
    }

    /// Counts a probe that has ended and was heard.
    pub(crate) fn count(&mut self, success: bool, rules: &Rules) -> Finding {
        if success {
            self.succeeded += 1;
        } else {
            self.failed += 1;
        }
        if rules.half_open_rate > 0.0 {
            let permits = rules.half_open_permits();
            return match self.succeeded + self.failed {
                ended if ended < permits => Finding::Undecided,
                ended if reaches(self.succeeded, ended, rules.half_open_rate) => Finding::Healthy,
                _ => Finding::Broken,
            };
        }
        match self.succeeded {
            _ if self.failed > 0 => Finding::Broken,
            enough if enough >= rules.success_threshold() => Finding::Healthy,
            _ => Finding::Undecided,
        }
    }
}

/// The share of the calls that runs while a breaker recovers, and when it grows.
#[derive(Debug)]
pub(crate) struct Recovery {
    share: u32,
    /// What the calls of this stage have added up to; a call runs when it makes a whole.
    credit: u32,
    succeeded: u32,
}

impl Recovery {
    /// The first stage; `None` when the breaker closes at once.
    pub(crate) fn first(rules: &Rules) -> Option<Self> {
        Self::stage(rules.recovery)
    }

    /// The stage with this share, whose first call runs.
    fn stage(share: u32) -> Option<Self> {
        (1..Rules::WHOLE).contains(&share).then(|| Self {
            share,
            credit: Rules::WHOLE - share,
            succeeded: 0,
        })
    }

    /// Whether this call is one of the share.
    pub(crate) fn admit(&mut self) -> bool {
        self.credit += self.share;
        let admitted = self.credit >= Rules::WHOLE;
        if admitted {
            self.credit -= Rules::WHOLE;
        }
        admitted
    }

    /// Counts a success; true when it was the last of the last stage.
    pub(crate) fn succeed(&mut self, rules: &Rules) -> bool {
        self.succeeded += 1;
        if self.succeeded < rules.success_threshold() {
            return false;
        }
        match Self::stage(self.share.saturating_add(rules.recovery)) {
            Some(next) => {
                *self = next;
                false
            }
            None => true,
        }
    }
}
