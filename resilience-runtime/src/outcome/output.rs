//! How the output of a step is read back for its compensation.

use std::fmt;
use std::marker::PhantomData;

use super::{Outcome, Storable};

/// How the success of `R`, the return type of a step, is read back. To be followed by `.found()`: that it can be is
/// demanded once, by [`stored`](super::stored).
#[must_use]
pub fn output<R>() -> OutputType<R> {
    OutputType(PhantomData)
}

/// The question how outputs of this type are read back.
pub struct OutputType<R>(PhantomData<fn() -> R>);

/// Reads an output back from its JSON text.
pub struct ReadOutput<T>(pub(crate) fn(&str) -> Result<T, serde_json::Error>);

impl<R: Outcome> OutputType<R>
where
    R::Ok: Storable,
{
    /// In this way.
    #[must_use]
    pub fn found(self) -> ReadOutput<R::Ok> {
        ReadOutput(R::Ok::decode)
    }
}

/// Outputs that cannot be read back: what is called where [`OutputType`] cannot do it itself, in code that does not
/// compile for another reason.
pub trait Unstorable {
    /// Not at all.
    fn found<T>(self) -> ReadOutput<T>;
}

impl<R> Unstorable for OutputType<R> {
    fn found<T>(self) -> ReadOutput<T> {
        ReadOutput(|_| Err(serde::de::Error::custom("it has no `Deserialize`")))
    }
}

impl<R> fmt::Debug for OutputType<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OutputType")
    }
}

impl<T> Clone for ReadOutput<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ReadOutput<T> {}

impl<T> fmt::Debug for ReadOutput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadOutput")
    }
}
