//! `#[saga_step]`: what happens at one step.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::codec::Codec;
use super::context;
use super::execution::{Asked, Begun, Failure, Terms, UnderWay};
use super::options::SagaStep;
use crate::arguments::Arguments;
use crate::error::{Effect, Error};
use crate::outcome::{Answer, Function, Kept, Outcome, Refusal, Stored};

impl SagaStep {
    /// The arguments of a call, to be filled by [`Arguments::with`]. Outside a saga nothing is
    /// written down, and filling them does nothing.
    #[must_use]
    pub fn arguments(&self) -> Arguments {
        if context::is_body() {
            Arguments::new()
        } else {
            Arguments::ignored()
        }
    }

    /// Runs the step. In the body of a saga: answers from the journal when an earlier run of the
    /// saga has an answer of this step; otherwise waits until the journal has been replayed and the steps before this
    /// one are durable, runs `call`, and keeps its output or, where it can be, its error. An error is answered when the
    /// steps beside this one have come out, too. Elsewhere: runs `call`.
    ///
    /// # Cancellation
    /// Dropped before its end the step is in doubt: it is run again if the saga is, and undone if that is undone and the
    /// step says so.
    ///
    /// # Errors
    /// In the answer: what `call` answered, or
    /// [`Error::JournalMismatch`], [`Error::Superseded`] (the body must end: every step after this
    /// one answers the same), [`Error::Encode`] (not run), [`Error::NotRecorded`] (it ran, and its
    /// output has no JSON form or the runtime was stopped).
    pub fn run<C, O, T, E>(
        &self,
        arguments: Arguments,
        call: C,
        function: Function<Result<T, E>>,
        stored: Stored<T>,
        kept: Kept<E>,
    ) -> impl Future<Output = Answer<T, E>>
    where
        C: Future<Output = O>,
        O: Outcome<Ok = T, Err = E>,
    {
        // In a box: durable layers nest, and a future that holds the whole of the inner one, once as
        // an argument and once while it is awaited, would double with each.
        let call = Box::pin(call);
        let codec = Codec::new(function, stored, kept);
        async move {
            let step = match begin(self, arguments, codec).await {
                ControlFlow::Break(answer) => return answer,
                ControlFlow::Continue(None) => return call.await.into_answer(),
                ControlFlow::Continue(Some(step)) => step,
            };
            let answer = step.scope().enter(call).await.into_answer();
            end(step, answer, codec).await
        }
    }
}

impl<T, E> Codec<T, E> {
    /// The error of an answer as JSON, if it has one with such a form.
    pub(super) fn error_of(&self, answer: &Answer<T, E>) -> Option<String> {
        self.encode_error(answer.result.as_ref().err()?)
    }

    /// The output as JSON, or the answer where it has no such form.
    pub(super) fn record(&self, output: &T) -> Result<String, Answer<T, E>> {
        self.encode_output(output).map_err(|error| {
            self.refused(Error::NotRecorded {
                function: self.function.name,
                reason: format!("its output has no JSON form: {error}"),
            })
        })
    }
}

/// Waits for the step's turn. `Continue(None)` outside the body of a saga.
pub(super) async fn begin<T, E>(
    step: &SagaStep,
    arguments: Arguments,
    codec: Codec<T, E>,
) -> ControlFlow<Answer<T, E>, Option<UnderWay>> {
    let Some(execution) = context::body() else {
        return ControlFlow::Continue(None);
    };
    let arguments = match arguments.encode(codec.function.name) {
        Ok(arguments) => arguments,
        Err(error) => return ControlFlow::Break(codec.refused(error)),
    };
    let asked = Asked {
        name: Cow::Borrowed(step.name),
        arguments,
        terms: Terms::from(step),
        has_effects: true,
    };
    let changed = |what, error: serde_json::Error| {
        execution.mismatch(format!(
            "the {what} of step `{}` is of another type than the code's: {error}",
            step.name
        ))
    };
    let result = match execution.ask(asked).await {
        Ok(Begun::New(under_way)) => return ControlFlow::Continue(Some(under_way)),
        Ok(Begun::Done(output)) => match codec.decode_output(&output) {
            Ok(value) => Ok(Ok(value)),
            Err(error) => Err(changed("output", error)),
        },
        Ok(Begun::Failed(text)) => match codec.decode_error(&text) {
            Some(error) => error.map(Err).map_err(|error| changed("error", error)),
            None => Err(execution.mismatch(format!(
                "step `{}` failed, and the error type of the code has no JSON form any more",
                step.name
            ))),
        },
        Err(stop) => Err(stop),
    };
    ControlFlow::Break(match result {
        Ok(result) => codec.recorded(result),
        Err(stop) => codec.refused(execution.error(stop, codec.function.name)),
    })
}

/// Notes how the step ended, and answers when its body may hear of it.
async fn end<T, E>(step: UnderWay, answer: Answer<T, E>, codec: Codec<T, E>) -> Answer<T, E> {
    let (answer, effect) = match &answer.result {
        Ok(value) => match codec.record(value) {
            Ok(output) => {
                step.finish(output);
                return answer;
            }
            Err(unkept) => (unkept, Effect::Ran),
        },
        Err(_) => {
            let effect = answer.origin.effect();
            (answer, effect)
        }
    };
    let error = codec.error_of(&answer);
    let failure = failure(step.is_retriable(), &answer);
    step.fail_after(effect, error, failure).await;
    answer
}

/// What there is to know of a failure.
pub(super) fn failure<T, E>(retriable: bool, answer: &Answer<T, E>) -> Failure {
    let origin = answer.origin;
    let refused = origin.is_refusal() && origin.effect() == Effect::DidNotRun;
    Failure {
        retriable,
        open_breaker: refused && origin.is_open_circuit(),
        retry_after: match origin.refusal() {
            Some(Refusal::Rejected { retry_after }) if refused => retry_after,
            _ => None,
        },
    }
}
