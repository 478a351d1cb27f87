//! Writes under an epoch.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::operation::Operation;
use super::rows::flag;
use super::statements::Part;
use crate::dlq::NewDeadLetter;
use crate::saga::journal::{Advance, Parking, SagaId, SettledLetters, Status, StepRecord, Written};
use crate::store::rows::{Unreadable, text};

/// The write of `advance`.
pub(super) fn operation(
    doing: &'static str,
    saga: &SagaId,
    epoch: i64,
    advance: &Advance,
) -> Operation {
    let id = saga.as_str();
    let mut operation = Operation::new(doing, Part::Fence, id)
        .touching("saga", id)
        .with(Part::Fence, &(id, epoch));
    let Advance {
        status,
        parking,
        output,
        error,
        failure,
        ..
    } = advance;
    if status.is_some()
        || parking.is_some()
        || output.is_some()
        || error.is_some()
        || failure.is_some()
        || advance.pivots
    {
        let change = (
            id,
            epoch,
            status.map(Status::as_str),
            parking.map(Parking::as_str),
            output.as_deref().map(text),
            error.as_deref().map(text),
            failure.as_deref().map(text),
            i64::from(advance.pivots),
        );
        operation = operation.with(Part::Status, &change);
    }
    for step in &advance.steps {
        operation = with_step(operation, id, epoch, step);
    }
    if let Some(position) = advance.undone {
        operation = operation.with(Part::Undone, &(id, epoch, position));
    }
    match advance.settles {
        SettledLetters::Nothing => {}
        SettledLetters::Step(position) => {
            operation = operation.with(Part::Settle, &(id, epoch, Some(position)));
        }
        SettledLetters::All => operation = operation.with(Part::Settle, &(id, epoch, None::<u32>)),
    }
    if status.is_some_and(Status::is_dead) {
        operation = operation.with(Part::Reopen, &(id, epoch));
    }
    if let Some(new) = &advance.dead_letter {
        operation = operation.with(Part::Letters, &(id, epoch, letter(new)));
    }
    operation
}

/// A letter of a saga as the SQL reads it.
pub(super) fn letter(letter: &NewDeadLetter) -> impl Serialize {
    (
        letter.kind.as_str(),
        text(&letter.operation),
        letter.dependency.as_deref().map(text),
        letter.priority.rank(),
        letter.position,
        text(&letter.arguments),
        letter.output.as_deref().map(text),
        text(&letter.error),
        letter.attempts,
    )
}

/// The write of one step, in a transaction of its own.
pub(super) fn step(
    doing: &'static str,
    saga: &SagaId,
    epoch: i64,
    step: StepRecord,
    pivots: bool,
) -> Operation {
    let advance = Advance {
        steps: vec![step],
        pivots,
        ..Advance::default()
    };
    operation(doing, saga, epoch, &advance)
}

fn with_step(operation: Operation, id: &str, epoch: i64, step: &StepRecord) -> Operation {
    let change = (
        id,
        epoch,
        step.position,
        text(&step.step),
        step.occurrence,
        text(&step.arguments),
        step.outcome.as_str(),
        step.output.as_deref().map(text),
        step.compensation.as_deref().map(text),
        i64::from(step.undone),
    );
    operation.with(Part::Steps, &change)
}

/// What the rows of [`Part::Fence`] say.
pub(super) fn written(rows: &[SqliteRow]) -> Result<Written, Unreadable> {
    Ok(match rows.first() {
        Some(row) => Written::Yes {
            cancelled: flag(row, 2)?,
        },
        None => Written::Superseded,
    })
}
