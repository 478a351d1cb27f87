//! `#[single_flight(key = symbol)]`

use proc_macro2::Span;
use syn::{Expr, LitStr};

use crate::args::Args;
use crate::diagnostics::Diagnostics;
use crate::options::Options;

/// Calls with one key that come while one of them runs share its answer.
pub(crate) struct SingleFlight {
    pub(crate) span: Span,
    /// `None`: all arguments that are not `#[state]`.
    pub(crate) key: Option<Expr>,
    pub(crate) name: Option<LitStr>,
}

impl SingleFlight {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let parsed = Self {
            span: options.span(),
            key: options.expression("key"),
            name: options.name(),
        };
        options.finish(&["key", "name"])?;
        Some(parsed)
    }
}
