//! `#[saga_step]`: what happens at one step.

use std::sync::Arc;

use super::context::{self, Context, Part};
use super::execution::{Begun, Execution, NewStep};
use super::ledger::Stop;
use super::options::SagaStep;
use crate::arguments::Arguments;
use crate::error::{Effect, Error};
use crate::outcome::{Answer, Function, Kept, Origin, Outcome, Refusal, Stored};

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
    /// saga finished this step; otherwise waits until the steps before it are durable, runs
    /// `call`, and keeps its output. Elsewhere: runs `call`.
    ///
    /// Dropped before its end, the step is not in the journal, and is run again if the saga is.
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
        _kept: Kept<E>,
    ) -> impl Future<Output = Answer<T, E>>
    where
        C: Future<Output = O>,
        O: Outcome<Ok = T, Err = E>,
    {
        // In a box: durable layers nest, and a future that holds the whole of the inner one, once as
        // an argument and once while it is awaited, would double with each.
        let call = Box::pin(call);
        async move {
            let Some(execution) = context::body() else {
                return call.await.into_answer();
            };
            let refused = |error| Answer::refused(error, Refusal::Final, &function);
            let begun = arguments
                .encode(function.name)
                .map(|arguments| execution.begin(self.name, arguments));
            let step = match begun {
                Err(error) => return refused(error),
                Ok(Err(stop)) => return refused(execution.error(stop, function.name)),
                Ok(Ok(Begun::Finished { output })) => {
                    return match self.replay(&execution, &output, stored) {
                        Ok(value) => Answer {
                            result: Ok(value),
                            origin: Origin::RECORD,
                        },
                        Err(stop) => refused(execution.error(stop, function.name)),
                    };
                }
                Ok(Ok(Begun::New(step))) => step,
            };
            if let Err(stop) = execution.flush().await {
                return refused(execution.error(stop, function.name));
            }
            let part = Part {
                saga: execution.id.clone(),
                step: step.step.to_owned(),
                occurrence: step.occurrence,
            };
            let step = Unfinished {
                execution: &execution,
                step: Some(step),
                compensates_in_doubt: self.compensates_in_doubt,
            };
            let answer = context::within(Context::Inner(Arc::new(part)), call)
                .await
                .into_answer();
            match step.settle(&answer, stored) {
                Ok(()) => answer,
                Err(reason) => refused(Error::NotRecorded {
                    function: function.name,
                    reason,
                }),
            }
        }
    }

    fn replay<T>(&self, execution: &Execution, output: &str, stored: Stored<T>) -> Result<T, Stop> {
        (stored.decode)(output).map_err(|error| {
            execution.mismatch(format!(
                "the output of step `{}` is of another type than the code's: {error}",
                self.name
            ))
        })
    }
}

/// A step whose call is running. Dropped before it is settled, it was cut off.
struct Unfinished<'a> {
    execution: &'a Arc<Execution>,
    step: Option<NewStep>,
    compensates_in_doubt: bool,
}

impl Unfinished<'_> {
    /// Notes how the call ended; `Err` says why an output cannot be kept.
    fn settle<T, E>(mut self, answer: &Answer<T, E>, stored: Stored<T>) -> Result<(), String> {
        let output = match &answer.result {
            Ok(value) => (stored.encode)(value),
            Err(_) => {
                if answer.origin.effect() == Effect::DidNotRun {
                    self.step = None;
                }
                return Ok(());
            }
        };
        match (output, self.step.take()) {
            (Ok(output), Some(step)) => self.execution.finish(step, output),
            (Ok(_), None) => {}
            (Err(error), step) => {
                self.step = step;
                return Err(format!("its output has no JSON form: {error}"));
            }
        }
        Ok(())
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(step) = self.step.take()
            && self.compensates_in_doubt
        {
            self.execution.doubt(step);
        }
    }
}
