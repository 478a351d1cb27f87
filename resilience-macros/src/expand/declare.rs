//! The policies of a function, as statics that the compiler checks.

mod circuit_breaker;
mod limits;
mod records;
pub(super) mod retry;
mod sagas;

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Path;
use syn::ext::IdentExt;

use super::Annotated;
use crate::paths::local;
use crate::policy::{Kind, Owner, Policy, Timeout};

/// A policy as an item, and how it is spoken of.
struct Declared {
    /// `static __RETRY: Retry = ..;`
    item: TokenStream,
    /// `&__RETRY`, as a reference that lives as long as the program.
    reference: TokenStream,
    /// The variable of the call that holds it.
    variable: Ident,
}

impl Annotated {
    // Output: let (annotated, retry, timeout) = {
    //             static __RETRY: Retry = Retry::max_attempts(4).backoff(..);
    //             static __TIMEOUT: Timeout = Timeout::after(Duration::from_secs(2));
    //             static __ANNOTATED: Annotated = Annotated { name: .., policies: &[&__RETRY, &__TIMEOUT] };
    //             submit! { Entry(&__ANNOTATED) }
    //             (&__ANNOTATED, &__RETRY, &__TIMEOUT)
    //         };
    /// The policies, outermost first, and the function's entry in the catalog. They stand in a block
    /// of their own, because the body would see the names of items; and the user's own constants are
    /// seen in the block, so that a plain `TIMEOUT` could be taken.
    pub(super) fn declare_policies(&self) -> TokenStream {
        let declared: Vec<_> = self
            .policies
            .iter()
            .map(|policy| self.declare(policy))
            .collect();
        let questions = self.ask_the_compiler();
        let items = declared.iter().map(|declared| &declared.item);
        let references: Vec<_> = declared
            .iter()
            .map(|declared| &declared.reference)
            .collect();
        let variables = declared.iter().map(|declared| &declared.variable);
        let (entry, submit) = (self.paths.private("Entry"), self.paths.private("submit"));
        let (variable, ty) = (local("annotated"), self.paths.private("Annotated"));
        let name = self.full_name();
        quote! {
            let (#variable, #(#variables,)*) = {
                #(#items)*
                #questions
                static __ANNOTATED: #ty = #ty {
                    name: #name,
                    file: ::core::file!(),
                    line: ::core::line!(),
                    policies: &[#(#references),*],
                };
                #submit! { #entry(&__ANNOTATED) }
                (&__ANNOTATED, #(#references,)*)
            };
        }
    }

    fn declare(&self, policy: &Policy) -> Declared {
        match policy {
            Policy::Bulkhead(policy) => self.declare_bulkhead(policy),
            Policy::CircuitBreaker(policy) => self.declare_circuit_breaker(policy),
            Policy::Fallback(policy) => self.declare_fallback(policy),
            Policy::Hedge(policy) => self.declare_hedge(policy),
            Policy::Idempotent(policy) => self.declare_idempotent(policy),
            Policy::Locked(policy) => self.declare_locked(policy),
            Policy::RateLimit(policy) => self.declare_rate_limit(policy),
            Policy::Retry(policy) => self.declare_retry(policy),
            Policy::Saga(policy) => self.declare_saga(policy),
            Policy::SagaStep(policy) => self.declare_saga_step(policy),
            Policy::SingleFlight(policy) => self.declare_single_flight(policy),
            Policy::Timeout(policy) => self.declare_timeout(policy),
        }
    }

    // Output: static __TIMEOUT: Timeout = Timeout::after(Duration::from_secs(2));
    fn declare_timeout(&self, policy: &Timeout) -> Declared {
        let Timeout { span: _, after } = policy;
        let ty = self.paths.public("Timeout");
        let constructor = at(&after.written(), quote!(#ty::after(#after)));
        let name = match self.is_of_attempt(policy) {
            true => "__TIMEOUT_OF_ATTEMPT",
            false => "__TIMEOUT",
        };
        item(self.variable_of(policy), name, &ty, &constructor)
    }

    /// The variable of a timeout.
    pub(super) fn variable_of(&self, timeout: &Timeout) -> &'static str {
        match self.is_of_attempt(timeout) {
            true => "timeout_of_attempt",
            false => "timeout",
        }
    }

    /// Whether there is another timeout above this one: that one is of the whole call.
    fn is_of_attempt(&self, timeout: &Timeout) -> bool {
        let outermost = self.find(Kind::Timeout);
        !matches!(outermost, Some(Policy::Timeout(first)) if std::ptr::eq(first, timeout))
    }

    /// The function's full path, as messages and default names have it.
    pub(super) fn full_name(&self) -> TokenStream {
        let name = format!("::{}", self.own_name());
        quote!(::core::concat!(::core::module_path!(), #name))
    }

    /// The function's name, behind its type where that is known, as the journal has it unless told
    /// otherwise.
    pub(super) fn own_name(&self) -> String {
        let name = self.function.sig.ident.unraw();
        match self.owner().and_then(Owner::name) {
            Some(owner) => format!("{}::{name}", owner.unraw()),
            None => name.to_string(),
        }
    }

    /// `named("warehouse")`, or `for_function(path)`.
    fn constructor(&self, name: Option<&syn::LitStr>) -> TokenStream {
        match name {
            Some(name) => quote!(named(#name)),
            None => {
                let name = self.full_name();
                quote!(for_function(#name))
            }
        }
    }
}

// Output: static __RETRY: Retry = ..;
fn item(variable: &str, name: &str, ty: &Path, value: &TokenStream) -> Declared {
    let name = Ident::new(name, proc_macro2::Span::mixed_site());
    Declared {
        item: quote!(static #name: #ty = #value;),
        reference: quote!(&#name),
        variable: local(variable),
    }
}

// Output: static __BREAKER: &CircuitBreaker = &WAREHOUSE;
/// A policy that is defined elsewhere. The item makes a path of another type one error, on the path.
fn shared(variable: &str, name: &str, ty: &Path, path: &Path) -> Declared {
    let name = Ident::new(name, proc_macro2::Span::mixed_site());
    let value = at(&path.to_token_stream(), quote!(&#path));
    Declared {
        item: quote!(static #name: &#ty = #value;),
        reference: quote!(#name),
        variable: local(variable),
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
pub(super) fn at(value: &TokenStream, call: TokenStream) -> TokenStream {
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
