//! One run of a saga's body, from its place to its end.

mod end;

use std::any::Any;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

use super::abandon::Running;
use super::cancel;
use super::caught::poll_caught;
use super::codec::Codec;
use super::context::{self, Context};
use super::execution::{Execution, Halt};
use super::journal::SagaId;
use super::ledger::{self, Stop};
use super::limits::ConcurrencyPlace;
use crate::core::Core;
use crate::operator::Operator;
use crate::outcome::{Answer, Failures, Outcome};
use end::End;

/// How long the steps that are under way have to come out when the body is cut off.
const SETTLE: Duration = Duration::from_secs(30);

/// How long what a step came to waits for another write to share, while the body waits for something else.
const LINGER: Duration = Duration::from_millis(20);

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
pub(super) async fn run_body<C, O, T, E>(
    run: Run,
    call: Pin<Box<C>>,
    codec: Codec<T, E>,
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
        return Driven::open(codec.refused(execution.error(Stop::Superseded, codec.function.name)));
    };
    let end = End {
        execution,
        permit,
        resumes,
        codec,
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
    let _entered = core.running.enter(execution);
    let mut halted = pin!(halted(execution));
    let place = tokio::select! {
        biased;
        halt = &mut halted => Err(halt),
        place = place(execution) => Ok(place),
    };
    let polled = Polled {
        call,
        execution: Arc::clone(execution),
        linger: None,
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
pub(super) async fn halted(execution: &Execution) -> Halt {
    let deadline = async {
        match execution.deadline() {
            // A timer sleeps until its next tick, even for what is over.
            Some(deadline) if deadline <= Instant::now() => {}
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

/// Waits for its turn, where there is a bound. Of the sagas that call each other one has a place, the outermost one that
/// has a bound: if one that has a place waited for another place, two could wait for each other.
async fn place(execution: &Execution) -> Option<ConcurrencyPlace> {
    let saga = &execution.options;
    let most = saga.max_concurrent?;
    if is_bounded(&execution.core, execution.parent.clone()).await {
        return None;
    }
    let limits = &execution.core.limits;
    limits.take(saga.name, saga.version, most).await
}

/// Whether there is a bound for this saga or one that called it, directly or not, in whatever process.
async fn is_bounded(core: &Core, mut next: Option<SagaId>) -> bool {
    while let Some(id) = next {
        if let Some((options, parent)) = core.running.options_and_parent(&id) {
            if options.max_concurrent.is_some() {
                return true;
            }
            next = parent;
            continue;
        }
        // Where it cannot be read, the run comes to its end by that.
        let Ok(Some(record)) = ledger::load(core, &id).await else {
            return false;
        };
        let entry = core.catalog.saga(&record.name, record.version);
        if entry.is_some_and(|entry| entry.saga.max_concurrent.is_some()) {
            return true;
        }
        next = record.parent;
    }
    false
}

/// The sagas that the body waits for are cut off with it.
fn cancel_children(execution: &Arc<Execution>) {
    for child in execution.core.running.children(&execution.id) {
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

pin_project! {
    /// The body. While it waits for something that is no step, what came out before is written.
    struct Polled<C> {
        call: Pin<Box<C>>,
        execution: Arc<Execution>,
        // Set while something waits to be written.
        linger: Option<Pin<Box<Sleep>>>,
    }
}

impl<C: Future> Future for Polled<C> {
    type Output = Result<C::Output, Box<dyn Any + Send>>;

    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let ended = poll_caught(this.call.as_mut(), context);
        if ended.is_pending() {
            linger(this.execution, this.linger, context);
        }
        ended
    }
}

/// Writes what came out and has waited long enough for the next step or the end to be written with it.
fn linger(
    execution: &Arc<Execution>,
    timer: &mut Option<Pin<Box<Sleep>>>,
    context: &mut task::Context<'_>,
) {
    while execution.is_behind() {
        let sleep = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        if sleep.as_mut().poll(context).is_pending() {
            return;
        }
        *timer = None;
        execution.write_more();
    }
    *timer = None;
}
