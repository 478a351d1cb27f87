//! What is left of a compensation that failed for good.

use std::time::Duration;

use resilience_runtime::dlq::{
    Closing, DeadLetterId, DeadLetterKind, DeadLetterStatus, Priority, Queue, RetryAs,
};
use resilience_runtime::error::Error;
use resilience_runtime::operator::Operator;
use resilience_runtime::runtime::RuntimeBuilder;
use resilience_runtime::saga::journal::Status;

use crate::mortal::Mortal;
use crate::process::Process;
use crate::shop::{Do, Oops, World, order, steady};

const FAILS: [(&str, u32); 4] = [("take", 1), ("take", 2), ("take", 3), ("fail", 0)];

fn always() -> impl Iterator<Item = Do> {
    std::iter::repeat_n(Do::Fail, 5)
}

/// How often the compensation of each step was called.
fn undone(process: &Process) -> [usize; 3] {
    [1, 2, 3].map(|item| process.world.times(&format!("undo {item}")))
}

async fn request_retry(process: &Process, letter: DeadLetterId) {
    let by = Operator::named("ann");
    let requested = process.store.request_retry(letter, RetryAs::Itself, by);
    assert!(requested.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_compensation_that_fails_for_good_stops_the_rest() {
    let process = Process::first().await;
    process.world.plan("order", &FAILS);
    process.world.script("undo 2", always());
    let answer = process.runtime.scope(order(&process.world, 1)).await;
    let letters = process.letters().await;
    let Err(Oops::Policy(Error::CompensationFailed { dead_letter, .. })) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(dead_letter, letters[0].id.to_string());
    assert_eq!(process.world.times("undo 1"), 0);
    assert_eq!(process.saga().await.status, Status::CompensationFailed);
    let work = &letters[0].work;
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (work.kind, work.priority),
        (DeadLetterKind::Compensation, Priority::High)
    );
    assert_eq!((work.operation.as_str(), work.position), ("take", Some(1)));
    assert_eq!((work.attempts, work.dependency.as_deref()), (5, None));
    assert_eq!(work.arguments, r#"{"item":2}"#);
    assert_eq!(work.output.as_deref(), Some(r#""did take 2""#));
    assert_eq!(work.error, "refused: undo 2");
    assert_eq!(letters[0].saga_name.as_deref(), Some("order"));
}

#[tokio::test(start_paused = true)]
async fn what_failed_for_good_is_left_alone_by_the_next_process() {
    let process = Process::first().await;
    process.world.plan("order", &FAILS);
    process.world.script("undo 2", always());
    let call = process.runtime.scope(order(&process.world, 1));
    call.await.unwrap_err();
    let process = process.recovered().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(process.saga().await.status, Status::CompensationFailed);
    assert_eq!(process.world.times("undo 2"), 5);
    assert_eq!(process.letters().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_was_requested_goes_on_with_the_rest_and_settles_the_letter() {
    let process = Process::first().await;
    process.world.plan("order", &FAILS);
    process.world.script("undo 2", always());
    let call = process.runtime.scope(order(&process.world, 1));
    call.await.unwrap_err();
    request_retry(&process, 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(process.saga().await.status, Status::Compensated);
    assert_eq!(process.letters().await[0].status, DeadLetterStatus::Settled);
    assert_eq!(undone(&process), [1, 6, 1]);
}

#[tokio::test(start_paused = true)]
async fn on_dead_continue_undoes_the_rest_with_a_letter_for_each_that_fails() {
    let process = Process::first().await;
    process.world.plan("steady", &FAILS);
    process.world.script("undo 3", always());
    process.world.script("undo 1", always());
    let answer = process.runtime.scope(steady(&process.world, 1)).await;
    assert!(matches!(
        answer,
        Err(Oops::Policy(Error::CompensationFailed { .. }))
    ));
    assert_eq!(undone(&process), [5, 1, 5]);
    let saga = process.saga().await;
    assert_eq!(saga.status, Status::CompensationFailed);
    assert_eq!(saga.error.as_deref(), Some("refused: steady"));
    let letters = process.letters().await;
    let positions: Vec<_> = letters.iter().map(|letter| letter.work.position).collect();
    assert_eq!(positions, [Some(2), Some(0)]);

    // Retried, the one that succeeds is settled, and the other one is the same letter as before.
    process.world.script("undo 1", always());
    request_retry(&process, 1).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let letters = process.letters().await;
    let statuses: Vec<_> = letters.iter().map(|letter| letter.status).collect();
    assert_eq!(
        statuses,
        [DeadLetterStatus::Settled, DeadLetterStatus::Open]
    );
    assert_eq!(letters[1].work.attempts, 10);
    assert_eq!(process.saga().await.status, Status::CompensationFailed);

    process.world.script("undo 1", []);
    request_retry(&process, 2).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(process.saga().await.status, Status::Compensated);
    assert_eq!(process.letters().await[1].status, DeadLetterStatus::Settled);
    assert_eq!(undone(&process), [11, 1, 6]);
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_did_by_hand_is_not_done_again() {
    let process = Process::first().await;
    process.world.plan("steady", &FAILS);
    process.world.script("undo 3", always());
    process.world.script("undo 1", always());
    let call = process.runtime.scope(steady(&process.world, 1));
    call.await.unwrap_err();
    let ann = || Operator::named("ann");
    let closing = Closing::Resolve("by hand".to_owned());
    assert!(process.store.close(1, closing, ann()).await.unwrap());
    process.store.refuse("list", 2);
    request_retry(&process, 2).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(undone(&process), [6, 1, 5]);
    assert_eq!(process.saga().await.status, Status::Compensated);
    let letters = process.letters().await;
    assert_eq!(letters[0].status, DeadLetterStatus::Resolved);
    assert_eq!(letters[1].status, DeadLetterStatus::Settled);
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_stays_when_the_newer_ones_were_undone() {
    let process = Process::first().await;
    process.world.plan("steady", &FAILS);
    process.world.script("undo 3", always());
    let call = process.runtime.scope(steady(&process.world, 1));
    call.await.unwrap_err();
    assert_eq!(undone(&process), [1, 1, 5]);
    assert_eq!(process.saga().await.status, Status::CompensationFailed);
    assert_eq!(process.letters().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn letters_show_what_the_builder_lets_them() {
    let settings = |builder: RuntimeBuilder| {
        builder.payload_limit(64).redact(|value| {
            if let Some(item) = value.get_mut("item") {
                *item = "hidden".into();
            }
            if let Some(text) = value.as_str() {
                *value = text.repeat(20).into();
            }
        })
    };
    let process = Process::on(Mortal::first(), &World::new(), settings).await;
    process.world.plan("order", &FAILS);
    process.world.script("undo 3", always());
    let call = process.runtime.scope(order(&process.world, 1));
    call.await.unwrap_err();
    let work = process.letters().await.remove(0).work;
    assert_eq!(work.arguments, r#"{"item":"hidden"}"#);
    let output = work.output.unwrap();
    assert!(
        output.len() <= 64 && output.contains(r#""bytes":202"#),
        "{output}"
    );
    // What is retried is in the journal.
    request_retry(&process, 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(process.saga().await.status, Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_cannot_be_written_is_tried_until_it_is() {
    let process = Process::first().await;
    process.world.plan("order", &[("slow", 1), ("fail", 0)]);
    process.world.script("undo 1", [Do::Fail; 2]);
    let store = std::sync::Arc::clone(&process.store);
    let away = async move {
        // Once the decision is written.
        tokio::time::sleep(Duration::from_millis(50)).await;
        store.refuse("advance", 100);
    };
    let (answer, ()) = tokio::join!(process.runtime.scope(order(&process.world, 1)), away);
    answer.unwrap_err();
    assert_eq!(process.letters().await.len(), 1);
    assert!(process.store.asked("advance") > 100);
}
