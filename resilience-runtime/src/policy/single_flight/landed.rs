//! The answer of a call, as those that joined it get it.

use std::sync::Arc;

use crate::error::{Effect, Error};
use crate::outcome::{Answer, Errors, Function, Joined, Origin, Packed, Refusal};

/// The answer of a call, without its type: the calls of a generic function meet in one table.
#[derive(Clone)]
pub(super) struct Landed {
    result: Landing,
    refusal: Option<Refusal>,
}

#[derive(Clone)]
enum Landing {
    Value(Packed),
    Error(Packed),
    /// An error that cannot be cloned, in words.
    Failed(Option<Arc<str>>),
}

impl Landed {
    /// The answer of the call that led.
    pub(super) fn of<T, E>(
        answer: &Answer<T, E>,
        errors: &Errors<Result<T, E>>,
        joined: &Joined<T, E>,
    ) -> Self {
        let result = match (&answer.result, &joined.error) {
            (Ok(value), _) => Landing::Value((joined.value.pack)(value)),
            (Err(error), Some(cloned)) => Landing::Error((cloned.pack)(error)),
            (Err(_), None) => Landing::Failed(errors.text(&answer.result).map(Into::into)),
        };
        Self {
            result,
            refusal: answer.origin.refusal(),
        }
    }

    /// The answer of a call that joined. The body did not run in that one, whatever became of it in the other: who
    /// counts outcomes counts this one once.
    pub(super) fn answer<T, E>(
        self,
        function: &Function<Result<T, E>>,
        joined: &Joined<T, E>,
    ) -> Answer<T, E> {
        let result = match &self.result {
            Landing::Value(value) => (joined.value.unpack)(value).map(Ok),
            Landing::Error(error) => {
                let unpack = joined.error.as_ref().map(|cloned| cloned.unpack);
                unpack.and_then(|unpack| unpack(error)).map(Err)
            }
            Landing::Failed(_) => None,
        };
        match (result, self.result) {
            (Some(result), _) => Answer {
                result,
                origin: Origin::new(self.refusal, Effect::DidNotRun),
            },
            (None, Landing::Failed(Some(text))) => failed(&text, function),
            (None, _) => failed("with an error that has no text", function),
        }
    }
}

/// The failure of the other call, where its error cannot be had.
fn failed<T, E>(text: &str, function: &Function<Result<T, E>>) -> Answer<T, E> {
    let error = Error::JoinedFailure {
        function: function.name,
        error: text.to_owned(),
    };
    let refusal = Refusal::Rejected { retry_after: None };
    let mut answer = Answer::refused(error, refusal, function);
    answer.origin.set_effect(Effect::DidNotRun);
    answer
}
