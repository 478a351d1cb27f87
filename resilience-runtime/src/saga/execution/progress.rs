//! How far a run of a body is. Knows no clock, no lock and no store.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::calls::{Call, Calls};
use super::difference;
use super::pulse::Beat;
use super::records::Records;
use super::resolving::Unresolved;
use super::{Failure, Halt};
use crate::saga::journal::{StepOutcome, StepRecord};
use crate::saga::ledger::Stop;

/// A body that asks for something that is not in the journal has so long, from the last thing that happened, to ask for
/// what is.
const GRACE: Duration = Duration::from_secs(1);
/// Who waits for a step that is under way does not wait for longer: that step may be waiting for him.
const LONGEST: Duration = Duration::from_secs(600);

/// How far a run is.
pub(super) struct Progress {
    pub(super) records: Records,
    calls: Calls,
    /// Steps that were asked for and may not begin yet, or not be answered.
    held: BTreeMap<u64, Held>,
    /// Steps that failed and are not answered yet; those of earlier runs with their positions.
    failing: BTreeMap<u64, Option<u32>>,
    /// Steps that are under way.
    running: BTreeMap<u64, Beat>,
    /// How many of the helpers sleep.
    sleeping: u32,
    /// Whether steps of this run stood beside each other.
    is_parallel: bool,
    /// Whether this run got further than the journal.
    is_beyond: bool,
    /// Whether a step of this run is done.
    pub(super) has_progressed: bool,
    pub(super) is_pivoted: bool,
    pub(super) last_failure: Option<Failure>,
    pub(super) stop: Option<Stop>,
    /// Commits that were cut off.
    pub(super) unresolved: Vec<Unresolved>,
    /// The names of steps that failed, may have had their effect, and are not undone.
    pub(super) doubtful: Vec<String>,
    halt: Option<Halt>,
    last_event: Instant,
    tickets: u64,
}

struct Held {
    name: Cow<'static, str>,
    occurrence: u32,
    /// Only while the journal is replayed.
    arguments: Option<String>,
    is_in_doubt: bool,
    failed: bool,
}

/// What the journal has of a step that the body asks for.
pub(super) enum Found {
    Done(String),
    /// To be answered when [`Progress::may_answer`] says so.
    Failed(u64, String),
    /// To be begun when [`Progress::may_begin`] says so.
    New(NewStep),
}

/// A step that is not in the journal.
pub(super) struct NewStep {
    pub(super) ticket: u64,
    pub(super) occurrence: u32,
    /// How many steps of this name and with these arguments this run asked for before. Unlike the occurrence it does not
    /// depend on what happened at what time.
    pub(super) alike: u32,
    /// The position of its record, if it is recorded as in doubt.
    pub(super) position: Option<u32>,
    /// Whether this run made that record, before the step begins.
    pub(super) is_announced: bool,
    /// How many records there were when it was asked for: it may be a consequence of them.
    pub(super) after: usize,
}

impl NewStep {
    /// The position of the record that this run made before the step begins.
    pub(super) fn announced(&self) -> Option<u32> {
        self.position.filter(|_| self.is_announced)
    }
}

/// What somebody who waits is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is his turn.
    Go,
    /// It never will be.
    Stop(Stop),
    /// Wait until something changes, or until this moment.
    Wait(Option<Instant>),
    /// Bring into the journal what came before.
    Write,
    /// The run takes no more steps.
    Halted,
}

impl Progress {
    pub(super) fn of(steps: Vec<StepRecord>, now: Instant) -> Self {
        Self {
            calls: Calls::of(&steps),
            records: Records::durable(steps),
            held: BTreeMap::new(),
            failing: BTreeMap::new(),
            running: BTreeMap::new(),
            sleeping: 0,
            is_parallel: false,
            is_beyond: false,
            has_progressed: false,
            is_pivoted: false,
            last_failure: None,
            stop: None,
            unresolved: Vec::new(),
            doubtful: Vec::new(),
            halt: None,
            last_event: now,
            tickets: 0,
        }
    }

