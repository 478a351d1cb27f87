//! How what a function returns is kept in a store.

use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};

use super::Outcome;
use crate::json;

/// How the results of a function are kept in a store and read back.
///
/// Like [`Function`](super::Function), the one place that demands the bounds.
pub struct Stored<T> {
    pub(crate) encode: fn(&T) -> Result<String, serde_json::Error>,
    pub(crate) decode: fn(&str) -> Result<T, serde_json::Error>,
    /// The name of the type, as the compiler has it.
    pub(crate) type_name: fn() -> &'static str,
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
        type_name: std::any::type_name::<R::Ok>,
    }
}

/// How the errors of a function are kept in a store and read back, where they are.
pub struct StoredErrors<E> {
    encode: fn(&E) -> Result<String, serde_json::Error>,
    decode: fn(&str) -> Result<E, serde_json::Error>,
    type_name: fn() -> &'static str,
}

impl<E> Clone for StoredErrors<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for StoredErrors<E> {}

impl<E> fmt::Debug for StoredErrors<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredErrors")
    }
}

/// How the errors of `R`, the return type of an annotated function, are stored.
#[must_use]
pub fn stored_errors<R: Outcome>() -> StoredErrors<R::Err>
where
    R::Err: Storable,
{
    StoredErrors {
        encode: R::Err::encode,
        decode: R::Err::decode,
        type_name: std::any::type_name::<R::Err>,
    }
}

/// What of a function's answers is kept: its results, or some of its errors too.
pub trait Records<T, E>: Copy {
    /// How results are stored.
    fn values(&self) -> Stored<T>;
    /// The text of an error that is kept; `None` for one that is not.
    fn error(&self, error: &E) -> Option<Result<String, serde_json::Error>>;
    /// An error that was kept.
    ///
    /// # Errors
    /// When the text is not of this type.
    fn read_error(&self, text: &str) -> Result<E, serde_json::Error>;
    /// The name of the type of the errors that are kept; empty where none are.
    fn error_type(&self) -> &'static str;
}

impl<T, E> Records<T, E> for Stored<T> {
    fn values(&self) -> Stored<T> {
        *self
    }
    fn error(&self, _error: &E) -> Option<Result<String, serde_json::Error>> {
        None
    }
    fn read_error(&self, _text: &str) -> Result<E, serde_json::Error> {
        Err(serde_json::Error::custom(
            "it is an error, and this function keeps none",
        ))
    }
    fn error_type(&self) -> &'static str {
        ""
    }
}

/// Results, and those errors that a predicate says are final.
pub struct OrErrors<T, E, P> {
    values: Stored<T>,
    errors: StoredErrors<E>,
    keeps: P,
}

impl<T, E, P: Copy> Clone for OrErrors<T, E, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E, P: Copy> Copy for OrErrors<T, E, P> {}

impl<T, E, P> fmt::Debug for OrErrors<T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrErrors")
    }
}

impl<T> Stored<T> {
    /// Keeps the errors for which `keeps` is true, too.
    #[must_use]
    pub fn or_errors<E, P: Fn(&E) -> bool + Copy>(
        self,
        errors: StoredErrors<E>,
        keeps: P,
    ) -> OrErrors<T, E, P> {
        OrErrors {
            values: self,
            errors,
            keeps,
        }
    }
}

impl<T, E, P: Fn(&E) -> bool + Copy> Records<T, E> for OrErrors<T, E, P> {
    fn values(&self) -> Stored<T> {
        self.values
    }
    fn error(&self, error: &E) -> Option<Result<String, serde_json::Error>> {
        (self.keeps)(error).then(|| (self.errors.encode)(error))
    }
    fn read_error(&self, text: &str) -> Result<E, serde_json::Error> {
        (self.errors.decode)(text)
    }
    fn error_type(&self) -> &'static str {
        (self.errors.type_name)()
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
    /// As JSON text, which was read back once.
    ///
    /// # Errors
    /// When the value has no JSON form, or one that is not read back.
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
        // Now, and not when the record is needed: what was kept and cannot be read is as good as lost.
        let read = Self::decode(&text).map_err(|error| {
            serde_json::Error::custom(format!("it cannot be read back ({error})"))
        })?;
        // Some types know their `Some(None)` from `None` when they read it back.
        if hollow > 0 && json::count_hollow(&read)? != hollow {
            return Err(serde_json::Error::custom(
                "a `Some` with nothing in it would be read back as `None`: return a type of your own",
            ));
        }
        Ok(text)
    }
    fn decode(text: &str) -> Result<Self, serde_json::Error> {
        json::read(|| serde_json::from_str(text))
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
