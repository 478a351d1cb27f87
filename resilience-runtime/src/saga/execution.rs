//! One run of a saga's body: which steps it asked for, which are finished, which are durable.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::journal::{Advance, SagaId, SagaRecord, StepOutcome, StepRecord};
use super::ledger::{self, Stop};
use super::options::Saga;
use super::tries::Tries;
use crate::core::Core;
use crate::error::Error;
use crate::telemetry::sagas;
use crate::timestamp::Timestamp;

mod clock;

use clock::Clock;

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
    clock: Clock,
    deadline: Option<Timestamp>,
    cancelled: watch::Sender<bool>,
    mismatched: watch::Sender<bool>,
    /// When the saga was started.
    pub(super) started: Instant,
    /// How many steps the journal had when this run began.
    pub(super) found: usize,
    /// The runs before this one that did not get any further.
    pub(super) tries: Tries,
    progress: Mutex<Progress>,
    /// Signalled after each write of steps.
    wrote: Notify,
    in_poll: AtomicBool,
}

#[derive(Default)]
struct Progress {
    /// Finished steps of earlier runs that this run has not asked for: where they are in
    /// `finished`.
    unasked: HashMap<(String, u32), usize>,
    /// How many steps of each name this run has begun.
    begun: HashMap<&'static str, u32>,
    /// Finished steps in the order in which they finished.
    finished: Vec<StepRecord>,
    /// How many of them are in the journal.
    durable: usize,
    /// Whether a write is under way.
    writing: bool,
    /// Steps that failed and may have had their effect. Written only with a decision to undo.
    in_doubt: Vec<StepRecord>,
    next_position: u32,
    stop: Option<Stop>,
}

/// Why a run takes no more steps, although nothing is wrong with its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// Somebody asked to cancel the saga.
    Cancelled,
    /// Its deadline has passed.
    TimedOut,
}

/// The last step that failed in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    /// The step is `retriable`.
    pub(super) retriable: bool,
    /// A policy refused it, and it did not run.
    pub(super) refused: bool,
    /// That policy is a circuit breaker.
    pub(super) open_breaker: bool,
}

/// A saga that the body called.
pub(super) enum Child {
    /// An earlier run has its answer: its output, or its error.
    Known(Result<String, String>),
    /// It has to be called.
    New(UnderWay),
}

/// A step that has begun. Dropped, it was cut off.
pub(super) struct UnderWay {
    execution: Arc<Execution>,
    step: Option<NewStep>,
    compensates_in_doubt: bool,
}

impl UnderWay {
    /// Counts the steps of its name, from 0.
    pub(super) fn occurrence(&self) -> u32 {
        self.step.as_ref().map_or(0, |step| step.occurrence)
    }

    /// It returned `output`.
    pub(super) fn finish(mut self, output: String) {
        if let Some(step) = self.step.take() {
            self.execution.finish(step, output);
        }
    }

    /// It failed, for good: there is nothing to undo. The error as JSON, where it has a form. Resolves when the error
    /// may be answered, which is when the steps beside it have come out.
    pub(super) async fn fail(mut self, error: Option<String>, failure: Failure) {
        self.step = None;
        let _ = (error, failure);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(step) = self.step.take()
            && self.compensates_in_doubt
        {
            self.execution.doubt(step);
        }
    }
}

/// A step that the body asked for.
pub(super) enum Begun {
    /// An earlier run finished it, with this output.
    Finished { output: String },
    /// It has to be run.
    New(NewStep),
}

/// A step that has to be run.
pub(super) struct NewStep {
    pub(super) step: &'static str,
    pub(super) occurrence: u32,
    pub(super) arguments: String,
}

/// What a saga comes to when its body has ended.
pub(super) struct Outstanding {
    /// Finished steps that are not in the journal.
    pub(super) unwritten: Vec<StepRecord>,
    /// Steps that failed in doubt.
    pub(super) in_doubt: Vec<StepRecord>,
    /// Every finished step.
    pub(super) finished: Vec<StepRecord>,
}

