//! The pauses between attempts.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Expr, Path};

use super::RetryOptions;
use crate::args::{Args, Value};
use crate::diagnostics::{Diagnostics, closest, did_you_mean, list};
use crate::duration::{self, Length};
use crate::options::{Decimal, Options, number};

const BACKOFFS: [&str; 5] = ["exponential", "fixed", "linear", "decorrelated", "custom"];
const JITTERS: [&str; 3] = ["full", "equal", "none"];

/// How long the pauses are.
#[derive(Clone)]
pub(crate) enum Backoff {
    Fixed(Length),
    Linear {
        first: Length,
        step: Option<Length>,
        max: Option<Length>,
    },
    Exponential {
        first: Length,
        factor: Option<Decimal>,
        max: Option<Length>,
    },
    Decorrelated {
        first: Length,
        max: Option<Length>,
    },
    Custom {
        function: Path,
        max: Option<Length>,
    },
}

/// How much of a pause is left to chance.
#[derive(Clone)]
pub(crate) enum Jitter {
    Full,
    Equal,
    None,
    /// At most this much.
    UpTo(Length),
}

impl Backoff {
    pub(super) fn parse(value: &Value, diagnostics: &Diagnostics) -> Option<Self> {
        let call = value.as_call();
        let name = call.as_ref().map(|(name, _)| name.to_string());
        let (name, group) = match (name, call.and_then(|(_, group)| group)) {
            (Some(name), Some(group)) if BACKOFFS.contains(&name.as_str()) => (name, group),
            (name, _) => {
                let written = &value.tokens;
                let remedy = match name.as_deref() {
                    Some("custom") => "write `custom(function)`".to_owned(),
                    Some(name) if BACKOFFS.contains(&name) => format!("write `{name}(100ms)`"),
                    Some(name) => did_you_mean(name, &BACKOFFS),
                    None => format!("write `fixed({written})` or `exponential({written})`"),
                };
                diagnostics.error(value, format!("`{written}` is not a backoff\n{remedy}"));
                return None;
            }
        };
        let place = format!("`{name}(..)`");
        let args = Args::parse(place, group.span(), group.stream(), diagnostics);
        let mut options = Options::new(args, diagnostics);
        match name.as_str() {
            "fixed" => {
                let pause = first_pause(&mut options, duration::parse_with_zero);
                demand_pause(&mut options, &name, pause.as_ref());
                options.finish(&[])?;
                pause.map(Self::Fixed)
            }
            "linear" => {
                let first = first_pause(&mut options, duration::parse);
                let (step, max) = (
                    options.length("step"),
                    longest(&mut options, first.as_ref()),
                );
                demand_pause(&mut options, &name, first.as_ref());
                options.finish(&["step", "max"])?;
                first.map(|first| Self::Linear { first, step, max })
            }
            "exponential" => {
                let first = first_pause(&mut options, duration::parse);
                let factor = options.take("factor", |value, diagnostics| {
                    growth_factor("pauses", value, diagnostics)
                });
                let max = longest(&mut options, first.as_ref());
                demand_pause(&mut options, &name, first.as_ref());
                options.finish(&["factor", "max"])?;
                first.map(|first| Self::Exponential { first, factor, max })
            }
            "decorrelated" => {
                let first = first_pause(&mut options, duration::parse);
                let max = longest(&mut options, first.as_ref());
                demand_pause(&mut options, &name, first.as_ref());
                options.finish(&["max"])?;
                first.map(|first| Self::Decorrelated { first, max })
            }
            _ => Self::parse_custom(options),
        }
    }

    fn parse_custom(mut options: Options<'_>) -> Option<Self> {
        let function = options.positional(|value, diagnostics| {
            value.parse_path(
                "write the path of a `fn(attempt: u32) -> Duration`",
                diagnostics,
            )
        });
        let max = options.length("max");
        if function.is_none() && options.is_clean() && options.is_empty() {
            options.error_here("`custom(..)` needs a function\nwrite `custom(function)`");
        }
        options.finish(&["max"])?;
        function.map(|function| Self::Custom { function, max })
    }

    /// The first pause, where there is one.
    pub(crate) fn first(&self) -> Option<&Length> {
        match self {
            Self::Fixed(first)
            | Self::Linear { first, .. }
            | Self::Exponential { first, .. }
            | Self::Decorrelated { first, .. } => Some(first),
            Self::Custom { .. } => None,
        }
    }
}

