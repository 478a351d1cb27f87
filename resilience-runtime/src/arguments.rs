//! The arguments of an annotated function, as the journal keeps them: by name, as JSON.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

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

/// An argument that is written into the journal and read back from it: `Serialize` and `Deserialize`.
#[diagnostic::on_unimplemented(
    message = "argument of type `{Self}` cannot be kept in the journal",
    label = "after a crash the call is made again, with this argument from the journal",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, or, if it is a pool or a \
            client that the runtime supplies, mark the parameter `#[state]`"
)]
pub trait Restorable {
    /// As a JSON value.
    ///
    /// # Errors
    /// When the value has no JSON form.
    fn journal(&self) -> Result<Value, serde_json::Error>;
}

#[diagnostic::do_not_recommend]
impl<T: Journaled + ReadBack + ?Sized> Restorable for T {
    fn journal(&self) -> Result<Value, serde_json::Error> {
        Journaled::journal(self)
    }
}

/// How an argument of type `T` is read back. To be followed by `.found()`: that it can be is demanded once, where the
/// argument is written down ([`Arguments::with_restorable`]).
#[must_use]
pub fn argument<T: ?Sized>() -> ArgumentType<T> {
    ArgumentType(PhantomData)
}

/// The question how arguments of this type are read back.
pub struct ArgumentType<T: ?Sized>(PhantomData<T>);

/// Reads an argument back from its JSON value, in its owned form.
pub struct ReadArgument<Owned>(fn(Value) -> Result<Owned, serde_json::Error>);

impl<T: ReadBack + ?Sized> ArgumentType<T> {
    /// In this way.
    #[must_use]
    pub fn found(self) -> ReadArgument<T::Owned> {
        ReadArgument(T::read_back)
    }
}

/// Arguments that cannot be read back: what is called where [`ArgumentType`] cannot do it itself, in code that does not
/// compile for another reason.
pub trait Unrestorable {
    /// Not at all.
    fn found<Owned>(self) -> ReadArgument<Owned>;
}

impl<T: ?Sized> Unrestorable for ArgumentType<T> {
    fn found<Owned>(self) -> ReadArgument<Owned> {
        ReadArgument(|_| Err(serde::de::Error::custom("it has no `Deserialize`")))
    }
}

impl<T: ?Sized> fmt::Debug for ArgumentType<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ArgumentType")
    }
}

impl<Owned> Clone for ReadArgument<Owned> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Owned> Copy for ReadArgument<Owned> {}

impl<Owned> fmt::Debug for ReadArgument<Owned> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadArgument")
    }
}

/// The arguments of one call, or why they could not be written down.
#[derive(Debug, Default)]
pub struct Arguments {
    values: Map<String, Value>,
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

    /// Adds the argument `name`, of a call that is only compared with. The first failure is kept and reported when the
    /// call is made.
    #[must_use]
    pub fn with<T: Journaled + ?Sized>(self, name: &'static str, value: &T) -> Self {
        self.and(name, || value.journal())
    }

    /// The same, of a call that can be made again from the journal.
    #[must_use]
    pub fn with_restorable<T: Restorable + ?Sized>(self, name: &'static str, value: &T) -> Self {
        self.and(name, || value.journal())
    }

    fn and(
        mut self,
        name: &'static str,
        value: impl FnOnce() -> Result<Value, serde_json::Error>,
    ) -> Self {
        if self.ignored {
            return self;
        }
        match value() {
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
    values: Map<String, Value>,
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

    /// The argument `name`, in its owned form (`String` for `str`, `Vec<T>` for `[T]`).
    ///
    /// # Errors
    /// [`Error::Decode`] when the journal has no such argument or one of another type.
    pub fn argument<Owned>(
        &self,
        name: &'static str,
        read: ReadArgument<Owned>,
    ) -> Result<Owned, Error> {
        let value = self.values.get(name).cloned().unwrap_or(Value::Null);
        json::read(|| (read.0)(value)).map_err(|source| Error::Decode {
            function: self.function,
            what: format!("argument `{name}`"),
            source,
        })
    }
}

/// The names of the arguments that differ between two texts of the journal, in their order. Their values may be secrets, and
/// stay in the journal.
pub(crate) fn differing_arguments(one: &str, other: &str) -> Vec<String> {
    if one == other {
        return Vec::new();
    }
    let parse = |text| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let (one, other) = (parse(one), parse(other));
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differ = names
        .into_iter()
        .filter(|&name| one.get(name) != other.get(name));
    differ.cloned().collect()
}

/// Whether two texts of the journal say the same. Equal texts are not parsed.
pub(crate) fn same_arguments(one: &str, other: &str) -> bool {
    let parse = |text| serde_json::from_str::<Value>(text).ok();
    one == other || parse(one).is_some_and(|value| parse(other) == Some(value))
}
