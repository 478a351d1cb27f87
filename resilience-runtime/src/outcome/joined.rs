//! How an answer is shared between calls.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::Outcome;

/// How the answers of a function are shared between the calls that joined one of them.
pub struct Joined<T, E> {
    pub(crate) value: Passed<T>,
    pub(crate) error: Option<Passed<E>>,
}

/// A clone of a `T` on its way from one call to others, without its type.
pub(crate) type Packed = Arc<dyn Any + Send + Sync>;

/// How clones of a `T` are passed on.
pub(crate) struct Passed<T> {
    pub(crate) pack: fn(&T) -> Packed,
    /// `None` where something else was packed.
    pub(crate) unpack: fn(&Packed) -> Option<T>,
}

impl<T> Clone for Passed<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Passed<T> {}

impl<T: Shareable> Passed<T> {
    fn cloned() -> Self {
        Self {
            pack: |value| Arc::new(value.clone()),
            unpack: |packed| packed.downcast_ref::<T>().cloned(),
        }
    }
}

impl<T, E> Clone for Joined<T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E> Copy for Joined<T, E> {}

impl<T, E> fmt::Debug for Joined<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Joined")
    }
}

/// How the answer of `R`, the return type of an annotated function, is shared. To be followed by `.cloned()`.
#[must_use]
pub fn joined<R: Outcome>() -> Joined<R::Ok, R::Err>
where
    R::Ok: Shareable,
{
    Joined {
        value: Passed::cloned(),
        error: None,
    }
}

/// A result that several callers can have: `Clone + Send + Sync + 'static`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between calls",
    label = "every call that joined gets a clone of the result",
    note = "derive `Clone` for `{Self}`, or return an `Arc` of it"
)]
pub trait Shareable: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> Shareable for T {}

impl<T, E: Clone + Send + Sync + 'static> Joined<T, E> {
    /// Errors are cloned, too.
    #[must_use]
    pub fn cloned(mut self) -> Self {
        self.error = Some(Passed::cloned());
        self
    }
}

/// What [`Joined::cloned`] is where the error is not `Clone`: the calls that joined get an
/// [`Error::JoinedFailure`](crate::error::Error::JoinedFailure).
pub trait Uncloned: Sized {
    /// As it is.
    #[must_use]
    fn cloned(self) -> Self {
        self
    }
}

impl<T, E> Uncloned for Joined<T, E> {}
