//! The types that a call passes through on its way out of a stack of policies.
//!
//! The body answers with the function's own `Result`. Each policy above it answers with an
//! [`Answer`]: the same `Result`, and beside it what the policies know about it, so that an outer
//! policy can tell a body's error from an inner policy's refusal without looking into the user's
//! error type.

mod errors;
mod origin;

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};

use crate::error::Error;
use crate::json;

pub use errors::{Errors, Unclassified, Undescribed, Unwrapped, errors};
pub use origin::Origin;

/// A function's result, and where it comes from.
#[derive(Debug)]
pub struct Answer<T, E> {
    pub(crate) result: Result<T, E>,
    pub(crate) origin: Origin,
}

/// A policy's failure, as far as an outer policy must know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The body was cut off.
    TimedOut,
    /// The body was not started; it may be after this time, where the policy knows.
    Rejected {
        /// How long to wait before the next try, where that is known.
        retry_after: Option<Duration>,
    },
    /// A record could not be kept, or says that the body must not run: another attempt is useless.
    Final,
}

impl<T, E> Answer<T, E> {
    /// A policy's refusal, as the function's own error type.
    pub(crate) fn refused(
        error: Error,
        refusal: Refusal,
        function: &Function<Result<T, E>>,
    ) -> Self {
        let effect = error.effect();
        Self {
            result: (function.refuse)(error),
            origin: Origin::new(Some(refusal), effect),
        }
    }

    /// What the caller of the annotated function gets.
    ///
    /// # Errors
    /// Whatever the body or a policy decided.
    pub fn into_result(self) -> Result<T, E> {
        self.result
    }
}

/// What a layer of the stack can be wrapped around: a body's `Result`, or an inner layer's
/// [`Answer`].
pub trait Outcome: Sized {
    /// The function's success type.
    type Ok;
    /// The function's error type.
    type Err;
    /// The result, with its origin.
    fn into_answer(self) -> Answer<Self::Ok, Self::Err>;
}

impl<T, E> Outcome for Result<T, E> {
    type Ok = T;
    type Err = E;
    #[inline]
    fn into_answer(self) -> Answer<T, E> {
        Answer {
            result: self,
            origin: Origin::BODY,
        }
    }
}

impl<T, E> Outcome for Answer<T, E> {
    type Ok = T;
    type Err = E;
    #[inline]
    fn into_answer(self) -> Self {
        self
    }
}

/// The annotated function, as its policies see it: its name, and how to make its error type from a
/// policy's failure.
///
/// The one place that demands `From<resilience::Error>`. The layers take it as a value and ask for
/// nothing, so that one mistake is one compile error.
pub struct Function<R> {
    pub(crate) name: &'static str,
    pub(crate) refuse: fn(Error) -> R,
}

impl<R> Clone for Function<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Function<R> {}

impl<R> fmt::Debug for Function<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<R> Function<R> {
    /// Always `None`. `if let Some(never) = function.never() { return never; }` at the top of a
    /// block gives the block the function's return type, as the signature would: without it the
    /// body's coercions and `?` conversions have nothing to aim at.
    #[must_use]
    pub fn never(self) -> Option<R> {
        None
    }

    /// `result`, which has to be what the function returns.
    #[must_use]
    pub fn result(self, result: R) -> R {
        result
    }
}

/// The function that the policies stand on.
#[must_use]
pub fn function<R: Refusable>(name: &'static str) -> Function<R> {
    Function {
        name,
        refuse: R::refuse,
    }
}

/// The same for a stack whose policies never refuse, such as `#[retry]` alone: any `Result` will
/// do.
#[derive(Debug)]
pub struct Returns<R> {
    name: &'static str,
    result: PhantomData<fn() -> R>,
}

impl<R> Clone for Returns<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Returns<R> {}

impl<R> Returns<R> {
    /// See [`Function::never`].
    #[must_use]
    pub fn never(self) -> Option<R> {
        None
    }

    /// `result`, which has to be what the function returns.
    #[must_use]
    pub fn result(self, result: R) -> R {
        result
    }
}

/// See [`Returns`].
#[must_use]
pub fn returns<R: ReturnsResult>(name: &'static str) -> Returns<R> {
    Returns {
        name,
        result: PhantomData,
    }
}

/// An annotated function, whatever its error type can do.
pub trait Subject: Copy {
    /// The path of the function.
    fn name(self) -> &'static str;
}

impl<R> Subject for Function<R> {
    fn name(self) -> &'static str {
        self.name
    }
}

impl<R> Subject for Returns<R> {
    fn name(self) -> &'static str {
        self.name
    }
}

