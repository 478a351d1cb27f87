//! How errors are kept in a journal, where their type can be.

use std::fmt;

use super::{Outcome, Storable};

/// How the errors of `R`, the return type of an annotated function, are kept. To be followed by `.found()`, which
/// finds out whether they have a JSON form.
#[must_use]
pub fn kept<R: Outcome>() -> KeptErrors<R::Err> {
    KeptErrors(std::marker::PhantomData)
}

/// The question whether errors of this type have a JSON form.
pub struct KeptErrors<E>(std::marker::PhantomData<fn() -> E>);

/// How errors are kept; nothing where they have no JSON form.
pub struct Kept<E>(pub(crate) Option<Forms<E>>);

/// To JSON and back.
pub(crate) struct Forms<E> {
    pub(crate) encode: fn(&E) -> Result<String, serde_json::Error>,
    pub(crate) decode: fn(&str) -> Result<E, serde_json::Error>,
}

impl<E> KeptErrors<E>
where
    E: Storable,
{
    /// They have.
    #[must_use]
    pub fn found(self) -> Kept<E> {
        Kept(Some(Forms {
            encode: E::encode,
            decode: E::decode,
        }))
    }
}

/// Errors that have no JSON form: what is called where [`KeptErrors`] cannot do it itself.
pub trait Unkept<E> {
    /// They have not.
    fn found(self) -> Kept<E>;
}

impl<E> Unkept<E> for KeptErrors<E> {
    fn found(self) -> Kept<E> {
        Kept(None)
    }
}

impl<E> Clone for Forms<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Forms<E> {}

impl<E> Clone for Kept<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Kept<E> {}

impl<E> fmt::Debug for Kept<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl<E> fmt::Debug for KeptErrors<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptErrors")
    }
}
