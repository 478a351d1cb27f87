//! Circuit breakers.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::{Declared, at, item, setter, shared};
use crate::duration::Length;
use crate::expand::Annotated;
use crate::options::Definition;
use crate::policy::{
    CircuitBreaker, CircuitBreakerOptions, OnCancel, OpenFor, Probe, Window, defaults,
};

impl Annotated {
    // Output: static __BREAKER: CircuitBreaker = CircuitBreaker::named("warehouse").failure_threshold(5);
    pub(super) fn declare_circuit_breaker(&self, policy: &CircuitBreaker) -> Declared {
        let one = self.paths.public("CircuitBreaker");
        let ty = match policy.key {
            Some(_) => self.paths.public("KeyedCircuitBreaker"),
            None => one.clone(),
        };
        let options = match &policy.definition {
            Definition::Shared(path) => return shared("breaker", "__BREAKER", &ty, path),
            Definition::Here(options) => options,
        };
        let CircuitBreakerOptions {
            name,
            failure_threshold,
            failure_rate,
            window,
            minimum_calls,
            slow_call_duration,
            slow_call_rate,
            open_for,
            half_open_permits,
            success_threshold,
            half_open_success_rate,
            recovery,
            on_cancel,
            probe,
            max_keys,
        } = options;
        let constructor = self.constructor(name.as_ref());
        let setters = [
            setter("failure_threshold", failure_threshold.as_ref()),
            setter("failure_rate", failure_rate.as_ref()),
            window.as_ref().map(window_setter).unwrap_or_default(),
            setter("minimum_calls", minimum_calls.as_ref()),
            setter("slow_call_duration", slow_call_duration.as_ref()),
            setter("slow_call_rate", slow_call_rate.as_ref()),
            self.open_for_setter(open_for.as_ref()),
            setter("half_open_permits", half_open_permits.as_ref()),
            // Beside it the two that follow do not exclude each other.
            setter("recovery", recovery.as_ref()),
            setter("success_threshold", success_threshold.as_ref()),
            setter("half_open_success_rate", half_open_success_rate.as_ref()),
            self.on_cancel_setter(*on_cancel),
        ];
        let (probe_item, probe) = match probe {
            Some(probe) => (self.declare_probe(probe), quote!(.probe(&__PROBE))),
            None => (TokenStream::new(), TokenStream::new()),
        };
        let per_key = policy.key.as_ref().map(|_| match max_keys {
            Some(max_keys) => at(&max_keys.to_token_stream(), quote!(.per_key(#max_keys))),
            None => quote!(.per_key(#one::DEFAULT_MAX_KEYS)),
        });
        let value = quote!(#one::#constructor #(#setters)* #probe #per_key);
        let mut declared = item("breaker", "__BREAKER", &ty, &value);
        declared.item = [probe_item, declared.item].into_iter().collect();
        declared
    }

    // Output: static __PROBE: Probe = Probe::every(Duration::from_secs(5), || Box::pin(is_up()));
    fn declare_probe(&self, probe: &Probe) -> TokenStream {
        let Probe { function, every } = probe;
        let ty = self.paths.public("Probe");
        let every = match every {
            Some(every) => every.to_token_stream(),
            None => quote!(#ty::DEFAULT_INTERVAL),
        };
        let place = function.to_token_stream();
        let call = at(&place, quote!(::std::boxed::Box::pin(#function())));
        quote! {
            static __PROBE: #ty = #ty::every(#every, || #call);
        }
    }

    // Output: .open_for(Duration::from_secs(30)).growing(2.0, Duration::from_secs(600))
    fn open_for_setter(&self, open_for: Option<&OpenFor>) -> TokenStream {
        match open_for {
            None => TokenStream::new(),
            Some(OpenFor::Fixed(time)) => setter("open_for", Some(time)),
            Some(OpenFor::Growing { first, factor, max }) => {
                let time = setter("open_for", Some(first));
                let factor = match factor {
                    Some(factor) => factor.to_token_stream(),
                    None => quote!(2.0),
                };
                let max = match max {
                    Some(max) => max.to_token_stream(),
                    None => self.longest_open(first),
                };
                quote!(#time.growing(#factor, #max))
            }
        }
    }

    // Output: Duration::from_secs(600)
    //         longer(FIRST, CircuitBreaker::DEFAULT_LONGEST_OPEN)
    /// Where nothing is said, no time is longer than ten minutes, or than the first.
    fn longest_open(&self, first: &Length) -> TokenStream {
        match first.known() {
            Some(known) if known > defaults::LONGEST_OPEN => first.to_token_stream(),
            Some(_) => {
                let seconds = defaults::LONGEST_OPEN.as_secs();
                quote!(::core::time::Duration::from_secs(#seconds))
            }
            None => {
                let (verify, ty) = (
                    self.paths.private("verify"),
                    self.paths.public("CircuitBreaker"),
                );
                quote!(#verify::longer(#first, #ty::DEFAULT_LONGEST_OPEN))
            }
        }
    }

    fn on_cancel_setter(&self, on_cancel: Option<OnCancel>) -> TokenStream {
        let ty = self.paths.public("OnCancel");
        match on_cancel {
            None => TokenStream::new(),
            Some(OnCancel::Ignore) => quote!(.on_cancel(#ty::Ignore)),
            Some(OnCancel::Failure) => quote!(.on_cancel(#ty::Failure)),
        }
    }
}

fn window_setter(window: &Window) -> TokenStream {
    match window {
        Window::Count(count) => setter("count_window", Some(count)),
        Window::Time(time) => setter("time_window", Some(time)),
    }
}
