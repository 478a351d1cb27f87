//! `#[circuit_breaker(name = "warehouse", failure_threshold = 5, open_for = 60s)]`, or
//! `#[circuit_breaker(WAREHOUSE)]` for a `static`.

use proc_macro2::Span;
use syn::{LitStr, Path};

use crate::args::{Args, Count};
use crate::diagnostics::Diagnostics;
use crate::duration::{self, Length};

const OPTIONS: [&str; 5] = [
    "name",
    "failure_threshold",
    "open_for",
    "half_open_permits",
    "success_threshold",
];

/// Calls are refused while the dependency is down.
pub(crate) struct CircuitBreaker {
    pub(crate) span: Span,
    pub(crate) definition: Definition,
}

/// Where the breaker lives.
pub(crate) type Definition = Result<CircuitBreakerOptions, Path>;

/// A breaker that the attribute itself defines; what is `None` has the runtime's default.
pub(crate) struct CircuitBreakerOptions {
    pub(crate) name: Option<LitStr>,
    pub(crate) failure_threshold: Option<Count>,
    pub(crate) open_for: Option<Length>,
    pub(crate) half_open_permits: Option<Count>,
    pub(crate) success_threshold: Option<Count>,
}

impl CircuitBreaker {
    pub(crate) fn parse(mut args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let span = args.span();
        if let Some(shared) = args.take_positional() {
            // A path of one lower-case word is an option without its value, not a static.
            let word = shared.tokens.to_string();
            if OPTIONS.contains(&word.as_str()) {
                diagnostics.error(
                    &shared,
                    format!("`{word}` has no value\nwrite `{word} = ..`"),
                );
                return None;
            }
            let path = shared.parse_path(
                "write the path of a `static` of type `resilience::CircuitBreaker`, or options",
                diagnostics,
            );
            if !args.is_empty() {
                diagnostics.error_at(
                    span,
                    "a shared breaker has its options where it is defined\n\
                     move them to the `static`, or leave the path out",
                );
            }
            return Some(Self {
                span,
                definition: Err(path?),
            });
        }
        let options = CircuitBreakerOptions::parse(args, diagnostics)?;
        Some(Self {
            span,
            definition: Ok(options),
        })
    }
}

impl CircuitBreakerOptions {
    fn parse(mut args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut wrong = false;
        let mut count = |name: &str, args: &mut Args| {
            let count = args
                .take(name)
                .map(|value| value.parse_count(name, 1, diagnostics));
            wrong |= matches!(count, Some(None));
            count.flatten()
        };
        let failure_threshold = count("failure_threshold", &mut args);
        let half_open_permits = count("half_open_permits", &mut args);
        let success_threshold = count("success_threshold", &mut args);
        let open_for = args
            .take("open_for")
            .map(|value| duration::parse("open_for", &value, diagnostics));
        let name = args
            .take("name")
            .map(|value| value.parse_name("name", diagnostics));
        wrong |= matches!(open_for, Some(None)) || matches!(name, Some(None));
        args.finish(&OPTIONS, diagnostics);

        // Where one of them is not given, its default follows the other.
        if let (Some(Count::Known(successes, written)), Some(permits)) = (
            &success_threshold,
            half_open_permits.as_ref().and_then(Count::known),
        ) && *successes > permits
        {
            diagnostics.error(
                written,
                format!(
                    "`success_threshold` of {successes} can never be reached: \
                     half-open admits {permits} calls\n\
                     lower it, or raise `half_open_permits`"
                ),
            );
            wrong = true;
        }
        if wrong {
            return None;
        }
        Some(Self {
            name: name.flatten(),
            failure_threshold,
            open_for: open_for.flatten(),
            half_open_permits,
            success_threshold,
        })
    }
}