    /// The body asks for a step.
    pub(super) fn ask(
        &mut self,
        name: Cow<'static, str>,
        arguments: &str,
        now: Instant,
    ) -> Result<Found, Stop> {
        if let Some(stop) = &self.stop {
            return Err(stop.clone());
        }
        self.last_event = now;
        let call = self.calls.ask(&name, arguments, &self.records);
        let Some(record) = call.answered.and_then(|at| self.records.get(at)) else {
            return Ok(Found::New(self.new_step(name, arguments, &call)));
        };
        let output = record.output.clone().unwrap_or_else(|| "null".to_owned());
        if record.outcome == StepOutcome::Failed {
            let (position, occurrence) = (record.position, record.occurrence);
            let ticket = self.hold(Held {
                name,
                occurrence,
                arguments: None,
                is_in_doubt: false,
                failed: true,
            });
            self.failing.insert(ticket, Some(position));
            return Ok(Found::Failed(ticket, output));
        }
        Ok(Found::Done(output))
    }

    /// A step that has no answer in the journal.
    fn new_step(&mut self, name: Cow<'static, str>, arguments: &str, call: &Call) -> NewStep {
        self.is_parallel |= !(self.running.is_empty() && self.held.is_empty());
        let in_doubt = call.in_doubt.and_then(|at| self.records.get(at));
        let position = in_doubt.map(|record| record.position);
        let ticket = self.hold(Held {
            name,
            occurrence: call.number,
            arguments: { !self.calls.are_all_asked() }.then(|| arguments.to_owned()),
            is_in_doubt: position.is_some(),
            failed: false,
        });
        NewStep {
            ticket,
            occurrence: call.occurrence,
            alike: call.alike,
            position,
            is_announced: false,
            after: self.records.len(),
        }
    }

    fn hold(&mut self, held: Held) -> u64 {
        let ticket = self.tickets;
        self.tickets += 1;
        self.held.insert(ticket, held);
        ticket
    }

    /// Whether the new step `ticket`, which waits since `since`, may begin; where it `follows`, what came before it has
    /// to be durable.
    ///
    /// It waits until the journal has been replayed: before that nobody knows whether the code still is the one that
    /// wrote it. And it waits for those that failed: who hears of it may not want the step any more.
    pub(super) fn may_begin(
        &mut self,
        step: &NewStep,
        follows: bool,
        since: Instant,
        now: Instant,
    ) -> Turn {
        if let Some(stop) = &self.stop {
            return Turn::Stop(stop.clone());
        }
        if !self.calls.are_all_asked() {
            return self.stand(u32::MAX, now);
        }
        if self.halt.is_some() {
            return Turn::Halted;
        }
        if !self.failing.is_empty() {
            let is_still = self.are_neglected(now) && now >= self.last_event + GRACE;
            if !is_still && now < since + LONGEST {
                return Turn::Wait(Some(now + GRACE));
            }
        }
        if follows && !self.records.are_durable(step.after) {
            return Turn::Write;
        }
        Turn::Go
    }

    /// Whether the step `ticket`, which failed at `since`, may be answered: one that failed in this run when the
    /// steps beside it came out; one that failed in an earlier run when what came out before it was asked for.
    pub(super) fn may_answer(&mut self, ticket: u64, since: Instant, now: Instant) -> Turn {
        match self.failing.get(&ticket).copied().flatten() {
            Some(position) => {
                if let Some(stop) = &self.stop {
                    return Turn::Stop(stop.clone());
                }
                match self.next_unasked().is_some_and(|at| at.position < position) {
                    true => self.stand(position, now),
                    false => Turn::Go,
                }
            }
            _ if self.are_neglected(now) || now >= since + LONGEST => Turn::Go,
            _ => Turn::Wait(Some(now + GRACE)),
        }
    }

    /// Somebody waits for what is before `position` to be asked for. If nothing happens it never will be.
    fn stand(&mut self, position: u32, now: Instant) -> Turn {
        if !self.running.is_empty() || self.sleeping > 0 {
            return Turn::Wait(None);
        }
        // What was cut off, was cut off by something: perhaps by a timer of the body, which has to ring again.
        let patience = match self.held.values().all(|held| held.is_in_doubt) {
            true => LONGEST,
            false => GRACE,
        };
        let until = self.last_event + patience;
        if now < until {
            return Turn::Wait(Some(until));
        }
        let new = self.held.values().find(|held| !held.failed);
        let held = new.or_else(|| self.held.values().next());
        let difference = match (held, self.next_unasked()) {
            (Some(held), Some(next)) if held.failed => {
                difference::unreached(&held.name, held.occurrence, next)
            }
            (Some(held), Some(next)) => {
                // Of the same name it is the same call, probably.
                let same = self.calls.unasked(&held.name, held.occurrence);
                let same = same.and_then(|at| self.records.get(at));
                match (same, &held.arguments) {
                    (Some(same), Some(arguments)) => difference::other_arguments(same, arguments),
                    _ => difference::other_step(&held.name, held.occurrence, next),
                }
            }
            // It is called with something held and something unasked.
            _ => format!("the code stands still before position {position} of the journal"),
        };
        Turn::Stop(self.stop(Stop::Mismatch(difference)))
    }

