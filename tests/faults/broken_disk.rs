//! The disk under the runtime's database is full, or broken, from a write on. The process lives:
//! its call fails or waits, nobody is told an untruth, and once the disk is well again a restart
//! finishes what was begun.

use std::path::PathBuf;

use resilience_test_support::crash::{Fault, at_every_write};
use resilience_test_support::server::say;

use crate::place::Place;
use crate::process::{Job, NOT_OPENED, WAITS, command};
use crate::shop::Plan;
use crate::writes::{recovers, report, template};

/// To open the file takes some, and each of four commits is a write and a sync at least.
const POINTS_MIN: u64 = 16;

fn break_at_every_write(plan: Plan) {
    let template = template();
    std::thread::scope(|scope| {
        for fault in [Fault::DiskFull, Fault::DiskBroken] {
            let template = &template;
            scope.spawn(move || break_with(plan, fault, template));
        }
    });
}

fn break_with(plan: Plan, fault: Fault, template: &Place) {
    let mut ends = Vec::new();
    let mut last = PathBuf::new();
    let mut violations = Vec::new();
    let (mut refused, mut waited, mut ended) = (0, 0, 0);
    let summary = at_every_write(
        fault,
        |folder| {
            Place::at(&last).ledger().remove();
            folder.clone_into(&mut last);
            std::fs::copy(template.database(), Place::at(folder).database()).expect("a copy");
            command(folder, &Job::PurchaseOnBrokenDisk(plan))
        },
        |point, folder| {
            match point.status.code() {
                Some(NOT_OPENED) => refused += 1,
                Some(WAITS) => waited += 1,
                Some(0) => ended += 1,
                _ => panic!("{plan:?} {fault:?}: {point:#?}"),
            }
            match recovers(plan, folder) {
                Ok(end) => ends.push(end),
                Err(violation) => violations.push(format!(
                    "{violation} at {} {:?}",
                    point.number,
                    point.calls.get(usize::try_from(point.number).unwrap() - 1)
                )),
            }
        },
    );
    Place::at(&last).ledger().remove();
    report(plan, fault, &summary, &ends);
    say(&format!(
        "crash matrix: {plan:?} {fault:?}: the process did not open {refused} times, waited {waited} times, ended {ended} times"
    ));
    assert!(violations.is_empty(), "{plan:?} {fault:?}: {violations:#?}");
    assert!(
        summary.points >= POINTS_MIN,
        "{plan:?} {fault:?}: {} points",
        summary.points
    );
    assert!(refused > 0 && waited > 0 && ended > 0);
}

#[test]
fn a_saga_that_succeeds_survives_a_broken_disk() {
    break_at_every_write(Plan::Succeed);
}

#[test]
fn a_saga_that_is_undone_survives_a_broken_disk() {
    break_at_every_write(Plan::Fail);
}

#[test]
fn a_saga_that_cannot_be_undone_survives_a_broken_disk() {
    break_at_every_write(Plan::FailForGood);
}
