//! The pauses of a retry, as far as they are written out. The same arithmetic as the runtime's.

use std::time::Duration;

use crate::duration::Length;
use crate::options::Decimal;
use crate::policy::{Backoff, Jitter, defaults};

/// So many pauses are added up one by one; each further one is taken for the longest.
const ADDED_UP: u32 = 1_000;

/// What can be said about the pauses before the program is compiled.
pub(super) enum Pauses {
    /// They are written out.
    Written(Written),
    /// They depend on a constant.
    Constant,
    /// A function says how long they are.
    Function,
}

/// Pauses without jitter.
pub(super) struct Written {
    first: Duration,
    max: Duration,
    growth: Growth,
}

enum Growth {
    Fixed,
    Linear(Duration),
    Exponential(f64),
    Decorrelated,
}

impl Pauses {
    pub(super) fn of(backoff: Option<&Backoff>) -> Self {
        if let Some(Backoff::Custom { .. }) = backoff {
            return Self::Function;
        }
        Written::of(backoff).map_or(Self::Constant, Self::Written)
    }
}

impl Written {
    fn of(backoff: Option<&Backoff>) -> Option<Self> {
        let Some(backoff) = backoff else {
            return Some(Self {
                first: defaults::FIRST_PAUSE,
                max: defaults::MAX_PAUSE,
                growth: Growth::Exponential(defaults::FACTOR),
            });
        };
        let first = backoff.first()?.known()?;
        let (growth, max) = match backoff {
            Backoff::Fixed(_) => {
                return Some(Self {
                    first,
                    max: first,
                    growth: Growth::Fixed,
                });
            }
            Backoff::Linear { step, max, .. } => {
                let step = step.as_ref().map_or(Some(first), Length::known)?;
                (Growth::Linear(step), max)
            }
            Backoff::Exponential { factor, max, .. } => {
                let factor = factor
                    .as_ref()
                    .map_or(Some(defaults::FACTOR), Decimal::known)?;
                (Growth::Exponential(factor), max)
            }
            Backoff::Decorrelated { max, .. } => (Growth::Decorrelated, max),
            Backoff::Custom { .. } => return None,
        };
        let max = max
            .as_ref()
            .map_or(Some(first.max(defaults::MAX_PAUSE)), Length::known)?;
        Some(Self { first, max, growth })
    }

    /// No pause is longer than this.
    pub(super) fn longest(&self) -> Duration {
        self.max
    }

    /// The shortest that the first pause can be; `None` where the jitter depends on a constant.
    pub(super) fn shortest_first(&self, jitter: Option<&Jitter>) -> Option<Duration> {
        Some(match jitter {
            _ if matches!(self.growth, Growth::Decorrelated) => self.first,
            None | Some(Jitter::Full) => Duration::ZERO,
            Some(Jitter::Equal) => self.first / 2,
            Some(Jitter::None) => self.first,
            Some(Jitter::UpTo(most)) => self.first.saturating_sub(most.known()?),
        })
    }

    /// How long all pauses between so many attempts take together, at most.
    pub(super) fn longest_total(&self, attempts: u32) -> Duration {
        let mut total = Duration::ZERO;
        let mut made = 1;
        while made < attempts {
            let pause = self.longest_after(made);
            if made >= ADDED_UP || pause == self.max {
                return total.saturating_add(self.max.saturating_mul(attempts - made));
            }
            total = total.saturating_add(pause);
            made += 1;
        }
        total
    }

    /// The longest that the pause after so many attempts can be.
    fn longest_after(&self, attempts: u32) -> Duration {
        let steps = attempts.saturating_sub(1);
        let pause = match self.growth {
            Growth::Fixed => self.first,
            Growth::Linear(step) => self.first.saturating_add(step.saturating_mul(steps)),
            Growth::Exponential(factor) => self.times(factor, steps),
            Growth::Decorrelated => self.times(3.0, attempts),
        };
        pause.min(self.max)
    }

