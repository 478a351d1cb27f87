//! What becomes of a saga that is taken over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience_runtime::dlq::{
    DeadLetterKind, DeadLetterStatus, NewDeadLetter, Priority, Queue, RetryAs,
};
use resilience_runtime::operator::Operator;
use resilience_runtime::runtime::RuntimeBuilder;
use resilience_runtime::saga::journal::{Journal, Parking, Status};

use crate::process::Process;
use crate::shop::Do;

#[tokio::test(start_paused = true)]
async fn recover_compensate_undoes_what_was_interrupted() {
    let process = Process::first().await;
    process.world.plan("undone", &[("take", 1), ("note", 2)]);
    process.world.script("note 2", [Do::Hang]);
    process.begin([call!(undone, process, 1)]).await;
    let process = process.recovered().await;
    let saga = process.saga().await;
    assert_eq!(saga.status, Status::Compensated);
    assert_eq!(process.world.times("undo 1"), 1);
    assert_eq!(process.world.times("note 2"), 1);
    assert!(saga.error.unwrap().contains("recover = compensate"));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_under_way_when_its_process_died_is_undone_without_its_output() {
    for name in ["undone", "brief", "order"] {
        let process = Process::first().await;
        process
            .world
            .plan(name, &[("take", 1), ("wire", 2), ("note", 3)]);
        process.world.script("wire 2", [Do::Hang]);
        match name {
            "undone" => process.begin([call!(undone, process, 1)]).await,
            "brief" => process.begin([call!(brief, process, 1)]).await,
            _ => process.begin([call!(order, process, 1)]).await,
        }
        let id = process.saga().await.id;
        let next = process.store.kill();
        match name {
            "undone" => {}
            "brief" => tokio::time::sleep(Duration::from_secs(61)).await,
            _ => drop(next.cancel(id, Operator::named("ann")).await.unwrap()),
        }
        let process = Process::on(next, &process.world, |builder| builder).await;
        process.runtime.recovered().await;
        let effects = process.world.effects();
        let undone: Vec<_> = effects
            .iter()
            .filter(|effect| !effect.starts_with("run"))
            .collect();
        assert_eq!(
            undone,
            ["take 1", "wire 2", "undo 2 in doubt", "undo 1"],
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn past_a_pivot_there_is_only_forward() {
    let process = Process::first().await;
    let plan = [("take", 1), ("commit", 2), ("note", 3)];
    process.world.plan("undone", &plan);
    process.world.script("note 3", [Do::Hang]);
    process.begin([call!(undone, process, 1)]).await;
    let process = process.recovered().await;
    assert_eq!(process.saga().await.status, Status::Completed);
    assert_eq!(process.world.times("undo 1"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_goes_on_while_nobody_works_on_the_saga() {
    for (away, status) in [(58, Status::Completed), (60, Status::Compensated)] {
        let process = Process::first().await;
        process.world.plan("brief", &[("take", 1), ("note", 2)]);
        process.world.script("note 2", [Do::Hang]);
        process.begin([call!(brief, process, 1)]).await;
        let next = process.store.kill();
        tokio::time::sleep(Duration::from_secs(away)).await;
        let process = Process::on(next, &process.world, |builder| builder).await;
        process.runtime.recovered().await;
        assert_eq!(process.saga().await.status, status);
        let undone = usize::from(status == Status::Compensated);
        assert_eq!(process.world.times("undo 1"), undone);
        assert_eq!(process.world.times("note 2"), 2 - undone);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_cancelled_while_nobody_worked_on_it_is_undone() {
    let process = Process::first().await;
    process.world.plan("order", &[("take", 1), ("note", 2)]);
    process.world.script("note 2", [Do::Hang]);
    process.begin([call!(order, process, 1)]).await;
    let id = process.saga().await.id;
    let next = process.store.kill();
    next.cancel(id, Operator::named("ann")).await.unwrap();
    let process = Process::on(next, &process.world, |builder| builder).await;
    process.runtime.recovered().await;
    let saga = process.saga().await;
    assert_eq!(saga.status, Status::Compensated);
    assert_eq!(process.world.effects()[..3], ["take 1", "note 2", "undo 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_may_be_killing_its_processes_is_parked_without_being_run() {
    let mut process = Process::first().await;
    process.world.plan("order", &[("take", 1), ("note", 2)]);
    process.world.script("note 2", [Do::Hang; 100]);
    process.begin([call!(order, process, 1)]).await;
    for _ in 0..5 {
        process = process.killed().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(process.world.times("note 2"), 6);
    let process = process.recovered().await;
    assert_eq!(process.world.times("note 2"), 6);
    let saga = process.saga().await;
    assert_eq!(saga.status, Status::Parked);
    assert_eq!(
        (saga.parking, saga.interruptions),
        (Some(Parking::Poison), 6)
    );
    let letters = process.letters().await;
    assert_eq!(letters.len(), 1);
    let work = &letters[0].work;
    assert_eq!(
        (work.kind, work.priority),
        (DeadLetterKind::Saga, Priority::High)
    );
    assert_eq!((work.operation.as_str(), work.attempts), ("order", 6));
    assert_eq!(work.arguments, r#"{"number":1}"#);
    assert!(work.error.contains("a step that was under way"));
    assert_eq!(letters[0].status, DeadLetterStatus::Open);
    // It is left alone.
    let process = process.recovered().await;
    assert_eq!(process.saga().await.status, Status::Parked);
}

#[tokio::test(start_paused = true)]
async fn what_gets_further_between_two_deaths_is_no_poison() {
    let mut process = Process::first().await;
    let plan: Vec<_> = (1..=8).map(|item| ("note", item)).collect();
    process.world.plan("order", &plan);
    for item in 1..=8 {
        process.world.script(&format!("note {item}"), [Do::Hang]);
    }
    process.begin([call!(order, process, 1)]).await;
    for _ in 1..=8 {
        process = process.killed().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(process.saga().await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_compensation_that_may_be_killing_its_processes_waits_for_an_operator() {
    let mut process = Process::first().await;
    process
        .world
        .plan("order", &[("take", 1), ("take", 2), ("fail", 0)]);
    process.world.script("undo 2", [Do::Hang; 100]);
    process.begin([call!(order, process, 1)]).await;
    for _ in 0..5 {
        process = process.killed().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let process = process.recovered().await;
    assert_eq!(process.world.times("undo 2"), 6);
    assert_eq!(process.world.times("undo 1"), 0);
    let saga = process.saga().await;
    assert_eq!(saga.status, Status::CompensationFailed);
    assert_eq!(saga.error.unwrap(), "refused: order");
    let letters = process.letters().await;
    assert_eq!(letters[0].work.position, Some(1));
    assert!(letters[0].work.error.contains("6 times in a row"));
}

#[tokio::test(start_paused = true)]
async fn what_was_parked_for_its_code_is_tried_again_once_by_each_process() {
    let process = Process::first().await;
    process.world.plan("order", &[("take", 1), ("note", 2)]);
    process.world.script("note 2", [Do::Hang]);
    process.begin([call!(order, process, 1)]).await;
    // The code of the next two processes does not fit.
    process.world.plan("order", &[("take", 9), ("note", 2)]);
    let process = process.recovered().await;
    let saga = process.saga().await;
    assert_eq!(saga.parking, Some(Parking::Mismatch));
    assert_eq!(saga.epoch, 2);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(process.saga().await.epoch, 2);
    let process = process.recovered().await;
    assert_eq!(process.saga().await.epoch, 3);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(process.saga().await.epoch, 3);
    assert_eq!(process.letters().await.len(), 1);
    process.world.plan("order", &[("take", 1), ("note", 2)]);
    let process = process.recovered().await;
    let saga = process.saga().await;
    assert_eq!((saga.status, saga.epoch), (Status::Completed, 4));
    assert_eq!(process.world.times("take 1"), 1);
    let letters = process.letters().await;
    assert_eq!(letters[0].status, DeadLetterStatus::Settled);
}

#[tokio::test(start_paused = true)]
async fn works_for_which_a_retry_was_requested_are_handled_by_who_has_the_handler() {
    let mailed = Arc::new(AtomicU32::new(0));
    let handles = |builder: RuntimeBuilder| {
        let mailed = Arc::clone(&mailed);
        builder.dead_letter_handler("mail", move |arguments| {
            let number = mailed.fetch_add(1, Ordering::Relaxed);
            async move {
                if number == 1 {
                    panic!("no mailer");
                }
                match number {
                    0 => Err(format!("no route to {}", arguments["to"])),
                    _ => Ok(()),
                }
            }
        })
    };
    let process = Process::first().await;
    let letter = NewDeadLetter {
        kind: DeadLetterKind::Work,
        operation: "mail".to_owned(),
        dependency: None,
        priority: Priority::Normal,
        position: None,
        arguments: r#"{"to":"ann"}"#.to_owned(),
        output: None,
        error: "no route".to_owned(),
        attempts: 1,
    };
    let ann = || Operator::named("ann");
    let store = &process.store;
    let id = store.add(letter, "1".to_owned(), ann()).await.unwrap();
    let other = Process::on(store.another(), &process.world, handles).await;
    let errors = ["no route to \"ann\"", "panicked: no mailer"];
    for (attempts, error) in (2..).zip(errors) {
        assert!(
            store
                .request_retry(id, RetryAs::Itself, ann())
                .await
                .unwrap()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
        let letter = store.get(id).await.unwrap().unwrap();
        assert_eq!(letter.status, DeadLetterStatus::Open);
        assert_eq!(
            (letter.work.attempts, letter.work.error.as_str()),
            (attempts, error)
        );
    }
    assert!(
        store
            .request_retry(id, RetryAs::Itself, ann())
            .await
            .unwrap()
    );
    other.store.refuse("end_work", 3);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let letter = store.get(id).await.unwrap().unwrap();
    assert_eq!(letter.status, DeadLetterStatus::Settled);
    assert_eq!(mailed.load(Ordering::Relaxed), 3);
}
