//! `#[saga]`

use proc_macro2::Span;
use syn::LitStr;

use crate::args::Args;
use crate::diagnostics::Diagnostics;

/// The steps called in the body are journaled, and undone when it fails.
pub(crate) struct Saga {
    pub(crate) span: Span,
    pub(crate) name: Option<LitStr>,
}

impl Saga {
    pub(crate) fn parse(mut args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let span = args.span();
        let name = args
            .take("name")
            .map(|value| value.parse_name("name", diagnostics));
        args.finish(&["name"], diagnostics);
        match name {
            Some(None) => None,
            name => Some(Self {
                span,
                name: name.flatten(),
            }),
        }
    }
}
