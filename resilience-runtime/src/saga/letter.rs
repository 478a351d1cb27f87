//! The dead letters of sagas.

use super::journal::StepRecord;
use crate::catalog::{PolicyKind, catalog};
use crate::core::Core;
use crate::dlq::{Kind, NewDeadLetter, Priority, shown};

/// About a step that could not be undone.
pub(super) fn of_step(
    core: &Core,
    step: &StepRecord,
    error: String,
    attempts: u32,
) -> NewDeadLetter {
    NewDeadLetter {
        kind: Kind::Compensation,
        operation: step.step.clone(),
        dependency: dependency(&step.step).map(str::to_owned),
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
        kind: Kind::Saga,
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
pub(super) fn not_written(saga: &super::journal::SagaId, letter: &NewDeadLetter) {
    let entry = serde_json::to_string(letter).unwrap_or_default();
    tracing::error!(target: "resilience", saga_id = %saga, letter = entry,
        "a dead letter could not be written, and is tried again until it is");
}

/// The name that the breaker of `step` has, if it has one.
fn dependency(step: &str) -> Option<&'static str> {
    let is_step = |policy: &&'static dyn crate::catalog::Policy| {
        policy.kind() == PolicyKind::SagaStep && policy.name() == Some(step)
    };
    let functions = catalog();
    let function = functions
        .iter()
        .find(|function| function.policies.iter().any(|policy| is_step(&policy)))?;
    let mut policies = function.policies.iter();
    policies.find_map(|policy| match policy.kind() {
        PolicyKind::CircuitBreaker => policy.name(),
        _ => None,
    })
}
