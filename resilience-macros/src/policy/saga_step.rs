//! `#[saga_step(compensate = release, in_doubt = compensate)]`

use proc_macro2::Span;
use syn::{LitStr, Path};

use crate::args::Args;
use crate::diagnostics::Diagnostics;

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
    pub(crate) fn parse(mut args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let span = args.span();
        let compensate = args.take("compensate");
        let in_doubt = args.take("in_doubt");
        let name = args
            .take("name")
            .map(|value| value.parse_name("name", diagnostics));
        // A compensation under another name is one mistake, not a missing one as well.
        let missing = compensate.is_none() && args.is_empty() && args.is_complete();
        args.finish(&OPTIONS, diagnostics);

        let mut wrong = matches!(name, Some(None));
        if let Some(value) = &in_doubt
            && value.tokens.to_string() != "compensate"
        {
            let written = &value.tokens;
            diagnostics.error(
                value,
                format!("`in_doubt` cannot be `{written}`\nwrite `in_doubt = compensate`, or leave it out"),
            );
            wrong = true;
        }
        let compensation = match compensate {
            None if !missing => None,
            None => {
                diagnostics.error_at(
                    span,
                    "#[saga_step] needs a compensation\n\
                     write `compensate = function`, or `compensate = none` if there is nothing to undo",
                );
                None
            }
            Some(value) if value.tokens.to_string() == "none" => {
                if let Some(in_doubt) = &in_doubt {
                    diagnostics.error(
                        in_doubt,
                        "a step without a compensation cannot be compensated when in doubt\n\
                         write `compensate = function`, or remove `in_doubt`",
                    );
                    wrong = true;
                }
                Some(Compensation::None)
            }
            Some(value) => value
                .parse_path(
                    "write the path of a function: `compensate = release`",
                    diagnostics,
                )
                .map(|function| Compensation::By {
                    function,
                    in_doubt: in_doubt.is_some(),
                }),
        };
        if wrong {
            return None;
        }
        Some(Self {
            span,
            compensation: compensation?,
            name: name.flatten(),
        })
    }
}
