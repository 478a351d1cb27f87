//! One run of a saga's body: which steps it asked for, which came out, which are durable.

mod asking;
mod calls;
mod clock;
mod difference;
mod in_doubt;
mod progress;
mod pulse;
mod records;
mod resolving;
mod under_way;
mod writing;

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::journal::{SagaId, SagaRecord};
use super::ledger::Stop;
use super::options::{Saga, SagaStep};
use super::reruns::Reruns;
use super::step_name;
use crate::core::Core;
use crate::error::Error;
use crate::telemetry::sagas;
use crate::timestamp::Timestamp;

pub(super) use asking::{Asked, Begun};
use clock::Clock;
use progress::{Progress, Turn};
pub(super) use under_way::{Scope, UnderWay};
pub(super) use writing::Outstanding;

/// One run of a saga's body in this process.
pub(crate) struct Execution {
    pub(super) core: Arc<Core>,
    pub(super) saga: &'static str,
    pub(super) id: SagaId,
    pub(super) epoch: i64,
    pub(super) input: String,
    /// What the saga was told.
    pub(super) options: Saga,
    /// The saga that called it.
    pub(super) parent: Option<SagaId>,
    /// The runs before this one that did not get any further.
    pub(super) reruns: Reruns,
    /// Its body is asked what was under way, and not run: it is to be undone.
    pub(super) undoes: bool,
    /// How many earlier runs may have begun what this run begins first.
    before: u32,
    /// Whether one of them was interrupted, because its process was gone.
    is_interrupted: bool,
    clock: Clock,
    deadline: Option<Timestamp>,
    /// When the saga was started.
    pub(super) started: Instant,
    progress: Mutex<Progress>,
    /// Signalled after each change that somebody may wait for.
    changed: Notify,
    cancelled: watch::Sender<bool>,
    stopped: watch::Sender<bool>,
    /// How many random numbers were drawn.
    draws: AtomicU64,
}

/// Why a run takes no more steps, although nothing is wrong with its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// Somebody asked to cancel the saga.
    Cancelled,
    /// Its deadline has passed.
    TimedOut,
    /// Its process was gone, and it is to be undone then.
    Interrupted,
}

/// The last step that failed in a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Failure {
    /// The step is `retriable`.
    pub(super) retriable: bool,
    /// A circuit breaker refused it, and it did not run.
    pub(super) open_breaker: bool,
    /// When the policy that refused it may let it through, where it knows.
    pub(super) retry_after: Option<Duration>,
}

/// What there is to know of a step besides its name and its arguments.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Terms {
    pub(super) compensation: Option<&'static str>,
    pub(super) compensates_in_doubt: bool,
    pub(super) pivot: bool,
    pub(super) retriable: bool,
}

impl Terms {
    /// The compensation of the step if it is in doubt.
    fn compensation_in_doubt(&self) -> Option<&'static str> {
        self.compensation.filter(|_| self.compensates_in_doubt)
    }
}

impl From<&SagaStep> for Terms {
    fn from(step: &SagaStep) -> Self {
        Self {
            compensation: step.compensation,
            compensates_in_doubt: step.compensates_in_doubt,
            pivot: step.pivot,
            retriable: step.retriable,
        }
    }
}

/// A saga that the body called.
pub(super) enum Child {
    /// An earlier run has its answer: its output, or its error.
    Known(Result<String, String>),
    /// It has to be called.
    New(UnderWay),
}

impl Execution {
    /// The first run of a saga that the journal has got at the moment `at`.
    pub(super) fn first(
        core: Arc<Core>,
        saga: &Saga,
        id: SagaId,
        input: String,
        at: Timestamp,
        parent: Option<SagaId>,
    ) -> Self {
        Self {
            core,
            saga: saga.name,
            id,
            epoch: 1,
            input,
            options: *saga,
            parent,
            reruns: Reruns::default(),
            started: Instant::now(),
            undoes: false,
            before: 0,
            is_interrupted: false,
            clock: Clock::at(at),
            deadline: saga.timeout.map(|timeout| at.after(timeout)),
            progress: Mutex::new(Progress::of(Vec::new(), Instant::now())),
            changed: Notify::new(),
            cancelled: watch::Sender::new(false),
            stopped: watch::Sender::new(false),
            draws: AtomicU64::new(0),
        }
    }

    /// Another run of a saga that the journal has.
    pub(super) fn again(core: Arc<Core>, saga: &Saga, record: SagaRecord, reruns: Reruns) -> Self {
        let steps = record.steps;
        let fruitless = reruns.runs();
        let is_first = record.epoch <= 1 && fruitless == 0 && steps.is_empty();
        let before = match is_first {
            true => 0,
            false => record.interruptions.saturating_add(fruitless).max(1),
        };
        let mut progress = Progress::of(steps, Instant::now());
        progress.is_pivoted = record.pivoted;
        let (at, parent) = (record.read_at, record.parent);
        // Where the clock of the store was set back, all of its time is left, and not more.
        let late = record.started_at.since(at);
        let deadline = record.deadline.map(|deadline| deadline.before(late));
        Self {
            reruns,
            started: sagas::started(record.started_at, record.read_at),
            before,
            is_interrupted: record.interruptions > 0,
            epoch: record.epoch,
            progress: Mutex::new(progress),
            deadline,
            cancelled: watch::Sender::new(record.cancelled),
            ..Self::first(core, saga, record.id, record.input, at, parent)
        }
    }

