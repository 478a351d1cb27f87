//! A process kills itself right before and right after every effect, and so does the process that
//! recovers from it.

use std::os::unix::process::ExitStatusExt as _;

use resilience_test_support::child;
use resilience_test_support::server::say;

use crate::checker::{End, check};
use crate::journal::Letter;
use crate::ledger::{Action, Entry, KILL_AT, Told};
use crate::place::{Place, Snapshot, block_on};
use crate::process::{Job, command};
use crate::shop::Plan;
use crate::writes::recovers;

/// Every place in a saga of this plan at which a process can kill itself.
fn points(plan: Plan) -> Vec<String> {
    let around = |action: Action| ["before", "after"].map(|moment| format!("{action}:{moment}"));
    let mut points: Vec<String> = [Action::Do(1), Action::Do(2)]
        .into_iter()
        .flat_map(around)
        .collect();
    match plan {
        Plan::Succeed | Plan::Transaction | Plan::Announced => points.extend(around(Action::Do(3))),
        Plan::Fail => {
            points.push("do3:before".to_owned());
            points.extend(
                [Action::Undo(2), Action::Undo(1)]
                    .into_iter()
                    .flat_map(around),
            );
        }
        Plan::FailLate => {
            let undone = [Action::Undo(3), Action::Undo(2), Action::Undo(1)];
            points.extend(around(Action::Do(3)));
            points.extend(undone.into_iter().flat_map(around));
        }
        Plan::FailForGood => {
            points.push("do3:before".to_owned());
            points.extend(around(Action::Undo(2)));
            points.push("undo1:before".to_owned());
        }
    }
    points
}

/// Runs a child that kills itself at `point`; false when it does not come there.
fn is_killed(place: &Place, job: &Job, point: &str) -> bool {
    let mut child = command(place.folder(), job)
        .env(KILL_AT, point)
        .spawn()
        .expect("it starts");
    let status = child::wait(&mut child);
    assert!(
        status.success() || status.signal() == Some(9),
        "{point}: {status}"
    );
    status.signal() == Some(9)
}

/// How a saga ends whose process is killed at `first` and whose recovery is killed at `second`.
fn kill_twice(plan: Plan, first: &str, second: &str) -> Option<Result<End, String>> {
    let place = Place::new();
    assert!(
        is_killed(&place, &Job::Purchase(plan), first),
        "{plan:?} does not come to {first}"
    );
    let between = block_on(place.look());
    if !is_killed(&place, &Job::Recover, second) {
        return None;
    }
    Some(block_on(async {
        let before = place.look().await;
        let after = place.recover().await;
        let end = check(plan, 2, &before, &after)?;
        check(plan, 2, &between, &after)?;
        if place.recover().await != after {
            return Err("another restart changed something".to_owned());
        }
        Ok(end)
    }))
}

/// Side by side for each first kill: most of the time is spent waiting for the disk.
fn kill_at_every_effect(plan: Plan, end: End, pairs_min: usize) {
    let points = points(plan);
    let pairs: usize = std::thread::scope(|scope| {
        let mut all = Vec::new();
        for first in &points {
            all.push(scope.spawn(|| kill_at(plan, end, first, &points)));
        }
        all.into_iter()
            .map(|it| it.join().expect("no violation"))
            .sum()
    });
    let points = points.len();
    say(&format!(
        "kills at effects: {plan:?}: {points} points once, {pairs} pairs"
    ));
    assert!(pairs >= pairs_min, "{plan:?}: {pairs} pairs");
}

/// Kills at `first` alone, and then again at each of `points`; how often it came there.
fn kill_at(plan: Plan, end: End, first: &str, points: &[String]) -> usize {
    let place = Place::new();
    assert!(
        is_killed(&place, &Job::Purchase(plan), first),
        "{plan:?} does not come to {first}"
    );
    // A start is durable before the first step.
    assert_eq!(recovers(plan, place.folder()), Ok(end), "{plan:?} {first}");
    let mut pairs = 0;
    for second in points {
        if let Some(ended) = kill_twice(plan, first, second) {
            pairs += 1;
            assert_eq!(ended, Ok(end), "{plan:?} {first}, then {second}");
        }
    }
    pairs
}

#[test]
fn a_saga_that_succeeds_survives_a_kill_at_every_effect() {
    kill_at_every_effect(Plan::Succeed, End::Completed, 20);
}

#[test]
fn a_saga_that_is_undone_survives_a_kill_at_every_effect() {
    kill_at_every_effect(Plan::Fail, End::Compensated, 40);
}

#[test]
fn a_saga_that_cannot_be_undone_survives_a_kill_at_every_effect() {
    kill_at_every_effect(Plan::FailForGood, End::Dead, 30);
}

