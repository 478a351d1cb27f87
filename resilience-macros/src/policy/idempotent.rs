//! `#[idempotent(key = order.id, ttl = 24h, wait = 5s)]`

use proc_macro2::Span;
use syn::{Expr, LitStr};

use crate::args::Args;
use crate::diagnostics::Diagnostics;
use crate::duration::{self, Length};

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
    pub(crate) fn parse(mut args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let span = args.span();
        let key = args
            .take("key")
            .map(|value| value.parse::<Expr>(diagnostics));
        let ttl = args
            .take("ttl")
            .map(|value| duration::parse("ttl", &value, diagnostics));
        let wait = args
            .take("wait")
            .map(|value| duration::parse_with_zero("wait", &value, diagnostics));
        let name = args
            .take("name")
            .map(|value| value.parse_name("name", diagnostics));
        args.finish(&OPTIONS, diagnostics);
        let wrong = matches!(key, Some(None))
            || matches!(ttl, Some(None))
            || matches!(wait, Some(None))
            || matches!(name, Some(None));
        if wrong {
            return None;
        }
        Some(Self {
            span,
            key: key.flatten(),
            ttl: ttl.flatten(),
            wait: wait.flatten(),
            name: name.flatten(),
        })
    }
}
