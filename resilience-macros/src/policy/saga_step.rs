//! `#[saga_step(compensate = release, in_doubt = compensate, pivot, retriable)]`, with `tx = conn` in a
//! transaction.

use proc_macro2::Span;
use syn::{Ident, LitStr, Path};

use super::Owner;
use crate::args::{Args, Count, Value};
use crate::diagnostics::Diagnostics;
use crate::duration::Length;
use crate::options::Options;

const OPTIONS: [&str; 6] = [
    "compensate",
    "in_doubt",
    "name",
    "tx",
    "compensate_attempts",
    "compensate_timeout",
];
const FLAGS: [&str; 2] = ["pivot", "retriable"];

/// A step of a saga: journaled when it is done, undone when the saga fails.
pub(crate) struct SagaStep {
    pub(crate) span: Span,
    pub(crate) compensation: Compensation,
    pub(crate) name: Option<LitStr>,
    /// When it is done there is no way back.
    pub(crate) is_pivot: bool,
    /// Its failure does not undo the saga.
    pub(crate) is_retriable: bool,
    /// The parameter that is the connection, where effect and record are one commit.
    pub(crate) transaction: Option<Ident>,
    pub(crate) owner: Option<Owner>,
}

/// How a step is undone.
#[expect(clippy::large_enum_variant, reason = "there is one per function")]
pub(crate) enum Compensation {
    /// There is nothing to undo, and the author said so.
    None,
    /// By this function: the step's parameters, then its output.
    By {
        function: Path,
        /// Also when the step failed and may have had its effect; the output is then an `Option`.
        in_doubt: bool,
        /// How often it is tried.
        attempts: Option<Count>,
        /// How long each attempt may take.
        timeout: Option<Length>,
    },
}

impl SagaStep {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let span = options.span();
        let owner = Owner::take(&mut options);
        let compensate = options.take("compensate", compensating_function);
        let name = options.journal_name();
        let pivot = options.flag("pivot");
        let retriable = options.flag("retriable");
        let transaction = options.parameter("tx");
        let in_doubt = take_in_doubt(&mut options, pivot.as_ref(), transaction.as_ref());
        let how = [
            options.written("compensate_attempts"),
            options.written("compensate_timeout"),
        ];
        let attempts = options.count("compensate_attempts", 1);
        let timeout = options.length("compensate_timeout");
        // A compensation under another name is one mistake, not a missing one as well.
        if compensate.is_none() && options.is_clean() && options.is_empty() {
            options.error_here(
                "#[saga_step] needs a compensation\n\
                 write `compensate = function`, or `compensate = none` if there is nothing to undo",
            );
        }
        if let Some(None) = compensate {
            if let Some(in_doubt) = &in_doubt {
                options.error(
                    in_doubt,
                    "a step without a compensation cannot be compensated when in doubt\n\
                     write `compensate = function`, or remove `in_doubt`",
                );
            }
            for value in how.iter().flatten() {
                options.error(
                    value,
                    "a step without a compensation has no attempts of one\n\
                     write `compensate = function`, or remove this",
                );
            }
        }
        options.finish_with_flags(&OPTIONS, &FLAGS)?;
        let compensation = match compensate? {
            None => Compensation::None,
            Some(function) => Compensation::By {
                function,
                in_doubt: in_doubt.is_some(),
                attempts,
                timeout,
            },
        };
        Some(Self {
            span,
            compensation,
            name,
            is_pivot: pivot.is_some(),
            is_retriable: retriable.is_some(),
            transaction,
            owner,
        })
    }
}

/// The path of the function, or `none`.
fn compensating_function(value: &Value, diagnostics: &Diagnostics) -> Option<Option<Path>> {
    match value.tokens.to_string().as_str() {
        "none" => return Some(None),
        "None" => {
            diagnostics.error(value, "`None` is not a function\nwrite `compensate = none`");
            return None;
        }
        _ => {}
    }
    let remedy = "write the path of a function: `compensate = release`";
    value.parse_path(remedy, diagnostics).map(Some)
}

/// `in_doubt = compensate`, where a failed step can be in doubt.
fn take_in_doubt(
    options: &mut Options<'_>,
    pivot: Option<&Value>,
    transaction: Option<&Ident>,
) -> Option<Value> {
    let in_doubt = options.take("in_doubt", in_doubt)?;
    if pivot.is_some() {
        options.error(
            &in_doubt,
            "a pivot that may have had its effect is not undone: there may be no way back any more
\
             remove `in_doubt`, or `pivot`",
        );
    }
    if transaction.is_some() {
        options.error(
            &in_doubt,
            "a step with `tx` is never in doubt: its effect and its record are one commit\n\
             remove `in_doubt`",
        );
    }
    Some(in_doubt)
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
