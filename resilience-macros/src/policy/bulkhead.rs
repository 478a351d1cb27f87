//! `#[bulkhead(max_concurrent = 10, max_queue = 20, max_wait = 1s)]`, or `#[bulkhead(REPORTS)]` for a
//! `static`.

use proc_macro2::Span;
use syn::LitStr;

use crate::args::{Args, Count};
use crate::diagnostics::Diagnostics;
use crate::duration::Length;
use crate::options::{Definition, Options};

const OPTIONS: [&str; 4] = ["name", "max_concurrent", "max_queue", "max_wait"];

/// A bound on concurrent calls, and on the queue for them.
pub(crate) struct Bulkhead {
    pub(crate) span: Span,
    pub(crate) definition: Definition<BulkheadOptions>,
}

/// A bulkhead that the attribute itself defines; what is `None` has the runtime's default.
pub(crate) struct BulkheadOptions {
    pub(crate) name: Option<LitStr>,
    pub(crate) max_concurrent: Option<Count>,
    pub(crate) max_queue: Option<Count>,
    pub(crate) max_wait: Option<Length>,
}

impl Bulkhead {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let options = Options::new(args, diagnostics);
        let span = options.span();
        let definition =
            options.definition("Bulkhead", "bulkhead", &OPTIONS, BulkheadOptions::take)?;
        Some(Self { span, definition })
    }
}

impl BulkheadOptions {
    fn take(options: &mut Options<'_>) -> Option<Self> {
        let taken = Self {
            name: options.name(),
            max_concurrent: options.count("max_concurrent", 1),
            max_queue: options.count("max_queue", 0),
            max_wait: options.length("max_wait"),
        };
        if let Some(max_wait) = &taken.max_wait
            && taken
                .max_queue
                .as_ref()
                .is_none_or(|queue| queue.known() == Some(0))
        {
            options.error(
                max_wait.written(),
                "`max_wait` without a queue: nobody waits\nwrite `max_queue = 10` beside it",
            );
        }
        Some(taken)
    }
}
