//! The options of one attribute, taken one by one: what is not there is `None`, what is wrong is
//! reported, and makes the whole policy wrong.

mod decimal;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Expr, Ident, LitStr, Pat, Path};

use crate::args::{Args, Count, Value};
use crate::diagnostics::Diagnostics;
use crate::duration::{self, Length};

pub(crate) use decimal::{Decimal, number};

/// Takes options, and remembers whether one of them was wrong.
pub(crate) struct Options<'a> {
    args: Args,
    diagnostics: &'a Diagnostics,
    wrong: bool,
}

impl<'a> Options<'a> {
    pub(crate) fn new(args: Args, diagnostics: &'a Diagnostics) -> Self {
        Self {
            args,
            diagnostics,
            wrong: false,
        }
    }

    /// Where the attribute stands.
    pub(crate) fn span(&self) -> Span {
        self.args.span()
    }

    /// The option `name`, as `parse` reads it; `parse` reports what is wrong.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&Value, &Diagnostics) -> Option<T>,
    ) -> Option<T> {
        let value = self.args.take(name)?;
        let parsed = parse(&value, self.diagnostics);
        self.wrong |= parsed.is_none();
        parsed
    }

    /// The first value without a name.
    pub(crate) fn positional<T>(
        &mut self,
        parse: impl FnOnce(&Value, &Diagnostics) -> Option<T>,
    ) -> Option<T> {
        let value = self.args.take_positional()?;
        let parsed = parse(&value, self.diagnostics);
        self.wrong |= parsed.is_none();
        parsed
    }

    /// The definition of a policy: by its options, as `here` takes them, or by the path of a `static`
    /// of the type `of`, which is a shared `noun`, and beside which none may stand. What belongs to
    /// the function in either case has been taken before.
    pub(crate) fn definition<T>(
        mut self,
        of: &str,
        noun: &str,
        known: &[&str],
        here: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Definition<T>> {
        let shared = self.shared(of, known);
        if shared.is_some() && !self.is_empty() {
            self.error_at_next(format!(
                "a shared {noun} has its options where it is defined\n\
                 move them to the `static`, or leave the path out"
            ));
            return None;
        }
        let definition = match shared {
            Some(path) => Some(Definition::Shared(path)),
            None => here(&mut self).map(Definition::Here),
        };
        self.finish(known)?;
        definition
    }

    /// The path of a `static` of the type `of`, given without a name: the policy is defined there.
    fn shared(&mut self, of: &str, known: &[&str]) -> Option<Path> {
        self.positional(|value, diagnostics| {
            // One lower-case word is an option without its value, not a static.
            let word = value.tokens.to_string();
            if known.contains(&word.as_str()) {
                diagnostics.error(value, format!("`{word}` has no value\nwrite `{word} = ..`"));
                return None;
            }
            let remedy = match meant(value, known) {
                Some(meant) => format!("write `{meant}`"),
                None => {
                    format!("write the path of a `static` of type `resilience::{of}`, or options")
                }
            };
            value.parse_path(&remedy, diagnostics)
        })
    }

    /// The word `name`, which has no value. A second one is left, and reported as too much.
    pub(crate) fn flag(&mut self, name: &str) -> Option<Value> {
        self.args.take_word(name)
    }

    /// What is written as the value of the option `name`, which is still to be taken.
    pub(crate) fn written(&self, name: &str) -> Option<Value> {
        self.args.written(name).cloned()
    }

    /// A whole number of at least `least`.
    pub(crate) fn count(&mut self, name: &str, least: u32) -> Option<Count> {
        self.take(name, |value, diagnostics| {
            value.parse_count(name, least, diagnostics)
        })
    }

    /// A share, more than 0 and at most 1.
    pub(crate) fn rate(&mut self, name: &str) -> Option<Decimal> {
        self.take(name, |value, diagnostics| {
            Decimal::parse_share(name, value, diagnostics)
        })
    }

    /// A duration longer than zero.
    pub(crate) fn length(&mut self, name: &str) -> Option<Length> {
        self.take(name, |value, diagnostics| {
            duration::parse(name, value, diagnostics)
        })
    }

    /// A duration.
    pub(crate) fn length_or_zero(&mut self, name: &str) -> Option<Length> {
        self.take(name, |value, diagnostics| {
            duration::parse_with_zero(name, value, diagnostics)
        })
    }

    /// The option `name`, a string literal.
    pub(crate) fn name(&mut self) -> Option<LitStr> {
        self.take("name", |value, diagnostics| {
            value.parse_name("name", diagnostics)
        })
    }

    /// The name of something in the journal, where those of the runtime's own have a place for
    /// themselves.
    pub(crate) fn journal_name(&mut self) -> Option<LitStr> {
        self.take("name", |value, diagnostics| {
            let name = value.parse_name("name", diagnostics)?;
            if let Some(rest) = name.value().strip_prefix("saga::") {
                diagnostics.error(
                    &name,
                    format!("names that begin with `saga::` belong to the journal itself\nwrite another, such as `{rest}`"),
                );
                return None;
            }
            Some(name)
        })
    }

    /// The name of the parameter that is a connection.
    pub(crate) fn parameter(&mut self, name: &str) -> Option<Ident> {
        self.take(name, |value, diagnostics| {
            let remedy =
                format!("write the name of the parameter that is the connection: `{name} = conn`");
            let path = value.parse_path(&remedy, diagnostics)?;
            if path.get_ident().is_none() {
                let written = &value.tokens;
                diagnostics.error(value, format!("`{written}` is no parameter\n{remedy}"));
            }
            path.get_ident().cloned()
        })
    }

    /// Any expression.
    pub(crate) fn expression(&mut self, name: &str) -> Option<Expr> {
        self.take(name, Value::parse)
    }

    /// A pattern of errors or values, which must not match everything by mistake.
    pub(crate) fn pattern(&mut self, name: &str) -> Option<Pat> {
        self.take(name, |value, diagnostics| pattern(name, value, diagnostics))
    }

    /// One of these words.
    pub(crate) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        self.take(name, |value, diagnostics| {
            let written = value.tokens.to_string();
            let found = words.iter().find(|(word, _)| *word == written);
            if found.is_none() {
                let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                let remedy = crate::diagnostics::did_you_mean(&written, &names);
                diagnostics.error(value, format!("`{name}` cannot be `{written}`\n{remedy}"));
            }
            found.map(|(_, meaning)| *meaning)
        })
    }

    /// Reports a rule between options of this attribute.
    pub(crate) fn error(&mut self, at: impl ToTokens, message: impl std::fmt::Display) {
        self.diagnostics.error(at, message);
        self.wrong = true;
    }

    /// Reports what concerns the attribute as a whole.
    pub(crate) fn error_here(&mut self, message: impl std::fmt::Display) {
        let span = self.span();
        self.diagnostics.error_at(span, message);
        self.wrong = true;
    }

    /// Reports an option that has no place here: the first that nobody took.
    pub(crate) fn error_at_next(&mut self, message: impl std::fmt::Display) {
        match self.args.next_left() {
            Some(name) => self.error(name, message),
            None => self.error_here(message),
        }
    }

    /// Whether nothing was wrong so far.
    pub(crate) fn is_clean(&self) -> bool {
        !self.wrong && self.args.is_complete()
    }

    /// Whether nothing is left to take.
    pub(crate) fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// The same where there are words without a value, too.
    pub(crate) fn finish_with_flags(mut self, known: &[&str], flags: &[&str]) -> Option<()> {
        for flag in flags {
            if let Some(value) = self.args.take(flag) {
                self.error(
                    value,
                    format!("`{flag}` takes no value\nwrite `{flag}`, or leave it out"),
                );
            }
            if let Some(again) = self.args.take_word(flag) {
                self.error(again, format!("`{flag}` is given twice\nkeep one"));
            }
        }
        self.finish(&[known, flags].concat())
    }

    /// Reports what nobody took. `Some` when nothing was wrong with what was.
    pub(crate) fn finish(self, known: &[&str]) -> Option<()> {
        let wrong = !self.is_clean() || !self.is_empty();
        self.args.finish(known, self.diagnostics);
        (!wrong).then_some(())
    }
}

