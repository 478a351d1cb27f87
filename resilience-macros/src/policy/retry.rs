//! `#[retry(max_attempts = 4, backoff = exponential(1s, factor = 2, max = 30s), jitter = full,
//! retry_on = Pattern, when = predicate)]`

use proc_macro2::Span;
use syn::{Expr, Pat};

use crate::args::{Args, Count, Value};
use crate::diagnostics::{Diagnostics, did_you_mean, list};
use crate::duration::{self, Length};

const OPTIONS: [&str; 5] = ["max_attempts", "backoff", "jitter", "retry_on", "when"];
const BACKOFFS: [&str; 2] = ["exponential", "fixed"];
const JITTERS: [&str; 3] = ["full", "equal", "none"];

/// The body runs again when it failed.
pub(crate) struct Retry {
    pub(crate) span: Span,
    pub(crate) max_attempts: Option<Count>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) jitter: Option<Jitter>,
    pub(crate) again: Again,
}

/// How long the pauses are.
#[expect(clippy::large_enum_variant, reason = "there is one per function")]
pub(crate) enum Backoff {
    Fixed(Length),
    Exponential {
        first: Length,
        factor: Option<Expr>,
        max: Option<Length>,
    },
}

/// How much of a pause is left to chance.
#[derive(Clone, Copy)]
pub(crate) enum Jitter {
    Full,
    Equal,
    None,
}

/// Which errors are worth another attempt.
pub(crate) enum Again {
    Always,
    On(Pat),
    When(Expr),
    Both(Pat, Expr),
}

impl Retry {
    pub(crate) fn parse(mut args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let span = args.span();
        let max_attempts = args
            .take("max_attempts")
            .map(|value| attempts(&value, diagnostics));
        let backoff = args
            .take("backoff")
            .map(|value| Backoff::parse(&value, diagnostics));
        let jitter = args
            .take("jitter")
            .map(|value| Jitter::parse(&value, diagnostics));
        let retry_on = args
            .take("retry_on")
            .map(|value| pattern(&value, diagnostics));
        let when = args
            .take("when")
            .map(|value| value.parse::<Expr>(diagnostics));
        args.finish(&OPTIONS, diagnostics);
        let again = match (retry_on, when) {
            (None, None) => Again::Always,
            (Some(pattern), None) => Again::On(pattern?),
            (None, Some(predicate)) => Again::When(predicate?),
            (Some(pattern), Some(predicate)) => Again::Both(pattern?, predicate?),
        };
        Some(Self {
            span,
            max_attempts: transpose(max_attempts)?,
            backoff: transpose(backoff)?,
            jitter: transpose(jitter)?,
            again,
        })
    }
}

/// An option that was given and is wrong makes the whole policy wrong; one that was not given does
/// not.
fn transpose<T>(option: Option<Option<T>>) -> Option<Option<T>> {
    match option {
        None => Some(None),
        Some(value) => value.map(Some),
    }
}

/// The pattern of `retry_on`. A bare lower-case name would bind every error, and so match all of
/// them: whoever writes one means a function or a constant.
fn pattern(value: &Value, diagnostics: &Diagnostics) -> Option<Pat> {
    let pattern = value.parse_pattern(diagnostics)?;
    if let Pat::Ident(binding) = &pattern
        && binding.subpat.is_none()
        && binding.ident.to_string().starts_with(char::is_lowercase)
    {
        let name = &binding.ident;
        diagnostics.error(
            value,
            format!(
                "the pattern `{name}` matches every error\n\
                 write `when = {name}` if it is a function, or the pattern of the errors to retry"
            ),
        );
        return None;
    }
    Some(pattern)
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

impl Backoff {
    fn parse(value: &Value, diagnostics: &Diagnostics) -> Option<Self> {
        let call = value.as_call();
        let name = call.as_ref().map(|(name, _)| name.to_string());
        match (name.as_deref(), call.and_then(|(_, group)| group)) {
            (Some("fixed"), Some(group)) => {
                let args = Args::parse("fixed(..)", group.span(), group.stream(), diagnostics);
                Self::parse_fixed(args, diagnostics)
            }
            (Some("exponential"), Some(group)) => {
                let args =
                    Args::parse("exponential(..)", group.span(), group.stream(), diagnostics);
                Self::parse_exponential(args, diagnostics)
            }
            (name, _) => {
                let written = &value.tokens;
                let remedy = match name {
                    Some(name @ ("fixed" | "exponential")) => format!("write `{name}(100ms)`"),
                    Some(name) => did_you_mean(name, &BACKOFFS),
                    None => format!("write `fixed({written})` or `exponential({written})`"),
                };
                diagnostics.error(value, format!("`{written}` is not a backoff\n{remedy}"));
                None
            }
        }
    }

    fn parse_fixed(mut args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let pause = first_pause(&mut args, duration::parse_with_zero, diagnostics);
        args.finish(&[], diagnostics);
        pause.map(Self::Fixed)
    }

    fn parse_exponential(mut args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let first = first_pause(&mut args, duration::parse, diagnostics);
        let factor = args.take("factor").map(|value| factor(&value, diagnostics));
        let max = args
            .take("max")
            .map(|value| duration::parse("max", &value, diagnostics));
        args.finish(&["factor", "max"], diagnostics);
        let (first, factor, max) = (first?, transpose(factor)?, transpose(max)?);
        if let Some(max) = &max
            && let (Some(from), Some(to)) = (first.known(), max.known())
            && to < from
        {
            diagnostics.error(
                max.written(),
                format!("`max` is below the first pause of {from:?}\nraise it, or start lower"),
            );
            return None;
        }
        Some(Self::Exponential { first, factor, max })
    }
}

fn first_pause(
    args: &mut Args,
    parse: fn(&str, &Value, &Diagnostics) -> Option<Length>,
    diagnostics: &Diagnostics,
) -> Option<Length> {
    let Some(value) = args.take_positional() else {
        let place = args.place();
        let example = place.replace("..", "100ms");
        diagnostics.error_at(
            args.span(),
            format!("`{place}` needs a pause\nwrite `{example}`"),
        );
        return None;
    };
    parse("the pause", &value, diagnostics)
}

fn factor(value: &Value, diagnostics: &Diagnostics) -> Option<Expr> {
    let expression: Expr = value.parse(diagnostics)?;
    let written = value.tokens.to_string().replace(['_', ' '], "");
    let Ok(known) = written.parse::<f64>() else {
        return Some(expression);
    };
    if !(known >= 1.0 && known.is_finite()) {
        diagnostics.error(
            value,
            "`factor` below 1 would make the pauses shorter and shorter\nwrite `factor = 2`, or use `fixed(..)`",
        );
        return None;
    }
    // An integer literal is what people write; the builder takes a float.
    let literal = proc_macro2::Literal::f64_unsuffixed(known);
    Some(syn::parse_quote!(#literal))
}

impl Jitter {
    fn parse(value: &Value, diagnostics: &Diagnostics) -> Option<Self> {
        let name = value.tokens.to_string();
        match name.as_str() {
            "full" => Some(Self::Full),
            "equal" => Some(Self::Equal),
            "none" => Some(Self::None),
            other => {
                diagnostics.error(
                    value,
                    format!(
                        "`{other}` is not a kind of jitter\nthere is {}",
                        list(&JITTERS)
                    ),
                );
                None
            }
        }
    }
}
