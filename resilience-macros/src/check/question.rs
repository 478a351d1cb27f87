//! What only the compiler can decide, because the values are constants and not literals.

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::allowed::Rule;
use crate::args::Count;
use crate::duration::Length;
use crate::policy::{Backoff, Jitter};

/// A rule for the compiler to evaluate. What is `None` has the runtime's default.
pub(crate) enum Question {
    /// Whether all attempts and pauses end in time.
    AttemptsFit {
        attempts: Option<Count>,
        /// The bound of each attempt, where there is one.
        each: Option<Length>,
        backoff: Option<Backoff>,
        jitter: Option<Jitter>,
        within: Length,
    },
    /// Whether the shortest first pause ends in time.
    PauseFits {
        backoff: Option<Backoff>,
        jitter: Option<Jitter>,
        within: Length,
    },
    /// Whether a circuit breaker that the retry waits for closes in time.
    BreakerFits {
        open_for: Option<Length>,
        backoff: Option<Backoff>,
        within: Length,
    },
    /// Whether a circuit breaker survives the attempts of one call.
    BreakerHolds {
        attempts: Option<Count>,
        threshold: Threshold,
    },
    /// Whether the deadline of a retry is not after the timeout above.
    DeadlineReached { deadline: Length, timeout: Length },
    /// Whether a lease lasts until all attempts have ended, or something has ended them.
    LeaseLasts {
        attempts: Option<Count>,
        /// The bound of each attempt, where there is one.
        each: Option<Length>,
        backoff: Option<Backoff>,
        /// What ends the attempts.
        limits: Vec<Length>,
        lease: Option<Length>,
    },
    /// Whether a result is kept for longer than a duplicate waits for it.
    ResultOutlivesWait { wait: Length, ttl: Option<Length> },
    /// Whether a wait is over before the timeout.
    WaitEnds { wait: Length, timeout: Length },
    /// Whether a hedge starts before the timeout.
    HedgeStarts { delay: Length, timeout: Length },
    /// Whether a call is slow before the timeout ends it.
    CallCanBeSlow { slow: Length, timeout: Length },
}

/// How many failures open a circuit breaker at the earliest.
#[derive(Clone)]
pub(crate) enum Threshold {
    Default(u32),
    Given(Count),
}

impl Threshold {
    pub(super) fn known(&self) -> Option<u32> {
        match self {
            Self::Default(number) => Some(*number),
            Self::Given(count) => count.known(),
        }
    }
}

impl ToTokens for Threshold {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Default(number) => number.to_tokens(tokens),
            Self::Given(count) => count.to_tokens(tokens),
        }
    }
}

impl Question {
    /// The judgement that it is about; none where it is about a contradiction.
    pub(crate) fn rule(&self) -> Option<Rule> {
        match self {
            Self::AttemptsFit { .. } => Some(Rule::AttemptsExceedDeadline),
            Self::BreakerHolds { .. } => Some(Rule::RetryOpensBreaker),
            Self::LeaseLasts { .. } => Some(Rule::OutlastsLease),
            Self::PauseFits { .. }
            | Self::BreakerFits { .. }
            | Self::DeadlineReached { .. }
            | Self::ResultOutlivesWait { .. }
            | Self::WaitEnds { .. }
            | Self::HedgeStarts { .. }
            | Self::CallCanBeSlow { .. } => None,
        }
    }

    /// The first constant in it: where the compiler's answer belongs.
    pub(crate) fn place(&self) -> TokenStream {
        let constants = match self {
            Self::AttemptsFit {
                attempts,
                each,
                backoff,
                jitter,
                within,
            } => vec![
                count_constant(attempts.as_ref()),
                backoff.as_ref().and_then(Backoff::constant),
                length_constant(each.as_ref()),
                jitter.as_ref().and_then(Jitter::constant),
                length_constant(Some(within)),
            ],
            Self::PauseFits {
                backoff,
                jitter,
                within,
            } => vec![
                backoff.as_ref().and_then(Backoff::constant),
                jitter.as_ref().and_then(Jitter::constant),
                length_constant(Some(within)),
            ],
            Self::BreakerFits {
                open_for,
                backoff,
                within,
            } => vec![
                length_constant(open_for.as_ref()),
                backoff.as_ref().and_then(Backoff::constant),
                length_constant(Some(within)),
            ],
            Self::BreakerHolds {
                attempts,
                threshold,
            } => vec![
                match threshold {
                    Threshold::Given(count) => count_constant(Some(count)),
                    Threshold::Default(_) => None,
                },
                count_constant(attempts.as_ref()),
            ],
            Self::LeaseLasts {
                attempts,
                each,
                backoff,
                limits,
                lease,
            } => {
                let mut constants = vec![
                    length_constant(lease.as_ref()),
                    count_constant(attempts.as_ref()),
                    backoff.as_ref().and_then(Backoff::constant),
                    length_constant(each.as_ref()),
                ];
                constants.extend(limits.iter().map(|limit| length_constant(Some(limit))));
                constants
            }
            Self::ResultOutlivesWait { wait, ttl } => {
                vec![length_constant(Some(wait)), length_constant(ttl.as_ref())]
            }
            Self::DeadlineReached {
                deadline: first,
                timeout,
            }
            | Self::WaitEnds {
                wait: first,
                timeout,
            }
            | Self::HedgeStarts {
                delay: first,
                timeout,
            }
            | Self::CallCanBeSlow {
                slow: first,
                timeout,
            } => vec![length_constant(Some(first)), length_constant(Some(timeout))],
        };
        constants.into_iter().flatten().next().unwrap_or_default()
    }
}

fn count_constant(count: Option<&Count>) -> Option<TokenStream> {
    count
        .filter(|count| count.known().is_none())
        .map(ToTokens::to_token_stream)
}

fn length_constant(length: Option<&Length>) -> Option<TokenStream> {
    length
        .filter(|length| length.known().is_none())
        .map(Length::written)
}
