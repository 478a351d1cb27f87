//! What cannot end, or begin, in the time that it is given.

use std::time::Duration;

use super::pauses::Pauses;
use super::{Question, Subject};
use crate::allowed::Rule;
use crate::args::Count;
use crate::duration::Length;
use crate::policy::{Backoff, HedgeStart, Jitter, OpenFor, RetryOptions, defaults};

/// What ends the attempts of a retry.
#[derive(Clone, Copy)]
struct Limit<'a> {
    /// As messages call it.
    name: &'static str,
    length: &'a Length,
}

impl<'a> Subject<'a> {
    pub(super) fn check_times(&self) {
        self.a_call_can_be_slow();
        self.a_hedge_starts_in_time();
        let Some((position, retry)) = self.retry() else {
            return;
        };
        let Some(options) = retry.definition.here() else {
            return;
        };
        self.the_deadline_can_be_reached(position, options);
        for limit in self.limits(position, options) {
            self.the_breaker_closes_in_time(position, options, limit);
            let may_repeat = self.the_first_pause_ends_in_time(options, limit);
            // Otherwise the pauses were reported already.
            if may_repeat {
                self.all_attempts_end_in_time(position, options, limit);
            }
        }
    }

    /// What ends the attempts; where both are known, what ends them first.
    fn limits(&self, position: usize, options: &'a RetryOptions) -> Vec<Limit<'a>> {
        let timeout = self.timeout_above(position).map(|timeout| Limit {
            name: "the timeout above",
            length: &timeout.after,
        });
        let deadline = options.deadline.as_ref().map(|length| Limit {
            name: "the deadline",
            length,
        });
        if let (Some(timeout), Some(deadline)) = (timeout, deadline)
            && let (Some(one), Some(other)) = (timeout.length.known(), deadline.length.known())
        {
            return vec![if one < other { timeout } else { deadline }];
        }
        timeout.into_iter().chain(deadline).collect()
    }

    /// The last attempts of a retry that has not the time for all of them never happen. Judged by
    /// the longest that everything can take:
    ///
    /// ```text
    /// #[retry(max_attempts = 4, deadline = 10s)]    4 × 2s + 7s of pauses = 15s
    /// #[timeout(2s)]
    /// ```
    fn all_attempts_end_in_time(&self, position: usize, options: &RetryOptions, limit: Limit<'_>) {
        let each = self.timeout_below(position).map(|timeout| &timeout.after);
        let attempts = options.max_attempts.as_ref();
        let backoff = options.backoff.as_ref();
        let ask = || {
            self.ask(Question::AttemptsFit {
                attempts: attempts.cloned(),
                each: each.cloned(),
                backoff: backoff.cloned(),
                jitter: options.jitter.clone(),
                within: limit.length.clone(),
            });
        };
        let (Some(within), Some(number)) = (
            limit.length.known(),
            attempts.map_or(Some(defaults::MAX_ATTEMPTS), Count::known),
        ) else {
            return ask();
        };
        let pauses = match Pauses::of(backoff) {
            Pauses::Written(pauses) => pauses.longest_total(number),
            Pauses::Constant => return ask(),
            Pauses::Function => Duration::ZERO,
        };
        let each = match each.map(Length::known) {
            None => None,
            Some(None) => return ask(),
            Some(known) => known,
        };
        let all = each
            .unwrap_or_default()
            .saturating_mul(number)
            .saturating_add(pauses);
        if all > within {
            let sum = match each {
                None => format!("{number} attempts make up to {pauses:?} of pauses"),
                Some(each) if pauses.is_zero() => {
                    format!("all attempts take up to {number} × {each:?} = {all:?}")
                }
                Some(each) => format!(
                    "all attempts take up to {number} × {each:?} + {pauses:?} of pauses = {all:?}"
                ),
            };
            self.warn(
                Rule::AttemptsExceedDeadline,
                limit.length.written(),
                &format!(
                    "{sum}, and {} is {within:?}\nallow more time, or make fewer attempts",
                    limit.name
                ),
            );
        }
    }

    /// A retry whose shortest pause outlives its time never retries. `false` when it does so
    /// certainly.
    fn the_first_pause_ends_in_time(&self, options: &RetryOptions, limit: Limit<'_>) -> bool {
        let backoff = options.backoff.as_ref();
        let is_drawn = matches!(backoff, Some(Backoff::Decorrelated { .. }));
        let may_be_none = matches!(options.jitter, None | Some(Jitter::Full)) && !is_drawn;
        let shortest = match Pauses::of(backoff) {
            Pauses::Function => return true,
            _ if may_be_none => return true,
            Pauses::Constant => None,
            Pauses::Written(pauses) => pauses.shortest_first(options.jitter.as_ref()),
        };
        let (Some(shortest), Some(within)) = (shortest, limit.length.known()) else {
            self.ask(Question::PauseFits {
                backoff: backoff.cloned(),
                jitter: options.jitter.clone(),
                within: limit.length.clone(),
            });
            return true;
        };
        let fits = shortest < within;
        if !fits {
            let first = backoff.and_then(Backoff::first).unwrap_or(limit.length);
            self.diagnostics.error(
                first.written(),
                format!(
                    "nothing is ever retried: the first pause is at least {shortest:?}, and {} is \
                     {within:?}\nshorten the pause, or allow more time",
                    limit.name
                ),
            );
        }
        fits
    }

    /// A retry waits for an open circuit breaker below it when no pause of its own backoff would be
    /// longer. Where the time is over before the breaker admits a call, it waits for nothing.
    fn the_breaker_closes_in_time(
        &self,
        position: usize,
        options: &RetryOptions,
        limit: Limit<'_>,
    ) {
        let Some(breaker) = self.breaker_below(position) else {
            return;
        };
        let Some(breaker) = breaker.definition.here() else {
            return;
        };
        let open_for = breaker.open_for.as_ref().map(OpenFor::first);
        let backoff = options.backoff.as_ref();
        let longest = match Pauses::of(backoff) {
            Pauses::Function => return,
            Pauses::Constant => None,
            Pauses::Written(pauses) => Some(pauses.longest()),
        };
        let (Some(longest), Some(within), Some(open)) = (
            longest,
            limit.length.known(),
            open_for.map_or(Some(defaults::OPEN_FOR), Length::known),
        ) else {
            return self.ask(Question::BreakerFits {
                open_for: open_for.cloned(),
                backoff: backoff.cloned(),
                within: limit.length.clone(),
            });
        };
        if open > within && longest >= open {
            self.diagnostics.error(
                open_for.unwrap_or(limit.length).written(),
                format!(
                    "#[retry] would wait {open:?} for the circuit breaker, and {} is {within:?}\n\
                     lower `open_for`, or keep the pauses below it: `max` of the backoff",
                    limit.name
                ),
            );
        }
    }

    /// A deadline behind the timeout above never comes.
    fn the_deadline_can_be_reached(&self, position: usize, options: &RetryOptions) {
        let (Some(deadline), Some(timeout)) = (&options.deadline, self.timeout_above(position))
        else {
            return;
        };
        match (deadline.known(), timeout.after.known()) {
            (Some(deadline_is), Some(timeout_is)) if deadline_is > timeout_is => {
                self.diagnostics.error(
                    deadline.written(),
                    format!(
                        "`deadline` of {deadline_is:?} is never reached: the timeout above is \
                         {timeout_is:?}\nlower it, or leave it out"
                    ),
                );
            }
            (Some(_), Some(_)) => {}
            _ => self.ask(Question::DeadlineReached {
                deadline: deadline.clone(),
                timeout: timeout.after.clone(),
            }),
        }
    }

    /// Where a timeout ends the first attempt, or everything, before the second one would begin,
    /// there is no hedge.
    fn a_hedge_starts_in_time(&self) {
        let Some((position, hedge)) = self.hedge() else {
            return;
        };
        let Some(options) = hedge.definition.here() else {
            return;
        };
        // A quantile is measured, and no longer than what it measures.
        let HedgeStart::After(delay) = &options.start else {
            return;
        };
        let timeouts = [
            ("above", self.timeout_above(position)),
            ("below", self.timeout_below(position)),
        ];
        for (place, timeout) in timeouts {
            let Some(timeout) = timeout else { continue };
            match (delay.known(), timeout.after.known()) {
                (Some(delay_is), Some(timeout_is)) if delay_is >= timeout_is => {
                    self.diagnostics.error(
                        delay.written(),
                        format!(
                            "no hedge ever starts: `delay` is {delay_is:?}, and the timeout {place} \
                             is {timeout_is:?}\nlower `delay`"
                        ),
                    );
                }
                (Some(_), Some(_)) => {}
                _ => self.ask(Question::HedgeStarts {
                    delay: delay.clone(),
                    timeout: timeout.after.clone(),
                }),
            }
        }
    }

    /// A call that a timeout ends is never seen to take longer. One of several attempts is.
    fn a_call_can_be_slow(&self) {
        let Some((position, breaker)) = self.breaker() else {
            return;
        };
        let Some(slow) = breaker
            .definition
            .here()
            .and_then(|options| options.slow_call_duration.as_ref())
        else {
            return;
        };
        let timeout = self
            .timeout_below(position)
            .filter(|_| self.hedge().is_none_or(|(hedge, _)| hedge < position))
            .map(|timeout| (timeout, "below"))
            .or_else(|| Some((self.timeout_above(position)?, "above")));
        let Some((timeout, place)) = timeout else {
            return;
        };
        match (slow.known(), timeout.after.known()) {
            (Some(slow_is), Some(timeout_is)) if slow_is > timeout_is => {
                self.diagnostics.error(
                    slow.written(),
                    format!(
                        "no call is ever slow: `slow_call_duration` is {slow_is:?}, and the timeout \
                         {place} is {timeout_is:?}\nlower it"
                    ),
                );
            }
            (Some(_), Some(_)) => {}
            _ => self.ask(Question::CallCanBeSlow {
                slow: slow.clone(),
                timeout: timeout.after.clone(),
            }),
        }
    }
}
