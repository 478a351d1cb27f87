//! How a saga ends whose body has.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::{Driven, Ended};
use crate::core::Permit;
use crate::dlq;
use crate::error::Error;
use crate::outcome::{Answer, Failures, Outcome};
use crate::saga::answer;
use crate::saga::caught::text;
use crate::saga::cause::Cut;
use crate::saga::codec::Codec;
use crate::saga::compensation::Undone;
use crate::saga::ending::{self, Failed};
use crate::saga::execution::{Execution, Halt};
use crate::saga::finish_on_drop::FinishOnDrop;
use crate::saga::forward;
use crate::saga::journal::Parking;
use crate::saga::ledger::Stop;
use crate::saga::reruns::Unfinished;
use crate::saga::waiting::{self, Waited};

/// A result as JSON, where it has such a form.
type Encoded = Result<String, serde_json::Error>;

/// A body that has ended, and what is needed to bring its saga to an end.
pub(super) struct End<T, E> {
    pub(super) execution: Arc<Execution>,
    pub(super) permit: Permit,
    pub(super) resumes: bool,
    pub(super) codec: Codec<T, E>,
    pub(super) failures: Failures<E>,
}

impl<T, E> End<T, E> {
    pub(super) async fn bring<O>(self, ended: Ended<O>) -> Driven<T, E>
    where
        O: Outcome<Ok = T, Err = E>,
    {
        match self.execution.stopped() {
            // What is in the journal can be undone without the code of the body.
            Some(Stop::Mismatch(_))
                if matches!(ended, Ended::Halted(_)) && !self.execution.is_pivoted() => {}
            Some(Stop::Mismatch(difference)) => return self.park(difference).await,
            Some(stop) => return Driven::open(self.stopped(stop)),
            None => {}
        }
        let answer = match ended {
            Ended::Returned(outcome) => outcome.into_answer(),
            Ended::Halted(halt) => return self.halted(halt).await,
            Ended::Panicked(panic) => return self.panicked(panic).await,
            // Whoever noticed it noted how.
            Ended::Mismatched => return Driven::open(self.stopped(Stop::Superseded)),
        };
        let told = match catch_unwind(AssertUnwindSafe(|| self.told(&answer.result))) {
            Ok(told) => told,
            Err(panic) => return self.panicked(panic).await,
        };
        match told {
            Ok(output) => match (self.execution.unasked(), output) {
                (Some(difference), _) => self.park(difference).await,
                (None, Ok(output)) => self.complete(output, answer).await,
                (None, Err(error)) => self.unrecordable(&error).await,
            },
            Err((cause, failure)) => {
                if let Some(stop) = self.execution.left_behind() {
                    return Driven::open(self.stopped(stop));
                }
                // Past a pivot it is run again, and may come further.
                let unasked = self.execution.unasked();
                if let Some(difference) = unasked.filter(|_| !self.execution.is_pivoted()) {
                    return self.park(format!("{difference}; it failed: {cause}")).await;
                }
                self.failed(cause, failure, answer).await
            }
        }
    }

    /// The output as JSON; or the error in words, and as JSON: one without such a form is told as text to whoever asks
    /// later. Code of the author's, which may panic.
    fn told(&self, result: &Result<T, E>) -> Result<Encoded, (String, Option<String>)> {
        match result {
            Ok(value) => Ok(self.codec.encode_output(value)),
            Err(error) => {
                let failure = self.codec.encode_error(error);
                Err(((self.failures.describe)(error), failure))
            }
        }
    }

    async fn complete(self, output: String, answer: Answer<T, E>) -> Driven<T, E> {
        let execution = Arc::clone(&self.execution);
        let ending = ending::complete(execution, output, self.permit);
        match FinishOnDrop::new(ending).await {
            Ok(()) => Driven::over(answer),
            Err(stop) => {
                let error = self.execution.error(stop, self.codec.function.name);
                Driven::open(self.codec.refused(error))
            }
        }
    }

    async fn failed(
        self,
        cause: String,
        failure: Option<String>,
        answer: Answer<T, E>,
    ) -> Driven<T, E> {
        let failed = self.execution.last_failure();
        if failed.is_some_and(|step| step.retriable) {
            return self.go_on_later(Unfinished::NoWayBack, cause).await;
        }
        // Nobody waits for it: the breaker may be closed again by and by, and what is done need not be undone.
        if let Some(step) = failed.filter(|step| self.resumes && step.open_breaker) {
            let retry_after = step.retry_after;
            return self
                .go_on_later(Unfinished::Refused { retry_after }, cause)
                .await;
        }
        self.undo(cause, failure, |_| answer).await
    }

    async fn unrecordable(self, error: &serde_json::Error) -> Driven<T, E> {
        let reason = format!("its result has no JSON form: {error}; its steps were undone");
        let codec = self.codec;
        let function = codec.function.name;
        let cause = reason.clone();
        self.undo(cause, None, |_| {
            codec.refused(Error::NotRecorded { function, reason })
        })
        .await
    }

