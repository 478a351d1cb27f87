//! A process is killed before and after every durable write of the runtime's database, and in the
//! middle of it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};

use resilience_test_support::crash::{Fault, Summary, at_every_write};
use resilience_test_support::server::say;

use crate::checker::{End, check};
use crate::journal;
use crate::place::{Place, block_on};
use crate::process::{Job, command};
use crate::shop::Plan;

/// A process writes at least so often: the file is created and brought to the schema, three steps
/// and an end are committed, each a write and a sync, and the log is moved into the file.
const POINTS_MIN_NEW: u64 = 50;
/// On a database that is there already.
const POINTS_MIN: u64 = 24;

/// The three faults side by side: most of the time is spent waiting for the disk.
fn kill_at_every_write(plan: Plan) {
    let template = template();
    std::thread::scope(|scope| {
        for fault in [Fault::KillBefore, Fault::KillAfter, Fault::Torn] {
            let template = &template;
            scope.spawn(move || kill_with(plan, fault, template));
        }
    });
}

fn kill_with(plan: Plan, fault: Fault, template: &Place) {
    let is_new = plan == Plan::Succeed;
    let mut ends = Vec::new();
    let mut last = PathBuf::new();
    let summary = at_every_write(
        fault,
        |folder| {
            folder.clone_into(&mut last);
            if !is_new {
                std::fs::copy(template.database(), Place::at(folder).database()).expect("a copy");
            }
            command(folder, &Job::Purchase(plan))
        },
        |point, folder| {
            assert_eq!(point.status.signal(), Some(9), "{fault:?} {point:?}");
            match recovers(plan, folder) {
                Ok(end) => ends.push(end),
                Err(violation) => panic!("{plan:?} {fault:?}: {violation}\n{point:#?}"),
            }
        },
    );
    Place::at(&last).ledger().remove();
    report(plan, fault, &summary, &ends);
    let points_min = if is_new { POINTS_MIN_NEW } else { POINTS_MIN };
    let points = summary.points;
    assert!(points >= points_min, "{plan:?} {fault:?}: {points} points");
    let never = ends.iter().filter(|end| **end == End::NeverStarted).count();
    assert!(
        never > 0 && never < ends.len(),
        "{plan:?} {fault:?}: {never} of {points}"
    );
    assert_synced(&summary.calls);
}

/// A kill says nothing about a loss of power; where the syncs are does. Each commit ends with one
/// of the log, and a saga of three steps has four commits at least.
fn assert_synced(calls: &[String]) {
    let syncs = calls
        .iter()
        .filter(|call| *call == "fdatasync a.db-wal" || *call == "fsync a.db-wal");
    assert!(syncs.count() >= 4, "{calls:#?}");
}

/// What the process that was killed has left, recovered, judged, and opened once more.
pub(crate) fn recovers(plan: Plan, folder: &Path) -> Result<End, String> {
    recovers_from(1, plan, folder)
}

/// The same where so many processes were killed.
pub(crate) fn recovers_from(kills: usize, plan: Plan, folder: &Path) -> Result<End, String> {
    let place = Place::at(folder);
    let end = block_on(async {
        let before = place.look().await;
        let after = place.recover().await;
        let end = check(plan, kills, &before, &after)?;
        if place.recover().await != after {
            return Err("another restart changed something".to_owned());
        }
        Ok(end)
    });
    place.ledger().remove();
    end
}

pub(crate) fn report(plan: Plan, fault: Fault, summary: &Summary, ends: &[End]) {
    let of = |end| ends.iter().filter(|it| **it == end).count();
    say(&format!(
        "crash matrix: {plan:?} {fault:?}: {} points: {} never started, {} withdrawn, {} completed, {} compensated, {} dead",
        summary.points,
        of(End::NeverStarted),
        of(End::Withdrawn),
        of(End::Completed),
        of(End::Compensated),
        of(End::Dead),
    ));
}

/// A place with an empty database, closed.
pub(crate) fn template() -> Place {
    let place = Place::new();
    block_on(async {
        let runtime = place.runtime().scoped().open().await.expect("it opens");
        runtime.shutdown().await;
        journal::create_entries(&place.database()).await;
    });
    place
}

#[test]
fn a_saga_that_succeeds_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::Succeed);
}

#[test]
fn a_saga_that_is_undone_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::Fail);
}

#[test]
fn a_step_in_a_transaction_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::Transaction);
}

#[test]
fn a_saga_that_cannot_be_undone_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::FailForGood);
}
