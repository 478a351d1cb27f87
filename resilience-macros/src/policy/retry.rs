//! `#[retry(max_attempts = 4, backoff = exponential(1s, factor = 2, max = 30s), jitter = full,
//! retry_on = Pattern, when = predicate)]`, or `#[retry(STANDARD)]` for a `static`.

mod backoff;

use proc_macro2::Span;
use syn::{Expr, LitStr, Pat, Path};

use crate::args::{Args, Count, Value};
use crate::diagnostics::Diagnostics;
use crate::duration::Length;
use crate::options::{Definition, Options};

pub(crate) use backoff::{Backoff, Jitter, growth_factor};

const OPTIONS: [&str; 10] = [
    "max_attempts",
    "backoff",
    "jitter",
    "retry_on",
    "abort_on",
    "retry_on_value",
    "when",
    "retry_after",
    "deadline",
    "budget",
];

/// The body runs again when it failed.
pub(crate) struct Retry {
    pub(crate) span: Span,
    pub(crate) definition: Definition<RetryOptions>,
    pub(crate) again: Again,
}

/// A retry that the attribute itself defines; what is `None` has the runtime's default.
pub(crate) struct RetryOptions {
    pub(crate) max_attempts: Option<Count>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) jitter: Option<Jitter>,
    pub(crate) deadline: Option<Length>,
    pub(crate) budget: Option<Budget>,
}

/// Which outcomes are worth another attempt. Without any of these the error type decides.
#[derive(Default)]
pub(crate) struct Again {
    pub(crate) retry_on: Option<Pat>,
    pub(crate) abort_on: Option<Pat>,
    /// A value that is as bad as an error.
    pub(crate) retry_on_value: Option<Pat>,
    pub(crate) when: Option<Expr>,
    /// How long the error asks to wait: `fn(&E) -> Option<Duration>`.
    pub(crate) retry_after: Option<Expr>,
}

/// What limits the retries of many calls together.
pub(crate) enum Budget {
    None,
    Named(LitStr),
    Shared(Path),
}

impl Retry {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let span = options.span();
        let again = Again {
            retry_on: options.pattern("retry_on"),
            abort_on: options.pattern("abort_on"),
            retry_on_value: options.pattern("retry_on_value"),
            when: options.expression("when"),
            retry_after: options.expression("retry_after"),
        };
        let definition = options.definition("Retry", "retry", &OPTIONS, RetryOptions::take)?;
        Some(Self {
            span,
            definition,
            again,
        })
    }

    /// Whether the retry may end a call before its attempts are used up.
    pub(crate) fn may_have_deadline(&self) -> bool {
        self.definition
            .here()
            .is_none_or(|options| options.deadline.is_some())
    }
}

impl RetryOptions {
    fn take(options: &mut Options<'_>) -> Option<Self> {
        let mut jitter_at = None;
        let taken = Self {
            max_attempts: options.take("max_attempts", attempts),
            backoff: options.take("backoff", Backoff::parse),
            jitter: options.take("jitter", |value, diagnostics| {
                jitter_at = Some(value.clone());
                Jitter::parse(value, diagnostics)
            }),
            deadline: options.length("deadline"),
            budget: options.take("budget", Budget::parse),
        };
        if let Some(jitter_at) = &jitter_at
            && options.is_clean()
        {
            backoff::check_jitter(&taken, jitter_at, options);
        }
        Some(taken)
    }
}

fn attempts(value: &Value, diagnostics: &Diagnostics) -> Option<Count> {
    let count = value.parse_count("max_attempts", 0, diagnostics)?;
    match count.known() {
        Some(0) => diagnostics.error(
            value,
            "`max_attempts` of 0 would never call the function\n\
             it counts the first call too: write 2 or more",
        ),
        Some(1) => diagnostics.error(
            value,
            "`max_attempts` of 1 never retries\n\
             it counts the first call too: write 2 or more, or remove #[retry]",
        ),
        _ => return Some(count),
    }
    None
}

impl Budget {
    /// `none`, `"warehouse"`, or the path of a `static`.
    pub(crate) fn parse(value: &Value, diagnostics: &Diagnostics) -> Option<Self> {
        if value.tokens.to_string() == "none" {
            return Some(Self::None);
        }
        if syn::parse2::<LitStr>(value.tokens.clone()).is_ok() {
            return value.parse_name("budget", diagnostics).map(Self::Named);
        }
        value
            .parse_path(
                "write `budget = none`, a name in quotes, or the path of a `static` of type \
                 `resilience::RetryBudget`",
                diagnostics,
            )
            .map(Self::Shared)
    }
}
