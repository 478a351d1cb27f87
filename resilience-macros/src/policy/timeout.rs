//! `#[timeout(2s)]`

use proc_macro2::Span;

use crate::args::Args;
use crate::diagnostics::Diagnostics;
use crate::duration::{self, Length};
use crate::options::Options;

/// A bound on the time of what stands below it.
pub(crate) struct Timeout {
    pub(crate) span: Span,
    pub(crate) after: Length,
}

impl Timeout {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let span = options.span();
        // Messages call the time by a word that the user wrote.
        let after = options.length("after").or_else(|| {
            options.positional(|value, diagnostics| duration::parse("timeout", value, diagnostics))
        });
        // A time under another name is one mistake, not a missing time as well.
        if after.is_none() && options.is_clean() && options.is_empty() {
            options.error_here("#[timeout] needs a time\nwrite `#[timeout(2s)]`");
        }
        options.finish(&["after"])?;
        Some(Self {
            span,
            after: after?,
        })
    }
}
