//! How the journal and the code differ, in words.

use crate::arguments::differing_arguments;
use crate::saga::journal::StepRecord;

/// The step `name`, the `occurrence`-th of its name, as people count.
pub(super) fn call(name: &str, occurrence: u32) -> String {
    format!("`{name}` (call {})", u64::from(occurrence) + 1)
}

/// The code asked for the step of `record` with other arguments.
pub(super) fn other_arguments(record: &StepRecord, arguments: &str) -> String {
    format!(
        "the journal has step {} with another value of {} than the code asked for",
        call(&record.step, record.occurrence),
        differing(&record.arguments, arguments),
    )
}

/// The code stands still with a step that the journal does not have.
pub(super) fn other_step(name: &str, occurrence: u32, next: &StepRecord) -> String {
    format!(
        "the code asks for step {}, and the journal goes on with {}",
        call(name, occurrence),
        call(&next.step, next.occurrence),
    )
}

/// The code stands still, waiting for a step that failed at a point which it does not reach.
pub(super) fn unreached(name: &str, occurrence: u32, next: &StepRecord) -> String {
    format!(
        "in the journal step {} failed after {}, which the code does not ask for",
        call(name, occurrence),
        call(&next.step, next.occurrence),
    )
}

/// The code came to its end without these steps.
pub(super) fn unasked<'r>(
    steps: impl Iterator<Item = &'r StepRecord>,
    asked: impl Iterator<Item = (&'r str, u32)>,
) -> Option<String> {
    let names: Vec<String> = steps
        .map(|step| call(&step.step, step.occurrence))
        .collect();
    if names.is_empty() {
        return None;
    }
    let mut asked: Vec<String> = asked
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

fn differing(one: &str, other: &str) -> String {
    let names = differing_arguments(one, other).into_iter();
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
