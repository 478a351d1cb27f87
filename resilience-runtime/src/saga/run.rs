//! `#[saga]`: what happens at one call of a saga function.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::abandon::Running;
use super::admission::{self, Admitted};
use super::compensation::Undone;
use super::context::{self, Context};
use super::ending;
use super::execution::Execution;
use super::identity::Identity;
use super::ledger::Stop;
use super::options::Saga;
use super::ticket::Ticket;
use super::unstoppable::Unstoppable;
use crate::arguments::Arguments;
use crate::core::{Permit, background, current};
use crate::dlq;
use crate::error::Error;
use crate::outcome::{Answer, Failures, Function, Kept, Origin, Outcome, Refusal, Stored};

impl Saga {
    /// The arguments of a call, to be filled by [`Arguments::with`].
    #[must_use]
    pub fn arguments(&self) -> Arguments {
        Arguments::new()
    }

    /// Runs the saga whose body is `call`; with a key, at most one that is not undone.
    ///
    /// With the key of a saga that was completed less than the key's `ttl` ago, answers what that
    /// one answered, and with the key of a running one waits for it. Dropped at any point, the saga goes on without its caller. See
    /// [the module](super) for what a crash leaves.
    ///
    /// # Errors
    /// In the answer: the body's own error, once everything is undone, or
    /// [`Error::NoRuntime`], [`Error::ShuttingDown`], [`Error::Encode`], [`Error::Store`] and
    /// [`Error::SagaDead`] (the body did not run), [`Error::StartInDoubt`] (it may run in the next
    /// process), [`Error::CompensationFailed`], [`Error::JournalMismatch`], [`Error::Superseded`], [`Error::Decode`], and
    /// [`Error::NotRecorded`].
    pub fn run<C, O, T, E>(
        &self,
        arguments: Arguments,
        identity: Identity,
        call: C,
        function: Function<Result<T, E>>,
        stored: Stored<T>,
        failures: Failures<E>,
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
            let admitted = match Ticket::take_for(self.name) {
                Some(running) => Ok(Admitted::Run(running)),
                None => self.admit(arguments, identity, function.name).await,
            };
            let running = match admitted {
                Ok(Admitted::Run(running)) => running,
                Ok(Admitted::Completed(output)) => return completed(&output, function, stored),
                Err((error, refusal)) => return Answer::refused(error, refusal, &function),
            };
            let Some(execution) = running.execution() else {
                return call.await.into_answer();
            };
            let polled = Polled {
                call,
                execution: Arc::clone(&execution),
            };
            let outcome = context::within(Context::Body(execution), polled).await;
            end(running, outcome.into_answer(), function, stored, failures).await
        }
    }

    async fn admit(
        &self,
        arguments: Arguments,
        identity: Identity,
        function: &'static str,
    ) -> Result<Admitted, admission::Denied> {
        let denied = |error| (error, Refusal::Final);
        let input = arguments.encode(function).map_err(denied)?;
        let Some(core) = current().filter(|core| !core.inspects) else {
            let attribute = "saga";
            return Err(denied(Error::NoRuntime {
                attribute,
                function,
            }));
        };
        background(function).map_err(denied)?;
        admission::admit(&core, self, function, input, identity).await
    }
}

/// The answer of an earlier saga with the same key.
fn completed<T, E>(
    output: &str,
    function: Function<Result<T, E>>,
    stored: Stored<T>,
) -> Answer<T, E> {
    match (stored.decode)(output) {
        Ok(value) => Answer {
            result: Ok(value),
            origin: Origin::RECORD,
        },
        Err(source) => {
            let error = Error::Decode {
                function: function.name,
                what: "the result of the saga".to_owned(),
                source,
            };
            Answer::refused(error, Refusal::Final, &function)
        }
    }
}

/// How the saga is to end.
enum End {
    Complete(String),
    /// With the error that the caller gets instead of the body's, where there is one.
    Undo(String, Option<Error>),
    Die(String),
    Stop(Stop),
}

/// Brings the saga to its end, with or without the caller, and answers the caller.
async fn end<T, E>(
    running: Running,
    answer: Answer<T, E>,
    function: Function<Result<T, E>>,
    stored: Stored<T>,
    failures: Failures<E>,
) -> Answer<T, E> {
    let Some((execution, permit)) = running.into_parts() else {
        return answer;
    };
    let refused = |error| Answer::refused(error, Refusal::Final, &function);
    let end = judge(&execution, &answer, function.name, stored, failures);
    let failure = match end {
        End::Stop(stop) => Some(execution.error(stop, function.name)),
        End::Complete(output) => {
            let ended = Unstoppable::new(ending::complete(Arc::clone(&execution), output, permit));
            let stop = ended.await.err();
            stop.map(|stop| execution.error(stop, function.name))
        }
        End::Die(difference) => {
            let stop = die(&execution, difference, permit).await;
            Some(execution.error(stop, function.name))
        }
        End::Undo(cause, error) => {
            let undone = undo(&execution, cause, permit, function.name).await;
            undone.err().or(error)
        }
    };
    match failure {
        None => answer,
        Some(error) => refused(error),
    }
}

fn judge<T, E>(
    execution: &Execution,
    answer: &Answer<T, E>,
    function: &'static str,
    stored: Stored<T>,
    failures: Failures<E>,
) -> End {
    match (execution.stopped(), &answer.result) {
        (Some(Stop::Mismatch(difference)), _) => End::Die(difference),
        (Some(stop), _) => End::Stop(stop),
        (None, Err(error)) => End::Undo((failures.describe)(error), None),
        (None, Ok(value)) => match (execution.unasked(), (stored.encode)(value)) {
            (Some(difference), _) => End::Die(difference),
            (None, Ok(output)) => End::Complete(output),
            (None, Err(error)) => {
                let reason = format!("its result has no JSON form: {error}; its steps were undone");
                let cause = reason.clone();
                End::Undo(cause, Some(Error::NotRecorded { function, reason }))
            }
        },
    }
}

/// Parks the saga; the answer says why the caller gets no result.
async fn die(execution: &Arc<Execution>, difference: String, permit: Permit) -> Stop {
    let dying = ending::die(Arc::clone(execution), difference.clone(), permit);
    match Unstoppable::new(dying).await {
        Ok(()) => Stop::Mismatch(difference),
        Err(stop) => stop,
    }
}

/// Undoes the saga; `Err` says why that did not come to its end.
async fn undo(
    execution: &Arc<Execution>,
    cause: String,
    permit: Permit,
    function: &'static str,
) -> Result<(), Error> {
    let failing = ending::fail(Arc::clone(execution), cause.clone(), permit);
    match Unstoppable::new(failing).await {
        Undone::Compensated => Ok(()),
        Undone::Stopped(stop) => Err(execution.error(stop, function)),
        Undone::Stuck { step, .. } => Err(Error::CompensationFailed {
            saga: execution.saga,
            id: execution.id.to_string(),
            step,
            cause,
            dead_letter: dlq::name_of(&*execution.core.stores.queue, &execution.id).await,
        }),
    }
}

pin_project! {
    /// The body, which notes when it is being polled: when it is dropped then, it panicked.
    struct Polled<C> {
        #[pin]
        call: C,
        execution: Arc<Execution>,
    }
}

impl<C: Future> Future for Polled<C> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<C::Output> {
        let this = self.project();
        this.execution.set_in_poll(true);
        let poll = this.call.poll(context);
        this.execution.set_in_poll(false);
        poll
    }
}
