//! The dead letters of sagas.

use super::journal::{SagaId, StepRecord};
use super::stack;
use crate::core::Core;
use crate::dlq::{DeadLetterKind, NewDeadLetter, Priority, shown};

/// About a step that could not be undone.
pub(super) fn of_step(
    core: &Core,
    step: &StepRecord,
    error: String,
    attempts: u32,
) -> NewDeadLetter {
    NewDeadLetter {
        kind: DeadLetterKind::Compensation,
        operation: step.step.clone(),
        dependency: stack::dependency(&step.step).map(str::to_owned),
        priority: Priority::High,
        position: Some(step.position),
        arguments: shown(&step.arguments, &core.settings),
        output: step
            .output
            .as_deref()
            .map(|output| shown(output, &core.settings)),
        error,
        // The store adds those of earlier rounds.
        attempts,
    }
}

/// About a saga that is parked.
pub(super) fn of_saga(
    core: &Core,
    saga: &str,
    input: &str,
    error: String,
    attempts: u32,
) -> NewDeadLetter {
    NewDeadLetter {
        kind: DeadLetterKind::Saga,
        operation: saga.to_owned(),
        dependency: None,
        priority: Priority::High,
        position: None,
        arguments: shown(input, &core.settings),
        output: None,
        error,
        attempts,
    }
}

/// The whole letter, where people look first: the store does not take it now.
pub(super) fn not_written(saga: &SagaId, letter: &NewDeadLetter) {
    let entry = serde_json::to_string(letter).unwrap_or_default();
    tracing::error!(target: "resilience", saga_id = %saga, letter = entry,
        "a dead letter could not be written, and is tried again until it is");
}
