//! Where a result comes from, in one word: it goes out through every layer with the result, and what is
//! copied in parts and read as a whole costs more than all the rest of a layer.

use std::fmt;
use std::time::Duration;

use super::Refusal;
use crate::error::Effect;

/// Who decided a result: a policy or the body, and what became of the body in this call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Origin(u64);

/// What the bits are, from the lowest: the effect, the refusal, and the time that a rejection names.
const REFUSAL: u32 = 2;
const WAIT: u32 = 5;

const NO_REFUSAL: u64 = 0;
const TIMED_OUT: u64 = 1;
const FINAL: u64 = 2;
const REJECTED: u64 = 3;
const REJECTED_FOR: u64 = 4;

/// Nanoseconds: 18 years.
const LONGEST_WAIT: u64 = u64::MAX >> WAIT;

impl Origin {
    /// The body ran to its end.
    pub const BODY: Self = Self::new(None, Effect::Ran);

    /// A record answered instead of the body, which did not run in this call.
    pub(crate) const RECORD: Self = Self::new(None, Effect::DidNotRun);

    /// `refusal` is set when a policy, not the body, made the result. It is rejected for 18 years at
    /// most.
    #[inline]
    pub(crate) const fn new(refusal: Option<Refusal>, effect: Effect) -> Self {
        let refusal = match refusal {
            None => NO_REFUSAL,
            Some(Refusal::TimedOut) => TIMED_OUT,
            Some(Refusal::Final) => FINAL,
            Some(Refusal::Rejected { retry_after: None }) => REJECTED,
            Some(Refusal::Rejected {
                retry_after: Some(wait),
            }) => REJECTED_FOR | nanoseconds(wait) << (WAIT - REFUSAL),
        };
        Self(refusal << REFUSAL | effect as u64)
    }

    /// Set when a policy, not the body, made this result.
    #[inline]
    #[must_use]
    pub const fn refusal(self) -> Option<Refusal> {
        match self.0 >> REFUSAL & ((1 << (WAIT - REFUSAL)) - 1) {
            NO_REFUSAL => None,
            TIMED_OUT => Some(Refusal::TimedOut),
            FINAL => Some(Refusal::Final),
            REJECTED => Some(Refusal::Rejected { retry_after: None }),
            _ => Some(Refusal::Rejected {
                retry_after: Some(Duration::from_nanos(self.0 >> WAIT)),
            }),
        }
    }

    /// Whether any attempt of the body was started in this call.
    #[inline]
    #[must_use]
    pub const fn effect(self) -> Effect {
        match self.0 & ((1 << REFUSAL) - 1) {
            0 => Effect::DidNotRun,
            1 => Effect::MayHaveRun,
            _ => Effect::Ran,
        }
    }

    /// The same, where the body did this.
    #[inline]
    #[must_use]
    pub(crate) const fn with_effect(self, effect: Effect) -> Self {
        Self(self.0 >> REFUSAL << REFUSAL | effect as u64)
    }

    /// The same, but that a policy made it, in this way.
    #[must_use]
    pub(crate) const fn refused(self, refusal: Refusal) -> Self {
        Self::new(Some(refusal), self.effect())
    }
}

#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "cut off at what there is room for"
)]
const fn nanoseconds(wait: Duration) -> u64 {
    let nanos = wait.as_nanos();
    if nanos > LONGEST_WAIT as u128 {
        LONGEST_WAIT
    } else {
        nanos as u64
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin")
            .field("refusal", &self.refusal())
            .field("effect", &self.effect())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let wait = |retry_after| Some(Refusal::Rejected { retry_after });
        let day = Duration::from_secs(86_400);
        let refusals = [
            None,
            Some(Refusal::TimedOut),
            Some(Refusal::Final),
            wait(None),
            wait(Some(Duration::ZERO)),
            wait(Some(Duration::from_nanos(1))),
            wait(Some(49 * day + Duration::from_nanos(999_999_999))),
            wait(Some(Duration::from_nanos(LONGEST_WAIT))),
        ];
        let effects = [Effect::DidNotRun, Effect::MayHaveRun, Effect::Ran];
        for refusal in refusals {
            for effect in effects {
                let origin = Origin::new(refusal, effect);
                assert_eq!((origin.refusal(), origin.effect()), (refusal, effect));
                for other in effects {
                    assert_eq!(origin.with_effect(other), Origin::new(refusal, other));
                }
                let refused = origin.refused(Refusal::Final);
                assert_eq!(refused, Origin::new(Some(Refusal::Final), effect));
            }
        }
        let longest = Origin::new(wait(Some(Duration::MAX)), Effect::DidNotRun);
        let expected = wait(Some(Duration::from_nanos(LONGEST_WAIT)));
        assert_eq!(longest.refusal(), expected);
    }
}
