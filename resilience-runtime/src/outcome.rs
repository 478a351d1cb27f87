//! The types that a call passes through on its way out of a stack of policies.
//!
//! The body answers with the function's own `Result`. Each policy above it answers with an
//! [`Answer`]: the same `Result`, and beside it what the policies know about it, so that an outer
//! policy can tell a body's error from an inner policy's refusal without looking into the user's
//! error type.

mod errors;
mod function;
mod joined;
mod kept;
mod origin;
mod output;
mod stored;

use crate::error::Error;

pub use errors::{Errors, Unclassified, Undescribed, Unwrapped, errors};
pub use function::{
    Function, Refusable, Returns, ReturnsResult, Subject, TakesRefusals, function, returns,
};
pub(crate) use joined::Packed;
pub use joined::{Joined, Shareable, Uncloned, joined};
pub(crate) use kept::Forms;
pub use kept::{Kept, KeptErrors, Unkept, kept};
pub use origin::{Origin, Refusal};
pub use output::{OutputType, ReadOutput, Unstorable, output};
pub use stored::{
    Described, Failures, OrErrors, Records, Storable, Stored, StoredErrors, failures, stored,
    stored_errors,
};

/// A function's result, and where it comes from.
#[derive(Debug)]
pub struct Answer<T, E> {
    pub(crate) result: Result<T, E>,
    pub(crate) origin: Origin,
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
    fn into_answer(self) -> Self {
        self
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
