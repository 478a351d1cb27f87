//! A process that finishes what a killed one has left is killed itself, before, in and after every durable write: the claim, what is
//! left of the saga, its end, its letter.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;

use resilience_test_support::child;
use resilience_test_support::crash::{Fault, at_every_write};

use crate::checker::End;
use crate::ledger::KILL_AT;
use crate::place::Place;
use crate::process::{Job, command};
use crate::shop::Plan;
use crate::writes::{recovers_from, report};

/// To open the file takes some; the claim, a record and the end are a write and a sync each.
const POINTS_MIN: u64 = 16;

fn kill_at_every_write(plan: Plan, point: &str, end: End) {
    let left = Place::new();
    let mut killed = command(left.folder(), &Job::Purchase(plan))
        .env(KILL_AT, point)
        .spawn()
        .expect("it starts");
    assert_eq!(child::wait(&mut killed).signal(), Some(9));
    std::thread::scope(|scope| {
        for fault in [Fault::KillBefore, Fault::KillAfter, Fault::Torn] {
            let left = &left;
            scope.spawn(move || kill_with(plan, fault, left, end));
        }
    });
}

fn kill_with(plan: Plan, fault: Fault, left: &Place, end: End) {
    let (mut ends, mut last) = (Vec::new(), PathBuf::new());
    let summary = at_every_write(
        fault,
        |folder| {
            folder.clone_into(&mut last);
            left.copy_to(&Place::at(folder));
            command(folder, &Job::Recover)
        },
        |point, folder| {
            assert_eq!(point.status.signal(), Some(9), "{fault:?} {point:?}");
            let ended = recovers_from(2, plan, folder);
            assert_eq!(ended, Ok(end), "{plan:?} {fault:?}: {point:#?}");
            ends.push(end);
        },
    );
    Place::at(&last).ledger().remove();
    report(plan, fault, &summary, &ends);
    let points = summary.points;
    assert!(points >= POINTS_MIN, "{plan:?} {fault:?}: {points} points");
}

#[test]
fn a_takeover_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::Succeed, "do2:after", End::Completed);
}

#[test]
fn a_takeover_of_what_is_undone_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::Fail, "undo2:after", End::Compensated);
}

#[test]
fn a_takeover_of_what_cannot_be_undone_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::FailForGood, "undo2:after", End::Dead);
}
