//! One run of a saga's body, from its place to its end.

use std::any::Any;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::abandon::Running;
use super::answer::{self, Types};
use super::cancel;
use super::caught::{poll_caught, text};
use super::cause::Cut;
use super::compensation::Undone;
use super::context::{self, Context};
use super::ending::{self, Failed};
use super::execution::{Execution, Halt};
use super::forward::{self, Later};
use super::journal::Parking;
use super::ledger::Stop;
use super::limits::Place;
use super::unstoppable::Unstoppable;
use super::waiting::{self, Waited};
use crate::core::Permit;
use crate::dlq;
use crate::error::Error;
use crate::operator::Operator;
use crate::outcome::{Answer, Failures, Outcome};

/// How long the steps that are under way have to come out when the body is cut off.
const SETTLE: Duration = Duration::from_secs(30);

/// What is to be run.
pub(super) struct Run {
    pub(super) running: Running,
    /// The journal has it from an earlier run: nobody waits for the answer.
    pub(super) resumes: bool,
}

/// What came of it.
pub(super) struct Driven<T, E> {
    pub(super) answer: Answer<T, E>,
    /// Whether the saga is at its end, and what is to be undone of it is undone or in a dead letter.
    pub(super) is_over: bool,
}

impl<T, E> Driven<T, E> {
    fn over(answer: Answer<T, E>) -> Self {
        let is_over = true;
        Self { answer, is_over }
    }

    fn open(answer: Answer<T, E>) -> Self {
        let is_over = false;
        Self { answer, is_over }
    }
}

/// How a body ended.
enum Ended<O> {
    Returned(O),
    Panicked(Box<dyn Any + Send>),
    /// It was cut off.
    Halted(Halt),
    /// It stands still, because its journal is not its own.
    Mismatched,
}

/// Runs the body of a saga and brings the saga to its end, with or without the caller.
pub(super) async fn drive<C, O, T, E>(
    run: Run,
    call: Pin<Box<C>>,
    types: Types<T, E>,
    failures: Failures<E>,
) -> Driven<T, E>
where
    C: Future<Output = O>,
    O: Outcome<Ok = T, Err = E>,
{
    let Run {
        mut running,
        resumes,
    } = run;
    let Some(execution) = running.execution() else {
        return Driven::over(call.await.into_answer());
    };
    let ended = body(&mut running, &execution, resumes, call).await;
    let Some((_, permit)) = running.into_parts() else {
        return Driven::open(types.refused(execution.error(Stop::Superseded, types.function.name)));
    };
    let end = End {
        execution,
        permit,
        resumes,
        types,
        failures,
    };
    end.bring(ended).await
}

/// Polls the body to its end, or cuts it off.
async fn body<C: Future>(
    running: &mut Running,
    execution: &Arc<Execution>,
    resumes: bool,
    call: Pin<Box<C>>,
) -> Ended<C::Output> {
    let core = &execution.core;
    let _signal = core.signals.enter(execution);
    let mut halted = pin!(halted(execution));
    let place = tokio::select! {
        biased;
        halt = &mut halted => Err(halt),
        place = place(execution) => Ok(place),
    };
    let polled = Polled {
        call,
        execution: Arc::clone(execution),
    };
    let mut body = pin!(context::within(
        Context::Body(Arc::clone(execution)),
        polled
    ));
    let halt = match &place {
        Ok(_) => tokio::select! {
            biased;
            ended = &mut body => return returned(ended),
            () = execution.mismatched() => return Ended::Mismatched,
            halt = &mut halted => halt,
        },
        Err(halt) => *halt,
    };
    running.halt(halt);
    // One that is resumed is asked all the same: only its code knows what was under way when it was interrupted.
    if place.is_ok() || resumes {
        execution.stop_steps(halt);
        cancel_children(execution);
        tokio::select! {
            biased;
            // It is cut off all the same: what it was asked for came first.
            _ = &mut body => {}
            () = execution.mismatched() => {}
            () = execution.settled() => {}
            () = tokio::time::sleep(SETTLE) => {}
        }
    }
    Ended::Halted(halt)
}

fn returned<O>(ended: Result<O, Box<dyn Any + Send>>) -> Ended<O> {
    match ended {
        Ok(outcome) => Ended::Returned(outcome),
        Err(panic) => Ended::Panicked(panic),
    }
}

