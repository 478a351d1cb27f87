//! The rules that the compiler decides, as constants that do not compile when one is broken.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::Annotated;
use super::declare::at;
use super::declare::retry::{backoff_value, jitter_value};
use crate::args::Count;
use crate::check::Question;
use crate::duration::Length;
use crate::paths::local;
use crate::policy::{Backoff, Jitter, defaults};

impl Annotated {
    // Output: const _: () = ::resilience::__private::verify::attempts_fit(ATTEMPTS, each, backoff, within);
    /// Items, which are evaluated also where nobody calls a generic function.
    pub(super) fn ask_the_compiler(&self) -> TokenStream {
        let questions = self.questions.iter().map(|question| {
            let (verify, name) = (self.paths.private("verify"), local(name(question)));
            let arguments = self.arguments_of(question);
            let call = at(&question.place(), quote!(#verify::#name(#arguments)));
            quote!(const _: () = #call;)
        });
        questions.collect()
    }

    fn arguments_of(&self, question: &Question) -> TokenStream {
        match question {
            Question::AttemptsFit {
                attempts,
                each,
                backoff,
                jitter,
                within,
            } => {
                let attempts = self.attempts(attempts.as_ref());
                let each = or_seconds(each.as_ref(), Duration::ZERO);
                let backoff = self.backoff(backoff.as_ref());
                let jitter = self.jitter(jitter.as_ref());
                quote!(#attempts, #each, #backoff, #jitter, #within)
            }
            Question::PauseFits {
                backoff,
                jitter,
                within,
            } => {
                let backoff = self.backoff(backoff.as_ref());
                let jitter = self.jitter(jitter.as_ref());
                quote!(#backoff, #jitter, #within)
            }
            Question::BreakerFits {
                open_for,
                backoff,
                within,
            } => {
                let open_for = or_seconds(open_for.as_ref(), defaults::OPEN_FOR);
                let backoff = self.backoff(backoff.as_ref());
                quote!(#open_for, #backoff, #within)
            }
            Question::BreakerHolds {
                attempts,
                threshold,
            } => {
                let attempts = self.attempts(attempts.as_ref());
                quote!(#attempts, #threshold)
            }
            Question::LeaseLasts {
                attempts,
                each,
                backoff,
                limits,
                lease,
            } => {
                let attempts = self.attempts(attempts.as_ref());
                let each = or_seconds(each.as_ref(), Duration::ZERO);
                let backoff = self.backoff(backoff.as_ref());
                let within = self.earliest(limits);
                let lease = or_seconds(lease.as_ref(), defaults::LEASE);
                quote!(#attempts, #each, #backoff, #within, #lease)
            }
            Question::ResultOutlivesWait { wait, ttl } => {
                let ttl = or_seconds(ttl.as_ref(), defaults::TTL);
                quote!(#wait, #ttl)
            }
            Question::DeadlineReached {
                deadline: first,
                timeout,
            }
            | Question::WaitEnds {
                wait: first,
                timeout,
            }
            | Question::HedgeStarts {
                delay: first,
                timeout,
            }
            | Question::CallCanBeSlow {
                slow: first,
                timeout,
            } => quote!(#first, #timeout),
        }
    }

    /// The earliest of these ends, or none.
    fn earliest(&self, limits: &[Length]) -> TokenStream {
        let verify = self.paths.private("verify");
        let all = limits.iter().map(ToTokens::to_token_stream);
        all.reduce(|one, other| quote!(#verify::shorter(#one, #other)))
            .unwrap_or_else(|| quote!(::core::time::Duration::MAX))
    }

    fn attempts(&self, attempts: Option<&Count>) -> TokenStream {
        let retry = self.paths.public("Retry");
        match attempts {
            Some(attempts) => attempts.to_token_stream(),
            None => quote!(#retry::DEFAULT_MAX_ATTEMPTS),
        }
    }

    fn backoff(&self, backoff: Option<&Backoff>) -> TokenStream {
        let (retry, ty) = (self.paths.public("Retry"), self.paths.public("Backoff"));
        match backoff {
            // Nobody knows how long its pauses are.
            Some(Backoff::Custom { .. }) => quote!(#ty::fixed(::core::time::Duration::ZERO)),
            Some(backoff) => backoff_value(backoff, &self.paths),
            None => quote!(#retry::DEFAULT_BACKOFF),
        }
    }

    fn jitter(&self, jitter: Option<&Jitter>) -> TokenStream {
        let retry = self.paths.public("Retry");
        match jitter {
            Some(jitter) => jitter_value(jitter, &self.paths),
            None => quote!(#retry::DEFAULT_JITTER),
        }
    }
}

/// A length, or the runtime's own, which is of whole seconds.
fn or_seconds(length: Option<&Length>, otherwise: Duration) -> TokenStream {
    match length {
        Some(length) => length.to_token_stream(),
        None if otherwise.is_zero() => quote!(::core::time::Duration::ZERO),
        None => {
            let seconds = proc_macro2::Literal::u64_unsuffixed(otherwise.as_secs());
            quote!(::core::time::Duration::from_secs(#seconds))
        }
    }
}

fn name(question: &Question) -> &'static str {
    match question {
        Question::AttemptsFit { .. } => "attempts_fit",
        Question::PauseFits { .. } => "pause_fits",
        Question::BreakerFits { .. } => "breaker_fits",
        Question::BreakerHolds { .. } => "breaker_holds",
        Question::DeadlineReached { .. } => "deadline_is_reached",
        Question::LeaseLasts { .. } => "lease_lasts",
        Question::ResultOutlivesWait { .. } => "result_outlives_wait",
        Question::WaitEnds { .. } => "wait_ends",
        Question::HedgeStarts { .. } => "hedge_starts",
        Question::CallCanBeSlow { .. } => "call_can_be_slow",
    }
}
