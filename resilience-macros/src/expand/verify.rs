//! The rules that the compiler decides, as constants that do not compile when one is broken.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::Annotated;
use super::declare::at;
use super::declare::retry::{backoff_value, jitter_value};
use crate::args::Count;
use crate::check::Question;
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
                let each = match each {
                    Some(each) => each.to_token_stream(),
                    None => quote!(::core::time::Duration::ZERO),
                };
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
                let open_for = match open_for {
                    Some(open_for) => open_for.to_token_stream(),
                    None => {
                        let seconds = defaults::OPEN_FOR.as_secs();
                        quote!(::core::time::Duration::from_secs(#seconds))
                    }
                };
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
            Question::DeadlineReached {
                deadline: first,
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

fn name(question: &Question) -> &'static str {
    match question {
        Question::AttemptsFit { .. } => "attempts_fit",
        Question::PauseFits { .. } => "pause_fits",
        Question::BreakerFits { .. } => "breaker_fits",
        Question::BreakerHolds { .. } => "breaker_holds",
        Question::DeadlineReached { .. } => "deadline_is_reached",
        Question::HedgeStarts { .. } => "hedge_starts",
        Question::CallCanBeSlow { .. } => "call_can_be_slow",
    }
}
