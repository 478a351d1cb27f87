//! `#[saga_step(compensate = release, in_doubt = compensate)]`

use proc_macro2::Span;
use syn::{LitStr, Path};

use crate::args::{Args, Value};
use crate::diagnostics::Diagnostics;
use crate::options::Options;

const OPTIONS: [&str; 3] = ["compensate", "in_doubt", "name"];

/// A step of a saga: journaled when it is done, undone when the saga fails.
pub(crate) struct SagaStep {
    pub(crate) span: Span,
    pub(crate) compensation: Compensation,
    pub(crate) name: Option<LitStr>,
}

/// How a step is undone.
pub(crate) enum Compensation {
    /// There is nothing to undo, and the author said so.
    None,
    /// By this function: the step's parameters, then its output.
    By {
        function: Path,
        /// Also when the step failed and may have had its effect; the output is then an `Option`.
        in_doubt: bool,
    },
}

impl SagaStep {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let span = options.span();
        let compensate = options.take("compensate", compensating_function);
        let in_doubt = options.take("in_doubt", in_doubt);
        let name = options.name();
        // A compensation under another name is one mistake, not a missing one as well.
        if compensate.is_none() && options.is_clean() && options.is_empty() {
            options.error_here(
                "#[saga_step] needs a compensation\n\
                 write `compensate = function`, or `compensate = none` if there is nothing to undo",
            );
        }
        if let (Some(None), Some(in_doubt)) = (&compensate, &in_doubt) {
            options.error(
                in_doubt,
                "a step without a compensation cannot be compensated when in doubt\n\
                 write `compensate = function`, or remove `in_doubt`",
            );
        }
        options.finish(&OPTIONS)?;
        let compensation = match compensate? {
            None => Compensation::None,
            Some(function) => Compensation::By {
                function,
                in_doubt: in_doubt.is_some(),
            },
        };
        Some(Self {
            span,
            compensation,
            name,
        })
    }
}

/// The path of the function, or `none`.
fn compensating_function(value: &Value, diagnostics: &Diagnostics) -> Option<Option<Path>> {
    if value.tokens.to_string() == "none" {
        return Some(None);
    }
    let remedy = "write the path of a function: `compensate = release`";
    value.parse_path(remedy, diagnostics).map(Some)
}

/// The one word that there is.
fn in_doubt(value: &Value, diagnostics: &Diagnostics) -> Option<Value> {
    if value.tokens.to_string() == "compensate" {
        return Some(value.clone());
    }
    let written = &value.tokens;
    diagnostics.error(
        value,
        format!("`in_doubt` cannot be `{written}`\nwrite `in_doubt = compensate`, or leave it out"),
    );
    None
}
