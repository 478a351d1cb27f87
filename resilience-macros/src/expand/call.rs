//! The call, wrapped from the inside out: one `let call = layer.verb(call)` line per layer.

mod judge;
mod once;
mod step;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;

use super::Annotated;
use super::declare::at;
use crate::paths::local;
use crate::policy::{Fallback, Instead, Kind, Policy, Retry};

impl Annotated {
    // Output: let mut observed = annotated.observe();
    //         let answer = ..;
    //         observed.end(answer)
    /// Everything from the innermost call to the function's result.
    pub(super) fn call(&self) -> TokenStream {
        let (annotated, observed) = (local("annotated"), local("observed"));
        let answer = self.answer(&self.policies, false, true);
        let variable = local("answer");
        quote! {
            let mut #observed = #annotated.observe();
            let #variable = { #answer };
            #observed.end(#variable)
        }
    }

    /// What stands in a block: the answer of the call under `policies`, outermost first. At the top the
    /// call is watched.
    pub(super) fn answer(&self, policies: &[Policy], owned: bool, top: bool) -> TokenStream {
        match policies.split_first() {
            Some((Policy::Retry(retry), below)) => self.retry_loop(retry, below, top),
            Some((Policy::Fallback(fallback), below)) => self.fallback(fallback, below, top),
            Some((Policy::Idempotent(policy), below)) if policy.transaction().is_some() => {
                self.transaction(below, top)
            }
            Some((Policy::SagaStep(step), below)) if step.transaction.is_some() => {
                self.committed_step(below)
            }
            _ => self.awaited(policies, owned, false, top),
        }
    }