impl Backoff {
    /// A constant that the pauses depend on.
    pub(crate) fn constant(&self) -> Option<TokenStream> {
        let (step, factor, max) = match self {
            Self::Fixed(_) => (None, None, None),
            Self::Linear { step, max, .. } => (step.as_ref(), None, max.as_ref()),
            Self::Exponential { factor, max, .. } => (None, factor.as_ref(), max.as_ref()),
            Self::Decorrelated { max, .. } | Self::Custom { max, .. } => (None, None, max.as_ref()),
        };
        let factor = factor.and_then(|factor| match factor {
            Decimal::Known(..) => None,
            Decimal::Expression(expression) => Some(expression.to_token_stream()),
        });
        [self.first(), step, max]
            .into_iter()
            .flatten()
            .find(|length| length.known().is_none())
            .map(Length::written)
            .or(factor)
    }
}

impl Jitter {
    /// A constant that says how much.
    pub(crate) fn constant(&self) -> Option<TokenStream> {
        match self {
            Self::UpTo(most) if most.known().is_none() => Some(most.written()),
            Self::UpTo(_) | Self::Full | Self::Equal | Self::None => None,
        }
    }
}

fn first_pause(
    options: &mut Options<'_>,
    parse: fn(&str, &Value, &Diagnostics) -> Option<Length>,
) -> Option<Length> {
    options.positional(|value, diagnostics| parse("the pause", value, diagnostics))
}

/// The first pause must be there. (Under another name it is one mistake, not a missing pause as well.)
fn demand_pause(options: &mut Options<'_>, name: &str, pause: Option<&Length>) {
    if pause.is_none() && options.is_clean() && options.is_empty() {
        options.error_here(format!("`{name}(..)` needs a pause\nwrite `{name}(100ms)`"));
    }
}

/// `max`, which is not below the first pause.
fn longest(options: &mut Options<'_>, first: Option<&Length>) -> Option<Length> {
    let max = options.length("max")?;
    if let (Some(from), Some(to)) = (first.and_then(Length::known), max.known())
        && to < from
    {
        options.error(
            max.written(),
            format!("`max` is below the first pause of {from:?}\nraise it, or start lower"),
        );
        return None;
    }
    Some(max)
}

/// What each time is multiplied by to get the next.
pub(crate) fn growth_factor(
    times: &str,
    value: &Value,
    diagnostics: &Diagnostics,
) -> Option<Decimal> {
    let Some(known) = number(value) else {
        return value.parse::<Expr>(diagnostics).map(Decimal::Expression);
    };
    if !(known >= 1.0 && known.is_finite()) {
        diagnostics.error(
            value,
            format!(
                "`factor` below 1 would make the {times} shorter and shorter\n\
                 write `factor = 2`, or leave it out"
            ),
        );
        return None;
    }
    Some(Decimal::Known(known, value.clone()))
}

impl Jitter {
    pub(super) fn parse(value: &Value, diagnostics: &Diagnostics) -> Option<Self> {
        let name = value.tokens.to_string();
        match name.as_str() {
            "full" => return Some(Self::Full),
            "equal" => return Some(Self::Equal),
            "none" => return Some(Self::None),
            _ => {}
        }
        let is_word = syn::parse2::<syn::Ident>(value.tokens.clone())
            .is_ok_and(|word| word.to_string().starts_with(char::is_lowercase));
        if is_word {
            let remedy = match closest(&name, &JITTERS) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there is {}, and a time such as `20ms`", list(&JITTERS)),
            };
            diagnostics.error(value, format!("`{name}` is not a kind of jitter\n{remedy}"));
            return None;
        }
        duration::parse("jitter", value, diagnostics).map(Self::UpTo)
    }
}

/// Jitter shortens a pause: it cannot take more than there is, and a backoff that is random by
/// itself has no use for more.
pub(super) fn check_jitter(definition: &RetryOptions, at: &Value, options: &mut Options<'_>) {
    let (Some(jitter), Some(backoff)) = (&definition.jitter, &definition.backoff) else {
        return;
    };
    if let Jitter::UpTo(jitter) = jitter
        && let (Some(most), Some(first)) = (jitter.known(), backoff.first().and_then(Length::known))
        && most > first
    {
        options.error(
            at,
            format!(
                "`jitter` of {most:?} is more than the first pause of {first:?}\n\
                 lower it, or write `jitter = full`"
            ),
        );
    }
    if let Backoff::Decorrelated { .. } = backoff {
        options.error(
            at,
            "`decorrelated(..)` is random by itself and takes no `jitter`\nleave `jitter` out",
        );
    }
}
