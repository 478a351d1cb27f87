//! A step from its beginning to the moment in which its body hears of its end.

use std::sync::Arc;

use tokio::time::Instant;

use super::asking::{Asked, Place};
use super::progress::NewStep;
use super::pulse::{Pulse, watched};
use super::{Execution, Failure};
use crate::error::Effect;
use crate::invocation::Invocation;
use crate::lease::FencingToken;
use crate::saga::context::{self, Context, Part};
use crate::saga::journal::{StepOutcome, StepRecord};

/// A step that has begun. Dropped, it was cut off.
pub(in crate::saga) struct UnderWay {
    execution: Arc<Execution>,
    asked: Asked,
    step: NewStep,
    /// See [`Execution::attempt`].
    attempt: u32,
    pulse: Arc<Pulse>,
    end: End,
}

/// What a step comes to when it is dropped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was cut off, and may have had its effect.
    InDoubt,
    /// Nothing that was not noted.
    Noted,
}

impl UnderWay {
    pub(super) fn new(
        execution: &Arc<Execution>,
        step: NewStep,
        asked: Asked,
        attempt: u32,
        pulse: Arc<Pulse>,
    ) -> Self {
        Self {
            execution: Arc::clone(execution),
            asked,
            step,
            attempt,
            pulse,
            end: End::InDoubt,
        }
    }

    /// Counts the steps of its name, from 0; of the sagas that the body calls, those with the same arguments.
    pub(in crate::saga) fn occurrence(&self) -> u32 {
        self.step.occurrence
    }

    /// What it was asked for with.
    pub(in crate::saga) fn arguments(&self) -> &str {
        &self.asked.arguments
    }

    pub(in crate::saga) fn is_retriable(&self) -> bool {
        self.asked.terms.retriable
    }

    pub(in crate::saga) fn execution(&self) -> &Arc<Execution> {
        &self.execution
    }

    /// What runs in the step.
    pub(in crate::saga) fn scope(&self) -> Scope {
        Scope {
            part: Arc::new(Part {
                saga: self.execution.id.clone(),
                known_by: format!(
                    "{} {} {}",
                    self.step.alike, self.asked.name, self.asked.arguments
                ),
            }),
            invocation: Invocation {
                attempt: self.attempt,
                interrupted: self.attempt > 1,
                token: u64::try_from(self.execution.epoch)
                    .ok()
                    .map(FencingToken::new),
            },
            pulse: Arc::clone(&self.pulse),
        }
    }

    /// It returned `output`.
    pub(in crate::saga) fn finish(mut self, output: String) {
        let record = self.record(StepOutcome::Done, Some(output));
        let pivot = self.asked.terms.pivot;
        self.come_out(|progress| progress.add(record, pivot));
    }

    /// It returned what `record`, which its own transaction has brought into the journal, says.
    pub(in crate::saga) fn finish_durable(mut self, record: StepRecord) {
        let pivot = self.asked.terms.pivot;
        self.come_out(|progress| progress.add_durable(record, pivot));
    }

    /// It certainly has had no effect, and nobody will hear of it.
    pub(in crate::saga) fn withdraw(mut self) {
        self.come_out(|_| {});
    }

    /// It failed, for good: there is nothing to undo. The error as JSON, where it has a form. Resolves when the error
    /// may be answered, which is when the steps beside it have come out.
    pub(in crate::saga) async fn fail(mut self, error: Option<String>, failure: Failure) {
        let announced = self.step.announced();
        self.come_out(|progress| progress.records.take_back(announced));
        self.answer(error, failure).await;
    }

    /// It failed, after it had this effect, as far as is known. The rest as in [`UnderWay::fail`].
    pub(in crate::saga) async fn fail_after(
        mut self,
        effect: Effect,
        error: Option<String>,
        failure: Failure,
    ) {
        // An earlier run may have had the effect that this one has not.
        let may_have_run = effect != Effect::DidNotRun || self.attempt > 1;
        let terms = &self.asked.terms;
        if may_have_run && terms.compensates_in_doubt {
            self.doubt();
        } else {
            let is_left = effect == Effect::MayHaveRun && terms.compensation.is_some();
            let left = is_left.then(|| self.asked.name.to_string());
            let announced = self.step.announced();
            self.come_out(|progress| {
                progress.records.take_back(announced);
                progress.doubtful.extend(left);
            });
        }
        self.answer(error, failure).await;
    }

    /// Waits for the others, and notes that the body hears of the failure.
    async fn answer(self, error: Option<String>, failure: Failure) {
        if self.execution.left_behind().is_some() {
            return;
        }
        let ticket = self.step.ticket;
        self.execution.progress().fail(ticket);
        let place = Place::of(&self.execution, ticket);
        // It is answered in any case: a run that was stopped is judged by why it was.
        let _ = place.until_answered().await;
        let mut progress = self.execution.progress();
        progress.last_failure = Some(failure);
        if let Some(error) = error.filter(|_| !self.asked.terms.retriable) {
            // Only now: what came out before it was asked for before it, too, when the body is run again.
            let position = progress.records.reserve();
            let record = self.record_at(position, StepOutcome::Failed, Some(error));
            progress.add(record, false);
        }
    }

    /// It may have had its effect.
    fn doubt(&mut self) {
        if self.step.is_announced {
            // The journal says so already.
            return self.come_out(|_| {});
        }
        let record = self.record(StepOutcome::InDoubt, None);
        self.come_out(|progress| progress.add(record, false));
    }

    fn come_out(&mut self, note: impl FnOnce(&mut super::progress::Progress)) {
        if self.end == End::Noted {
            return;
        }
        self.end = End::Noted;
        let mut progress = self.execution.progress();
        progress.come_out(self.step.ticket, Instant::now());
        note(&mut progress);
        drop(progress);
        self.execution.announce();
    }

    fn record(&self, outcome: StepOutcome, output: Option<String>) -> StepRecord {
        let known = self.step.position;
        let position = known.unwrap_or_else(|| self.execution.progress().records.reserve());
        self.record_at(position, outcome, output)
    }

    /// The record of its output, for its own transaction to write.
    pub(in crate::saga) fn done(&self, output: String) -> (StepRecord, bool) {
        let record = self.record(StepOutcome::Done, Some(output));
        (record, self.asked.terms.pivot)
    }

    fn record_at(&self, position: u32, outcome: StepOutcome, output: Option<String>) -> StepRecord {
        let occurrence = self.step.occurrence;
        self.asked.record(position, occurrence, outcome, output)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.end == End::InDoubt {
            self.doubt();
        }
    }
}

/// What runs in a step: it is no part of the body, and can ask which step it is.
#[derive(Clone)]
pub(in crate::saga) struct Scope {
    part: Arc<Part>,
    invocation: Invocation,
    pulse: Arc<Pulse>,
}

impl Scope {
    pub(in crate::saga) fn enter<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        let Self {
            part,
            invocation,
            pulse,
        } = self;
        watched(
            pulse,
            context::within(Context::Inner(part), invocation.during(future)),
        )
    }
}
