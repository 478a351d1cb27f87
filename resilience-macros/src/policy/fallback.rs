//! `#[fallback(from_cache)]`, `#[fallback(value = 0, on = QuoteError::Busy)]`.

use proc_macro2::Span;
use syn::{Expr, Pat, Path};

use crate::args::Args;
use crate::diagnostics::Diagnostics;
use crate::options::Options;

const OPTIONS: [&str; 2] = ["value", "on"];

/// Another answer when everything inside failed.
pub(crate) struct Fallback {
    pub(crate) span: Span,
    pub(crate) instead: Instead,
    /// For which errors; `None`: what the error type says, or all.
    pub(crate) on: Option<Pat>,
}

/// Where the other answer comes from.
pub(crate) enum Instead {
    /// An async function: the parameters, then the error.
    Function(Path),
    /// An expression of the success type.
    Value(Expr),
}

impl Fallback {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let span = options.span();
        let function = options.positional(|value, diagnostics| {
            value.parse_path(
                "write the path of an async function: `#[fallback(from_cache)]`, or `value = ..`",
                diagnostics,
            )
        });
        let value = options.expression("value");
        let on = options.pattern("on");
        if options.is_clean() && options.is_empty() {
            match (&function, &value) {
                (None, None) => options.error_here(
                    "#[fallback] needs another answer\n\
                     write the path of a function, `#[fallback(from_cache)]`, or `value = ..`",
                ),
                (Some(_), Some(value)) => options.error(
                    value,
                    "a fallback is a function or a value, not both\nkeep one",
                ),
                _ => {}
            }
        }
        options.finish(&OPTIONS)?;
        let instead = match (function, value) {
            (Some(function), None) => Instead::Function(function),
            (None, Some(value)) => Instead::Value(value),
            _ => return None,
        };
        Some(Self { span, instead, on })
    }

    /// The function that answers instead, where there is one.
    pub(crate) fn function(&self) -> Option<&Path> {
        match &self.instead {
            Instead::Function(function) => Some(function),
            Instead::Value(_) => None,
        }
    }
}
