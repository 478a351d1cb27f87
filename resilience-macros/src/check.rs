//! The rules that hold between policies, and between a policy and its function. One documented
//! function per rule, in files by topic; a rule about one option alone stands where the option is
//! parsed.
//!
//! What can never work is an error. What works and is probably not meant is an error that names its
//! rule, and the author can allow it. What depends on constants becomes a [`Question`] to the
//! compiler.

mod attempts;
mod detached;
mod function;
mod judging;
mod leases;
mod order;
mod owned;
mod pauses;
mod question;
mod records;
mod sagas;
mod times;
mod transaction;

#[cfg(test)]
mod tests;

use std::cell::RefCell;

use proc_macro2::Span;
use quote::ToTokens;

use crate::allowed::{Allowed, Rule};
use crate::diagnostics::Diagnostics;
use crate::function::{Function, Parameter};
use crate::policy::{CircuitBreaker, Hedge, Kind, Policy, Retry, Timeout};
use crate::stack::Separator;

pub(crate) use question::{Question, Threshold};

/// Everything that the rules look at.
pub(crate) struct Subject<'a> {
    function: &'a Function,
    parameters: &'a [Parameter],
    /// Outermost first.
    policies: &'a [Policy],
    /// The attributes of others that stand between ours.
    separators: &'a [Separator],
    /// The judgements that the author knows better.
    allowed: &'a Allowed,
    diagnostics: &'a Diagnostics,
    questions: RefCell<Vec<Question>>,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(
        function: &'a Function,
        parameters: &'a [Parameter],
        policies: &'a [Policy],
        separators: &'a [Separator],
        allowed: &'a Allowed,
        diagnostics: &'a Diagnostics,
    ) -> Self {
        Self {
            function,
            parameters,
            policies,
            separators,
            allowed,
            diagnostics,
            questions: RefCell::default(),
        }
    }

    /// Reports every broken rule. What only the compiler can decide is handed back.
    pub(crate) fn check(self) -> Vec<Question> {
        self.check_function();
        self.check_records();
        self.check_sagas();
        self.check_attempts();
        self.check_order();
        self.check_judging();
        self.check_times();
        self.check_leases();
        self.check_detached();
        self.check_transaction();
        self.allowed.report_unused(self.diagnostics);
        self.questions.into_inner()
    }

    /// Reports what is probably not meant, unless the author says that it is. `message` is the fact,
    /// and the remedy without its end.
    fn warn(&self, rule: Rule, at: impl ToTokens, message: &str) {
        if !self.allowed.uses(rule) {
            self.diagnostics
                .error(at, format!("{message}, or say `allow({rule})`"));
        }
    }

    /// The same, about an attribute as a whole.
    fn warn_at(&self, rule: Rule, span: Span, message: &str) {
        if !self.allowed.uses(rule) {
            self.diagnostics
                .error_at(span, format!("{message}, or say `allow({rule})`"));
        }
    }

    /// Leaves a rule to the compiler, unless the author allows what it would find.
    fn ask(&self, question: Question) {
        let is_allowed = question.rule().is_some_and(|rule| self.allowed.uses(rule));
        if !is_allowed {
            self.questions.borrow_mut().push(question);
        }
    }

    fn find(&self, kind: Kind) -> Option<&'a Policy> {
        self.policies.iter().find(|policy| policy.kind() == kind)
    }

    fn position(&self, kind: Kind) -> Option<usize> {
        self.policies
            .iter()
            .position(|policy| policy.kind() == kind)
    }

    /// The nearest timeout above the policy at this position.
    fn timeout_above(&self, position: usize) -> Option<&'a Timeout> {
        let above = self.policies.iter().take(position).rev();
        above.filter_map(as_timeout).next()
    }

    /// The nearest timeout that bounds a single run of what stands below this position: one below a
    /// retry in between is of each attempt.
    fn timeout_below(&self, position: usize) -> Option<&'a Timeout> {
        let below = self.policies.iter().skip(position + 1);
        let below = below.take_while(|policy| policy.kind() != Kind::Retry);
        below.filter_map(as_timeout).next()
    }

    fn retry(&self) -> Option<(usize, &'a Retry)> {
        let mut policies = self.policies.iter().enumerate();
        policies.find_map(|(position, policy)| match policy {
            Policy::Retry(retry) => Some((position, retry)),
            _ => None,
        })
    }

    fn hedge(&self) -> Option<(usize, &'a Hedge)> {
        let mut policies = self.policies.iter().enumerate();
        policies.find_map(|(position, policy)| match policy {
            Policy::Hedge(hedge) => Some((position, hedge)),
            _ => None,
        })
    }

    fn breaker(&self) -> Option<(usize, &'a CircuitBreaker)> {
        let mut policies = self.policies.iter().enumerate();
        policies.find_map(|(position, policy)| match policy {
            Policy::CircuitBreaker(breaker) => Some((position, breaker)),
            _ => None,
        })
    }

    /// The circuit breaker below the policy at this position.
    fn breaker_below(&self, above: usize) -> Option<&'a CircuitBreaker> {
        let (position, breaker) = self.breaker()?;
        (position > above).then_some(breaker)
    }

    /// The attribute that messages about the function name: the outermost.
    fn attribute(&self) -> String {
        self.policies.first().map_or_else(
            || "this attribute".to_owned(),
            |p| format!("#[{}]", p.kind().name()),
        )
    }
}

fn as_timeout(policy: &Policy) -> Option<&Timeout> {
    match policy {
        Policy::Timeout(timeout) => Some(timeout),
        _ => None,
    }
}
