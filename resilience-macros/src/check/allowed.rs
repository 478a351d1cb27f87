//! Judgements that the author knows better: `allow(rule)` on any attribute of the stack.
//!
//! A rule that finds a contradiction (it can never work) cannot be allowed. One that finds something
//! that works and is probably not meant names itself in its message, and can.

use std::collections::BTreeSet;
use std::fmt;

use proc_macro2::TokenStream;
use syn::Ident;
use syn::parse::Parser;
use syn::punctuated::Punctuated;

use crate::diagnostics::{Diagnostics, did_you_mean};

/// A rule that can be allowed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Rule {
    /// A second attempt beside the first, of a function that may not be run twice.
    HedgeWithoutIdempotency,
}

impl Rule {
    const ALL: [Self; 1] = [Self::HedgeWithoutIdempotency];

    /// As it is written in `allow(..)`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HedgeWithoutIdempotency => "hedge_without_idempotency",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The rules that the attributes of one function allow.
#[derive(Default)]
pub(crate) struct Allowed(BTreeSet<Rule>);

impl Allowed {
    /// Adds the rules in `allow(..)`.
    pub(crate) fn add(&mut self, rules: TokenStream, diagnostics: &Diagnostics) {
        let names = match Punctuated::<Ident, syn::Token![,]>::parse_terminated.parse2(rules) {
            Ok(names) => names,
            Err(error) => return diagnostics.push(error),
        };
        for name in names {
            let written = name.to_string();
            match Rule::ALL.into_iter().find(|rule| rule.name() == written) {
                Some(rule) => {
                    self.0.insert(rule);
                }
                None => {
                    let known = Rule::ALL.map(Rule::name);
                    let remedy = did_you_mean(&written, &known);
                    diagnostics.error(
                        name,
                        format!("there is no rule `{written}` to allow\n{remedy}"),
                    );
                }
            }
        }
    }

    /// Whether `rule` is allowed.
    pub(crate) fn contains(&self, rule: Rule) -> bool {
        self.0.contains(&rule)
    }
}
