//! Who decided a result, in one word.

use std::fmt;
use std::time::Duration;

use crate::error::Effect;

/// A policy's failure, as far as an outer policy must know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The body was cut off.
    TimedOut,
    /// The body was not started; it may be after this time, where the policy knows.
    Rejected {
        /// How long to wait before the next try, where that is known.
        retry_after: Option<Duration>,
    },
    /// A record could not be kept, or says that the body must not run: another attempt is useless.
    Final,
}

/// Who decided a result: the body, or a policy; and whether the body ran.
///
/// It goes with every answer through every layer. As one word it is copied whole; as a struct it
/// would be written in pieces and read back as a whole a moment later, which makes a processor wait
/// for longer than a policy takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Origin(u64);

/// The effect.
const EFFECT: u64 = 0b11;
/// The kind of refusal, above the effect.
const KIND_AT: u32 = 2;
const KIND: u64 = 0b111 << KIND_AT;
const BY_BODY: u64 = 0;
const TIMED_OUT: u64 = 1;
const REJECTED: u64 = 2;
const REJECTED_FOR: u64 = 3;
const FINAL: u64 = 4;
/// Like `REJECTED_FOR`, by a circuit breaker.
const OPEN_FOR: u64 = 5;
/// Whether the result was read from a record, above the kind.
const RECORDED: u64 = 1 << 5;
/// The time of a rejection in nanoseconds, above that: up to nine years.
const TIME_AT: u32 = 6;

impl Origin {
    /// The body ran to its end.
    pub const BODY: Self = Self(effect_bits(Effect::Ran));

    /// A record answered instead of the body, which did not run in this call.
    pub(crate) const RECORD: Self = Self(effect_bits(Effect::DidNotRun) | RECORDED);

    /// A record of another call answered, although the body ran in this one.
    pub(crate) const RECORD_OF_ANOTHER: Self = Self(effect_bits(Effect::Ran) | RECORDED);

    /// A result that a policy made where there is a refusal, and the body where there is none;
    /// `effect` says whether any attempt of the body was started in this call.
    #[must_use]
    pub const fn new(refusal: Option<Refusal>, effect: Effect) -> Self {
        Self(refusal_bits(refusal) | effect_bits(effect))
    }

    /// A circuit breaker did not let the call through, and will after this time.
    #[must_use]
    pub(crate) const fn open_circuit(retry_after: Duration) -> Self {
        let rejected = Some(Refusal::Rejected {
            retry_after: Some(retry_after),
        });
        Self(refusal_bits(rejected) & !KIND | OPEN_FOR << KIND_AT)
    }

    /// Whether a circuit breaker refused the call.
    pub(crate) fn is_open_circuit(self) -> bool {
        (self.0 & KIND) >> KIND_AT == OPEN_FOR
    }

    /// Set when a policy, not the body, made this result.
    #[inline]
    #[must_use]
    pub fn refusal(self) -> Option<Refusal> {
        match (self.0 & KIND) >> KIND_AT {
            BY_BODY => None,
            TIMED_OUT => Some(Refusal::TimedOut),
            REJECTED => Some(Refusal::Rejected { retry_after: None }),
            REJECTED_FOR | OPEN_FOR => Some(Refusal::Rejected {
                retry_after: Some(Duration::from_nanos(self.0 >> TIME_AT)),
            }),
            _ => Some(Refusal::Final),
        }
    }

    /// Whether a policy, not the body, made this result.
    #[inline]
    #[must_use]
    pub fn is_refusal(self) -> bool {
        self.0 & KIND != 0
    }

    /// Whether any attempt of the body was started in this call.
    #[inline]
    #[must_use]
    pub fn effect(self) -> Effect {
        match self.0 & EFFECT {
            0 => Effect::DidNotRun,
            1 => Effect::MayHaveRun,
            _ => Effect::Ran,
        }
    }

    /// Whether the result was read from a record.
    #[inline]
    pub(crate) fn is_record(self) -> bool {
        self.0 & RECORDED != 0
    }

    /// Says that this became of the body.
    #[inline]
    pub(crate) fn set_effect(&mut self, effect: Effect) {
        self.0 = self.0 & !EFFECT | effect_bits(effect);
    }

    /// Says that a policy made the result, with this refusal.
    pub(crate) fn set_refusal(&mut self, refusal: Refusal) {
        self.0 = self.0 & EFFECT | refusal_bits(Some(refusal));
    }
}

#[inline]
const fn effect_bits(effect: Effect) -> u64 {
    match effect {
        Effect::DidNotRun => 0,
        Effect::MayHaveRun => 1,
        Effect::Ran => 2,
    }
}

const fn refusal_bits(refusal: Option<Refusal>) -> u64 {
    match refusal {
        None => BY_BODY << KIND_AT,
        Some(Refusal::TimedOut) => TIMED_OUT << KIND_AT,
        Some(Refusal::Rejected { retry_after: None }) => REJECTED << KIND_AT,
        Some(Refusal::Rejected {
            retry_after: Some(time),
        }) => {
            let most = u64::MAX >> TIME_AT;
            let nanos = match time.as_secs().checked_mul(1_000_000_000) {
                Some(nanos) => nanos.saturating_add(time.subsec_nanos() as u64),
                None => most,
            };
            let nanos = if nanos < most { nanos } else { most };
            REJECTED_FOR << KIND_AT | nanos << TIME_AT
        }
        Some(Refusal::Final) => FINAL << KIND_AT,
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin")
            .field("refusal", &self.refusal())
            .field("effect", &self.effect())
            .field("record", &self.is_record())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let rejected = |retry_after| Some(Refusal::Rejected { retry_after });
        let refusals = [
            None,
            Some(Refusal::TimedOut),
            Some(Refusal::Final),
            rejected(None),
            rejected(Some(Duration::ZERO)),
            rejected(Some(Duration::from_nanos(1))),
            rejected(Some(Duration::from_secs(9 * 365 * 86_400))),
        ];
        let effects = [Effect::DidNotRun, Effect::MayHaveRun, Effect::Ran];
        for refusal in refusals {
            for effect in effects {
                let origin = Origin::new(refusal, effect);
                assert_eq!((origin.refusal(), origin.effect()), (refusal, effect));
                assert_eq!(origin.is_refusal(), refusal.is_some());
                for other in effects {
                    let mut origin = origin;
                    origin.set_effect(other);
                    assert_eq!(origin, Origin::new(refusal, other));
                    origin.set_refusal(Refusal::Final);
                    assert_eq!(origin, Origin::new(Some(Refusal::Final), other));
                }
            }
        }
        let minute = Duration::from_secs(60);
        let open = Origin::open_circuit(minute);
        assert!(open.is_open_circuit() && open.is_refusal());
        assert_eq!(open.refusal(), rejected(Some(minute)));
        assert_eq!(open.effect(), Effect::DidNotRun);
        assert!(!Origin::new(rejected(Some(minute)), Effect::DidNotRun).is_open_circuit());
        let mut record = Origin::RECORD;
        assert!(record.is_record() && !record.is_refusal() && !Origin::BODY.is_record());
        record.set_effect(Effect::Ran);
        assert_eq!(record, Origin::RECORD_OF_ANOTHER);
        record.set_refusal(Refusal::Final);
        assert!(!record.is_record());
        // Longer than it can say is as long as it can say.
        let longest = Origin::new(rejected(Some(Duration::MAX)), Effect::DidNotRun).refusal();
        assert_eq!(longest, rejected(Some(Duration::from_nanos(u64::MAX >> 6))));
    }
}
