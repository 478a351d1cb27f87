//! `name = value` lists, parsed so that one bad option does not hide the next.

mod split;

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, Parser};
use syn::{Expr, Ident, LitStr, Pat, Path};

use crate::diagnostics::{Diagnostics, did_you_mean};
use split::{Part, split_at_commas};

/// The arguments of one attribute, or of one call inside it such as `exponential(1s, max = 30s)`.
pub(crate) struct Args {
    /// How messages call the place: `#[retry]`, `exponential(..)`.
    place: String,
    span: Span,
    positional: Vec<Value>,
    named: Vec<(Ident, Value)>,
    /// A piece was left out, because it is wrong.
    incomplete: bool,
}

/// The tokens of one value, not yet parsed.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) tokens: TokenStream,
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.tokens.clone());
    }
}

impl Args {
    /// Splits `tokens`; a repeated name is reported here.
    pub(crate) fn parse(
        place: impl Into<String>,
        span: Span,
        tokens: TokenStream,
        diagnostics: &Diagnostics,
    ) -> Self {
        let mut args = Self {
            place: place.into(),
            span,
            positional: Vec::new(),
            named: Vec::new(),
            incomplete: false,
        };
        for Part { tokens, comma } in split_at_commas(tokens) {
            match (tokens.is_empty(), comma) {
                (false, _) => args.add(tokens, diagnostics),
                (true, Some(comma)) => {
                    let message = format!(
                        "there is nothing before this comma in {}\nremove it",
                        args.place
                    );
                    diagnostics.error(comma, message);
                    args.incomplete = true;
                }
                (true, None) => {}
            }
        }
        args
    }

    /// Where the arguments stand.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    fn add(&mut self, part: Vec<TokenTree>, diagnostics: &Diagnostics) {
        let is_named = matches!(part.as_slice(), [TokenTree::Ident(_), TokenTree::Punct(equals), ..]
            if equals.as_char() == '=')
            && !matches!(part.get(2), Some(TokenTree::Punct(next)) if next.as_char() == '=');
        if !is_named {
            self.positional.push(Value {
                tokens: part.into_iter().collect(),
            });
            return;
        }
        let mut tokens = part.into_iter();
        let Some(TokenTree::Ident(name)) = tokens.next() else {
            return;
        };
        let equals = tokens.next();
        let value: TokenStream = tokens.collect();
        self.incomplete = value.is_empty() || self.incomplete;
        if value.is_empty() {
            diagnostics.error(
                equals,
                format!(
                    "`{name}` of {} has no value\nwrite `{name} = ..`",
                    self.place
                ),
            );
        } else if self.named.iter().any(|(known, _)| *known == name) {
            diagnostics.error(
                &name,
                format!("`{name}` is given twice in {}\nkeep one", self.place),
            );
        } else {
            self.named.push((name, Value { tokens: value }));
        }
    }

    /// The value of the option `name`.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let index = self
            .named
            .iter()
            .position(|(known, _)| known.unraw() == name)?;
        Some(self.named.remove(index).1)
    }

    /// What is written as the value of the option `name`, which stays.
    pub(crate) fn written(&self, name: &str) -> Option<&Value> {
        let mut named = self.named.iter();
        named.find_map(|(known, value)| (known.unraw() == name).then_some(value))
    }

    /// The first value without a name.
    pub(crate) fn take_positional(&mut self) -> Option<Value> {
        (!self.positional.is_empty()).then(|| self.positional.remove(0))
    }

    /// The arguments of the first value without a name that is a call of `name`.
    pub(crate) fn take_call(&mut self, name: &str) -> Option<proc_macro2::Group> {
        let is_call = |value: &Value| {
            let call = value.as_call();
            call.and_then(|(word, group)| group.filter(|_| word == name))
        };
        let index = self
            .positional
            .iter()
            .position(|value| is_call(value).is_some())?;
        is_call(&self.positional.remove(index))
    }

    /// The first value without a name that is nothing but `word`.
    pub(crate) fn take_word(&mut self, word: &str) -> Option<Value> {
        let is_word = |value: &Value| value.tokens.to_string() == word;
        let index = self.positional.iter().position(is_word)?;
        Some(self.positional.remove(index))
    }

    /// The first option that nobody took, or the first value.
    pub(crate) fn next_left(&self) -> Option<TokenStream> {
        let name = self.named.first().map(|(name, _)| name.to_token_stream());
        name.or_else(|| Some(self.positional.first()?.tokens.clone()))
    }

    /// Whether nothing had to be left out while the list was read.
    pub(crate) fn is_complete(&self) -> bool {
        !self.incomplete
    }

    /// Whether everything was taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.positional.is_empty() && self.named.is_empty()
    }

    /// Reports everything: there are no options.
    pub(crate) fn finish_without(self, diagnostics: &Diagnostics) {
        let names = self.named.iter().map(|(name, _)| name.to_token_stream());
        let values = self.positional.iter().map(ToTokens::to_token_stream);
        for written in names.chain(values) {
            let message = format!("{} takes no options\nremove it", self.place);
            diagnostics.error(written, message);
        }
    }

    /// Reports what nobody took. `known` are the options that there are.
    pub(crate) fn finish(self, known: &[&str], diagnostics: &Diagnostics) {
        for (name, _) in &self.named {
            let written = name.unraw().to_string();
            diagnostics.error(
                name,
                format!(
                    "{} has no option `{written}`\n{}",
                    self.place,
                    did_you_mean(&written, known)
                ),
            );
        }
        for value in &self.positional {
            let written = value.tokens.to_string();
            let message = if known.contains(&written.as_str()) {
                let example = example(&written);
                format!(
                    "`{written}` of {} needs a value\nwrite `{written} = {example}`",
                    self.place
                )
            } else {
                let remedy = did_you_mean(&written, known);
                format!("{} does not take `{written}`\n{remedy}", self.place)
            };
            diagnostics.error(value, message);
        }
    }
}

