//! The face of the runtime that the example uses, until it is there.

use std::any::Any;

pub use resilience_runtime::dlq::{DeadLetter, DeadLetterId, DeadLetterStatus};
pub use resilience_runtime::error::Error;
pub use resilience_runtime::saga::journal::Status;

#[derive(Clone)]
pub struct Runtime;
pub struct Builder;
pub struct Sagas;
pub struct DeadLetters;

impl Runtime {
    pub fn builder(_url: &str) -> Builder {
        Builder
    }
    pub async fn recovered(&self) {}
    pub async fn shutdown(self) {}
    pub fn sagas(&self) -> Sagas {
        Sagas
    }
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters
    }
}

impl Builder {
    pub fn state<T: Any + Send + Sync>(self, _value: T) -> Self {
        self
    }
    pub fn without_recovery(self) -> Self {
        self
    }
    pub async fn open(self) -> Result<Runtime, Error> {
        Ok(Runtime)
    }
}

impl Sagas {
    pub async fn counts(&self) -> Result<Vec<(Status, u64)>, Error> {
        Ok(Vec::new())
    }
}

impl DeadLetters {
    pub async fn list(&self, _status: DeadLetterStatus) -> Result<Vec<DeadLetter>, Error> {
        Ok(Vec::new())
    }
    pub async fn retry(&self, _id: DeadLetterId) -> Result<(), Error> {
        Ok(())
    }
    pub async fn resolve(&self, _id: DeadLetterId, _note: &str) -> Result<(), Error> {
        Ok(())
    }
    pub async fn counts(&self) -> Result<Vec<(DeadLetterStatus, u64)>, Error> {
        Ok(Vec::new())
    }
}
