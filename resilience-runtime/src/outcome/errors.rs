//! What can be done with the errors of a function, found out where the type is known.
//!
//! Some of what a policy does with an error depends on traits that the error type may or may not
//! have: it may say what it means ([`Classify`]), have a text, become the source of another error. No
//! bound can ask "has it?", but a method call on a known type can: a method of the type itself is
//! preferred to one of a trait, and counts only where its bounds hold. Generated code brings the
//! traits of this module into reach and calls the three methods of [`Errors`] in a row; each is
//! either the type's own, which knows more, or the trait's, which knows nothing.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::classify::{Class, Classify};
use crate::error::{BoxError, Error};

/// What can be done with the errors of a function that returns `R`.
pub struct Errors<R> {
    class: fn(&R) -> Option<Class>,
    text: fn(&R) -> Option<String>,
    wrap: Option<Wrap<R>>,
}

/// How an error becomes the source of a policy's failure.
struct Wrap<R> {
    /// The error of a result; the result itself when it has none.
    take: fn(R) -> Result<BoxError, R>,
    /// The policy's failure, as a result.
    refuse: fn(Error) -> R,
}

impl<R> Clone for Wrap<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Wrap<R> {}

impl<R> Clone for Errors<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Errors<R> {}

impl<R> fmt::Debug for Errors<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Errors")
    }
}

/// The errors of a function that returns `R`, of which nothing is known yet.
#[must_use]
pub fn errors<R>() -> Errors<R> {
    Errors {
        class: |_| None,
        text: |_| None,
        wrap: None,
    }
}

impl<T, E: Classify> Errors<Result<T, E>> {
    /// Asks the type what its errors mean.
    #[must_use]
    pub fn classified(mut self) -> Self {
        self.class = |result| result.as_ref().err().map(Classify::classify);
        self
    }
}

impl<T, E: fmt::Display> Errors<Result<T, E>> {
    /// Takes the text of errors.
    #[must_use]
    pub fn described(mut self) -> Self {
        self.text = |result| result.as_ref().err().map(ToString::to_string);
        self
    }
}

impl<T, E> Errors<Result<T, E>>
where
    E: From<Error> + Into<Box<dyn StdError + Send + Sync>>,
{
    /// Makes errors the source of a policy's failure.
    #[must_use]
    pub fn wrapped(mut self) -> Self {
        self.wrap = Some(Wrap {
            take: |result| match result {
                Ok(_) => Err(result),
                Err(error) => Ok(error.into()),
            },
            refuse: |error| Err(E::from(error)),
        });
        self
    }
}

/// For error types that are not [`Classify`].
pub trait Unclassified: Sized {
    /// Every error is like the others.
    #[must_use]
    fn classified(self) -> Self {
        self
    }
}

/// For error types without a text.
pub trait Undescribed: Sized {
    /// Nothing can be told of them.
    #[must_use]
    fn described(self) -> Self {
        self
    }
}

/// For error types that cannot be the source of a policy's failure, or not carry one.
pub trait Unwrapped: Sized {
    /// They are handed on as they are.
    #[must_use]
    fn wrapped(self) -> Self {
        self
    }
}

impl<R> Unclassified for Errors<R> {}
impl<R> Undescribed for Errors<R> {}
impl<R> Unwrapped for Errors<R> {}

impl<T, E> Errors<Result<T, E>> {
    /// What the error means; `None` where there is none, or the type does not say.
    #[must_use]
    pub fn class(&self, result: &Result<T, E>) -> Option<Class> {
        (self.class)(result)
    }

    /// How long the error asks to wait, where the type says so.
    pub(crate) fn retry_after(&self, result: &Result<T, E>) -> Option<Duration> {
        match self.class(result) {
            Some(Class::Throttled { retry_after }) => retry_after,
            _ => None,
        }
    }

    /// The text of the error, where it has one.
    pub(crate) fn text(&self, result: &Result<T, E>) -> Option<String> {
        (self.text)(result)
    }

    /// The failure that `wrap` makes of the error; the error as it is where the type does not allow
    /// that. `true` when it was wrapped.
    pub(crate) fn wrap(
        &self,
        result: Result<T, E>,
        wrap: impl FnOnce(BoxError) -> Error,
    ) -> (Result<T, E>, bool) {
        let Some(known) = &self.wrap else {
            return (result, false);
        };
        match (known.take)(result) {
            Ok(source) => ((known.refuse)(wrap(source)), true),
            Err(result) => (result, false),
        }
    }

    /// Whether another attempt can help, where no patterns say it: `true` for the errors that the
    /// type calls transient or throttled, and for every error of a type that does not say. A success
    /// is never tried again.
    #[must_use]
    pub fn is_transient(&self, result: &Result<T, E>) -> bool {
        result.is_err()
            && matches!(
                self.class(result),
                None | Some(Class::Transient | Class::Throttled { .. })
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Knows(Error);
    impl From<Error> for Knows {
        fn from(error: Error) -> Self {
            Self(error)
        }
    }
    impl fmt::Display for Knows {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("it is known")
        }
    }
    impl StdError for Knows {}
    impl Classify for Knows {
        fn classify(&self) -> Class {
            Class::Permanent
        }
    }

    struct KnowsNothing;

    fn exhausted(source: BoxError) -> Error {
        Error::RetryBudgetExhausted {
            function: "f",
            budget: "b",
            effect: crate::error::Effect::Ran,
            source,
        }
    }

    #[test]
    fn a_type_that_knows_is_asked_and_another_is_not() {
        let errors = errors::<Result<(), Knows>>()
            .classified()
            .described()
            .wrapped();
        let result = Err(Knows(Error::ShuttingDown { function: "f" }));
        assert_eq!(errors.class(&result), Some(Class::Permanent));
        assert_eq!(errors.text(&result).as_deref(), Some("it is known"));
        assert!(!errors.is_transient(&result));
        let (result, wrapped) = errors.wrap(result, exhausted);
        assert!(wrapped);
        let Err(Knows(error)) = result else {
            panic!("it was an error")
        };
        assert_eq!(
            error.source().map(ToString::to_string).as_deref(),
            Some("it is known")
        );

        let (result, wrapped) = errors.wrap(Ok(()), exhausted);
        assert!(!wrapped && result.is_ok() && !errors.is_transient(&result));

        let errors = super::errors::<Result<(), KnowsNothing>>()
            .classified()
            .described()
            .wrapped();
        let result = Err(KnowsNothing);
        assert_eq!(errors.class(&result), None);
        assert_eq!(errors.text(&result), None);
        assert!(errors.is_transient(&result));
        let (result, wrapped) = errors.wrap(result, exhausted);
        assert!(!wrapped && matches!(result, Err(KnowsNothing)));
    }
}
