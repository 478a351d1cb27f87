//! Decimal numbers: `0.5`, `2`, or any expression of type `f64`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Expr;

use crate::args::Value;
use crate::diagnostics::Diagnostics;

/// A decimal number in an option: a share, or a factor.
#[derive(Clone)]
pub(crate) enum Decimal {
    /// A literal; its tokens are kept for errors of checks that compare it.
    Known(f64, Value),
    /// Evaluated by the compiler.
    Expression(Expr),
}

impl Decimal {
    /// A number that is more than 0 and at most 1.
    pub(super) fn parse_share(
        name: &str,
        value: &Value,
        diagnostics: &Diagnostics,
    ) -> Option<Self> {
        let Some(known) = number(value) else {
            if value.tokens.to_string().ends_with('%') {
                diagnostics.error(
                    value,
                    format!(
                        "`{name}` is a share, not per cent\nwrite it from 0 to 1: `{name} = 0.5`"
                    ),
                );
                return None;
            }
            return value.parse(diagnostics).map(Self::Expression);
        };
        if known > 0.0 && known <= 1.0 {
            return Some(Self::Known(known, value.clone()));
        }
        let remedy = if known > 1.0 && known <= 100.0 {
            format!("write `{name} = {}`", known / 100.0)
        } else {
            format!("write `{name} = 0.5` for one half")
        };
        diagnostics.error(
            value,
            format!("`{name}` is more than 0 and at most 1\n{remedy}"),
        );
        None
    }

    /// The value, where it is written out.
    pub(crate) fn known(&self) -> Option<f64> {
        match self {
            Self::Known(known, _) => Some(*known),
            Self::Expression(_) => None,
        }
    }
}

impl ToTokens for Decimal {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Expression(expression) => expression.to_tokens(tokens),
            Self::Known(known, value) => {
                // An integer literal is what people write; the builder takes a float.
                let mut literal = proc_macro2::Literal::f64_unsuffixed(*known);
                if let Some(token) = value.tokens.clone().into_iter().next() {
                    literal.set_span(token.span());
                }
                literal.to_tokens(tokens);
            }
        }
    }
}

/// A number that is written out. `NAN`, `INF` and `_1` are names.
pub(crate) fn number(value: &Value) -> Option<f64> {
    let written = value.tokens.to_string().replace(' ', "");
    let is_name = written.starts_with(|first: char| first.is_alphabetic() || first == '_');
    let number = written.replace('_', "").parse();
    number.ok().filter(|_| !is_name)
}