/// A value of the option, where one word says more than dots.
fn example(option: &str) -> &'static str {
    match option {
        "tx" => "conn",
        "in_doubt" => "compensate",
        _ => "..",
    }
}

impl Value {
    /// The tokens, one by one.
    pub(crate) fn trees(&self) -> Vec<TokenTree> {
        self.tokens.clone().into_iter().collect()
    }

    /// As `T`; an error is reported and swallowed.
    pub(crate) fn parse<T: Parse>(&self, diagnostics: &Diagnostics) -> Option<T> {
        self.parse_with(T::parse, diagnostics)
    }

    /// As a pattern, with or without leading `|`.
    pub(crate) fn parse_pattern(&self, diagnostics: &Diagnostics) -> Option<Pat> {
        self.parse_with(Pat::parse_multi_with_leading_vert, diagnostics)
    }

    fn parse_with<P: Parser>(&self, parser: P, diagnostics: &Diagnostics) -> Option<P::Output> {
        parser
            .parse2(self.tokens.clone())
            .map_err(|error| diagnostics.push(error))
            .ok()
    }

    /// As a path; anything else is reported with `remedy`.
    pub(crate) fn parse_path(&self, remedy: &str, diagnostics: &Diagnostics) -> Option<Path> {
        let path = Path::parse_mod_style
            .parse2(self.tokens.clone())
            .or_else(|_| syn::parse2(self.tokens.clone()));
        if path.is_err() {
            diagnostics.error(self, format!("`{}` is not a path\n{remedy}", self.tokens));
        }
        path.ok()
    }

    /// As a string literal that is not empty.
    pub(crate) fn parse_name(&self, option: &str, diagnostics: &Diagnostics) -> Option<LitStr> {
        match syn::parse2::<LitStr>(self.tokens.clone()) {
            Ok(name) if name.value().is_empty() => {
                diagnostics.error(
                    self,
                    format!("`{option}` is empty\nwrite a name, or leave it out"),
                );
                None
            }
            Ok(name) => Some(name),
            Err(_) => {
                let written = match self.trees().as_slice() {
                    [TokenTree::Ident(_) | TokenTree::Literal(_)] => self.tokens.to_string(),
                    _ => "..".to_owned(),
                };
                diagnostics.error(
                    self,
                    format!("`{option}` is a string literal\nwrite `{option} = \"{written}\"`"),
                );
                None
            }
        }
    }

    /// As a whole number: a literal of at least `least`, or an expression that the compiler
    /// evaluates.
    pub(crate) fn parse_count(
        &self,
        option: &str,
        least: u32,
        diagnostics: &Diagnostics,
    ) -> Option<Count> {
        let expression: Expr = self.parse(diagnostics)?;
        let Some(literal) = number_literal(&expression) else {
            return Some(Count::Expression(expression));
        };
        match literal {
            Ok(known) if known >= least => Some(Count::Known(known, expression)),
            Ok(_) => {
                let message = format!("`{option}` must be at least {least}\nwrite {least} or more");
                diagnostics.error(self, message);
                None
            }
            Err(()) => {
                diagnostics.error(
                    self,
                    format!(
                        "`{option}` is a whole number, at most {}\n\
                         write it without quotes, sign or fraction",
                        u32::MAX
                    ),
                );
                None
            }
        }
    }

    /// The name and the parenthesised rest of `name(..)`, or of a bare `name`.
    pub(crate) fn as_call(&self) -> Option<(Ident, Option<proc_macro2::Group>)> {
        match self.trees().as_slice() {
            [TokenTree::Ident(name)] => Some((name.clone(), None)),
            [TokenTree::Ident(name), TokenTree::Group(group)]
                if group.delimiter() == Delimiter::Parenthesis =>
            {
                Some((name.clone(), Some(group.clone())))
            }
            _ => None,
        }
    }
}

/// A whole number in an option.
#[derive(Clone)]
pub(crate) enum Count {
    /// A literal; its tokens are kept for errors of checks that compare it.
    Known(u32, Expr),
    /// Evaluated by the compiler, which runs the checks of the runtime's `const fn` builders.
    Expression(Expr),
}

impl Count {
    /// The value, where it is written out.
    pub(crate) fn known(&self) -> Option<u32> {
        match self {
            Self::Known(value, _) => Some(*value),
            Self::Expression(_) => None,
        }
    }
}

impl ToTokens for Count {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Known(_, expression) | Self::Expression(expression) => {
                expression.to_tokens(tokens);
            }
        }
    }
}

/// `Some` for anything that is written as a number: its value, or `Err` when that is no `u32`.
fn number_literal(expression: &Expr) -> Option<Result<u32, ()>> {
    match expression {
        Expr::Lit(literal) => Some(match &literal.lit {
            syn::Lit::Int(number) => number.base10_parse().map_err(|_| ()),
            _ => Err(()),
        }),
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => Some(Err(())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn one_bad_option_does_not_hide_the_next() {
        let diagnostics = Diagnostics::new();
        let args = Args::parse(
            "#[retry]",
            Span::call_site(),
            quote! { a =, b = 1, b = 2, colour = 3 },
            &diagnostics,
        );
        args.finish(&["a", "b", "color"], &diagnostics);
        let text = diagnostics.into_tokens().to_string();
        assert!(text.contains("`a` of #[retry] has no value"), "{text}");
        assert!(text.contains("`b` is given twice"), "{text}");
        assert!(text.contains("did you mean `color`?"), "{text}");
    }
}
