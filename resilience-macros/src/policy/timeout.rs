//! `#[timeout(2s)]`

use proc_macro2::Span;

use crate::args::Args;
use crate::diagnostics::Diagnostics;
use crate::duration::{self, Length};

/// A bound on the time of what stands below it.
pub(crate) struct Timeout {
    pub(crate) span: Span,
    pub(crate) after: Length,
}

impl Timeout {
    pub(crate) fn parse(mut args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let span = args.span();
        // Messages call the time by a word that the user wrote.
        let named = args.take("after").map(|value| ("after", value));
        let given = named.or_else(|| Some(("timeout", args.take_positional()?)));
        // A time under another name is one mistake, not a missing time as well.
        let missing = given.is_none() && args.is_empty() && args.is_complete();
        args.finish(&["after"], diagnostics);
        let Some((word, value)) = given else {
            if missing {
                diagnostics.error_at(span, "#[timeout] needs a time\nwrite `#[timeout(2s)]`");
            }
            return None;
        };
        let after = duration::parse(word, &value, diagnostics)?;
        Some(Self { span, after })
    }
}