    /// The body calls the saga `name`: a step, whose output is that of the saga, and which is undone by undoing the saga. Resolves
    /// when it may begin, like a step.
    pub(super) async fn child(
        self: &Arc<Self>,
        name: &'static str,
        arguments: String,
    ) -> Result<Child, Stop> {
        let asked = Asked {
            name: Cow::Owned(step_name::of_call(name)),
            arguments,
            terms: Terms {
                compensation: Some(name),
                compensates_in_doubt: true,
                ..Terms::default()
            },
            has_effects: true,
        };
        Ok(match self.ask(asked).await? {
            Begun::Done(output) => Child::Known(Ok(output)),
            Begun::Failed(error) => Child::Known(Err(error)),
            Begun::New(step) => Child::New(step),
        })
    }

    /// From now on no new step begins: those that the body asks for do not answer.
    pub(super) fn stop_steps(&self, why: Halt) {
        self.progress().halt(why);
        self.announce();
    }

    /// Resolves when no step is under way. In a run that only replays the journal: when it has been replayed, too.
    pub(super) async fn settled(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let turn = self.progress().is_settled(self.before > 0, Instant::now());
            match turn {
                Turn::Wait(until) => self.pause(changed, until).await,
                _ => return,
            }
        }
    }

    /// Whether a step that is a pivot is done.
    pub(super) fn is_pivoted(&self) -> bool {
        self.progress().is_pivoted
    }

    /// By when the saga must have ended, by the clock of this process.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline.map(|deadline| self.clock.instant(deadline))
    }

    /// The time, by the clock of the store.
    pub(super) fn store_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When it will be `moment` for the store, by the clock of this process.
    pub(super) fn instant(&self, moment: Timestamp) -> Instant {
        self.clock.instant(moment)
    }

    /// Somebody asked to cancel the saga.
    pub(super) fn cancel(&self) {
        self.cancelled.send_replace(true);
    }

    /// Resolves when somebody asks to cancel the saga, or has asked.
    pub(super) async fn cancelled(&self) {
        // The sender lives as long as `self`, so the wait can only end with the condition.
        let _ = self.cancelled.subscribe().wait_for(|is| *is).await;
    }

    /// Resolves when the run must not go on, because the journal does not match the code or the saga is somebody else's:
    /// [`Execution::stopped`] says which. The body may be pending then.
    pub(super) async fn mismatched(&self) {
        let _ = self.stopped.subscribe().wait_for(|is| *is).await;
    }

    /// The last step that failed in this run, also when the journal answered.
    pub(super) fn last_failure(&self) -> Option<Failure> {
        self.progress().last_failure
    }

    /// Whether this run has finished a step that the journal did not have.
    pub(super) fn progressed(&self) -> bool {
        self.progress().has_progressed
    }

    /// Forgets those failures that are not in the journal: the saga is to be run again from it, and these steps with
    /// it.
    pub(super) fn forget_failures(&self) {
        self.progress().records.forget_failures();
    }

    /// Stops the run: the journal does not match the code. The first stop counts.
    pub(super) fn mismatch(&self, difference: String) -> Stop {
        let stop = self.progress().stop(Stop::Mismatch(difference));
        self.announce();
        stop
    }

    /// Stops the run.
    pub(super) fn stop(&self, stop: Stop) -> Stop {
        let stop = self.progress().stop(stop);
        self.announce();
        stop
    }

    /// Stops the run where the runtime is stopped: what fails from then on may fail because of that, so the next process
    /// is to find out.
    pub(super) fn left_behind(&self) -> Option<Stop> {
        let reason = || "it failed when nobody waited for it any more".to_owned();
        let is_stopped = self.core.gate.is_stopped();
        is_stopped.then(|| self.stop(Stop::Unwritten(reason())))
    }

    /// Why the run must not go on, if it must not.
    pub(super) fn stopped(&self) -> Option<Stop> {
        self.progress().stop.clone()
    }

    /// What the journal has and the code, now at its end, did not ask for.
    pub(super) fn unasked(&self) -> Option<String> {
        self.progress().unasked()
    }

    /// The number of the next random number.
    pub(super) fn draw(&self) -> u64 {
        self.draws.fetch_add(1, Ordering::Relaxed)
    }

    /// A helper falls asleep until what is returned is dropped.
    pub(super) fn asleep(&self) -> Asleep<'_> {
        self.progress().sleep(true, Instant::now());
        self.announce();
        Asleep(self)
    }

    /// `stop`, as a call of `function` reports it.
    pub(super) fn error(&self, stop: Stop, function: &'static str) -> Error {
        let (saga, id) = (self.saga, self.id.to_string());
        match stop {
            Stop::Superseded => Error::Superseded { saga, id },
            Stop::Mismatch(difference) => Error::JournalMismatch {
                saga,
                id,
                difference,
            },
            Stop::Unwritten(reason) => Error::NotRecorded {
                function,
                reason: format!(
                    "the runtime has shut down, and the next process goes on: {reason}"
                ),
            },
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something changed. To be called when the lock is released.
    fn announce(&self) {
        self.changed.notify_waiters();
        if !*self.stopped.borrow() && self.stopped().is_some() {
            self.stopped.send_replace(true);
        }
    }
}

/// A helper that sleeps.
pub(super) struct Asleep<'e>(&'e Execution);

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.progress().sleep(false, Instant::now());
        self.0.announce();
    }
}