/// What an error says about the dependency that a circuit breaker watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Judgement {
    /// It is why a breaker is there.
    Failure,
    /// The dependency works: it answered, with this.
    Success,
    /// Nothing.
    Ignored,
}

/// A return type that policies can judge: a `Result`.
#[diagnostic::on_unimplemented(
    message = "a function under a `resilience` attribute returns a `Result`, not `{Self}`",
    label = "not a `Result`",
    note = "a policy has to see whether a call failed: return `Result<_, _>`"
)]
pub trait ReturnsResult {}

#[diagnostic::do_not_recommend]
impl<T, E> ReturnsResult for Result<T, E> {}

/// A return type that can carry a policy's failure.
#[diagnostic::on_unimplemented(
    message = "a function under a `resilience` attribute returns a `Result`, not `{Self}`",
    label = "not a `Result`",
    note = "a policy that refuses a call has to say so: return `Result<_, E>` where \
            `E: From<resilience::Error>`"
)]
pub trait Refusable {
    /// The policy's failure, as this type.
    fn refuse(error: Error) -> Self;
}

impl<T, E: TakesRefusals> Refusable for Result<T, E> {
    fn refuse(error: Error) -> Self {
        Err(E::take(error))
    }
}

/// An error type that a policy's failure can be turned into: `From<resilience::Error>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot carry a policy's failure: it is not `From<resilience::Error>`",
    label = "a refused or timed-out call has to be reported through this type",
    note = "write `impl From<resilience::Error> for {Self} {{ .. }}`, for example with a variant \
            `Resilience(#[from] resilience::Error)` under `thiserror`"
)]
pub trait TakesRefusals {
    /// The policy's failure, as this type.
    fn take(error: Error) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<Error>> TakesRefusals for E {
    fn take(error: Error) -> Self {
        Self::from(error)
    }
}

/// How the results of a function are kept in a store and read back.
///
/// Like [`Function`], the one place that demands the bounds.
pub struct Stored<T> {
    pub(crate) encode: fn(&T) -> Result<String, serde_json::Error>,
    pub(crate) decode: fn(&str) -> Result<T, serde_json::Error>,
}

impl<T> Clone for Stored<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Stored<T> {}

impl<T> fmt::Debug for Stored<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stored")
    }
}

/// How the success of `R`, the return type of an annotated function, is stored.
#[must_use]
pub fn stored<R: Outcome>() -> Stored<R::Ok>
where
    R::Ok: Storable,
{
    Stored {
        encode: R::Ok::encode,
        decode: R::Ok::decode,
    }
}

/// How the failures of a saga are written into the journal: as text.
pub struct Failures<E> {
    pub(crate) describe: fn(&E) -> String,
}

impl<E> Clone for Failures<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Failures<E> {}

impl<E> fmt::Debug for Failures<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failures")
    }
}

/// How the failure of `R`, the return type of an annotated function, is described.
#[must_use]
pub fn failures<R: Outcome>() -> Failures<R::Err>
where
    R::Err: Described,
{
    Failures {
        describe: R::Err::describe,
    }
}

/// A result that a store can keep: `Serialize` and `DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in a store",
    label = "the result is stored, and read back after a crash",
    note = "derive `serde::Serialize` and `serde::Deserialize` for `{Self}`"
)]
pub trait Storable: Sized {
    /// As JSON text.
    ///
    /// # Errors
    /// When the value has no JSON form.
    fn encode(&self) -> Result<String, serde_json::Error>;
    /// From JSON text.
    ///
    /// # Errors
    /// When the text is not of this type.
    fn decode(text: &str) -> Result<Self, serde_json::Error>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Storable for T {
    fn encode(&self) -> Result<String, serde_json::Error> {
        let hollow = json::count_hollow(self)?;
        let text = serde_json::to_string(self)?;
        // Some types know their `Some(None)` from `None` when they read it back.
        if hollow > 0 && json::count_hollow(&Self::decode(&text)?)? != hollow {
            return Err(serde_json::Error::custom(
                "a `Some` with nothing in it would be read back as `None`: return a type of your own",
            ));
        }
        Ok(text)
    }
    fn decode(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// An error that a journal can keep the text of: `Display`.
#[diagnostic::on_unimplemented(
    message = "the failure `{Self}` cannot be written into the journal: it is not `Display`",
    label = "operators read the text of this error",
    note = "implement `std::fmt::Display` for `{Self}`"
)]
pub trait Described {
    /// The text.
    fn describe(&self) -> String;
}

#[diagnostic::do_not_recommend]
impl<E: fmt::Display> Described for E {
    fn describe(&self) -> String {
        self.to_string()
    }
}
