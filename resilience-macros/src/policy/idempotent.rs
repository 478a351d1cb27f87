//! `#[idempotent(key = order.id, ttl = 24h, wait = 5s)]`

use proc_macro2::Span;
use syn::{Expr, LitStr};

use crate::args::Args;
use crate::diagnostics::Diagnostics;
use crate::duration::Length;
use crate::options::Options;

const OPTIONS: [&str; 4] = ["key", "ttl", "wait", "name"];

/// One execution per key, its result replayed.
pub(crate) struct Idempotent {
    pub(crate) span: Span,
    /// `None`: all arguments that are not `#[state]`.
    pub(crate) key: Option<Expr>,
    pub(crate) ttl: Option<Length>,
    pub(crate) wait: Option<Length>,
    pub(crate) name: Option<LitStr>,
}

impl Idempotent {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let parsed = Self {
            span: options.span(),
            key: options.expression("key"),
            ttl: options.length("ttl"),
            wait: options.length_or_zero("wait"),
            name: options.name(),
        };
        options.finish(&OPTIONS)?;
        Some(parsed)
    }
}