    fn times(&self, factor: f64, exponent: u32) -> Duration {
        let power = factor.powi(i32::try_from(exponent).unwrap_or(i32::MAX));
        Duration::try_from_secs_f64(self.first.as_secs_f64() * power).unwrap_or(self.max)
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::{Span, TokenStream};
    use quote::quote;

    use super::*;
    use crate::args::Args;
    use crate::diagnostics::Diagnostics;
    use crate::policy::{Policy, Retry};

    fn retry(options: TokenStream) -> Retry {
        let diagnostics = Diagnostics::new();
        let args = Args::parse("#[retry]", Span::call_site(), options, &diagnostics);
        let policy = Policy::parse(crate::policy::Kind::Retry, args, &diagnostics);
        let errors = diagnostics.into_tokens().to_string();
        match policy {
            Some(Policy::Retry(retry)) => retry,
            _ => panic!("{errors}"),
        }
    }

    fn total(options: TokenStream, attempts: u32) -> Duration {
        let retry = retry(options);
        let Some(options) = retry.definition.here() else {
            panic!("it is not shared")
        };
        match Pauses::of(options.backoff.as_ref()) {
            Pauses::Written(pauses) => pauses.longest_total(attempts),
            Pauses::Constant | Pauses::Function => panic!("it is written out"),
        }
    }

    fn shortest(options: TokenStream) -> Option<Duration> {
        let retry = retry(options);
        let Some(options) = retry.definition.here() else {
            panic!("it is not shared")
        };
        match Pauses::of(options.backoff.as_ref()) {
            Pauses::Written(pauses) => pauses.shortest_first(options.jitter.as_ref()),
            Pauses::Constant | Pauses::Function => panic!("it is written out"),
        }
    }

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn the_pauses_are_added_up() {
        assert_eq!(total(quote!(), 4), secs(1 + 2 + 4));
        assert_eq!(total(quote!(), 8), secs(1 + 2 + 4 + 8 + 16 + 30 + 30));
        assert_eq!(total(quote!(backoff = fixed(3s)), 4), secs(9));
        assert_eq!(total(quote!(backoff = fixed(0s)), 4), Duration::ZERO);
        assert_eq!(total(quote!(backoff = linear(2s)), 4), secs(2 + 4 + 6));
        let linear = quote!(backoff = linear(2s, step = 10s, max = 20s));
        assert_eq!(total(linear, 5), secs(2 + 12 + 20 + 20));
        let exponential = quote!(backoff = exponential(1s, factor = 3, max = 5s));
        assert_eq!(total(exponential, 4), secs(1 + 3 + 5));
        // Each is up to three times the one before it.
        assert_eq!(
            total(quote!(backoff = decorrelated(1s)), 4),
            secs(3 + 9 + 27)
        );
        // A first pause over the default of the longest one is the longest one.
        assert_eq!(total(quote!(backoff = exponential(40s)), 3), secs(80));
    }

    #[test]
    fn many_attempts_do_not_take_long_and_do_not_overflow() {
        let slowly = quote!(backoff = linear(1ns, step = 1ns, max = 1s));
        assert!(total(slowly, u32::MAX) > secs(4_000_000_000));
        let huge = quote!(backoff = fixed(200000d));
        assert!(total(huge, u32::MAX) > secs(u64::from(u32::MAX)));
        let fast = quote!(backoff = exponential(1s, factor = 1e300, max = 9s));
        assert_eq!(total(fast, 4), secs(1 + 9 + 9));
    }

    #[test]
    fn jitter_shortens_the_first_pause() {
        assert_eq!(shortest(quote!()), Some(Duration::ZERO));
        assert_eq!(
            shortest(quote!(jitter = equal)),
            Some(Duration::from_millis(500))
        );
        assert_eq!(shortest(quote!(jitter = none)), Some(secs(1)));
        assert_eq!(
            shortest(quote!(backoff = fixed(1s), jitter = 200ms)),
            Some(Duration::from_millis(800))
        );
        assert_eq!(shortest(quote!(backoff = fixed(1s), jitter = MOST)), None);
        assert_eq!(shortest(quote!(backoff = decorrelated(2s))), Some(secs(2)));
    }
}
