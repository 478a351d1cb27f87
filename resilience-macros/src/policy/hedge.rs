//! `#[hedge(delay = 50ms, max_hedges = 1)]`, `#[hedge(quantile = 0.95, initially = 50ms)]`, or
//! `#[hedge(READS)]` for a `static`.

use proc_macro2::Span;

use super::retry::Budget;
use crate::args::{Args, Count};
use crate::diagnostics::Diagnostics;
use crate::duration::Length;
use crate::options::{Decimal, Definition, Options};

const OPTIONS: [&str; 5] = ["delay", "quantile", "initially", "max_hedges", "budget"];

/// Another attempt beside one that is slow.
pub(crate) struct Hedge {
    pub(crate) span: Span,
    pub(crate) definition: Definition<HedgeOptions>,
}

/// A hedge that the attribute itself defines; what is `None` has the runtime's default.
pub(crate) struct HedgeOptions {
    pub(crate) start: HedgeStart,
    pub(crate) max_hedges: Option<Count>,
    pub(crate) budget: Option<Budget>,
}

/// When the next attempt starts.
pub(crate) enum HedgeStart {
    After(Length),
    Quantile {
        quantile: Decimal,
        initially: Length,
    },
}

impl Hedge {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let options = Options::new(args, diagnostics);
        let span = options.span();
        let definition = options.definition("Hedge", "hedge", &OPTIONS, HedgeOptions::take)?;
        Some(Self { span, definition })
    }
}

impl HedgeOptions {
    fn take(options: &mut Options<'_>) -> Option<Self> {
        let delay = options.length("delay");
        let quantile = options.rate("quantile");
        let initially = options.length("initially");
        let max_hedges = options.count("max_hedges", 1);
        let budget = options.take("budget", Budget::parse);
        if options.is_clean() && options.is_empty() {
            match (&delay, &quantile, &initially) {
                (None, None, None) => options.error_here(
                    "#[hedge] needs to know when to start another attempt\n\
                     write `#[hedge(delay = 50ms)]` or `#[hedge(quantile = 0.95, initially = 50ms)]`",
                ),
                (Some(_), Some(quantile), _) => options.error(
                    quantile,
                    "`delay` and `quantile` exclude each other\nkeep one",
                ),
                (None, Some(quantile), None) => options.error(
                    quantile,
                    "`quantile` needs a delay for the time before enough calls were seen\n\
                     write `initially = 50ms` beside it",
                ),
                (_, None, Some(initially)) => options.error(
                    initially.written(),
                    "`initially` goes with `quantile`\nwrite `quantile = 0.95` beside it, or `delay = ..` alone",
                ),
                _ => {}
            }
            if let Some(quantile) = quantile.as_ref().filter(|rate| rate.known() == Some(1.0)) {
                options.error(
                    quantile,
                    "`quantile` of 1 is the slowest call ever seen: no call would be hedged\n\
                     write `quantile = 0.95`",
                );
            }
        }
        let start = match (delay, quantile, initially) {
            (Some(delay), ..) => HedgeStart::After(delay),
            (None, Some(quantile), Some(initially)) => HedgeStart::Quantile {
                quantile,
                initially,
            },
            _ => return None,
        };
        Some(Self {
            start,
            max_hedges,
            budget,
        })
    }
}