    /// The first record with an answer that was not asked for.
    fn next_unasked(&self) -> Option<&StepRecord> {
        let unasked = self.calls.all_unasked();
        let unasked = unasked.filter_map(|at| self.records.get(at));
        unasked.min_by_key(|record| record.position)
    }

    /// Whether nothing is under way that anybody polls.
    fn are_neglected(&mut self, now: Instant) -> bool {
        // Each is asked, so that each notes when it was asked first.
        let mut all = true;
        for beat in self.running.values_mut() {
            all &= beat.is_neglected(now);
        }
        all
    }

    /// `ticket` is under way.
    pub(super) fn begin(&mut self, ticket: u64, beat: Beat, now: Instant) {
        self.held.remove(&ticket);
        self.running.insert(ticket, beat);
        self.last_event = now;
    }

    /// `ticket` is not under way any more.
    pub(super) fn come_out(&mut self, ticket: u64, now: Instant) {
        self.running.remove(&ticket);
        self.last_event = now;
    }

    /// `ticket`, which was under way, failed, and is not answered yet.
    pub(super) fn fail(&mut self, ticket: u64) {
        self.failing.insert(ticket, None);
    }

    /// Whoever asked for `ticket` has an answer, or is gone.
    pub(super) fn leave(&mut self, ticket: u64, now: Instant) {
        self.held.remove(&ticket);
        self.failing.remove(&ticket);
        self.last_event = now;
    }

    /// A helper falls asleep, or wakes.
    pub(super) fn sleep(&mut self, sleeps: bool, now: Instant) {
        match sleeps {
            true => self.sleeping += 1,
            false => self.sleeping = self.sleeping.saturating_sub(1),
        }
        self.last_event = now;
    }

    /// Adds what came out.
    pub(super) fn add(&mut self, record: StepRecord, pivot: bool) {
        self.note(&record, pivot);
        self.records.add(record, pivot);
    }

    /// Adds what its own transaction brought into the journal.
    pub(super) fn add_durable(&mut self, record: StepRecord, pivot: bool) {
        self.note(&record, pivot);
        self.records.add_durable(record);
    }

    fn note(&mut self, record: &StepRecord, pivot: bool) {
        let is_done = record.outcome == StepOutcome::Done;
        self.is_beyond |= record.outcome != StepOutcome::InDoubt;
        self.has_progressed |= is_done;
        self.is_pivoted |= is_done && pivot;
    }

    /// Whether everything in the journal was asked for, so that the code is still the one that wrote it.
    pub(super) fn is_replayed(&self) -> bool {
        self.stop.is_none() && self.calls.are_all_asked()
    }

    /// Whether what begins now cannot have been begun by an earlier run: it follows from something that no earlier run
    /// had.
    pub(super) fn is_first_to_begin(&self) -> bool {
        self.is_beyond && !self.is_parallel
    }

    /// Stops the run. The first stop counts.
    pub(super) fn stop(&mut self, stop: Stop) -> Stop {
        self.stop.get_or_insert(stop).clone()
    }

    pub(super) fn halt(&mut self, halt: Halt) {
        self.halt.get_or_insert(halt);
    }

    /// Whether nothing is under way, and, where `replays`, the body stands still.
    pub(super) fn is_settled(&self, replays: bool, now: Instant) -> Turn {
        if !self.running.is_empty() {
            return Turn::Wait(None);
        }
        let until = self.last_event + GRACE;
        match replays && !self.is_beyond && now < until {
            true => Turn::Wait(Some(until)),
            false => Turn::Go,
        }
    }

    /// What the journal has and the code, now at its end, did not ask for.
    pub(super) fn unasked(&self) -> Option<String> {
        let steps = self.calls.all_unasked();
        let mut steps: Vec<&StepRecord> = steps.filter_map(|at| self.records.get(at)).collect();
        steps.sort_unstable_by_key(|step| step.position);
        difference::unasked(steps.into_iter(), self.calls.asked())
    }
}
