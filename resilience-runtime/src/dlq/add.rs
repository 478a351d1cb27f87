//! Adding dead letters of the program's own work.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use super::{DeadLetterError, DeadLetterId, DeadLetterKind, NewDeadLetter, Priority};
use crate::BoxFuture;
use crate::core::Core;
use crate::error::Effect;
use crate::operator::Operator;

/// How often a letter is handed to a store that does not say whether it has it.
const TRIES: u32 = 3;

/// A dead letter that is about to be added, from [`DeadLetters::add`](super::DeadLetters::add). Await it to write it.
///
/// # Cancellation
/// If the future is dropped before it completes, the letter may have been added or not.
#[must_use = "nothing is added before it is awaited"]
pub struct AddDeadLetter {
    core: Arc<Core>,
    arguments: Result<String, serde_json::Error>,
    letter: NewDeadLetter,
    by: Operator,
}

impl AddDeadLetter {
    pub(super) fn new(
        core: Arc<Core>,
        operation: String,
        arguments: Result<String, serde_json::Error>,
        error: String,
    ) -> Self {
        Self {
            core,
            arguments,
            letter: NewDeadLetter {
                kind: DeadLetterKind::Work,
                operation,
                dependency: None,
                priority: Priority::Normal,
                position: None,
                arguments: String::new(),
                output: None,
                error,
                attempts: 1,
            },
            by: Operator::program(),
        }
    }

    /// The dependency that the work failed at, so that operators can list the letters of one dependency. None by default.
    pub fn dependency(mut self, dependency: impl Into<String>) -> Self {
        self.letter.dependency = Some(dependency.into());
        self
    }

    /// How urgent the letter is. [`Priority::Normal`] by default.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.letter.priority = priority;
        self
    }

    /// How many times the work was tried. Once by default.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.letter.attempts = attempts;
        self
    }

    /// Who adds the letter, for the audit. [`Operator::program`] by default.
    pub fn by(mut self, by: impl Into<Operator>) -> Self {
        self.by = by.into();
        self
    }

    async fn add(self) -> Result<DeadLetterId, DeadLetterError> {
        let Self {
            core,
            arguments,
            mut letter,
            by,
        } = self;
        letter.arguments = arguments.map_err(DeadLetterError::Encode)?;
        let (bytes, limit) = (letter.arguments.len(), core.settings.payload_limit);
        if bytes > limit {
            return Err(DeadLetterError::TooLarge { bytes, limit });
        }
        let nonce = uuid::Uuid::now_v7().to_string();
        let mut tries = 1;
        loop {
            let added = core
                .stores
                .queue
                .add(letter.clone(), nonce.clone(), by.clone());
            match added.await {
                Ok(id) => return Ok(id),
                // Under the same nonce it is the same letter.
                Err(error) if error.effect() != Effect::DidNotRun && tries < TRIES => tries += 1,
                Err(error) => return Err(DeadLetterError::Store(error)),
            }
        }
    }
}

impl IntoFuture for AddDeadLetter {
    type Output = Result<DeadLetterId, DeadLetterError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.add())
    }
}

impl fmt::Debug for AddDeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddDeadLetter")
            .field("operation", &self.letter.operation)
            .finish_non_exhaustive()
    }
}
