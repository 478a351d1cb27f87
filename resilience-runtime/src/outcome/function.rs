//! The annotated function, as its policies see it.

use std::fmt;
use std::marker::PhantomData;

use crate::error::Error;

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
