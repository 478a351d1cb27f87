//! What must hold after a crash and a recovery, judged from the ledger and the journal alone.

use crate::ledger::{Action, Entry, Told};
use crate::place::Snapshot;
use crate::shop::{Plan, RESULT};

/// How an interrupted saga ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    NeverStarted,
    /// The start was withdrawn before anything was done.
    Withdrawn,
    Completed,
    Compensated,
    Dead,
}

/// Judges one saga that was interrupted `kills` times: `before` is what the last process to die has
/// left, and `after` what recovery has made of it. `Err` names the first violation.
pub(crate) fn check(
    plan: Plan,
    kills: usize,
    before: &Snapshot,
    after: &Snapshot,
) -> Result<End, String> {
    let new = after.ledger.strip_prefix(before.ledger.as_slice());
    let new = actions(new.ok_or("the ledger was rewritten")?);
    let all = actions(&after.ledger);
    let end = end(plan, after)?;
    if let Some(action) = new.iter().find(|action| is_recorded(before, **action)) {
        return Err(format!("{action} was in the journal and was done again"));
    }
    let expected: &[Action] = match end {
        End::NeverStarted | End::Withdrawn => &[],
        End::Completed if plan == Plan::Transaction => &[Action::Do(1), Action::Do(3)],
        End::Completed => &[Action::Do(1), Action::Do(2), Action::Do(3)],
        End::Compensated if plan == Plan::FailLate => &[
            Action::Do(1),
            Action::Do(2),
            Action::Do(3),
            Action::Undo(3),
            Action::Undo(2),
            Action::Undo(1),
        ],
        End::Compensated => &[
            Action::Do(1),
            Action::Do(2),
            Action::Undo(2),
            Action::Undo(1),
        ],
        End::Dead => &[Action::Do(1), Action::Do(2), Action::Undo(2)],
    };
    let mut once = all.clone();
    once.dedup();
    if once != expected {
        return Err(format!("{end:?} with the effects {all:?}"));
    }
    if all.len() > expected.len() + kills {
        return Err(format!("{kills} interruptions, and the effects {all:?}"));
    }
    for snapshot in [before, after] {
        let mut steps = snapshot.sagas.iter().flat_map(|saga| &saga.steps);
        let is_recorded = steps.any(|step| step.name == "enter");
        if snapshot.entries != i64::from(is_recorded) {
            return Err(format!(
                "a step without its record, or the other way round: {snapshot:?}"
            ));
        }
    }
    records(plan, end, after)?;
    told_the_truth(end, before)?;
    Ok(end)
}

/// How it ended, by its status.
fn end(plan: Plan, after: &Snapshot) -> Result<End, String> {
    let saga = match after.sagas.as_slice() {
        [] => return Ok(End::NeverStarted),
        [saga] => saga,
        sagas => return Err(format!("one saga became {}", sagas.len())),
    };
    match (saga.status.as_str(), plan) {
        ("completed", Plan::Succeed | Plan::Transaction | Plan::Announced) => Ok(End::Completed),
        ("failed", _) if saga.steps.is_empty() => Ok(End::Withdrawn),
        ("compensated", Plan::Fail | Plan::FailLate) => Ok(End::Compensated),
        ("compensation_failed", Plan::FailForGood) => Ok(End::Dead),
        (status, plan) => Err(format!("planned to {plan:?}, it is {status}")),
    }
}

/// Whether the journal and the queue have what belongs to this end.
fn records(plan: Plan, end: End, after: &Snapshot) -> Result<(), String> {
    let Some(saga) = after.sagas.first() else {
        return Ok(());
    };
    let steps: Vec<_> = saga
        .steps
        .iter()
        .map(|step| (step.name.as_str(), step.is_undone))
        .collect();
    let letters: Vec<_> = saga
        .letters
        .iter()
        .map(|letter| (letter.operation.as_str(), letter.status.as_str()))
        .collect();
    let is_sound = match end {
        End::NeverStarted | End::Withdrawn => steps.is_empty() && letters.is_empty(),
        End::Completed => {
            let second = match plan {
                Plan::Transaction => "enter",
                Plan::Announced => "announced",
                _ => "second",
            };
            steps == [("first", false), (second, false), ("third", false)]
                && letters.is_empty()
                && saga.output == Some(RESULT.to_string())
        }
        End::Compensated => {
            let all = [("first", true), ("second", true), ("third", true)];
            let undone = if plan == Plan::FailLate {
                &all[..]
            } else {
                &all[..2]
            };
            steps == undone && letters.is_empty()
        }
        End::Dead => {
            steps == [("first", false), ("second", true)] && letters == [("first", "open")]
        }
    };
    is_sound
        .then_some(())
        .ok_or_else(|| format!("{end:?} with the records {saga:?}"))
}

/// Whoever was told something was told what the journal had by then, and what stays true.
fn told_the_truth(end: End, before: &Snapshot) -> Result<(), String> {
    for entry in &before.ledger {
        let Entry::Answer { told, .. } = entry else {
            continue;
        };
        let status = before.sagas.first().map(|saga| saga.status.as_str());
        let is_true = match told {
            Told::Success(result) => *result == RESULT && status == Some("completed"),
            Told::Failure => status == Some("compensated") && end == End::Compensated,
            Told::Stuck => status == Some("compensation_failed"),
            Told::DidNotRun => matches!(end, End::NeverStarted | End::Withdrawn),
            Told::Unclear(_) => true,
        };
        if !is_true {
            return Err(format!(
                "the caller was told {told:?}; the journal had {status:?}, and it ended {end:?}"
            ));
        }
    }
    Ok(())
}

/// Whether the journal has it that this was done.
fn is_recorded(snapshot: &Snapshot, action: Action) -> bool {
    let (number, undoing) = match action {
        Action::Do(number) => (number, false),
        Action::Undo(number) => (number, true),
    };
    let name = match number {
        1 => "first",
        2 => "second",
        _ => "third",
    };
    let mut steps = snapshot.sagas.iter().flat_map(|saga| &saga.steps);
    steps.any(|step| step.name == name && (!undoing || step.is_undone))
}

pub(crate) fn actions(ledger: &[Entry]) -> Vec<Action> {
    let action = |entry: &Entry| match entry {
        Entry::Effect { action, .. } => Some(*action),
        Entry::Answer { .. } => None,
    };
    ledger.iter().filter_map(action).collect()
}
