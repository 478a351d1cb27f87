//! The policies that stand around a step.

use std::time::Duration;

use crate::catalog::{Annotated, PolicyKind, catalog};

/// The function of the step `name`, where an attribute declares it.
fn function(name: &str) -> Option<&'static Annotated> {
    catalog().into_iter().find(|function| {
        let mut policies = function.policies.iter();
        policies.any(|policy| policy.kind() == PolicyKind::SagaStep && policy.name() == Some(name))
    })
}

/// Whom the step calls: the name of its breaker, where it has one that is named.
pub(super) fn dependency(step: &str) -> Option<&'static str> {
    let mut policies = function(step)?.policies.iter();
    policies.find_map(|policy| match policy.kind() {
        PolicyKind::CircuitBreaker => policy.name(),
        _ => None,
    })
}

/// For how long a breaker of the step rejects every call, from now on; `None` when all let calls through.
pub(super) fn rejects_for(step: &str) -> Option<Duration> {
    let policies = function(step)?.policies.iter();
    policies.filter_map(|policy| policy.rejects_for()).max()
}
