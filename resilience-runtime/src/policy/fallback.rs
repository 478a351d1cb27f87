//! `#[fallback]`: another answer in place of a failure.

use std::fmt;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::time::Duration;

use super::switch::{PolicyMode, Switch};
use crate::catalog::{Policy, PolicyKind};
use crate::error::Effect;
use crate::outcome::{Answer, Errors, Origin, Outcome};
use crate::telemetry::{meter, names};

/// The answer of a call, or the error in place of which there has to be another answer.
pub type Decided<T, E> = ControlFlow<Answer<T, E>, (E, Failed<Result<T, E>>)>;

/// Decides whether a fallback answers a call that failed.
///
/// | failure | without a predicate ([`Fallback::needed`]) |
/// |---|---|
/// | an inner policy's refusal, of any kind | answered |
/// | an error of the body whose type says what it means ([`Classify`](crate::classify::Classify)) | answered if it is transient or throttled |
/// | any other error of the body | answered |
///
/// With a predicate ([`Fallback::needed_if`]) the predicate alone decides, about errors of the body
/// and of inner policies alike.
///
/// The answer of a fallback is the call's own answer, not a policy's: policies further out see no
/// refusal. But a fallback is not the body, so what is known about the body does not change.
///
/// A fallback function may take any time; [`Fallback::with_value`] says that there is no such function.
#[derive(Debug)]
pub struct Fallback {
    function: Option<&'static str>,
    is_value: bool,
    switch: Switch,
}

impl Fallback {
    /// A fallback for every failure.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            function: None,
            is_value: false,
            switch: Switch::new(),
        }
    }

    /// Says that the fallback is a value, which takes no time.
    #[must_use]
    pub const fn with_value(mut self) -> Self {
        self.is_value = true;
        self
    }

    /// The fallback of the function with this path, which its metrics and events name. Without a path
    /// they say `fallback`.
    #[must_use]
    pub const fn for_function(path: &'static str) -> Self {
        let mut fallback = Self::new();
        fallback.function = Some(path);
        fallback
    }

    /// The answer of the call, or the error in place of which there has to be another answer.
    #[inline]
    pub fn needed<O: Outcome>(
        &'static self,
        answer: O,
        errors: Errors<Result<O::Ok, O::Err>>,
    ) -> Decided<O::Ok, O::Err> {
        self.decide(answer.into_answer(), |answer| {
            answer.origin.is_refusal() || errors.is_transient(&answer.result)
        })
    }

    /// The same, where `predicate` says which errors are answered in another way.
    #[inline]
    pub fn needed_if<O: Outcome>(
        &'static self,
        answer: O,
        _errors: Errors<Result<O::Ok, O::Err>>,
        predicate: impl FnOnce(&O::Err) -> bool,
    ) -> Decided<O::Ok, O::Err> {
        self.decide(answer.into_answer(), |answer| {
            answer.result.as_ref().is_err_and(predicate)
        })
    }

    #[inline]
    fn decide<T, E>(
        &'static self,
        answer: Answer<T, E>,
        is_needed: impl FnOnce(&Answer<T, E>) -> bool,
    ) -> Decided<T, E> {
        let mode = self.switch.mode();
        let is_needed =
            answer.result.is_err() && mode != PolicyMode::Disabled && is_needed(&answer);
        if !is_needed || !self.acts(mode) {
            return ControlFlow::Break(answer);
        }
        let effect = answer.origin.effect();
        match answer.result {
            Err(error) => {
                let failed = Failed {
                    effect,
                    result: PhantomData,
                };
                ControlFlow::Continue((error, failed))
            }
            Ok(_) => ControlFlow::Break(answer),
        }
    }

    /// Notes that it is needed. `false` while it only counts.
    #[cold]
    fn acts(&self, mode: PolicyMode) -> bool {
        let function = self.function.unwrap_or("fallback");
        if mode == PolicyMode::Shadow {
            self.switch.note(PolicyKind::Fallback, function);
            tracing::debug!(target: "resilience", function, "call failed, and would have fallen back");
            return false;
        }
        tracing::debug!(target: "resilience", function, "call failed, falling back");
        meter::count(names::FALLBACKS, "function", function);
        true
    }
}

impl Default for Fallback {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy for Fallback {
    fn kind(&self) -> PolicyKind {
        PolicyKind::Fallback
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_value { "value = .." } else { ".." })
    }

    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        inner.filter(|_| self.is_value)
    }

    fn switch(&self) -> Option<&Switch> {
        Some(&self.switch)
    }
}

/// A call that failed and is about to be answered in another way, with what a function that returns
/// `R` answers.
#[must_use = "the answer of the fallback is made with it"]
pub struct Failed<R> {
    /// What the call did before.
    effect: Effect,
    result: PhantomData<fn() -> R>,
}

impl<R> fmt::Debug for Failed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failed")
            .field("effect", &self.effect)
            .finish_non_exhaustive()
    }
}

impl<T, E> Failed<Result<T, E>> {
    /// The answer of the call: what the fallback says.
    pub fn answered(self, result: Result<T, E>) -> Answer<T, E> {
        Answer {
            result,
            origin: Origin::new(None, self.effect),
        }
    }
}

#[cfg(test)]
mod tests;