/// Where a policy is defined.
pub(crate) enum Definition<T> {
    /// By the options of the attribute.
    Here(T),
    /// In the `static` at this path.
    Shared(Path),
}

impl<T> Definition<T> {
    /// The options, where the attribute has them.
    pub(crate) fn here(&self) -> Option<&T> {
        match self {
            Self::Here(options) => Some(options),
            Self::Shared(_) => None,
        }
    }
}

/// The option that was meant by a value without a name: `max_attempts: 3`, `3`, `"warehouse"`.
fn meant(value: &Value, known: &[&str]) -> Option<String> {
    /// The option of each attribute that a bare number or time is for.
    const FIRST: [&str; 5] = [
        "max_attempts",
        "max_concurrent",
        "failure_threshold",
        "rate",
        "delay",
    ];
    let written = &value.tokens;
    match value.trees().as_slice() {
        [TokenTree::Ident(name), TokenTree::Punct(colon), rest @ ..]
            if colon.as_char() == ':' && known.iter().any(|known| name == known) =>
        {
            let rest: TokenStream = rest.iter().cloned().collect();
            Some(format!("{name} = {rest}"))
        }
        [TokenTree::Literal(literal)] if literal.to_string().starts_with('"') => {
            known.contains(&"name").then(|| format!("name = {written}"))
        }
        [TokenTree::Literal(_), ..] => FIRST
            .iter()
            .find(|first| known.contains(*first))
            .map(|first| format!("{first} = {written}")),
        _ => None,
    }
}