    // Output: let call = async { .. };
    //         let call = timeout.limit(call, function);
    //         let call = pin!(breaker.guard(call, function, errors));
    //         observed.watch(call).await
    /// The statements that make the call, and the expression that waits for it. `within` says that the
    /// attempts above may have a deadline.
    fn awaited(&self, policies: &[Policy], owned: bool, within: bool, top: bool) -> TokenStream {
        let call = local("call");
        let (mut statements, mut last) = self.wrap(policies, owned);
        if top && policies.first().is_none_or(is_a_block) {
            // The body stands by itself, and not inside of a macro.
            statements.extend(quote!(let #call = #last;));
            last = quote!(#call);
        }
        if within {
            let attempts = local("attempts");
            statements.extend(quote!(let #call = #last;));
            last = quote!(#attempts.within(#call));
        }
        if top {
            let observed = local("observed");
            quote! {
                #statements
                let #call = ::core::pin::pin!(#last);
                #observed.watch(#call).await
            }
        } else {
            quote!(#statements let #call = #last; #call.await)
        }
    }

    /// The call under `policies` (outermost first): the statements that leave all but its last layer in
    /// the variable `call`, and the last layer as an expression.
    ///
    /// `owned` says that the arguments in reach belong to this call alone, so that it has to take
    /// them with it.
    fn wrap(&self, policies: &[Policy], owned: bool) -> (TokenStream, TokenStream) {
        match policies.split_first() {
            None => (TokenStream::new(), self.attempt(owned)),
            Some((policy, _)) if is_a_block(policy) => {
                let answer = self.answer(policies, false, false);
                let moved = owned.then(|| quote!(move));
                (TokenStream::new(), quote!(async #moved { #answer }))
            }
            Some((Policy::Idempotent(policy), below)) if policy.detach().is_some() => {
                (self.leave(below), self.once(policy))
            }
            Some((Policy::Hedge(_), below)) => self.hedge(below),
            Some((policy, below)) => {
                let call = local("call");
                let (statements, last) = self.wrap(below, owned);
                let layer = self.layer(policy);
                (quote!(#statements let #call = #last;), layer)
            }
        }
    }

    // Output: let mut attempts = retry.attempts(function, errors);
    //         loop {
    //             let last = attempts.is_last();
    //             let answer = {
    //                 let call = async { .. };
    //                 let call = pin!(timeout.limit(call, function));
    //                 observed.watch(call).await
    //             };
    //             let pause = match attempts.settle(answer) {
    //                 ControlFlow::Break(answer) => break answer,
    //                 ControlFlow::Continue(pause) => pause,
    //             };
    //             pause.await;
    //         }
    fn retry_loop(&self, retry: &Retry, below: &[Policy], top: bool) -> TokenStream {
        let (policy, attempts, last) = (local("retry"), local("attempts"), local("last"));
        let (pause, answer) = (local("pause"), local("answer"));
        let (function, errors) = (local("function"), local("errors"));
        let last = self
            .takes_last()
            .then(|| quote!(let #last = #attempts.is_last();));
        let attempt = self.awaited(below, false, retry.may_have_deadline(), top);
        let settle = self.settle(&retry.again);
        quote! {
            let mut #attempts = #policy.attempts(#function, #errors);
            loop {
                #last
                let #answer = { #attempt };
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
    //             async move { .. }
    //         };
    //         let call = hedge.race(attempt, function, errors);
    fn hedge(&self, below: &[Policy]) -> (TokenStream, TokenStream) {
        let (policy, attempt) = (local("hedge"), local("attempt"));
        let (function, errors) = (local("function"), local("errors"));
        // What runs again below keeps arguments for itself.
        let keeps = below.iter().any(calls_again);
        let copies = self.replayed().map(|(binding, cfgs)| {
            let argument = &binding.ident;
            if keeps {
                quote!(#(#cfgs)* let mut #argument = #argument.fork();)
            } else {
                let mutable = binding.mutable.then(|| quote!(mut));
                quote!(#(#cfgs)* let #mutable #argument = #argument.copy();)
            }
        });
        let (statements, last) = self.wrap(below, true);
        let attempt_of = quote! {
            let #attempt = || {
                #(#copies)*
                #statements
                #last
            };
        };
        (
            attempt_of,
            quote!(#policy.race(#attempt, #function, #errors)),
        )
    }

    // Output: let answer = { .. };
    //         match fallback.needed(answer, errors) {
    //             ControlFlow::Break(answer) => answer,
    //             ControlFlow::Continue((error, failed)) => {
    //                 failed.answered(observed.watch(pin!(async { from_cache(..).await })).await)
    //             }
    //         }
    fn fallback(&self, fallback: &Fallback, below: &[Policy], top: bool) -> TokenStream {
        let (policy, errors) = (local("fallback"), local("errors"));
        let (answer, error, failed) = (local("answer"), local("error"), local("failed"));
        let inner = self.answer(below, false, top);
        let needed = match &fallback.on {
            None => quote!(needed(#answer, #errors)),
            Some(pattern) => quote! {
                needed_if(#answer, #errors, |#error| ::core::matches!(#error, #pattern))
            },
        };
        let (bound, instead) = match &fallback.instead {
            Instead::Value(value) => {
                let written = value.to_token_stream();
                let ok = at(&written, quote!(::core::result::Result::Ok(#value)));
                (quote!(_), ok)
            }
            Instead::Function(function) => (quote!(#error), self.call_instead(function, top)),
        };
        quote! {
            let #answer = { #inner };
            match #policy.#needed {
                ::core::ops::ControlFlow::Break(#answer) => #answer,
                ::core::ops::ControlFlow::Continue((#bound, #failed)) => #failed.answered(#instead),
            }
        }
    }

    // Output: from_cache(client, order.copy(), error).await
    //         observed.watch(pin!(async { from_cache(..).await })).await    at the top
    fn call_instead(&self, function: &Path, top: bool) -> TokenStream {
        let error = at(
            &function.to_token_stream(),
            local("error").to_token_stream(),
        );
        let receiver = self.function.sig.receiver().map(|receiver| {
            let this = receiver.self_token;
            quote!(#this,)
        });
        let arguments = self.arguments_again();
        let span = syn::spanned::Spanned::span(function);
        let call = quote_spanned!(span=> #function(#receiver #arguments #error));
        if top {
            let observed = at(
                &function.to_token_stream(),
                local("observed").to_token_stream(),
            );
            quote_spanned!(span=> #observed.watch(::core::pin::pin!(async { #call.await })).await)
        } else {
            quote_spanned!(span=> #call.await)
        }
    }

    // Output: key
    //         key.clone()     where a retry stands above
    pub(super) fn own_key(&self, name: &str, kind: Kind) -> TokenStream {
        let key = local(name);
        match self.is_repeated(kind) {
            true => quote!(#key.clone()),
            false => quote!(#key),
        }
    }

    /// Whether a retry stands above this one, and calls it more than once.
    fn is_repeated(&self, kind: Kind) -> bool {
        let above = self.policies.iter().map(Policy::kind);
        above
            .take_while(|above| *above != kind)
            .any(|above| above == Kind::Retry)
    }

    // Output: timeout.limit(call, function)
    /// The layers that hold the call in place.
    fn layer(&self, policy: &Policy) -> TokenStream {
        let (call, function, stored) = (local("call"), local("function"), local("stored"));
        let (key, arguments) = (local("key"), local("arguments"));
        match policy {
            Policy::Bulkhead(_) => {
                let bulkhead = local("bulkhead");
                quote!(#bulkhead.enter(#call, #function))
            }
            Policy::CircuitBreaker(policy) => self.guard(policy),
            Policy::Idempotent(policy) => self.once(policy),
            Policy::Locked(_) => {
                let (locked, key) = (local("locked"), self.own_key("lock_key", Kind::Locked));
                quote!(#locked.hold(#key, #call, #function))
            }
            Policy::RateLimit(_) => {
                let limit = local("limit");
                quote!(#limit.admit(#call, #function))
            }
            Policy::Saga(policy) => {
                let (saga, idempotent) = (local("saga"), local("idempotent"));
                let (failures, kept) = (local("failures"), local("kept"));
                let identity = match (&policy.identity, self.find(Kind::Idempotent)) {
                    (Some(_), _) => local("identity").to_token_stream(),
                    (None, Some(_)) => quote!(#saga.keyed(#idempotent.saga_key(&#key))),
                    (None, None) => quote!(#saga.anonymous()),
                };
                quote!(#saga.run(#arguments, #identity, #call, #function, #stored, #failures, #kept))
            }
            Policy::SagaStep(_) => {
                let (step, kept) = (local("step"), local("kept"));
                // A body that is not `Send` is an error at the function's name.
                let place = self.function.sig.ident.to_token_stream();
                let sendable = self.paths.private("sendable");
                let call = at(&place, quote!(#sendable(#call)));
                quote!(#step.run(#arguments, #call, #function, #stored, #kept))
            }
            Policy::SingleFlight(_) => {
                let (flight, key) = (
                    local("flight"),
                    self.own_key("flight_key", Kind::SingleFlight),
                );
                let (errors, joined) = (local("errors"), local("joined"));
                quote!(#flight.share(#key, #call, #function, #errors, #joined))
            }
            Policy::Timeout(policy) => {
                let timeout = local(self.variable_of(policy));
                quote!(#timeout.limit(#call, #function))
            }
            // These make blocks of their own.
            Policy::Fallback(_) | Policy::Hedge(_) | Policy::Retry(_) => TokenStream::new(),
        }
    }
}

/// Whether what stands below it is called a second time, or a function in its place: arguments are
/// kept for that.
fn calls_again(policy: &Policy) -> bool {
    match policy {
        Policy::Retry(_) | Policy::Hedge(_) => true,
        Policy::Fallback(fallback) => fallback.function().is_some(),
        _ => false,
    }
}

/// Whether its call is made of statements, and not of one expression.
fn is_a_block(policy: &Policy) -> bool {
    match policy {
        Policy::Retry(_) | Policy::Fallback(_) => true,
        policy => policy.transaction().is_some(),
    }
}