    async fn panicked(self, panic: Box<dyn Any + Send>) -> Driven<T, E> {
        let cause = text(&*panic);
        let execution = &self.execution;
        if let Some(stop) = execution.left_behind() {
            return Driven::open(self.stopped(stop));
        }
        tracing::error!(target: "resilience", saga = execution.saga, saga_id = %execution.id, cause, "a saga panicked");
        if execution.is_pivoted() {
            return self.go_on_later(Unfinished::NoWayBack, cause).await;
        }
        // As where it fails: code that panics before it asked for what the journal has may be other code.
        if let Some(difference) = execution.unasked() {
            return self.park(format!("{difference}; it {cause}")).await;
        }
        undo(&self.execution, cause, None, self.permit).await;
        resume_unwind(panic)
    }

    async fn halted(self, halt: Halt) -> Driven<T, E> {
        if let Some(stop) = self.execution.left_behind() {
            return Driven::open(self.stopped(stop));
        }
        let cut = Cut::by(halt, &self.execution);
        let (codec, saga) = (self.codec, self.execution.saga);
        let id = self.execution.id.to_string();
        self.undo(cut.words(), None, |had_work| {
            codec.refused(answer::cut_off(cut, saga, id, had_work))
        })
        .await
    }

    /// Undoes the saga, or, past a pivot, runs it again until it is done. Where everything is undone it answers as `answer`
    /// says, which hears whether there was something to undo.
    async fn undo(
        self,
        cause: String,
        failure: Option<String>,
        answer: impl FnOnce(bool) -> Answer<T, E>,
    ) -> Driven<T, E> {
        if self.execution.is_pivoted() {
            return self.go_on_later(Unfinished::NoWayBack, cause).await;
        }
        let execution = self.execution;
        let Failed { undone, had_work } =
            undo(&execution, cause.clone(), failure, self.permit).await;
        match undone {
            Undone::Compensated => Driven::over(answer(had_work)),
            Undone::Stopped(stop) => {
                let error = execution.error(stop, self.codec.function.name);
                Driven::open(self.codec.refused(error))
            }
            Undone::Stuck { step, .. } => {
                Driven::over(self.codec.refused(Error::CompensationFailed {
                    saga: execution.saga,
                    id: execution.id.to_string(),
                    step,
                    cause,
                    dead_letter: dlq::name_of(&*execution.core.stores.queue, &execution.id).await,
                }))
            }
        }
    }

    /// The saga is run again until it is done, and its caller waits for that.
    async fn go_on_later(self, why: Unfinished, cause: String) -> Driven<T, E> {
        let (core, id) = (Arc::clone(&self.execution.core), self.execution.id.clone());
        let (saga, function) = (self.execution.saga, self.codec.function.name);
        forward::later(self.execution, self.permit, why, cause);
        if self.resumes {
            return Driven::open(self.codec.refused(Error::Superseded {
                saga,
                id: id.to_string(),
            }));
        }
        match waiting::until_over(&core, &id, None).await {
            Waited::Ended(record) => {
                let is_over = !record.status.is_dead();
                let answer = self.codec.answer(answer::ended(&core, saga, *record).await);
                Driven { answer, is_over }
            }
            Waited::Again => Driven::open(
                self.codec
                    .refused(Error::SagaNotFound { id: id.to_string() }),
            ),
            Waited::ShuttingDown => {
                Driven::open(self.codec.refused(Error::ShuttingDown { function }))
            }
        }
    }

    /// The journal and the code differ, and nobody but an operator can say what is to be done.
    async fn park(self, difference: String) -> Driven<T, E> {
        let execution = Arc::clone(&self.execution);
        let parking = ending::park(Arc::clone(&execution), difference.clone(), self.permit);
        if let Err(stop) = FinishOnDrop::new(parking).await {
            let error = execution.error(stop, self.codec.function.name);
            return Driven::open(self.codec.refused(error));
        }
        let dead_letter = dlq::name_of(&*execution.core.stores.queue, &execution.id).await;
        Driven::open(self.codec.refused(Error::SagaParked {
            saga: execution.saga,
            id: execution.id.to_string(),
            reason: Parking::Mismatch,
            cause: difference,
            dead_letter,
        }))
    }

    fn stopped(&self, stop: Stop) -> Answer<T, E> {
        let error = self.execution.error(stop, self.codec.function.name);
        self.codec.refused(error)
    }
}

/// Out of reach of the caller, of whoever cancels it, and of its deadline.
async fn undo(
    execution: &Arc<Execution>,
    cause: String,
    failure: Option<String>,
    permit: Permit,
) -> Failed {
    FinishOnDrop::new(ending::fail(Arc::clone(execution), cause, failure, permit)).await
}