/// Resolves when the body is to be cut off. Past a pivot it never is.
async fn halted(execution: &Execution) -> Halt {
    let deadline = async {
        match execution.deadline() {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    let halt = tokio::select! {
        biased;
        () = execution.cancelled() => Halt::Cancelled,
        () = deadline => Halt::TimedOut,
        () = std::future::ready(()), if execution.undoes => Halt::Interrupted,
    };
    match execution.is_pivoted() {
        true => std::future::pending().await,
        false => halt,
    }
}

/// Waits for its turn, where there is a bound. One that is called by a saga of its own name takes no place beside that one,
/// which waits for it.
async fn place(execution: &Execution) -> Option<Place> {
    let saga = &execution.options;
    let most = saga.max_concurrent?;
    let signals = &execution.core.signals;
    let is_same = |other: &Execution| {
        (other.options.name, other.options.version) == (saga.name, saga.version)
    };
    let is_within = |parent| signals.has(parent, is_same);
    if execution.parent.as_ref().is_some_and(is_within) {
        return None;
    }
    let places = &execution.core.places;
    places.take(saga.name, saga.version, most).await
}

/// The sagas that the body waits for are cut off with it.
fn cancel_children(execution: &Arc<Execution>) {
    for child in execution.core.signals.children(&execution.id) {
        let core = Arc::clone(&execution.core);
        let reason = format!("saga {}, which called it, was cut off", execution.id);
        tokio::spawn(async move {
            let by = Operator::program().because(reason);
            if let Err(error) = cancel::request(&core, &child, by).await {
                // It is asked again when it is undone.
                tracing::warn!(target: "resilience", saga_id = %child, %error, "a nested saga could not be cancelled yet");
            }
        });
    }
}

/// A body that has ended, and what is needed to bring its saga to an end.
struct End<T, E> {
    execution: Arc<Execution>,
    permit: Permit,
    resumes: bool,
    types: Types<T, E>,
    failures: Failures<E>,
}

impl<T, E> End<T, E> {
    async fn bring<O>(self, ended: Ended<O>) -> Driven<T, E>
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
        match &answer.result {
            Ok(value) => match (self.execution.unasked(), (self.types.stored.encode)(value)) {
                (Some(difference), _) => self.park(difference).await,
                (None, Ok(output)) => self.complete(output, answer).await,
                (None, Err(error)) => self.unrecordable(&error).await,
            },
            Err(error) => {
                let cause = (self.failures.describe)(error);
                // Past a pivot it is run again, and may come further.
                let unasked = self.execution.unasked();
                if let Some(difference) = unasked.filter(|_| !self.execution.is_pivoted()) {
                    return self.park(format!("{difference}; it failed: {cause}")).await;
                }
                let forms = self.types.kept.0.as_ref();
                // One without a form is told as text to whoever asks later.
                let failure = forms.and_then(|forms| (forms.encode)(error).ok());
                self.failed(cause, failure, answer).await
            }
        }
    }

    async fn complete(self, output: String, answer: Answer<T, E>) -> Driven<T, E> {
        let execution = Arc::clone(&self.execution);
        let ending = ending::complete(execution, output, self.permit);
        match Unstoppable::new(ending).await {
            Ok(()) => Driven::over(answer),
            Err(stop) => {
                let error = self.execution.error(stop, self.types.function.name);
                Driven::open(self.types.refused(error))
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
        if self.execution.is_pivoted() || failed.is_some_and(|step| step.retriable) {
            return self.go_on_later(Later::NoWayBack, cause).await;
        }
        // Nobody waits for it: the breaker may be closed again by and by, and what is done need not be undone.
        if let Some(step) = failed.filter(|step| self.resumes && step.open_breaker) {
            let retry_after = step.retry_after;
            return self
                .go_on_later(Later::Refused { retry_after }, cause)
                .await;
        }
        let ended = undo(&self.execution, cause.clone(), failure, self.permit).await;
        match self
            .types
            .undone(&self.execution, ended.undone, cause)
            .await
        {
            Ok(()) => Driven::over(answer),
            Err(driven) => driven,
        }
    }

    async fn unrecordable(self, error: &serde_json::Error) -> Driven<T, E> {
        let reason = format!("its result has no JSON form: {error}; its steps were undone");
        if self.execution.is_pivoted() {
            return self.go_on_later(Later::NoWayBack, reason).await;
        }
        let ended = undo(&self.execution, reason.clone(), None, self.permit).await;
        match self
            .types
            .undone(&self.execution, ended.undone, reason.clone())
            .await
        {
            Ok(()) => {
                let function = self.types.function.name;
                Driven::over(self.types.refused(Error::NotRecorded { function, reason }))
            }
            Err(driven) => driven,
        }
    }

    async fn panicked(self, panic: Box<dyn Any + Send>) -> Driven<T, E> {
        let cause = text(&*panic);
        let execution = &self.execution;
        tracing::error!(target: "resilience", saga = execution.saga, saga_id = %execution.id, cause, "a saga panicked");
        if execution.is_pivoted() {
            return self.go_on_later(Later::NoWayBack, cause).await;
        }
        undo(&self.execution, cause, None, self.permit).await;
        resume_unwind(panic)
    }

    async fn halted(self, halt: Halt) -> Driven<T, E> {
        let cut = Cut::by(halt, &self.execution);
        let cause = cut.words();
        if self.execution.is_pivoted() {
            return self.go_on_later(Later::NoWayBack, cause).await;
        }
        let ended = undo(&self.execution, cause.clone(), None, self.permit).await;
        if let Err(driven) = self
            .types
            .undone(&self.execution, ended.undone, cause)
            .await
        {
            return driven;
        }
        let (saga, id) = (self.execution.saga, self.execution.id.to_string());
        let error = answer::cut_off(cut, saga, id, ended.had_work);
        Driven::over(self.types.refused(error))
    }

    /// The saga is run again until it is done, and its caller waits for that.
    async fn go_on_later(self, why: Later, cause: String) -> Driven<T, E> {
        let (core, id) = (Arc::clone(&self.execution.core), self.execution.id.clone());
        let (saga, function) = (self.execution.saga, self.types.function.name);
        forward::later(self.execution, self.permit, why, cause);
        if self.resumes {
            return Driven::open(self.types.refused(Error::Superseded {
                saga,
                id: id.to_string(),
            }));
        }
        match waiting::until_over(&core, &id, None).await {
            Waited::Ended(record) => {
                let is_over = !record.status.is_dead();
                let answer = self.types.answer(answer::ended(&core, saga, *record).await);
                Driven { answer, is_over }
            }
            Waited::Again => Driven::open(
                self.types
                    .refused(Error::SagaNotFound { id: id.to_string() }),
            ),
            Waited::ShuttingDown => {
                Driven::open(self.types.refused(Error::ShuttingDown { function }))
            }
        }
    }

    /// The journal and the code differ, and nobody but an operator can say what is to be done.
    async fn park(self, difference: String) -> Driven<T, E> {
        let execution = Arc::clone(&self.execution);
        let dying = ending::die(Arc::clone(&execution), difference.clone(), self.permit);
        if let Err(stop) = Unstoppable::new(dying).await {
            let error = execution.error(stop, self.types.function.name);
            return Driven::open(self.types.refused(error));
        }
        let dead_letter = dlq::name_of(&*execution.core.stores.queue, &execution.id).await;
        Driven::open(self.types.refused(Error::SagaParked {
            saga: execution.saga,
            id: execution.id.to_string(),
            reason: Parking::Mismatch,
            cause: difference,
            dead_letter,
        }))
    }

    fn stopped(&self, stop: Stop) -> Answer<T, E> {
        let error = self.execution.error(stop, self.types.function.name);
        self.types.refused(error)
    }
}

/// Out of reach of the caller, of whoever cancels it, and of its deadline.
async fn undo(
    execution: &Arc<Execution>,
    cause: String,
    failure: Option<String>,
    permit: Permit,
) -> Failed {
    Unstoppable::new(ending::fail(Arc::clone(execution), cause, failure, permit)).await
}

impl<T, E> Types<T, E> {
    /// `Err`: undoing did not come to its end, and this is the answer.
    async fn undone(
        &self,
        execution: &Execution,
        undone: Undone,
        cause: String,
    ) -> Result<(), Driven<T, E>> {
        match undone {
            Undone::Compensated => Ok(()),
            Undone::Stopped(stop) => {
                let error = execution.error(stop, self.function.name);
                Err(Driven::open(self.refused(error)))
            }
            Undone::Stuck { step, .. } => {
                Err(Driven::over(self.refused(Error::CompensationFailed {
                    saga: execution.saga,
                    id: execution.id.to_string(),
                    step,
                    cause,
                    dead_letter: dlq::name_of(&*execution.core.stores.queue, &execution.id).await,
                })))
            }
        }
    }
}

pin_project! {
    /// The body, which notes when it is being polled.
    struct Polled<C> {
        call: Pin<Box<C>>,
        execution: Arc<Execution>,
    }
}

impl<C: Future> Future for Polled<C> {
    type Output = Result<C::Output, Box<dyn Any + Send>>;

    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        poll_caught(this.call.as_mut(), context)
    }
}
