//! What the attributes register at link time, so that a saga can be found again by its name after
//! a crash.

mod catalog;
pub mod compensates;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use crate::BoxFuture;
use crate::arguments::{JournaledArguments, ReadArgument};
use crate::error::Error;
use crate::outcome::ReadOutput;
use crate::saga::{Saga, SagaStep};
pub(crate) use catalog::Catalog;

/// Where a function was annotated, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The source file.
    pub file: &'static str,
    /// The line of the function's name.
    pub line: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The type of a `#[state]` parameter.
#[derive(Debug, Clone, Copy)]
pub struct StateType {
    pub(crate) id: fn() -> TypeId,
    pub(crate) name: fn() -> &'static str,
}

impl StateType {
    /// The type `T`.
    #[must_use]
    pub const fn of<T: Any>() -> Self {
        Self {
            id: TypeId::of::<T>,
            name: std::any::type_name::<T>,
        }
    }
}

/// The values that the runtime was given for `#[state]` parameters, one per type.
#[derive(Clone, Default)]
pub struct States(pub(crate) HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl std::fmt::Debug for States {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "States({})", self.0.len())
    }
}

impl States {
    pub(crate) fn has(&self, state: &StateType) -> bool {
        self.0.contains_key(&(state.id)())
    }

    /// The state of type `T`, for `function`.
    ///
    /// # Errors
    /// [`Error::MissingState`] when the runtime was given none.
    pub fn get<T: Any + Send + Sync>(&self, function: &'static str) -> Result<Arc<T>, Error> {
        self.0
            .get(&TypeId::of::<T>())
            .and_then(|state| Arc::clone(state).downcast().ok())
            .ok_or(Error::MissingState {
                function,
                type_name: std::any::type_name::<T>(),
            })
    }
}

/// A call that the runtime makes from the journal: its state and its arguments.
#[derive(Debug)]
pub struct JournaledCall {
    pub(crate) function: &'static str,
    pub(crate) states: States,
    pub(crate) arguments: JournaledArguments,
    pub(crate) output: Option<String>,
}

impl JournaledCall {
    /// The value of a `#[state]` parameter.
    ///
    /// # Errors
    /// [`Error::MissingState`] when the runtime was given none of this type.
    pub fn state<T: Any + Send + Sync>(&self) -> Result<Arc<T>, Error> {
        self.states.get(self.function)
    }

    /// The value of a parameter, in its owned form.
    ///
    /// # Errors
    /// [`Error::Decode`] when the journal has none of this name and type.
    pub fn argument<Owned>(
        &self,
        name: &'static str,
        read: ReadArgument<Owned>,
    ) -> Result<Owned, Error> {
        self.arguments.argument(name, read)
    }

    /// The output of the step that is undone.
    ///
    /// # Errors
    /// [`Error::Decode`] when the journal has none, or one of another type.
    pub fn output<T>(&self, read: ReadOutput<T>) -> Result<T, Error> {
        (read.0)(self.output.as_deref().unwrap_or("null")).map_err(|source| self.bad_output(source))
    }

    /// The output of the step that is undone; `None` for a step that failed in doubt.
    ///
    /// # Errors
    /// [`Error::Decode`] when the journal has one of another type.
    pub fn output_if_known<T>(&self, read: ReadOutput<T>) -> Result<Option<T>, Error> {
        let output = self.output.as_deref().map(read.0);
        output.transpose().map_err(|source| self.bad_output(source))
    }

    fn bad_output(&self, source: serde_json::Error) -> Error {
        Error::Decode {
            function: self.function,
            what: "output".to_owned(),
            source,
        }
    }
}

/// A registered saga function.
#[derive(Debug)]
pub struct SagaEntry {
    /// Its name in the journal, and what it was told.
    pub saga: Saga,
    /// Where it is written.
    pub place: Place,
    /// The types of its `#[state]` parameters.
    pub states: &'static [StateType],
    /// Calls the function with journaled arguments. What the function returned is in the journal
    /// by then; an `Err` here means that it could not be called.
    pub resume: fn(JournaledCall) -> BoxFuture<'static, Result<(), Error>>,
}

inventory::collect!(SagaEntry);

/// Why a compensation did not undo its step.
#[derive(Debug)]
pub enum CompensationError {
    /// It could not be called.
    NotCalled(Error),
    /// It was called, and this is the text of its error.
    Failed(String),
}

impl From<Error> for CompensationError {
    fn from(error: Error) -> Self {
        Self::NotCalled(error)
    }
}

/// What a compensation may return.
#[diagnostic::on_unimplemented(
    message = "a compensation returns `Result<(), E>` where `E` is `Display`, not `{Self}`",
    label = "cannot compensate this step",
    note = "write it as `async fn(the step's parameters, output: &Output) -> Result<(), Error>`, and implement `Display` for its error"
)]
pub trait Undone {
    /// The text of the error is what the journal keeps.
    ///
    /// # Errors
    /// [`CompensationError::Failed`] when the step is not undone.
    fn undone(self) -> Result<(), CompensationError>;
}

#[diagnostic::do_not_recommend]
impl<E: std::fmt::Display> Undone for Result<(), E> {
    fn undone(self) -> Result<(), CompensationError> {
        self.map_err(|error| CompensationError::Failed(error.to_string()))
    }
}

/// What a compensation returned, as the runtime sees it.
///
/// # Errors
/// [`CompensationError::Failed`] when the step is not undone.
pub fn undone<R: Undone>(result: R) -> Result<(), CompensationError> {
    result.undone()
}

/// How a step is undone.
pub type Compensate = fn(JournaledCall) -> BoxFuture<'static, Result<(), CompensationError>>;

/// A registered saga step.
#[derive(Debug)]
pub struct StepEntry {
    /// Its name in the journal, and what it was told.
    pub step: SagaStep,
    /// Where it is written.
    pub place: Place,
    /// The types of its `#[state]` parameters.
    pub states: &'static [StateType],
    /// `None` for `compensate = none`.
    pub compensate: Option<Compensate>,
}

inventory::collect!(StepEntry);
