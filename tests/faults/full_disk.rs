//! The disk under the runtime's database is full, or broken, from a write on, and has room again after a while. The process lives, and
//! brings to its end what it could not write meanwhile: a decision to undo, what is undone, a dead letter, what operators ask for.

use std::path::PathBuf;
use std::time::Duration;

use resilience::dead_letters::RetryOutcome;
use resilience::saga::{CancelOutcome, SagaFilter};
use resilience::{DeadLetterError, Runtime};
use resilience_test_support::child;
use resilience_test_support::crash::{Fault, at_every_write};
use resilience_test_support::server::say;

use crate::checker::{End, actions, check};
use crate::errors;
use crate::ledger::{Action, HOLD_AT, Ledger};
use crate::place::{Place, Snapshot, block_on};
use crate::process::{Job, NOT_OPENED, command};
use crate::shop::{Order, Plan, ShopError, purchase};
use crate::writes::template;

/// To open the file takes some, and each commit is a write and a sync at least.
const POINTS_MIN: u64 = 12;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Cancels the saga in its second step, as often as it takes.
pub(crate) async fn cancel(runtime: &Runtime, ledger: &Ledger) -> Result<u32, ShopError> {
    let plan = Plan::Succeed;
    let call = purchase(ledger, Order { id: 7, plan });
    let cancelling = async {
        while !ledger.is_held() {
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        let sagas = runtime.sagas();
        let all = sagas.list(SagaFilter::default(), None, 1).await;
        let id = all.expect("a list").remove(0).id;
        loop {
            match sagas.cancel(&id, "ada").await {
                Ok(Some(CancelOutcome::Requested)) => break,
                Ok(other) => panic!("{other:?}"),
                Err(_) => tokio::time::sleep(BETWEEN_TRIES).await,
            }
        }
        ledger.release();
        std::future::pending().await
    };
    tokio::select! {
        answer = call => answer,
        never = cancelling => never,
    }
}

/// Retries the dead letter, as often as it takes.
pub(crate) async fn retry(runtime: &Runtime) {
    let letters = runtime.dead_letters();
    loop {
        match letters.retry(1, "ada").await {
            Ok(RetryOutcome::Settled) => break,
            Ok(other) => panic!("{other:?}"),
            // One that was told to have failed in doubt has come out.
            Err(DeadLetterError::NotOpen(1, _)) => {
                if letters.unresolved().await.is_ok_and(|count| count == 0) {
                    break;
                }
            }
            Err(_) => {}
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
}

/// A job, what it works on, and how its saga is judged.
struct Case {
    job: Job,
    holds: bool,
    left: Place,
    judge: fn(&Snapshot, &Snapshot) -> Result<End, String>,
}

/// The faults beside each other; how many dead letters were logged.
fn room_at_every_write(case: &Case, faults: &[Fault]) -> usize {
    std::thread::scope(|scope| {
        let faults = faults.iter().copied();
        let cases = faults.map(|fault| scope.spawn(move || room_with(case, fault)));
        // All of them are to begin before the first one is waited for.
        let cases: Vec<_> = cases.collect();
        let logged = cases.into_iter().map(|it| it.join().expect("no violation"));
        logged.sum()
    })
}

fn room_with(case: &Case, fault: Fault) -> usize {
    let (mut ends, mut refused, mut logged) = (Vec::new(), 0, 0);
    let mut violations = Vec::new();
    let mut last = PathBuf::new();
    let summary = at_every_write(
        fault,
        |folder| {
            folder.clone_into(&mut last);
            case.left.copy_to(&Place::at(folder));
            let mut command = command(folder, &case.job);
            if case.holds {
                command.env(HOLD_AT, "do2:after");
            }
            command
        },
        |point, folder| {
            let place = Place::at(folder);
            match point.status.code() {
                Some(0) => match ends_in_its_process(case, &place) {
                    Ok(end) => ends.push(end),
                    Err(violation) => violations.push(format!("{violation} at {point:?}")),
                },
                Some(NOT_OPENED) => refused += 1,
                _ => panic!("{:?} {fault:?}: {point:#?}", case.job),
            }
            for letter in errors::read(&place.ledger().errors()) {
                logged += 1;
                assert_eq!(letter["operation"], "first");
                assert_eq!(letter["error"], "refused");
                let arguments = letter["arguments"].as_str().expect("a text");
                assert!(arguments.contains(r#""id":7"#), "{letter}");
            }
            place.ledger().remove();
        },
    );
    Place::at(&last).ledger().remove();
    say(&format!(
        "disk with room again: {:?} {fault:?}: {} points, {refused} not opened, {} ended, {logged} letters logged",
        case.job,
        summary.points,
        ends.len(),
    ));
    assert!(
        violations.is_empty(),
        "{:?} {fault:?}: {violations:#?}",
        case.job
    );
    assert!(summary.points >= POINTS_MIN, "{} points", summary.points);
    assert!(ends.iter().any(|end| *end != End::NeverStarted));
    logged
}

/// What it leaves is at its end, and the next process has nothing to do; but for a start that nobody knows of.
fn ends_in_its_process(case: &Case, place: &Place) -> Result<End, String> {
    block_on(async {
        let before = place.look().await;
        let after = place.recover().await;
        if actions(&before.ledger).is_empty() {
            return Ok(End::NeverStarted);
        }
        if before != after {
            return Err(format!("it was left unfinished: {before:#?}"));
        }
        (case.judge)(&before, &after)
    })
}

#[test]
fn a_dead_letter_is_logged_whole_and_written_when_there_is_room() {
    let case = Case {
        job: Job::PurchaseOnFullDisk(Plan::FailForGood),
        holds: false,
        left: template(),
        judge: |before, after| check(Plan::FailForGood, 0, before, after),
    };
    let logged = room_at_every_write(&case, &[Fault::DiskFull]);
    assert!(logged > 0, "no letter met the full disk");
}

#[test]
fn a_saga_is_cancelled_when_there_is_room() {
    let case = Case {
        job: Job::CancelOnFullDisk,
        holds: true,
        left: template(),
        // It would succeed, and is undone because it is cancelled.
        judge: |before, after| check(Plan::Fail, 0, before, after),
    };
    room_at_every_write(&case, &[Fault::DiskFull, Fault::DiskBroken]);
}

#[test]
fn a_dead_letter_is_retried_when_there_is_room() {
    let left = Place::new();
    let mut dead = command(left.folder(), &Job::Purchase(Plan::FailForGood))
        .spawn()
        .expect("it starts");
    assert!(child::wait(&mut dead).success());
    left.ledger().mend();
    let case = Case {
        job: Job::RetryOnFullDisk,
        holds: false,
        left,
        judge: |_, after| {
            let [saga] = after.sagas.as_slice() else {
                return Err(format!("{} sagas", after.sagas.len()));
            };
            let undone = saga.steps.iter().all(|step| step.is_undone);
            let settled = saga.letters.iter().all(|letter| letter.status == "settled");
            let effects = actions(&after.ledger);
            let expected = [
                Action::Do(1),
                Action::Do(2),
                Action::Undo(2),
                Action::Undo(1),
            ];
            let is_sound = saga.status == "compensated" && undone && settled && effects == expected;
            is_sound
                .then_some(End::Compensated)
                .ok_or_else(|| format!("{saga:#?} with the effects {effects:?}"))
        },
    };
    room_at_every_write(&case, &[Fault::DiskFull, Fault::DiskBroken]);
}
