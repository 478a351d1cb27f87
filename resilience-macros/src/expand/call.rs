//! The call, wrapped from the inside out: one `let call = layer.verb(call)` line per layer.

mod judge;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;

use super::Annotated;
use super::declare::at;
use crate::paths::local;
use crate::policy::{Fallback, Instead, Kind, Policy, Retry};

impl Annotated {
    // Output: let call = ..; annotated.observe(call).await.into_result()
    /// Everything from the innermost call to the function's result.
    pub(super) fn call(&self) -> TokenStream {
        let (annotated, call) = (local("annotated"), local("call"));
        let wrapped = self.wrap(&self.policies, false);
        quote! {
            #wrapped
            #annotated.observe(#call).await.into_result()
        }
    }

    /// Statements that leave the call under `policies` (outermost first) in the variable `call`.
    ///
    /// `owned` says that the arguments in reach belong to this call alone, so that it has to take
    /// them with it.
    fn wrap(&self, policies: &[Policy], owned: bool) -> TokenStream {
        let call = local("call");
        match policies.split_first() {
            None => {
                let attempt = self.attempt(owned);
                quote!(let #call = #attempt;)
            }
            Some((Policy::Retry(retry), below)) => {
                let attempts = self.retry_loop(retry, below);
                block(owned, &attempts)
            }
            Some((Policy::Fallback(fallback), below)) => {
                let answer = self.fallback(fallback, below);
                block(owned, &answer)
            }
            Some((Policy::Hedge(_), below)) => self.hedge(below),
            Some((policy, below)) => {
                let inner = self.wrap(below, owned);
                let layer = self.layer(policy);
                quote!(#inner #layer)
            }
        }
    }

    // Output: let mut attempts = retry.attempts(function, errors);
    //         loop {
    //             let last = attempts.is_last();
    //             let call = async { .. };
    //             let call = timeout.limit(call, function);
    //             let pause = match attempts.settle(call.await) {
    //                 ControlFlow::Break(answer) => break answer,
    //                 ControlFlow::Continue(pause) => pause,
    //             };
    //             pause.await;
    //         }
    fn retry_loop(&self, retry: &Retry, below: &[Policy]) -> TokenStream {
        let (policy, attempts, last) = (local("retry"), local("attempts"), local("last"));
        let (call, pause, answer) = (local("call"), local("pause"), local("answer"));
        let (function, errors) = (local("function"), local("errors"));
        let last = self
            .takes_last()
            .then(|| quote!(let #last = #attempts.is_last();));
        let inner = self.wrap(below, false);
        let within = retry
            .may_have_deadline()
            .then(|| quote!(let #call = #attempts.within(#call);));
        let settle = self.settle(&retry.again);
        quote! {
            let mut #attempts = #policy.attempts(#function, #errors);
            loop {
                #last
                #inner
                #within
                let #pause = match #attempts.#settle {
                    ::core::ops::ControlFlow::Break(#answer) => break #answer,
                    ::core::ops::ControlFlow::Continue(#pause) => #pause,
                };
                #pause.await;
            }
        }
    }

    // Output: let attempt = || {
    //             let order = order.copy();
    //             let call = async move { .. };
    //             call
    //         };
    //         let call = hedge.race(attempt, function, errors);
    fn hedge(&self, below: &[Policy]) -> TokenStream {
        let (policy, attempt, call) = (local("hedge"), local("attempt"), local("call"));
        let (function, errors) = (local("function"), local("errors"));
        // What runs again below keeps arguments for itself.
        let keeps = below.iter().any(|policy| match policy {
            Policy::Retry(_) => true,
            Policy::Fallback(fallback) => fallback.function().is_some(),
            _ => false,
        });
        let copies = self.replayed().map(|(binding, cfgs)| {
            let argument = &binding.ident;
            if keeps {
                quote!(#(#cfgs)* let mut #argument = #argument.fork();)
            } else {
                let mutable = binding.mutable.then(|| quote!(mut));
                quote!(#(#cfgs)* let #mutable #argument = #argument.copy();)
            }
        });
        let inner = self.wrap(below, true);
        quote! {
            let #attempt = || {
                #(#copies)*
                #inner
                #call
            };
            let #call = #policy.race(#attempt, #function, #errors);
        }
    }

    // Output: let call = ..;
    //         match fallback.needed(call.await, errors) {
    //             ControlFlow::Break(answer) => answer,
    //             ControlFlow::Continue((error, failed)) => failed.answered(function.result(from_cache(client, symbol, error).await)),
    //         }
    fn fallback(&self, fallback: &Fallback, below: &[Policy]) -> TokenStream {
        let (policy, call, errors) = (local("fallback"), local("call"), local("errors"));
        let (answer, error, failed) = (local("answer"), local("error"), local("failed"));
        let function = local("function");
        let inner = self.wrap(below, false);
        let needed = match &fallback.on {
            None => quote!(needed(#call.await, #errors)),
            Some(pattern) => quote! {
                needed_if(#call.await, #errors, |#error| ::core::matches!(#error, #pattern))
            },
        };
        let (bound, instead) = match &fallback.instead {
            Instead::Value(value) => {
                let ok = quote!(::core::result::Result::Ok(#value));
                (quote!(_), at(&value.to_token_stream(), ok))
            }
            Instead::Function(function) => (quote!(#error), self.call_instead(function)),
        };
        quote! {
            #inner
            match #policy.#needed {
                ::core::ops::ControlFlow::Break(#answer) => #answer,
                ::core::ops::ControlFlow::Continue((#bound, #failed)) => #failed.answered(#function.result(#instead)),
            }
        }
    }

    // Output: from_cache(client, order.copy(), error).await
    fn call_instead(&self, function: &Path) -> TokenStream {
        let error = at(
            &function.to_token_stream(),
            local("error").to_token_stream(),
        );
        let receiver = self.function.sig.receiver().map(|receiver| {
            let this = receiver.self_token;
            quote!(#this,)
        });
        let arguments = self.arguments_again();
        quote_spanned!(syn::spanned::Spanned::span(function)=> #function(#receiver #arguments #error).await)
    }

    /// Whether a policy above this one calls it more than once.
    fn is_repeated(&self, kind: Kind) -> bool {
        let above = self.policies.iter().map(Policy::kind);
        above
            .take_while(|above| *above != kind)
            .any(|above| matches!(above, Kind::Retry | Kind::Hedge))
    }

    /// The layers that hold the call in place.
    // Output: let call = timeout.limit(call, function);
    fn layer(&self, policy: &Policy) -> TokenStream {
        let (call, function, stored) = (local("call"), local("function"), local("stored"));
        let (key, arguments) = (local("key"), local("arguments"));
        let wrapped = match policy {
            Policy::Bulkhead(_) => {
                let bulkhead = local("bulkhead");
                quote!(#bulkhead.enter(#call, #function))
            }
            Policy::CircuitBreaker(policy) => self.guard(policy),
            Policy::Idempotent(_) => {
                let idempotent = local("idempotent");
                let key = match self.is_repeated(Kind::Idempotent) {
                    true => quote!(#key.clone()),
                    false => quote!(#key),
                };
                quote!(#idempotent.once(#key, #call, #function, #stored))
            }
            Policy::RateLimit(_) => {
                let limit = local("limit");
                quote!(#limit.admit(#call, #function))
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
            Policy::Timeout(_) => {
                let timeout = local("timeout");
                quote!(#timeout.limit(#call, #function))
            }
            // These make blocks of their own.
            Policy::Fallback(_) | Policy::Hedge(_) | Policy::Retry(_) => return TokenStream::new(),
        };
        quote!(let #call = #wrapped;)
    }
}

// Output: let call = async { statements };
fn block(owned: bool, statements: &TokenStream) -> TokenStream {
    let call = local("call");
    let moved = owned.then(|| quote!(move));
    quote!(let #call = async #moved { #statements };)
}
