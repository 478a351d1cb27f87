//! One saga.

use std::collections::{BTreeMap, BTreeSet};

use resilience::saga::{SagaRecord, Status};

use super::Allowed;
use crate::ledger::{Action, Effect};
use crate::shop::{Order, Plan, sequences};

pub(super) fn repetitions(effects: &[&Effect]) -> usize {
    let distinct: BTreeSet<Action> = effects.iter().map(|effect| effect.action).collect();
    effects.len() - distinct.len()
}

pub(super) fn judge(order: Order, saga: &SagaRecord, effects: &[&Effect], allowed: Allowed) {
    let plan = order.plan;
    let story = format!(
        "{order:?}, {:?} {:?}: {effects:#?}",
        saga.status, saga.error
    );
    let expected = match plan {
        Plan::Fail
        | Plan::FailLate
        | Plan::FailBeside
        | Plan::InDoubt
        | Plan::FailNested
        | Plan::Dismantle
        | Plan::Venom
        | Plan::NestedVenom => Status::Compensated,
        Plan::TimesOut | Plan::OutOfTime => Status::Compensated,
        Plan::FailForGood => Status::CompensationFailed,
        Plan::Poison => Status::Parked,
        _ => Status::Completed,
    };
    assert_eq!(saga.status, expected, "{story}");
    executors(effects, allowed, &story);
    keys(effects, &story);
    let once = once(plan, effects, allowed, &story);
    // Everything was done, and undone in reverse.
    assert!(
        sequences(plan).contains(&once.as_slice()),
        "{once:?}: {story}"
    );
}

/// Never two executors: who has a later epoch has the saga, and nobody of an earlier one does anything any more, but for what a
/// process that stood still was about to do.
fn executors(effects: &[&Effect], allowed: Allowed, story: &str) {
    let sagas: BTreeSet<&str> = effects.iter().map(|effect| effect.saga.as_str()).collect();
    for saga in sagas {
        let of_saga = effects.iter().filter(|effect| effect.saga == saga);
        let mut latest: Option<&Effect> = None;
        let mut late = 0;
        for effect in of_saga {
            let Some(before) = latest else {
                latest = Some(effect);
                continue;
            };
            if effect.token < before.token {
                assert_eq!(
                    allowed.zombie,
                    Some(effect.process),
                    "two executors: {story}"
                );
                late += 1;
                continue;
            }
            assert!(
                effect.token > before.token || effect.process == before.process,
                "two executors: {story}"
            );
            latest = Some(effect);
        }
        assert!(late <= 1, "a process that woke up went on: {story}");
    }
}

/// Stable keys: one for a step, another one for its compensation.
fn keys(effects: &[&Effect], story: &str) {
    let mut keys: BTreeMap<Action, &str> = BTreeMap::new();
    for effect in effects {
        let key = keys.entry(effect.action).or_insert(&effect.key);
        assert_eq!(*key, effect.key, "{story}");
    }
    let distinct: BTreeSet<&str> = keys.values().copied().collect();
    assert_eq!(distinct.len(), keys.len(), "{story}");
}

/// The effects without those that were had again. A step that is durable never runs again: nothing is done again after what
/// follows it was begun.
fn once(plan: Plan, effects: &[&Effect], allowed: Allowed, story: &str) -> Vec<Action> {
    let mut once: Vec<Action> = Vec::new();
    for effect in effects {
        let action = effect.action;
        if !once.contains(&action) {
            once.push(action);
            continue;
        }
        if allowed.zombie == Some(effect.process) {
            continue;
        }
        assert!(
            !once.iter().any(|later| follows(plan, *later, action)),
            "{action:?} again: {story}"
        );
        assert!(
            effect.attempt > 1,
            "{action:?} does not know that it is tried again: {story}"
        );
    }
    let again = effects.len() - once.len();
    assert!(again <= 2 * allowed.interruptions, "{story}");
    once
}

/// Whether `later` begins only when `earlier` is durable.
fn follows(plan: Plan, later: Action, earlier: Action) -> bool {
    let are_beside = matches!(plan, Plan::Beside | Plan::FailBeside);
    match (later, earlier) {
        (Action::Do(3), Action::Do(2)) if are_beside => false,
        (Action::Do(later), Action::Do(earlier)) => later > earlier,
        (Action::Undo(_), Action::Do(_)) => true,
        (Action::Undo(later), Action::Undo(earlier)) => later < earlier,
        (Action::Do(_), Action::Undo(_)) => false,
    }
}
