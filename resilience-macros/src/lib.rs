//! The attribute macros of the `resilience` crate, which documents them: depend on that one.
//!
//! Four floors, and data only goes down:
//!
//! 1. *parse*: `args`, `allowed`, `options`, `duration`, `size`, `function`, `stack` — tokens to options, each
//!    with its span;
//! 2. *model*: `policy` — options to valid policies, one file per attribute;
//! 3. *check*: `check` — one function per rule between policies;
//! 4. *expand*: `expand` — the model to tokens, without decisions.
//!
//! `methods` is `#[saga_steps]`, which tells methods their type. `attribute` is the pipeline. Mistakes are collected in
//! `diagnostics` on the way, and the user's function is emitted beside them (`fallback`).

#![expect(
    missing_docs,
    reason = "attributes are documented where the facade re-exports them, so that doc tests can run"
)]

mod allowed;
mod args;
mod attribute;
mod check;
mod classify;
mod diagnostics;
mod duration;
mod expand;
mod fallback;
mod function;
mod methods;
mod options;
mod paths;
mod policy;
mod size;
mod stack;

#[cfg(test)]
mod snapshots;

use proc_macro::TokenStream;

use crate::policy::Kind;

#[proc_macro_attribute]
pub fn circuit_breaker(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::CircuitBreaker, arguments.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn idempotent(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Idempotent, arguments.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn locked(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Locked, arguments.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn single_flight(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::SingleFlight, arguments.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn retry(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Retry, arguments.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn saga(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Saga, arguments.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn saga_step(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::SagaStep, arguments.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn saga_steps(arguments: TokenStream, item: TokenStream) -> TokenStream {
    methods::expand(arguments.into(), &item.into()).into()
}

#[proc_macro_attribute]
pub fn timeout(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Timeout, arguments.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn bulkhead(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Bulkhead, arguments.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn fallback(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Fallback, arguments.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn hedge(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Hedge, arguments.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn rate_limit(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::RateLimit, arguments.into(), item.into()).into()
}

#[proc_macro_derive(Classify, attributes(classify))]
pub fn classify(item: TokenStream) -> TokenStream {
    classify::expand(item.into()).into()
}

/// The layers of a stack that stepped back because a `cfg_attr` below them could not be judged
/// yet. Written by the other attributes, never by hand.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn __outer(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand_outer(arguments.into(), &item.into()).into()
}
