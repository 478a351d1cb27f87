//! From the moment in which the body asks for a step to the one in which it begins or is answered.

use std::borrow::Cow;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::progress::{Found, NewStep, Turn};
use super::pulse::{Beat, Pulse};
use super::{Execution, Failure, Terms, UnderWay};
use crate::saga::journal::{StepOutcome, StepRecord};
use crate::saga::ledger::Stop;

/// What the body asks for.
pub(in crate::saga) struct Asked {
    pub(in crate::saga) name: Cow<'static, str>,
    pub(in crate::saga) arguments: String,
    pub(in crate::saga) terms: Terms,
    /// Whether it has effects: what came before it has to be durable then.
    pub(in crate::saga) has_effects: bool,
}

impl Asked {
    /// The record of the step with this outcome.
    pub(super) fn record(
        &self,
        position: u32,
        occurrence: u32,
        outcome: StepOutcome,
        output: Option<String>,
    ) -> StepRecord {
        let compensation = match outcome {
            StepOutcome::Done => self.terms.compensation,
            StepOutcome::Failed => None,
            StepOutcome::InDoubt => self.terms.compensation_in_doubt(),
        };
        StepRecord {
            position,
            step: self.name.to_string(),
            occurrence,
            arguments: self.arguments.clone(),
            outcome,
            output,
            compensation: compensation.map(str::to_owned),
            undone: false,
            written_at: None,
        }
    }
}

/// How the journal answers.
pub(in crate::saga) enum Begun {
    /// An earlier run finished it, with this output.
    Done(String),
    /// An earlier run had this error of it.
    Failed(String),
    /// It has to be run.
    New(UnderWay),
}

impl Execution {
    /// The body asks for a step. Answers when an earlier run has an answer, or the step may begin.
    pub(in crate::saga) async fn ask(self: &Arc<Self>, asked: Asked) -> Result<Begun, Stop> {
        let found = {
            let mut progress = self.progress();
            progress.ask(asked.name.clone(), &asked.arguments, Instant::now())
        };
        self.announce();
        match found? {
            Found::Done(output) => Ok(Begun::Done(output)),
            Found::Failed(ticket, error) => {
                let place = Place::of(self, ticket);
                let retriable = asked.terms.retriable;
                place.until_answered().await?;
                self.progress().last_failure = Some(Failure {
                    retriable,
                    ..Failure::default()
                });
                Ok(Begun::Failed(error))
            }
            Found::New(step) => {
                let unbegun = Unbegun {
                    place: Place::of(self, step.ticket),
                    wanted: Some((step, asked)),
                };
                unbegun.begin().await.map(Begun::New)
            }
        }
    }

    /// Waits for a change, or for the moment until which `turn` says that there is none.
    pub(super) async fn pause(&self, changed: impl Future<Output = ()>, until: Option<Instant>) {
        match until {
            Some(until) => drop(timeout_at(until, changed).await),
            None => changed.await,
        }
    }
}

/// Somebody who asked for a step and has no answer. Dropped, he has gone away.
pub(super) struct Place<'e> {
    execution: &'e Arc<Execution>,
    ticket: Option<u64>,
    since: Instant,
}

impl<'e> Place<'e> {
    pub(super) fn of(execution: &'e Arc<Execution>, ticket: u64) -> Self {
        Self {
            execution,
            ticket: Some(ticket),
            since: Instant::now(),
        }
    }

    /// Resolves when the failure may be answered.
    pub(super) async fn until_answered(&self) -> Result<(), Stop> {
        let Some(ticket) = self.ticket else {
            return Ok(());
        };
        loop {
            let changed = self.execution.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let turn = {
                let mut progress = self.execution.progress();
                progress.may_answer(ticket, self.since, Instant::now())
            };
            match turn {
                Turn::Go => return Ok(()),
                Turn::Stop(stop) => {
                    self.execution.announce();
                    return Err(stop);
                }
                Turn::Wait(until) => self.execution.pause(changed, until).await,
                Turn::Write | Turn::Halted => changed.await,
            }
        }
    }
}

/// A step that has not begun. Dropped, its body does not want it any more.
struct Unbegun<'e> {
    place: Place<'e>,
    /// Until it begins, or is known not to.
    wanted: Option<(NewStep, Asked)>,
}

impl<'e> Unbegun<'e> {
    /// Resolves when it may begin.
    async fn begin(mut self) -> Result<UnderWay, Stop> {
        let execution = self.place.execution;
        loop {
            let changed = execution.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let turn = match self.turn() {
                Ok(begun) => return Ok(begun),
                Err(turn) => turn,
            };
            match turn {
                Turn::Stop(stop) => {
                    self.wanted = None;
                    execution.announce();
                    return Err(stop);
                }
                Turn::Wait(until) => execution.pause(changed, until).await,
                Turn::Write => {
                    execution.write_more();
                    changed.await;
                }
                Turn::Go | Turn::Halted => {
                    self.forsake();
                    changed.await;
                }
            }
        }
    }

    /// Begins it, if it is its turn.
    fn turn(&mut self) -> Result<UnderWay, Turn> {
        let execution = self.place.execution;
        let now = Instant::now();
        let mut progress = execution.progress();
        let Some((mut step, asked)) = self.wanted.take() else {
            return Err(Turn::Halted);
        };
        let mut turn = progress.may_begin(&step, asked.has_effects, self.place.since, now);
        if turn == Turn::Go && execution.announce_in_doubt(&mut progress, &mut step, &asked) {
            turn = Turn::Write;
        }
        if turn != Turn::Go {
            self.wanted = Some((step, asked));
            return Err(turn);
        }
        self.place.ticket = None;
        let attempt = execution.attempt(progress.is_first_to_begin());
        let pulse = Arc::new(Pulse::default());
        progress.begin(step.ticket, Beat::of(Arc::clone(&pulse)), now);
        Ok(UnderWay::new(execution, step, asked, attempt, pulse))
    }

    /// It will not begin in this run. An earlier one may have begun it.
    fn forsake(&mut self) {
        if let Some((step, asked)) = self.wanted.take() {
            self.place.execution.not_begun(&step, &asked);
        }
    }
}

impl Drop for Unbegun<'_> {
    fn drop(&mut self) {
        self.forsake();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let now = Instant::now();
            self.execution.progress().leave(ticket, now);
            self.execution.announce();
        }
    }
}
