//! Judgements that the author knows better: `allow(rule)` on any attribute of the stack.
//!
//! A rule that finds a contradiction (it can never work) cannot be allowed. One that finds something
//! that works and is probably not meant names itself in its message, and can.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt;

use proc_macro2::Group;
use syn::Ident;
use syn::parse::Parser;
use syn::punctuated::Punctuated;

use crate::diagnostics::{Diagnostics, did_you_mean, list};

/// A rule that can be allowed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Rule {
    /// The last attempts of a retry have no time.
    AttemptsExceedDeadline,
    /// A place is taken by a call that only waits.
    BulkheadHeldInPauses,
    /// A second attempt beside the first, of a body that nobody calls safe to run twice.
    HedgeWithoutIdempotency,
    /// The answer of a bad time is kept for a good one.
    IdempotentStoresFallback,
    /// Of two policies the other one is probably meant to stand above.
    Order,
    /// Attempts go on for longer than a key or a lock is granted.
    OutlastsLease,
    /// Another attempt where the transaction has failed.
    RetryInTransaction,
    /// A single call shuts out all others.
    RetryOpensBreaker,
    /// `retry_on` does not list the timeout below.
    RetrySkipsTimeout,
    /// A saga goes on with an answer that stands for a failure.
    SagaTakesFallback,
    /// The attribute of somebody else stands between ours.
    SeparatedAttributes,
}

impl Rule {
    const ALL: [Self; 11] = [
        Self::AttemptsExceedDeadline,
        Self::BulkheadHeldInPauses,
        Self::HedgeWithoutIdempotency,
        Self::IdempotentStoresFallback,
        Self::Order,
        Self::OutlastsLease,
        Self::RetryInTransaction,
        Self::RetryOpensBreaker,
        Self::RetrySkipsTimeout,
        Self::SagaTakesFallback,
        Self::SeparatedAttributes,
    ];

    /// As it is written in `allow(..)`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AttemptsExceedDeadline => "attempts_exceed_deadline",
            Self::BulkheadHeldInPauses => "bulkhead_held_in_pauses",
            Self::HedgeWithoutIdempotency => "hedge_without_idempotency",
            Self::IdempotentStoresFallback => "idempotent_stores_fallback",
            Self::Order => "order",
            Self::OutlastsLease => "outlasts_lease",
            Self::RetryInTransaction => "retry_in_transaction",
            Self::RetryOpensBreaker => "retry_opens_breaker",
            Self::RetrySkipsTimeout => "retry_skips_timeout",
            Self::SagaTakesFallback => "saga_takes_fallback",
            Self::SeparatedAttributes => "separated_attributes",
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
pub(crate) struct Allowed {
    /// Each as it was written.
    rules: BTreeMap<Rule, Ident>,
    /// Those that had something to allow.
    used: RefCell<BTreeSet<Rule>>,
}

impl Allowed {
    /// Adds the rules in `allow(..)`.
    pub(crate) fn add(&mut self, rules: &Group, diagnostics: &Diagnostics) {
        let parser = Punctuated::<Ident, syn::Token![,]>::parse_terminated;
        let names = match parser.parse2(rules.stream()) {
            Ok(names) => names,
            Err(error) => {
                let known = list(&Rule::ALL.map(Rule::name));
                let message = format!("`allow(..)` takes the names of rules\nthere is {known}");
                return diagnostics.error_at(error.span(), message);
            }
        };
        if names.is_empty() {
            diagnostics.error_at(
                rules.span(),
                "`allow()` names no rule\nwrite the rule that the error names, or remove it",
            );
        }
        for name in names {
            self.add_rule(name, diagnostics);
        }
    }

    fn add_rule(&mut self, name: Ident, diagnostics: &Diagnostics) {
        let written = name.to_string();
        let Some(rule) = Rule::ALL.into_iter().find(|rule| rule.name() == written) else {
            let remedy = did_you_mean(&written, &Rule::ALL.map(Rule::name));
            diagnostics.error(
                name,
                format!("there is no rule `{written}` to allow\n{remedy}"),
            );
            return;
        };
        match self.rules.entry(rule) {
            Entry::Vacant(place) => {
                place.insert(name);
            }
            Entry::Occupied(_) => {
                diagnostics.error(name, format!("`{rule}` is allowed twice\nkeep one"));
            }
        }
    }

    /// Whether `rule`, which has found something, is allowed.
    pub(crate) fn uses(&self, rule: Rule) -> bool {
        let is_allowed = self.rules.contains_key(&rule);
        if is_allowed {
            self.used.borrow_mut().insert(rule);
        }
        is_allowed
    }

    /// Reports what was allowed and did not happen: it would hide the mistake when it does.
    pub(crate) fn report_unused(&self, diagnostics: &Diagnostics) {
        let used = self.used.borrow();
        for (rule, name) in self.rules.iter().filter(|(rule, _)| !used.contains(rule)) {
            diagnostics.error(
                name,
                format!("there is nothing to allow: `{rule}` finds nothing here\nremove it"),
            );
        }
    }
}
