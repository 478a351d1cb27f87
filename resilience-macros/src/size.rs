//! Sizes: `64kb`, `1mb`, `4096`, or any expression of type `usize`.

use proc_macro2::{Literal, TokenStream};
use quote::ToTokens;
use syn::{Expr, Lit};

use crate::args::Value;
use crate::diagnostics::{Diagnostics, list};

/// The units, with their size in bytes, smallest first.
const UNITS: [(&str, u32); 3] = [("b", 1), ("kb", 1 << 10), ("mb", 1 << 20)];

/// A number of bytes in an option.
#[derive(Clone)]
pub(crate) enum Size {
    /// A literal, and how it is written.
    Known(u32, Value),
    /// Evaluated by the compiler.
    Expression(Expr),
}

impl Size {
    /// The size in `value`, more than zero; a mistake is reported and swallowed.
    pub(crate) fn parse(value: &Value, diagnostics: &Diagnostics) -> Option<Self> {
        let text = match syn::parse2::<Lit>(value.tokens.clone()) {
            Ok(Lit::Str(text)) => text.value(),
            Ok(literal) => literal.to_token_stream().to_string(),
            Err(_) => return value.parse(diagnostics).map(Self::Expression),
        };
        match parse_text(&text) {
            Ok(bytes) => Some(Self::Known(bytes, value.clone())),
            Err(message) => {
                diagnostics.error(value, message);
                None
            }
        }
    }

    /// As the user wrote it.
    pub(crate) fn written(&self) -> TokenStream {
        match self {
            Self::Known(_, value) => value.tokens.clone(),
            Self::Expression(expression) => expression.to_token_stream(),
        }
    }
}

impl ToTokens for Size {
    // Input:  64kb
    // Output: 65536
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Known(bytes, _) => Literal::u32_unsuffixed(*bytes).to_tokens(tokens),
            Self::Expression(expression) => expression.to_tokens(tokens),
        }
    }
}

fn parse_text(text: &str) -> Result<u32, String> {
    let text: String = text.trim().chars().filter(|c| *c != '_').collect();
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let (unit, units) = (unit.trim(), UNITS.map(|(name, _)| name));
    if number.is_empty() || unit.starts_with('.') {
        return Err(format!(
            "`{text}` is not a whole number of bytes\nwrite a number with a unit, such as `64kb` or `1mb`"
        ));
    }
    let plain = unit.to_lowercase().replace('i', "");
    let bytes_per_unit = UNITS.iter().find(|(name, _)| *name == unit);
    let Some((_, bytes_per_unit)) = bytes_per_unit.or(unit.is_empty().then_some(&UNITS[0])) else {
        let remedy = match units
            .iter()
            .find(|name| name.trim_end_matches('b') == plain.trim_end_matches('b'))
        {
            Some(meant) => format!("write `{number}{meant}`"),
            None => format!("there is {}", list(&units)),
        };
        return Err(format!("`{unit}` is not a unit of bytes\n{remedy}"));
    };
    let bytes = number
        .parse::<u32>()
        .ok()
        .and_then(|number| number.checked_mul(*bytes_per_unit));
    match bytes {
        Some(0) => Err("nothing fits into zero bytes\nwrite a size such as `64kb`".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err(format!(
            "`{text}` is more than 4 gigabytes\nwrite a size such as `64kb`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_two() {
        assert_eq!(parse_text("4096"), Ok(4096));
        assert_eq!(parse_text("7b"), Ok(7));
        assert_eq!(parse_text("64kb"), Ok(65_536));
        assert_eq!(parse_text("1mb"), Ok(1_048_576));
        assert_eq!(parse_text("1_000 b"), Ok(1_000));
    }

    #[test]
    fn mistakes_say_what_to_write() {
        let message = |text| parse_text(text).unwrap_err();
        assert!(message("64KiB").contains("write `64kb`"));
        assert!(message("64k").contains("write `64kb`"));
        assert!(message("1M").contains("write `1mb`"));
        assert!(message("1gb").contains("there is `b`, `kb` and `mb`"));
        assert!(message("1.5mb").contains("whole number"));
        assert!(message("0kb").contains("zero bytes"));
        assert!(message("5000mb").contains("more than 4"));
        assert!(message("small").contains("whole number"));
    }
}
