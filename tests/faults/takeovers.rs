//! A process that finishes what a killed one has left is killed itself, before, in and after every durable write: the claim, what is
//! left of the saga, its end, its letter.

use std::os::unix::process::ExitStatusExt as _;

use resilience_test_support::child;

use crate::checker::End;
use crate::ledger::KILL_AT;
use crate::place::Place;
use crate::process::{Job, command};
use crate::shop::Plan;
use crate::writes::{Killed, kill_at_all, recovers_from};

/// To open the file takes some; the claim, a record and the end are a write and a sync each.
const POINTS_MIN: u64 = 16;

fn kill_at_every_write(plan: Plan, point: &str, end: End) {
    let left = Place::new();
    let mut killed = command(left.folder(), &Job::Purchase(plan))
        .env(KILL_AT, point)
        .spawn()
        .expect("it starts");
    assert_eq!(child::wait(&mut killed).signal(), Some(9));
    let killed = kill_at_all(
        plan,
        |folder| {
            left.copy_to(&Place::at(folder));
            command(folder, &Job::Recover)
        },
        |folder| recovers_from(2, plan, folder),
    );
    for Killed {
        fault,
        summary,
        ends,
    } in killed
    {
        assert!(
            ends.iter().all(|it| *it == end),
            "{plan:?} {fault:?}: {ends:?}"
        );
        let points = summary.points;
        assert!(points >= POINTS_MIN, "{plan:?} {fault:?}: {points} points");
    }
}

#[test]
fn a_takeover_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::Succeed, "do2:after", End::Completed);
}

/// Two is written down as in doubt before it begins again.
#[test]
fn a_takeover_in_a_step_in_doubt_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::Announced, "do2:after", End::Completed);
}

#[test]
fn a_takeover_of_what_is_undone_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::Fail, "undo2:after", End::Compensated);
}

#[test]
fn a_takeover_of_what_cannot_be_undone_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::FailForGood, "undo2:after", End::Dead);
}
