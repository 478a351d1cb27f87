//! How the answers of a saga function, or of a step, are written down and read again.

use std::fmt;

use crate::error::Error;
use crate::outcome::{
    Answer, Forms, Function, Kept, Origin, Refusal, Storable, Stored, TakesRefusals,
};

/// The JSON forms of what a function returns, and how it is refused.
pub(super) struct Codec<T, E> {
    pub(super) function: Function<Result<T, E>>,
    stored: Stored<T>,
    kept: Kept<E>,
}

impl<T, E> Clone for Codec<T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E> Copy for Codec<T, E> {}

impl<T, E> fmt::Debug for Codec<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec").finish_non_exhaustive()
    }
}

impl<T: Storable, E: TakesRefusals> Codec<T, E> {
    /// For a function of which nothing is known but its types. Its errors are not read.
    pub(super) fn of_types() -> Self {
        Self {
            function: Function {
                name: "saga",
                refuse: |error| Err(E::take(error)),
            },
            stored: Stored {
                encode: T::encode,
                decode: T::decode,
                type_name: std::any::type_name::<T>,
            },
            kept: Kept(None),
        }
    }
}

impl<T, E> Codec<T, E> {
    pub(super) fn new(function: Function<Result<T, E>>, stored: Stored<T>, kept: Kept<E>) -> Self {
        Self {
            function,
            stored,
            kept,
        }
    }

    /// The same, which writes down and reads errors, too.
    pub(super) fn with_errors(self) -> Self
    where
        E: Storable,
    {
        let forms = Forms {
            encode: E::encode,
            decode: E::decode,
        };
        Self {
            kept: Kept(Some(forms)),
            ..self
        }
    }

    pub(super) fn encode_output(&self, output: &T) -> Result<String, serde_json::Error> {
        (self.stored.encode)(output)
    }

    pub(super) fn decode_output(&self, text: &str) -> Result<T, serde_json::Error> {
        (self.stored.decode)(text)
    }

    /// `None`, where it has no JSON form.
    pub(super) fn encode_error(&self, error: &E) -> Option<String> {
        let forms = self.kept.0.as_ref()?;
        (forms.encode)(error).ok()
    }

    /// `None`, where the type has no JSON form.
    pub(super) fn decode_error(&self, text: &str) -> Option<Result<E, serde_json::Error>> {
        let forms = self.kept.0.as_ref()?;
        Some((forms.decode)(text))
    }

    /// The answer that a record has.
    pub(super) fn recorded(&self, result: Result<T, E>) -> Answer<T, E> {
        Answer {
            result,
            origin: Origin::RECORD,
        }
    }

    /// An answer that no other attempt can change.
    pub(super) fn refused(&self, error: Error) -> Answer<T, E> {
        Answer::refused(error, Refusal::Final, &self.function)
    }
}
