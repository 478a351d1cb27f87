//! `#[saga]`

use proc_macro2::Span;
use syn::LitStr;

use crate::args::Args;
use crate::diagnostics::Diagnostics;
use crate::options::Options;

/// The steps called in the body are journaled, and undone when it fails.
pub(crate) struct Saga {
    pub(crate) span: Span,
    pub(crate) name: Option<LitStr>,
}

impl Saga {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let parsed = Self {
            span: options.span(),
            name: options.name(),
        };
        options.finish(&["name"])?;
        Some(parsed)
    }
}