impl Execution {
    /// The first run of a saga that the journal has just got.
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
            options: *saga,
            parent,
            clock: Clock::at(at),
            deadline: saga.timeout.map(|timeout| at.after(timeout)),
            cancelled: watch::Sender::new(false),
            mismatched: watch::Sender::new(false),
            id,
            epoch: 1,
            input,
            started: Instant::now(),
            found: 0,
            tries: Tries::default(),
            progress: Mutex::default(),
            wrote: Notify::new(),
            in_poll: AtomicBool::new(false),
        }
    }

    /// Another run of a saga that the journal has.
    pub(super) fn again(core: Arc<Core>, saga: &Saga, record: SagaRecord, tries: Tries) -> Self {
        let steps = record.steps;
        let unasked = steps.iter().enumerate();
        let unasked = unasked.map(|(at, step)| ((step.step.clone(), step.occurrence), at));
        let progress = Progress {
            unasked: unasked.collect(),
            durable: steps.len(),
            next_position: steps
                .iter()
                .map(|step| step.position + 1)
                .max()
                .unwrap_or(0),
            finished: steps,
            ..Progress::default()
        };
        Self {
            started: sagas::started(record.started_at, record.read_at),
            found: progress.durable,
            tries,
            epoch: record.epoch,
            progress: Mutex::new(progress),
            deadline: record.deadline,
            cancelled: watch::Sender::new(record.cancelled),
            ..Self::first(
                core,
                saga,
                record.id,
                record.input,
                record.read_at,
                record.parent,
            )
        }
    }

    /// From now on no new step begins: those that the body asks for do not answer.
    pub(super) fn stop_steps(&self, why: Halt) {
        let _ = why;
    }

    /// Resolves when no step is under way.
    pub(super) async fn settled(&self) {}

    /// Whether a step that is a pivot is done.
    pub(super) fn is_pivoted(&self) -> bool {
        false
    }

    /// By when the saga must have ended, by the clock of this process.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline.map(|deadline| self.clock.instant(deadline))
    }

    /// The time, by the clock of the store.
    pub(super) fn store_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Somebody asked to cancel the saga.
    pub(super) fn cancel(&self) {
        self.cancelled.send_replace(true);
    }

    /// Resolves when somebody asks to cancel the saga, or has asked.
    pub(super) async fn cancelled(&self) {
        let _ = self.cancelled.subscribe().wait_for(|is| *is).await;
    }

    /// Resolves when it was noticed that the journal does not match the code: [`Execution::stopped`] says how. The
    /// body may be pending then.
    pub(super) async fn mismatched(&self) {
        let _ = self.mismatched.subscribe().wait_for(|is| *is).await;
    }

    /// The last step that failed in this run, also when the journal answered.
    pub(super) fn last_failure(&self) -> Option<Failure> {
        None
    }

    /// Whether this run has finished a step that the journal did not have.
    pub(super) fn progressed(&self) -> bool {
        self.progress().finished.len() > self.found
    }

    /// Forgets those failures that are not in the journal: the saga is to be run again from it, and these steps with
    /// it.
    pub(super) fn forget_failures(&self) {}

    /// The body calls the saga `name`: a step `saga::call <name>`, whose output is that of the saga, and which is undone by
    /// undoing the saga. Resolves when it may begin, like a step.
    pub(super) async fn child(
        self: &Arc<Self>,
        name: &str,
        arguments: String,
    ) -> Result<Child, Stop> {
        let _ = (name, arguments);
        std::future::pending().await
    }

    /// The body asks for `step`.
    pub(super) fn begin(&self, step: &'static str, arguments: String) -> Result<Begun, Stop> {
        let mut progress = self.progress();
        if let Some(stop) = &progress.stop {
            return Err(stop.clone());
        }
        let begun = progress.begun.entry(step).or_insert(0);
        let occurrence = *begun;
        *begun += 1;
        let found = match progress.unasked.is_empty() {
            true => None,
            false => progress.unasked.remove(&(step.to_owned(), occurrence)),
        };
        let Some(record) = found.and_then(|at| progress.finished.get(at)) else {
            return Ok(Begun::New(NewStep {
                step,
                occurrence,
                arguments,
            }));
        };
        if !same_json(&record.arguments, &arguments) {
            let difference = format!(
                "the journal has step `{step}` (call {}) with another value of {} than the code \
                 asked for",
                occurrence + 1,
                differing(&record.arguments, &arguments),
            );
            drop(progress);
            return Err(self.mismatch(difference));
        }
        let output = record.output.clone().unwrap_or_else(|| "null".to_owned());
        Ok(Begun::Finished { output })
    }

    /// `step` finished. It is durable before the next one begins.
    pub(super) fn finish(&self, step: NewStep, output: String) {
        let mut progress = self.progress();
        let record = progress.record(step, Some(output));
        progress.finished.push(record);
    }

    /// `step` failed and may have had its effect.
    pub(super) fn doubt(&self, step: NewStep) {
        let mut progress = self.progress();
        let record = progress.record(step, None);
        progress.in_doubt.push(record);
    }

    /// Stops the run: the journal does not match the code. The first stop counts.
    pub(super) fn mismatch(&self, difference: String) -> Stop {
        let mut progress = self.progress();
        let stop = progress.stop.get_or_insert(Stop::Mismatch(difference));
        stop.clone()
    }

    /// Why the run must not go on, if it must not.
    pub(super) fn stopped(&self) -> Option<Stop> {
        self.progress().stop.clone()
    }

    /// What the journal has and the code, now at its end, did not ask for.
    pub(super) fn unasked(&self) -> Option<String> {
        let progress = self.progress();
        let mut positions: Vec<usize> = progress.unasked.values().copied().collect();
        positions.sort_unstable();
        let steps = positions
            .into_iter()
            .filter_map(|at| progress.finished.get(at));
        let names: Vec<String> = steps
            .map(|step| format!("`{}` (call {})", step.step, step.occurrence + 1))
            .collect();
        if names.is_empty() {
            return None;
        }
        let mut asked: Vec<String> = progress
            .begun
            .iter()
            .map(|(step, times)| format!("`{step}` ({times}x)"))
            .collect();
        asked.sort_unstable();
        let asked = match asked.is_empty() {
            true => "no step".to_owned(),
            false => asked.join(", "),
        };
        Some(format!(
            "the journal has finished step {} that the code did not ask for; it asked for {asked}",
            names.join(", ")
        ))
    }

    /// Makes every step that has finished by now durable.
    ///
    /// Steps that run side by side share a write: one starts it, in a task of its own, so that it
    /// goes on when the step that started it is not polled any more; all wait for it.
    pub(super) async fn flush(self: &Arc<Self>) -> Result<(), Stop> {
        let target = self.progress().finished.len();
        loop {
            let wrote = self.wrote.notified();
            tokio::pin!(wrote);
            wrote.as_mut().enable();
            let batch = {
                let mut progress = self.progress();
                if let Some(stop) = &progress.stop {
                    return Err(stop.clone());
                }
                if progress.durable >= target {
                    return Ok(());
                }
                progress.take_batch()
            };
            if let Some(batch) = batch {
                tokio::spawn(Arc::clone(self).write(batch));
            }
            wrote.await;
        }
    }

    async fn write(self: Arc<Self>, steps: Vec<StepRecord>) {
        let count = steps.len();
        // However this task ends, those who wait for it are told.
        let mut writing = Writing {
            execution: &self,
            written: Err(Stop::Unwritten("the write was cut off".to_owned())),
        };
        let advance = Advance {
            steps,
            ..Advance::default()
        };
        writing.written = ledger::write(&self.core, &self.id, self.epoch, advance)
            .await
            .map(|()| count);
    }

    /// What is left to write once the body has ended and no write is under way.
    pub(super) async fn outstanding(&self) -> Outstanding {
        loop {
            let wrote = self.wrote.notified();
            tokio::pin!(wrote);
            wrote.as_mut().enable();
            {
                let progress = self.progress();
                if !progress.writing {
                    let unwritten = progress.finished.iter().skip(progress.durable);
                    return Outstanding {
                        unwritten: unwritten.cloned().collect(),
                        in_doubt: progress.in_doubt.clone(),
                        finished: progress.finished.clone(),
                    };
                }
            }
            wrote.await;
        }
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
                reason: format!("the runtime shut down before the journal was back: {reason}"),
            },
        }
    }

    /// Whether the body is being polled, or was when it panicked.
    pub(super) fn is_in_poll(&self) -> bool {
        self.in_poll.load(Ordering::Relaxed)
    }

    pub(super) fn set_in_poll(&self, in_poll: bool) {
        self.in_poll.store(in_poll, Ordering::Relaxed);
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn record(&mut self, step: NewStep, output: Option<String>) -> StepRecord {
        let position = self.next_position;
        self.next_position += 1;
        StepRecord {
            position,
            step: step.step.to_owned(),
            occurrence: step.occurrence,
            arguments: step.arguments,
            outcome: match output {
                Some(_) => StepOutcome::Done,
                None => StepOutcome::InDoubt,
            },
            output,
            compensation: None,
            undone: false,
            written_at: None,
        }
    }

    /// The steps for the next write, unless one is under way.
    fn take_batch(&mut self) -> Option<Vec<StepRecord>> {
        if self.writing {
            return None;
        }
        self.writing = true;
        Some(self.finished.iter().skip(self.durable).cloned().collect())
    }
}

/// A write of steps, whose end is noted however it comes.
struct Writing<'a> {
    execution: &'a Execution,
    written: Result<usize, Stop>,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut progress = self.execution.progress();
        progress.writing = false;
        match std::mem::replace(&mut self.written, Ok(0)) {
            Ok(count) => progress.durable += count,
            Err(stop) => {
                progress.stop.get_or_insert(stop);
            }
        }
        drop(progress);
        self.execution.wrote.notify_waiters();
    }
}

/// The names of the arguments that differ. Their values may be secrets, and stay in the journal.
fn differing(one: &str, other: &str) -> String {
    let parse = |text| {
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).unwrap_or_default()
    };
    let (one, other) = (parse(one), parse(other));
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let names = names
        .into_iter()
        .filter(|&name| one.get(name) != other.get(name));
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Whether two JSON texts say the same. Equal texts are not parsed.
fn same_json(one: &str, other: &str) -> bool {
    let parse = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || parse(one).is_some_and(|value| parse(other) == Some(value))
}
