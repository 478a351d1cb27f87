//! The steps that a body asks for, beside those that the journal has.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::records::Records;
use crate::arguments::same_arguments;
use crate::saga::journal::{StepOutcome, StepRecord};
use crate::saga::step_name;

/// Between the name of a step that is a saga and its arguments.
const WITH: &str = " with ";

/// What was asked for, and what was not.
#[derive(Default)]
pub(super) struct Calls {
    /// Steps of earlier runs that have an answer and that this run has not asked for: where they are in the records.
    unasked: HashMap<(String, u32), usize>,
    /// Steps of earlier runs that are in doubt and have no answer, likewise.
    in_doubt: HashMap<(String, u32), usize>,
    /// How many steps of each name this run has asked for.
    asked: HashMap<String, u32>,
    /// How many of each name and these arguments.
    alike: HashMap<u64, u32>,
    /// The next occurrence of each name of which the journal has steps.
    next: HashMap<String, u32>,
}

/// A step that the body asks for.
pub(super) struct Call {
    /// Where its answer is in the records.
    pub(super) answered: Option<usize>,
    /// Where it is in doubt.
    pub(super) in_doubt: Option<usize>,
    /// How many of its name this run asked for before.
    pub(super) number: u32,
    /// How many of its name, and with its arguments.
    pub(super) alike: u32,
    /// What it is known by in the journal; where it has no answer there.
    pub(super) occurrence: u32,
}

impl Calls {
    pub(super) fn of(steps: &[StepRecord]) -> Self {
        let mut calls = Self::default();
        for (at, step) in steps.iter().enumerate() {
            let line = line(&step.step, &step.arguments).into_owned();
            let next = calls.next.entry(line.clone()).or_insert(0);
            *next = step.occurrence.saturating_add(1).max(*next);
            let call = (line, step.occurrence);
            match step.outcome {
                StepOutcome::Done | StepOutcome::Failed => calls.unasked.insert(call, at),
                StepOutcome::InDoubt => calls.in_doubt.insert(call, at),
            };
        }
        // One that failed in doubt has its answer: the same call made once more is another one.
        let Self {
            unasked, in_doubt, ..
        } = &mut calls;
        in_doubt.retain(|call, _| !unasked.contains_key(call));
        calls
    }

    /// The body asks for a step.
    pub(super) fn ask(&mut self, name: &str, arguments: &str, records: &Records) -> Call {
        let line = line(name, arguments);
        let number = count(self.asked.entry(line.clone().into_owned()).or_insert(0));
        let alike = count(self.alike.entry(hash(name, arguments)).or_insert(0));
        let mut call = Call {
            answered: take(&mut self.unasked, records, &line, number, arguments),
            in_doubt: None,
            number,
            alike,
            occurrence: number,
        };
        if call.answered.is_some() {
            return call;
        }
        call.in_doubt = take(&mut self.in_doubt, records, &line, number, arguments);
        call.occurrence = match call.in_doubt.and_then(|at| records.get(at)) {
            Some(record) => record.occurrence,
            None => self.next.get_mut(line.as_ref()).map_or(number, count),
        };
        call
    }

    /// Whether the journal has been replayed.
    pub(super) fn are_all_asked(&self) -> bool {
        self.unasked.is_empty()
    }

    /// Where the step is that was not asked for, if it was not.
    pub(super) fn unasked(&self, name: &str, occurrence: u32) -> Option<usize> {
        let call = (name.to_owned(), occurrence);
        self.unasked.get(&call).copied()
    }

    /// Where those are that were not asked for.
    pub(super) fn all_unasked(&self) -> impl Iterator<Item = usize> {
        self.unasked.values().copied()
    }

    /// How many steps of each name were asked for.
    pub(super) fn asked(&self) -> impl Iterator<Item = (&str, u32)> {
        let name = |line| str::split(line, WITH).next().unwrap_or(line);
        let asked = self.asked.iter();
        asked.map(move |(line, times)| (name(line.as_str()), *times))
    }
}

/// Counts one more, and says how many there were.
fn count(number: &mut u32) -> u32 {
    let before = *number;
    *number = before.saturating_add(1);
    before
}

/// What is counted together: the calls of one step. A saga that the body calls is known by what it is called with, too: its
/// identity follows from that.
fn line<'n>(name: &'n str, arguments: &str) -> Cow<'n, str> {
    match step_name::called_saga(name) {
        Some(_) => Cow::Owned(format!("{name}{WITH}{arguments}")),
        None => Cow::Borrowed(name),
    }
}

/// Takes the step that the call with this number is: the one of this occurrence, or another one with the same arguments.
/// Calls beside each other are not made in the same order in each run.
fn take(
    steps: &mut HashMap<(String, u32), usize>,
    records: &Records,
    line: &str,
    number: u32,
    arguments: &str,
) -> Option<usize> {
    if steps.is_empty() {
        return None;
    }
    let is_alike = |at: usize| {
        let record = records.get(at);
        record.is_some_and(|record| same_arguments(&record.arguments, arguments))
    };
    let call = (line.to_owned(), number);
    if steps.get(&call).is_some_and(|&at| is_alike(at)) {
        return steps.remove(&call);
    }
    let others = steps.iter();
    let others = others.filter(|((other, _), at)| other == line && is_alike(**at));
    let first = others.map(|((_, occurrence), _)| *occurrence).min()?;
    steps.remove(&(call.0, first))
}

fn hash(name: &str, arguments: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (name, arguments).hash(&mut hasher);
    hasher.finish()
}
