//! The arguments of an annotated function, as the journal keeps them: by name, as JSON.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{EncodeError, Error};
use crate::json;

/// An argument that is written into the journal, so that the call can be made again: `Serialize`.
#[diagnostic::on_unimplemented(
    message = "argument of type `{Self}` cannot be written into the journal",
    label = "this argument is kept, so that the call can be made again after a crash",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, or, if it is a pool or a \
            client that the runtime supplies, mark the parameter `#[state]`"
)]
pub trait Journaled {
    /// As a JSON value.
    ///
    /// # Errors
    /// When the value has no JSON form.
    fn journal(&self) -> Result<Value, serde_json::Error>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Journaled for T {
    fn journal(&self) -> Result<Value, serde_json::Error> {
        json::count_hollow(self)?;
        serde_json::to_value(self)
    }
}

/// The type of an argument that is read back from the journal: `Deserialize`, or one of the unsized
/// types that are passed by reference, which come back in their owned form.
#[diagnostic::on_unimplemented(
    message = "argument of type `{Self}` cannot be read back from the journal",
    label = "after a crash the call is made again with the argument from the journal",
    note = "derive `serde::Deserialize` for it, or, if it is a pool or a client that the runtime \
            supplies, mark the parameter `#[state]`"
)]
pub trait ReadBack {
    /// What holds the value: `String` for `str`, `Vec<T>` for `[T]`, `PathBuf` for `Path`.
    type Owned;
    /// From a JSON value.
    ///
    /// # Errors
    /// When the value is not of this type.
    fn read_back(value: Value) -> Result<Self::Owned, serde_json::Error>;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> ReadBack for T {
    type Owned = T;
    fn read_back(value: Value) -> Result<T, serde_json::Error> {
        serde_json::from_value(value)
    }
}

impl ReadBack for str {
    type Owned = String;
    fn read_back(value: Value) -> Result<String, serde_json::Error> {
        serde_json::from_value(value)
    }
}

impl<T: DeserializeOwned> ReadBack for [T] {
    type Owned = Vec<T>;
    fn read_back(value: Value) -> Result<Vec<T>, serde_json::Error> {
        serde_json::from_value(value)
    }
}

impl ReadBack for Path {
    type Owned = PathBuf;
    fn read_back(value: Value) -> Result<PathBuf, serde_json::Error> {
        serde_json::from_value(value)
    }
}

/// The arguments of one call, or why they could not be written down.
#[derive(Debug, Default)]
pub struct Arguments {
    values: serde_json::Map<String, Value>,
    error: Option<(&'static str, EncodeError)>,
    ignored: bool,
}

impl Arguments {
    /// No arguments yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Arguments that nobody will read: adding to them costs nothing.
    pub(crate) fn ignored() -> Self {
        Self {
            ignored: true,
            ..Self::default()
        }
    }

    /// Adds the argument `name`. The first failure is kept and reported when the call is made.
    #[must_use]
    pub fn with<T: Journaled + ?Sized>(mut self, name: &'static str, value: &T) -> Self {
        if self.ignored {
            return self;
        }
        match value.journal() {
            Ok(value) => {
                self.values.insert(name.to_owned(), value);
            }
            Err(error) => {
                self.error.get_or_insert((name, error.into()));
            }
        }
        self
    }

    /// The JSON object, `{"name": value, …}` with the names in alphabetical order.
    pub(crate) fn encode(self, function: &'static str) -> Result<String, Error> {
        match self.error {
            None => {
                let mut arguments = Value::Object(self.values);
                // Another crate in the build may have `serde_json` keep the order in which a `HashMap` gives its entries.
                arguments.sort_all_objects();
                Ok(arguments.to_string())
            }
            Some((name, source)) => Err(Error::Encode {
                function,
                what: format!("argument `{name}`"),
                source,
            }),
        }
    }
}

/// The arguments of a journaled call, read back.
#[derive(Debug)]
pub struct JournaledArguments {
    function: &'static str,
    values: serde_json::Map<String, Value>,
}

impl JournaledArguments {
    pub(crate) fn decode(function: &'static str, text: &str) -> Result<Self, Error> {
        match serde_json::from_str(text) {
            Ok(values) => Ok(Self { function, values }),
            Err(source) => Err(Error::Decode {
                function,
                what: "arguments".to_owned(),
                source,
            }),
        }
    }

    /// The argument `name`, in the owned form of `T` (`String` for `str`, `Vec<T>` for `[T]`).
    ///
    /// # Errors
    /// [`Error::Decode`] when the journal has no such argument or one of another type.
    pub fn argument<T: ReadBack + ?Sized>(&self, name: &'static str) -> Result<T::Owned, Error> {
        let value = self.values.get(name).cloned().unwrap_or(Value::Null);
        T::read_back(value).map_err(|source| Error::Decode {
            function: self.function,
            what: format!("argument `{name}`"),
            source,
        })
    }
}
