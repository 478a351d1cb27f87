//! What counts as a failure, and how many of them there are.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;

use super::{Question, Subject, Threshold};
use crate::allowed::Rule;
use crate::args::Count;
use crate::policy::{CircuitBreakerOptions, Window, defaults};

impl Subject<'_> {
    pub(super) fn check_judging(&self) {
        self.retried_errors_are_not_the_aborted_ones();
        self.a_timeout_below_is_retried();
        self.one_call_does_not_open_the_breaker();
    }

    /// What is in both patterns is not retried, so that nothing is.
    fn retried_errors_are_not_the_aborted_ones(&self) {
        if let Some((_, retry)) = self.retry()
            && let (Some(retried), Some(aborted)) = (&retry.again.retry_on, &retry.again.abort_on)
            && retried.to_token_stream().to_string() == aborted.to_token_stream().to_string()
        {
            self.diagnostics.error(
                aborted,
                "nothing is ever retried: `retry_on` and `abort_on` are the same pattern\n\
                 keep one of them",
            );
        }
    }

    /// `retry_on` says everything that is retried. A timeout below arrives as a
    /// `resilience::Error` in the function's own error type; where the pattern mentions nothing of the
    /// kind, it was probably forgotten.
    fn a_timeout_below_is_retried(&self) {
        let Some((position, retry)) = self.retry() else {
            return;
        };
        let (Some(retry_on), None) = (&retry.again.retry_on, &retry.again.when) else {
            return;
        };
        let abort_on = &retry.again.abort_on;
        let patterns = [Some(retry_on), abort_on.as_ref()];
        let is_meant = patterns
            .into_iter()
            .flatten()
            .any(|pattern| may_mean_a_timeout(pattern.to_token_stream()));
        if self.timeout_below(position).is_some() && !is_meant {
            self.warn(
                Rule::RetrySkipsTimeout,
                retry_on,
                "the timeout below is not retried: `retry_on` does not list it\n\
                 add the variant that carries `resilience::Error::TimedOut { .. }`",
            );
        }
    }

    /// The attempts of one call count as failures one by one in a breaker below the retry. Where they
    /// are enough to open it, a single broken call shuts out everybody.
    fn one_call_does_not_open_the_breaker(&self) {
        let Some((position, retry)) = self.retry() else {
            return;
        };
        let Some(breaker) = self.breaker_below(position) else {
            return;
        };
        let (Some(retry), Some(options)) = (retry.definition.here(), breaker.definition.here())
        else {
            return;
        };
        let attempts = retry.max_attempts.as_ref();
        for (name, threshold) in thresholds(options) {
            let (Some(number), Some(enough)) = (
                attempts.map_or(Some(defaults::MAX_ATTEMPTS), Count::known),
                threshold.known(),
            ) else {
                self.ask(Question::BreakerHolds {
                    attempts: attempts.cloned(),
                    threshold,
                });
                continue;
            };
            if number < enough {
                continue;
            }
            let message = format!(
                "one call opens the circuit breaker: {number} attempts, and `{name}` is {enough}\n\
                 raise `{name}` above {number}, or make fewer attempts"
            );
            match (&threshold, attempts) {
                (Threshold::Given(given), _) => {
                    self.warn(Rule::RetryOpensBreaker, given, &message);
                }
                (Threshold::Default(_), Some(attempts)) => {
                    self.warn(Rule::RetryOpensBreaker, attempts, &message);
                }
                (Threshold::Default(_), None) => {
                    self.warn_at(Rule::RetryOpensBreaker, breaker.span, &message);
                }
            }
            return;
        }
    }
}

/// How many failures open the breaker at the earliest, by each of its rules.
fn thresholds(options: &CircuitBreakerOptions) -> Vec<(&'static str, Threshold)> {
    let mut thresholds = Vec::new();
    let has_rate = options.failure_rate.is_some() || options.slow_call_rate.is_some();
    match &options.failure_threshold {
        Some(count) => thresholds.push(("failure_threshold", Threshold::Given(count.clone()))),
        None if has_rate => {}
        None => thresholds.push((
            "failure_threshold",
            Threshold::Default(defaults::FAILURE_THRESHOLD),
        )),
    }
    if options.failure_rate.is_some() {
        let minimum = match (&options.minimum_calls, &options.window) {
            (Some(minimum), _) => ("minimum_calls", Threshold::Given(minimum.clone())),
            (None, Some(Window::Count(window))) => {
                ("count_window", Threshold::Given(window.clone()))
            }
            (None, Some(Window::Time(_))) => (
                "minimum_calls",
                Threshold::Default(defaults::TIME_WINDOW_MINIMUM),
            ),
            (None, None) => ("count_window", Threshold::Default(defaults::COUNT_WINDOW)),
        };
        thresholds.push(minimum);
    }
    thresholds
}

/// Whether a pattern matches everything, or names something that sounds like a timeout or like
/// what carries one.
fn may_mean_a_timeout(pattern: TokenStream) -> bool {
    let matches_all = pattern
        .clone()
        .into_iter()
        .any(|token| token.to_string() == "_");
    matches_all || names_a_timeout(pattern)
}

fn names_a_timeout(tokens: TokenStream) -> bool {
    const WORDS: [&str; 3] = ["time", "resilience", "policy"];
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(name) => {
            let name = name.to_string().to_lowercase();
            WORDS.iter().any(|word| name.contains(word))
        }
        TokenTree::Group(group) => names_a_timeout(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn a_pattern_that_may_mean_a_timeout() {
        for pattern in [
            quote!(Error::TimedOut { .. }),
            quote!(PayError::Busy | PayError::Resilience(_)),
            quote!(PayError::Policy(resilience::Error::TimedOut { .. })),
            quote!(PayError::Timeout),
            quote!(_),
        ] {
            assert!(may_mean_a_timeout(pattern.clone()), "{pattern}");
        }
        for pattern in [quote!(PayError::Busy), quote!(PayError::Status(_))] {
            assert!(!may_mean_a_timeout(pattern.clone()), "{pattern}");
        }
    }
}
