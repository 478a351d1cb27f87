//! The call, wrapped from the inside out: one `let call = layer.verb(call)` line per layer.

use proc_macro2::TokenStream;
use quote::quote;

use super::Annotated;
use crate::paths::local;
use crate::policy::{Again, Kind, Policy, Retry};

impl Annotated {
    /// Everything from the innermost call to the function's result.
    pub(super) fn call(&self) -> TokenStream {
        let retry = self
            .policies
            .iter()
            .enumerate()
            .find_map(|(index, policy)| match policy {
                Policy::Retry(retry) => Some((index, retry)),
                _ => None,
            });
        let attempt = self.attempt();
        let call = local("call");
        match retry {
            None => {
                let layers = self.layers(&self.policies);
                quote!(let #call = #attempt; #layers #call.await.into_result())
            }
            Some((0, retry)) => {
                let below = self.policies.get(1..).unwrap_or_default();
                let answer = local("answer");
                self.retry_loop(retry, &attempt, below, &quote!(#answer.into_result()))
            }
            Some((index, retry)) => {
                let (above, below) = self.policies.split_at(index);
                let below = below.get(1..).unwrap_or_default();
                let answer = local("answer");
                let attempts = self.retry_loop(retry, &attempt, below, &quote!(#answer));
                let layers = self.layers(above);
                quote!(let #call = async { #attempts }; #layers #call.await.into_result())
            }
        }
    }

    // Output: let mut attempts = retry.attempts();
    //         loop {
    //             let last = attempts.is_last();
    //             let call = async { .. };
    //             let call = timeout.limit(call, function);
    //             let pause = match attempts.settle(call.await) {
    //                 ControlFlow::Break(answer) => break answer.into_result(),
    //                 ControlFlow::Continue(pause) => pause,
    //             };
    //             pause.await;
    //         }
    fn retry_loop(
        &self,
        retry: &Retry,
        attempt: &TokenStream,
        below: &[Policy],
        result: &TokenStream,
    ) -> TokenStream {
        let (policy, attempts, last) = (local("retry"), local("attempts"), local("last"));
        let (call, pause, answer) = (local("call"), local("pause"), local("answer"));
        let last = self
            .has_replays()
            .then(|| quote!(let #last = #attempts.is_last();));
        let layers = self.layers(below);
        let settle = self.settle(&retry.again);
        quote! {
            let mut #attempts = #policy.attempts();
            loop {
                #last
                let #call = #attempt;
                #layers
                let #pause = match #attempts.#settle {
                    ::core::ops::ControlFlow::Break(#answer) => break #result,
                    ::core::ops::ControlFlow::Continue(#pause) => #pause,
                };
                #pause.await;
            }
        }
    }

    // Output: settle(call.await)
    //         settle_if(call.await, |error| matches!(error, PATTERN))
    fn settle(&self, again: &Again) -> TokenStream {
        let (call, error) = (local("call"), local("error"));
        match again {
            Again::Always => quote!(settle(#call.await)),
            Again::On(pattern) => {
                quote!(settle_if(#call.await, |#error| ::core::matches!(#error, #pattern)))
            }
            Again::When(predicate) => quote!(settle_if(#call.await, #predicate)),
            Again::Both(pattern, predicate) => {
                let holds = self.paths.private("holds");
                quote! {
                    settle_if(#call.await, |#error| {
                        ::core::matches!(#error, #pattern) && #holds(#error, #predicate)
                    })
                }
            }
        }
    }

    /// The layers around `call`, innermost first.
    fn layers(&self, policies: &[Policy]) -> TokenStream {
        policies
            .iter()
            .rev()
            .map(|policy| self.layer(policy))
            .collect()
    }

    // Output: let call = timeout.limit(call, function);
    fn layer(&self, policy: &Policy) -> TokenStream {
        let (call, function, stored) = (local("call"), local("function"), local("stored"));
        let (key, arguments) = (local("key"), local("arguments"));
        let wrapped = match policy {
            Policy::Timeout(_) => {
                let timeout = local("timeout");
                quote!(#timeout.limit(#call, #function))
            }
            Policy::CircuitBreaker(_) => {
                let breaker = local("breaker");
                quote!(#breaker.guard(#call, #function))
            }
            Policy::Idempotent(_) => {
                let idempotent = local("idempotent");
                quote!(#idempotent.once(#key, #call, #function, #stored))
            }
            Policy::Saga(_) => {
                let (saga, idempotent) = (local("saga"), local("idempotent"));
                let failures = local("failures");
                let key = match self.find(Kind::Idempotent) {
                    Some(_) => quote!(::core::option::Option::Some(#idempotent.saga_key(&#key))),
                    None => quote!(::core::option::Option::None),
                };
                quote!(#saga.run(#arguments, #key, #call, #function, #stored, #failures))
            }
            Policy::SagaStep(_) => {
                let step = local("step");
                quote!(#step.run(#arguments, #call, #function, #stored))
            }
            // The loop is built by `call`.
            Policy::Retry(_) => return TokenStream::new(),
        };
        quote!(let #call = #wrapped;)
    }
}
