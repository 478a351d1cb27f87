//! Durations: `250ms`, `1.5s`, `"24h"`, or any expression of type `Duration`.

use std::time::Duration;

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, Lit};

use crate::args::Value;
use crate::diagnostics::{Diagnostics, closest};
use crate::policy::defaults;

/// The units, with their length in nanoseconds, shortest first.
const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
    ("d", 86_400 * 1_000_000_000),
];

/// Other ways to write a unit, and the one that is meant.
const ALIASES: [(&str, &str); 16] = [
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minutes", "m"),
    ("hr", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
    ("millis", "ms"),
    ("msec", "ms"),
    // The micro sign, and the Greek letter that looks like it.
    ("µs", "us"),
    ("μs", "us"),
];

/// A duration in an option.
#[derive(Clone)]
pub(crate) enum Length {
    /// A literal, and how it is written.
    Known(Duration, Value),
    /// Evaluated by the compiler.
    Expression(Expr),
}

impl Length {
    /// The value, where it is written out.
    pub(crate) fn known(&self) -> Option<Duration> {
        match self {
            Self::Known(value, _) => Some(*value),
            Self::Expression(_) => None,
        }
    }

    /// As the user wrote it, for messages and for their span.
    pub(crate) fn written(&self) -> TokenStream {
        match self {
            Self::Known(_, value) => value.tokens.clone(),
            Self::Expression(expression) => expression.to_token_stream(),
        }
    }
}

impl ToTokens for Length {
    // Input:  250ms
    // Output: ::core::time::Duration::from_millis(250)
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let duration = match self {
            Self::Expression(expression) => return expression.to_tokens(tokens),
            Self::Known(duration, _) => duration,
        };
        let (constructor, amount) = match duration.subsec_nanos() {
            0 => (quote!(from_secs), u128::from(duration.as_secs())),
            nanos if nanos % 1_000_000 == 0 => (quote!(from_millis), duration.as_millis()),
            nanos if nanos % 1_000 == 0 => (quote!(from_micros), duration.as_micros()),
            _ => (quote!(from_nanos), duration.as_nanos()),
        };
        let amount = proc_macro2::Literal::u128_unsuffixed(amount);
        tokens.extend(quote!(::core::time::Duration::#constructor(#amount)));
    }
}

/// The duration in `value`, longer than zero; a mistake is reported and swallowed.
pub(crate) fn parse(option: &str, value: &Value, diagnostics: &Diagnostics) -> Option<Length> {
    let length = parse_with_zero(option, value, diagnostics)?;
    if length.known() == Some(Duration::ZERO) {
        diagnostics.error(
            value,
            format!("`{option}` must be longer than zero\nwrite a time such as `1s`"),
        );
        return None;
    }
    Some(length)
}

/// A lease in `value`: long enough to be renewed; a mistake is reported and swallowed.
pub(crate) fn lease(value: &Value, diagnostics: &Diagnostics) -> Option<Length> {
    let length = parse("lease", value, diagnostics)?;
    if let Some(known) = length.known()
        && known < defaults::SHORTEST_LEASE
    {
        diagnostics.error(
            value,
            format!(
                "`lease` of {known:?} cannot be renewed in time: the shortest is {:?}\n\
                 write a time such as `30s`",
                defaults::SHORTEST_LEASE
            ),
        );
        return None;
    }
    Some(length)
}

/// The duration in `value`; a mistake is reported and swallowed.
pub(crate) fn parse_with_zero(
    option: &str,
    value: &Value,
    diagnostics: &Diagnostics,
) -> Option<Length> {
    if let [TokenTree::Literal(number), TokenTree::Ident(unit)] = value.trees().as_slice() {
        let joined = format!("{number}{unit}");
        let message = parse_text(option, &joined).map_or_else(
            |message| message,
            |_| format!("write `{joined}`, without the space"),
        );
        diagnostics.error(value, message);
        return None;
    }
    let text = match literal_text(value) {
        Some(text) => text,
        None => return value.parse(diagnostics).map(Length::Expression),
    };
    match parse_text(option, &text) {
        Ok(duration) => Some(Length::Known(duration, value.clone())),
        Err(message) => {
            diagnostics.error(value, message);
            None
        }
    }
}

/// The text of a literal, quoted or not, with its sign; `None` for an expression.
fn literal_text(value: &Value) -> Option<String> {
    let tokens = value.trees();
    let (sign, literal) = match tokens.as_slice() {
        [TokenTree::Literal(literal)] => ("", literal),
        [TokenTree::Punct(minus), TokenTree::Literal(literal)] if minus.as_char() == '-' => {
            ("-", literal)
        }
        _ => return None,
    };
    match Lit::new(literal.clone()) {
        Lit::Str(text) => Some(text.value()),
        _ => Some(format!("{sign}{literal}")),
    }
}

fn parse_text(option: &str, text: &str) -> Result<Duration, String> {
    let text: String = text.trim().chars().filter(|c| *c != '_').collect();
    if text.starts_with('-') {
        return Err(format!(
            "`{option}` cannot be negative\nwrite it without the sign"
        ));
    }
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit.trim();
    if number.is_empty() {
        return Err(format!(
            "`{text}` is not a length of time\nwrite a number with a unit, such as `250ms`, `2s` or `24h`"
        ));
    }
    if unit.is_empty() {
        return Err(format!(
            "`{text}` has no unit\nwrite `{number}ms` or `{number}s`"
        ));
    }
    let Some((_, nanos_per_unit)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(unknown_unit(unit));
    };
    let nanos = nanos(number, *nanos_per_unit)
        .ok_or_else(|| format!("`{text}` is not a length of time that fits into a `Duration`"))?;
    Ok(Duration::from_nanos(nanos))
}

/// `number` units, exactly: floating point would turn `0.3s` into something else.
fn nanos(number: &str, nanos_per_unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut nanos = whole.checked_mul(nanos_per_unit)?;
    let mut place = nanos_per_unit;
    for digit in fraction.chars() {
        place /= 10;
        nanos = nanos.checked_add(u64::from(digit.to_digit(10)?) * place)?;
    }
    Some(nanos)
}

fn unknown_unit(unit: &str) -> String {
    let names = UNITS.map(|(name, _)| name);
    let meant = ALIASES
        .iter()
        .find(|(alias, _)| *alias == unit)
        .map(|(_, name)| *name)
        .or_else(|| closest(unit, &names));
    match meant {
        Some(name) => format!("`{unit}` is not a unit of time\nwrite `{name}`"),
        None => format!(
            "`{unit}` is not a unit of time\nthere is {}",
            crate::diagnostics::list(&names)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_exact() {
        assert_eq!(parse_text("after", "250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_text("after", "0.3s"), Ok(Duration::from_millis(300)));
        assert_eq!(
            parse_text("after", "1_500 ms"),
            Ok(Duration::from_millis(1500))
        );
        assert_eq!(parse_text("after", "24h"), Ok(Duration::from_secs(86_400)));
        assert_eq!(parse_text("after", "1ns"), Ok(Duration::from_nanos(1)));
    }

    #[test]
    fn mistakes_say_what_to_write() {
        let message = |text| parse_text("after", text).unwrap_err();
        assert!(message("250").contains("write `250ms` or `250s`"));
        assert!(message("2 sec").contains("write `s`"));
        assert!(message("2µs").contains("write `us`"));
        assert!(message("2w").contains("not a unit"));
        assert!(message("-2s").contains("cannot be negative"));
        assert_eq!(parse_text("wait", "0ms"), Ok(Duration::ZERO));
        assert!(message("soon").contains("not a length of time"));
        assert!(message("999999999d").contains("fits"));
    }
}
