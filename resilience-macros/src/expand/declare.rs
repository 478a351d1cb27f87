//! The policies of a function, as constants and statics that the compiler checks.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};

use super::Annotated;
use crate::paths::{Paths, local};
use crate::policy::Compensation;
use crate::policy::{
    Backoff, CircuitBreaker, CircuitBreakerOptions, Idempotent, Jitter, Policy, Retry, Saga,
    SagaStep, Timeout,
};

impl Annotated {
    /// One declaration per policy, outermost first.
    pub(super) fn declare_policies(&self) -> TokenStream {
        self.policies
            .iter()
            .map(|policy| match policy {
                Policy::CircuitBreaker(policy) => self.declare_circuit_breaker(policy),
                Policy::Idempotent(policy) => self.declare_idempotent(policy),
                Policy::Retry(policy) => declare_retry(policy, &self.paths),
                Policy::Saga(policy) => self.declare_saga(policy),
                Policy::SagaStep(policy) => self.declare_saga_step(policy),
                Policy::Timeout(policy) => declare_timeout(policy, &self.paths),
            })
            .collect()
    }

    /// The function's full path, as messages and default names have it.
    pub(super) fn full_name(&self) -> TokenStream {
        let name = format!("::{}", self.short_name());
        quote!(::core::concat!(::core::module_path!(), #name))
    }

    /// The function's name, as the journal has it unless told otherwise.
    pub(super) fn short_name(&self) -> String {
        use syn::ext::IdentExt;
        self.function.sig.ident.unraw().to_string()
    }

    // Output: let breaker = {
    //             static BREAKER: CircuitBreaker = CircuitBreaker::named("warehouse").failure_threshold(5);
    //             &BREAKER
    //         };
    fn declare_circuit_breaker(&self, policy: &CircuitBreaker) -> TokenStream {
        let (variable, ty) = (local("breaker"), self.paths.public("CircuitBreaker"));
        let options = match &policy.definition {
            Err(path) => return quote!(let #variable: &'static #ty = &#path;),
            Ok(options) => options,
        };
        let CircuitBreakerOptions {
            name,
            failure_threshold,
            open_for,
            half_open_permits,
            success_threshold,
        } = options;
        let constructor = match name {
            Some(name) => quote!(named(#name)),
            None => {
                let name = self.full_name();
                quote!(for_function(#name))
            }
        };
        let failure_threshold = setter("failure_threshold", failure_threshold.as_ref());
        let open_for = setter("open_for", open_for.as_ref());
        let half_open_permits = setter("half_open_permits", half_open_permits.as_ref());
        let success_threshold = setter("success_threshold", success_threshold.as_ref());
        quote! {
            let #variable = {
                static BREAKER: #ty = #ty::#constructor
                    #failure_threshold #open_for #half_open_permits #success_threshold;
                &BREAKER
            };
        }
    }

    // Output: let idempotent = {
    //             static OPERATION: Idempotent = Idempotent::operation("..").ttl(..);
    //             &OPERATION
    //         };
    fn declare_idempotent(&self, policy: &Idempotent) -> TokenStream {
        let Idempotent {
            span: _,
            key: _,
            ttl,
            wait,
            name,
        } = policy;
        let (variable, ty) = (local("idempotent"), self.paths.private("Idempotent"));
        let operation = match name {
            Some(name) => quote!(#name),
            None => self.full_name(),
        };
        let ttl = setter("ttl", ttl.as_ref());
        let wait = setter("wait", wait.as_ref());
        quote! {
            let #variable = {
                static OPERATION: #ty = #ty::operation(#operation) #ttl #wait;
                &OPERATION
            };
        }
    }

    // Output: let saga = { static SAGA: Saga = Saga::named("checkout"); &SAGA };
    fn declare_saga(&self, policy: &Saga) -> TokenStream {
        let Saga { span: _, name } = policy;
        let (variable, ty) = (local("saga"), self.paths.private("Saga"));
        let name = self.journal_name(name.as_ref());
        quote!(let #variable = { static SAGA: #ty = #ty::named(#name); &SAGA };)
    }

    // Output: let step = { static STEP: SagaStep = SagaStep::named("reserve"); &STEP };
    fn declare_saga_step(&self, policy: &SagaStep) -> TokenStream {
        let SagaStep {
            span: _,
            compensation,
            name,
        } = policy;
        let (variable, ty) = (local("step"), self.paths.private("SagaStep"));
        let name = self.journal_name(name.as_ref());
        let in_doubt = match compensation {
            Compensation::By { in_doubt: true, .. } => quote!(.compensates_in_doubt()),
            Compensation::By { .. } | Compensation::None => TokenStream::new(),
        };
        quote!(let #variable = { static STEP: #ty = #ty::named(#name) #in_doubt; &STEP };)
    }

    /// The name in the journal, as a literal.
    pub(super) fn journal_name(&self, given: Option<&syn::LitStr>) -> TokenStream {
        match given {
            Some(name) => quote!(#name),
            None => {
                let name = self.short_name();
                quote!(#name)
            }
        }
    }
}

// Output: let timeout = { const TIMEOUT: Timeout = Timeout::after(Duration::from_secs(2)); TIMEOUT };
fn declare_timeout(policy: &Timeout, paths: &Paths) -> TokenStream {
    let Timeout { span: _, after } = policy;
    let (variable, ty) = (local("timeout"), paths.public("Timeout"));
    let constructor = at(&after.written(), quote!(#ty::after(#after)));
    quote!(let #variable = { const TIMEOUT: #ty = #constructor; TIMEOUT };)
}

// Output: let retry = { const RETRY: Retry = Retry::max_attempts(4).backoff(..); RETRY };
fn declare_retry(policy: &Retry, paths: &Paths) -> TokenStream {
    let Retry {
        span: _,
        max_attempts,
        backoff,
        jitter,
        again: _,
    } = policy;
    let (variable, ty) = (local("retry"), paths.public("Retry"));
    let max_attempts = match max_attempts {
        Some(count) => quote!(#count),
        None => quote!(#ty::DEFAULT_MAX_ATTEMPTS),
    };
    // A constant that is refused is reported where the user wrote it.
    let constructor = at(&max_attempts, quote!(#ty::max_attempts(#max_attempts)));
    let backoff = backoff
        .as_ref()
        .map(|backoff| backoff_value(backoff, paths));
    let backoff = setter("backoff", backoff.as_ref());
    let jitter = jitter.map(|jitter| jitter_value(jitter, paths));
    let jitter = setter("jitter", jitter.as_ref());
    quote!(let #variable = { const RETRY: #ty = #constructor #backoff #jitter; RETRY };)
}

// Output: Backoff::exponential(Duration::from_secs(1)).factor(2f64).max(Duration::from_secs(30))
fn backoff_value(backoff: &Backoff, paths: &Paths) -> TokenStream {
    let ty = paths.public("Backoff");
    match backoff {
        Backoff::Fixed(pause) => quote!(#ty::fixed(#pause)),
        Backoff::Exponential { first, factor, max } => {
            let factor = setter("factor", factor.as_ref());
            let max = setter("max", max.as_ref());
            quote!(#ty::exponential(#first) #factor #max)
        }
    }
}

fn jitter_value(jitter: Jitter, paths: &Paths) -> TokenStream {
    let ty = paths.public("Jitter");
    match jitter {
        Jitter::Full => quote!(#ty::Full),
        Jitter::Equal => quote!(#ty::Equal),
        Jitter::None => quote!(#ty::None),
    }
}

// Output: .name(value)
fn setter(name: &str, value: Option<&impl ToTokens>) -> TokenStream {
    let Some(value) = value else {
        return TokenStream::new();
    };
    let name = local(name);
    at(&value.to_token_stream(), quote!(.#name(#value)))
}

/// `call`, standing where `value` does: a builder that refuses a constant then points at the
/// constant, and not at the whole attribute.
fn at(value: &TokenStream, call: TokenStream) -> TokenStream {
    let Some(span) = value.clone().into_iter().next().map(|token| token.span()) else {
        return call;
    };
    call.into_iter()
        .map(|token| match token {
            // What is inside has its place already.
            TokenTree::Group(group) => {
                let mut moved = Group::new(group.delimiter(), group.stream());
                moved.set_span(group.span().located_at(span));
                TokenTree::Group(moved)
            }
            mut token => {
                token.set_span(token.span().located_at(span));
                token
            }
        })
        .collect()
}