/// Whether the value is a closure, where a pattern is wanted: `|error| ..`.
fn is_closure(value: &Value) -> bool {
    matches!(value.trees().as_slice(), [TokenTree::Punct(open), TokenTree::Ident(name), TokenTree::Punct(close), ..]
        if open.as_char() == '|'
            && matches!(close.as_char(), '|' | ':')
            && name.to_string().starts_with(char::is_lowercase))
}

/// A pattern. A bare lower-case name would bind every error, and so match all of them: whoever
/// writes one means a function or a constant.
fn pattern(name: &str, value: &Value, diagnostics: &Diagnostics) -> Option<Pat> {
    let example =
        format!("write the pattern that is meant, such as `{name} = Error::Busy {{ .. }}`");
    if is_closure(value) {
        let remedy = if name == "retry_on" {
            "write `when = |error| ..`".to_owned()
        } else {
            example
        };
        diagnostics.error(
            value,
            format!("`{name}` is a pattern, and this is a closure\n{remedy}"),
        );
        return None;
    }
    let pattern = value.parse_pattern(diagnostics)?;
    if let Pat::Slice(slice) = &pattern {
        let variants: Vec<_> = slice
            .elems
            .iter()
            .map(|element| element.to_token_stream().to_string())
            .collect();
        let variants = variants.join(" | ").replace(" :: ", "::");
        diagnostics.error(
            value,
            format!(
                "`{name}` is a pattern, and this is one of a list\nwrite `{name} = {variants}`"
            ),
        );
        return None;
    }
    if let Pat::Ident(binding) = &pattern
        && binding.subpat.is_none()
        && binding.ident.to_string().starts_with(char::is_lowercase)
    {
        let word = &binding.ident;
        let remedy = if name == "retry_on" {
            format!(
                "write `when = {word}` if it is a function, or the pattern of the errors to retry"
            )
        } else {
            example
        };
        diagnostics.error(
            value,
            format!("the pattern `{word}` matches every error\n{remedy}"),
        );
        return None;
    }
    Some(pattern)
}
