//! A process is killed before and after every durable write of the runtime's database, and in the
//! middle of it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use resilience_test_support::crash::{Fault, Summary, at_writes};
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

fn kill_at_every_write(plan: Plan) {
    let is_new = plan == Plan::Succeed;
    let template = template();
    let killed = kill_at_all(
        plan,
        |folder| {
            if !is_new {
                std::fs::copy(template.database(), Place::at(folder).database()).expect("a copy");
            }
            command(folder, &Job::Purchase(plan))
        },
        |folder| recovers(plan, folder),
    );
    for Killed {
        fault,
        summary,
        ends,
    } in killed
    {
        let points_min = if is_new { POINTS_MIN_NEW } else { POINTS_MIN };
        let points = summary.points;
        assert!(points >= points_min, "{plan:?} {fault:?}: {points} points");
        let never = ends.iter().filter(|end| **end == End::NeverStarted).count();
        let is_mixed = never > 0 && never < ends.len();
        assert!(
            is_mixed || fault == Fault::KillAfter,
            "{plan:?} {fault:?}: {never} of {}",
            ends.len()
        );
        assert_synced(&summary.calls);
    }
}

/// What came of the kills of one kind.
pub(crate) struct Killed {
    pub(crate) fault: Fault,
    pub(crate) summary: Summary,
    pub(crate) ends: Vec<End>,
}

/// The processes that `child` makes are killed before, in the middle of and after every write, and `judge` says how that
/// ended.
///
/// What is left is the same after a write as before the next one, unless something was done in between that is no write to
/// the database. So they are killed after those writes only where the ledger has grown until the next one.
pub(crate) fn kill_at_all(
    plan: Plan,
    child: impl Fn(&Path) -> Command + Sync,
    judge: impl Fn(&Path) -> Result<End, String> + Sync,
) -> Vec<Killed> {
    // Side by side: part of the time is spent waiting.
    let (before, torn) = std::thread::scope(|scope| {
        let torn = scope.spawn(|| kill_with(plan, Fault::Torn, |_| true, &child, &judge));
        let before = kill_with(plan, Fault::KillBefore, |_| true, &child, &judge);
        (before, torn.join().expect("no violation"))
    });
    let (before, ledgers) = before;
    let grows = |number: u64| {
        let index = usize::try_from(number).expect("small");
        ledgers.get(index) != ledgers.get(index - 1)
    };
    let (after, _) = kill_with(plan, Fault::KillAfter, grows, &child, &judge);
    assert!(
        after.summary.struck >= 2,
        "{plan:?}: nothing is done between two writes"
    );
    vec![before, torn.0, after]
}

/// Also how long the ledger was at each kill.
fn kill_with(
    plan: Plan,
    fault: Fault,
    is_new: impl Fn(u64) -> bool,
    child: impl Fn(&Path) -> Command,
    judge: impl Fn(&Path) -> Result<End, String>,
) -> (Killed, Vec<usize>) {
    let (mut ends, mut ledgers) = (Vec::new(), Vec::new());
    let mut last = PathBuf::new();
    let summary = at_writes(
        fault,
        is_new,
        |folder| {
            Place::at(&last).ledger().remove();
            folder.clone_into(&mut last);
            child(folder)
        },
        |point, folder| {
            assert_eq!(point.status.signal(), Some(9), "{fault:?} {point:?}");
            ledgers.push(Place::at(folder).ledger().read().len());
            match judge(folder) {
                Ok(end) => ends.push(end),
                Err(violation) => panic!("{plan:?} {fault:?}: {violation}\n{point:#?}"),
            }
        },
    );
    Place::at(&last).ledger().remove();
    report(plan, fault, &summary, &ends);
    let killed = Killed {
        fault,
        summary,
        ends,
    };
    (killed, ledgers)
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
        "crash matrix: {plan:?} {fault:?}: {} points, {} unlike the others: {} never started, {} withdrawn, {} completed, {} compensated, {} dead",
        summary.points,
        summary.struck,
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
fn a_saga_all_of_whose_steps_are_undone_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::FailLate);
}

#[test]
fn a_step_in_a_transaction_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::Transaction);
}

#[test]
fn a_saga_that_cannot_be_undone_survives_a_kill_at_every_write() {
    kill_at_every_write(Plan::FailForGood);
}