/// What the checker is for: a saga whose steps are in no journal does them again.
#[test]
fn a_saga_that_does_not_journal_its_steps_is_caught() {
    for (point, violation) in [
        (
            "do2:after",
            "Completed with the effects [Do(1), Do(2), Do(1), Do(2), Do(3)]",
        ),
        ("do3:after", "Completed with the effects"),
        // What was done twice here may be; that the journal lacks two steps shows all the same.
        ("do2:before", "Completed with the records"),
        ("do1:before", "Completed with the records"),
    ] {
        let place = Place::new();
        assert!(is_killed(&place, &Job::Forgetful, point));
        let judged = block_on(async {
            let before = place.look().await;
            check(Plan::Succeed, 1, &before, &place.recover().await)
        });
        let found = judged.expect_err("a violation");
        assert!(found.starts_with(violation), "{point}: {found}");
    }
}

/// Every kind of violation is one to the checker.
#[test]
fn the_checker_catches_every_violation() {
    let sound = |plan, point| {
        let place = Place::new();
        assert!(is_killed(&place, &Job::Purchase(plan), point));
        block_on(async { (place.look().await, place.recover().await) })
    };
    let (before, after) = sound(Plan::Succeed, "do2:after");
    assert_eq!(check(Plan::Succeed, 1, &before, &after), Ok(End::Completed));
    let (undone_before, undone) = sound(Plan::Fail, "do1:before");
    assert_eq!(
        check(Plan::Fail, 1, &undone_before, &undone),
        Ok(End::Compensated)
    );
    let (dead_before, dead) = sound(Plan::FailForGood, "undo2:after");
    assert_eq!(
        check(Plan::FailForGood, 1, &dead_before, &dead),
        Ok(End::Dead)
    );

    let caught = |plan,
                  before: &Snapshot,
                  after: &Snapshot,
                  change: &dyn Fn(&mut Snapshot, &mut Snapshot)| {
        let (mut before, mut after) = (before.clone(), after.clone());
        change(&mut before, &mut after);
        check(plan, 1, &before, &after).expect_err("a violation")
    };
    let effect = |action| Entry::Effect {
        order: 7,
        action,
        process: 1,
    };
    let answer = |told| Entry::Answer { order: 7, told };
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Snapshot, &mut Snapshot));

    let changes: [Change; 10] = [
        ("with the effects", &|_, after| drop(after.ledger.pop())),
        ("with the effects", &|_, after| {
            after.ledger.push(effect(Action::Undo(3)));
        }),
        ("done again", &|_, after| {
            after.ledger.push(effect(Action::Do(1)));
        }),
        ("interruptions", &|_, after| {
            after.ledger.push(effect(Action::Do(3)));
        }),
        ("rewritten", &|_, after| drop(after.ledger.remove(0))),
        ("it is running", &|_, after| {
            after.sagas[0].status = "running".to_owned();
        }),
        ("it is compensated", &|_, after| {
            after.sagas[0].status = "compensated".to_owned();
        }),
        ("one saga became 2", &|_, after| {
            after.sagas.push(after.sagas[0].clone());
        }),
        ("with the records", &|_, after| {
            drop(after.sagas[0].steps.pop());
        }),
        ("NeverStarted with", &|_, after| after.sagas.clear()),
    ];
    for (violation, change) in changes {
        let found = caught(Plan::Succeed, &before, &after, change);
        assert!(found.contains(violation), "{violation}: {found}");
    }
    let lies = [
        Told::Success(1),
        Told::Success(123),
        Told::Failure,
        Told::Stuck,
        Told::DidNotRun,
    ];
    for told in lies {
        let found = caught(Plan::Succeed, &before, &after, &|before, after| {
            before.ledger.insert(0, answer(told.clone()));
            after.ledger.insert(0, answer(told.clone()));
        });
        assert!(found.contains("was told"), "{found}");
    }
    let changes: [Change; 3] = [
        ("with the effects", &|_, after| after.ledger.swap(2, 3)),
        ("with the effects", &|_, after| drop(after.ledger.pop())),
        ("with the records", &|_, after| {
            after.sagas[0].steps[0].is_undone = false;
        }),
    ];
    for (violation, change) in changes {
        let found = caught(Plan::Fail, &undone_before, &undone, change);
        assert!(found.contains(violation), "{violation}: {found}");
    }
    let changes: [Change; 2] = [
        ("with the records", &|_, after| {
            after.sagas[0].letters.clear();
        }),
        ("with the records", &|_, after| {
            let letters: &mut Vec<Letter> = &mut after.sagas[0].letters;
            letters[0].status = "settled".to_owned();
        }),
    ];
    for (violation, change) in changes {
        let found = caught(Plan::FailForGood, &dead_before, &dead, change);
        assert!(found.contains(violation), "{violation}: {found}");
    }
}
