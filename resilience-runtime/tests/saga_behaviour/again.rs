//! Sagas that are met again: by callers with the same key, and by the next run of their code.

use std::time::Duration;

use resilience_runtime::dlq::{DeadLetterKind, RetryAs};
use resilience_runtime::saga::journal::Status;

use crate::process::Process;
use crate::shop::{Ask, Do, hurried, order_once};
use crate::store::Trouble;

#[tokio::test(start_paused = true)]
async fn calls_with_one_key_share_one_saga() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Reserve(2)]).await;
    let call = || process.runtime.scope(order_once(&process.world, 3));
    let began = tokio::time::Instant::now();
    let (one, two, three) = tokio::join!(call(), call(), call());
    assert_eq!(began.elapsed(), Duration::ZERO, "who waits is woken");
    for answer in [one, two, three, call().await] {
        assert_eq!(answer.unwrap(), "order of 3");
    }
    assert_eq!(
        process.writes(),
        ["start", "reserve#0", "reserve#1 completed"]
    );
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_a_saga_that_was_undone_starts_anew() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Reserve(2)]).await;
    process.world.script("reserve 2", &[Do::Fail]);
    let call = || process.runtime.scope(order_once(&process.world, 3));
    let (one, two) = tokio::join!(call(), call());
    assert_eq!([one, two].iter().filter(|answer| answer.is_ok()).count(), 1);
    let effects = [
        "reserve 1",
        "reserve 2",
        "release 1",
        "reserve 1",
        "reserve 2",
    ];
    assert_eq!(process.world.effects(), effects);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_the_key_of_a_dead_process_goes_on_with_its_saga() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Reserve(2)]).await;
    process.store.expect(Trouble::DieAfter(1));
    tokio::select! {
        _ = process.runtime.scope(order_once(&process.world, 3)) => panic!("it died"),
        () = process.store.died() => {}
    }
    let process = process.restart().await;
    // Asked before recovery had a turn.
    let answer = process.runtime.scope(order_once(&process.world, 3)).await;
    assert_eq!(answer.unwrap(), "order of 3");
    assert_eq!(process.world.effects(), ["reserve 1", "reserve 2"]);
    assert_eq!(process.disk().saga().epoch, 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_the_key_of_a_saga_that_died_while_undone_undoes_it_and_starts_anew() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Fail]).await;
    process.store.expect(Trouble::DieAfter(1));
    tokio::select! {
        _ = process.runtime.scope(order_once(&process.world, 3)) => panic!("it died"),
        () = process.store.died() => {}
    }
    process.world.plan(&[Ask::Reserve(2)]);
    let process = process.restart().await;
    let answer = process.runtime.scope(order_once(&process.world, 3)).await;
    assert_eq!(answer.unwrap(), "order of 3");
    assert_eq!(
        process.world.effects(),
        ["reserve 1", "release 1", "reserve 2"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_is_refused_above_it_is_called_again_until_it_runs() {
    let process = Process::first(&[]).await;
    process.store.expect(Trouble::DieAfter(0));
    tokio::select! {
        _ = process.runtime.scope(hurried(&process.world)) => panic!("it died"),
        () = process.store.died() => {}
    }
    // For a quarter of an hour.
    process.world.script("before hurried", &[Do::Fail; 30]);
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.disk().saga().status, Status::Completed);
    assert_eq!(process.world.effects(), ["reserve 1"]);
}

#[tokio::test(start_paused = true)]
async fn arguments_of_another_type_park_the_saga() {
    let process = Process::first(&[Ask::Reserve(1)]).await;
    process.store.expect(Trouble::DieAfter(0));
    tokio::select! {
        _ = process.order() => panic!("it died"),
        () = process.store.died() => {}
    }
    process.disk().tamper(|saga| saga.input = "{}".to_owned());
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.disk().saga().status, Status::Parked);
    let error = process.disk().data().letters[0].work.error.clone();
    assert!(error.contains("argument `customer`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn arguments_that_differ_from_the_journal_park_the_saga() {
    let error = run_changed_code(&[Ask::Reserve(9), Ask::Reserve(2)]).await;
    let difference = "step `reserve` (call 1) with another value of `item`";
    assert!(error.contains(difference), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_journaled_step_that_the_code_does_not_ask_for_parks_the_saga() {
    let error = run_changed_code(&[Ask::Note(1)]).await;
    let difference =
        "the code asks for step `note` (call 1), and the journal goes on with `reserve` (call 1)";
    assert_eq!(error, difference);
}

/// A saga dies when its first step is durable; the next process has other code.
async fn run_changed_code(plan: &[Ask]) -> String {
    let process = Process::first(&[Ask::Reserve(1), Ask::Reserve(2)]).await;
    process.store.expect(Trouble::DieAfter(1));
    tokio::select! {
        _ = process.order() => panic!("it died"),
        () = process.store.died() => {}
    }
    process.world.plan(plan);
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.disk().saga().status, Status::Parked);
    let letters = process.disk().data().letters.clone();
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (letters[0].work.kind, letters[0].work.operation.as_str()),
        (DeadLetterKind::Saga, "order")
    );
    assert_eq!(letters[0].work.arguments, r#"{"customer":7}"#);
    assert_eq!(process.world.times("release 1"), 0);
    // An operator decides to undo what the journal has.
    process
        .runtime
        .dead_letters()
        .retry_as(1, RetryAs::Compensation, "ada")
        .await
        .unwrap();
    assert_eq!(process.world.times("release 1"), 1);
    assert_eq!(process.disk().saga().status, Status::Compensated);
    letters[0].work.error.clone()
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_is_cut_off_now_and_then_is_finished() {
    let process = Process::first(&[]).await;
    process.world.script("reserve 1", &[Do::Hang; 4]);
    let call = process.runtime.scope(hurried(&process.world));
    call.await.unwrap_err();
    process.runtime.shutdown().await;
    assert_eq!(process.disk().saga().status, Status::Completed);
    assert_eq!(process.world.times("reserve 1"), 5);
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_is_always_cut_off_is_parked() {
    let process = Process::first(&[]).await;
    process.world.script("reserve 1", &[Do::Hang; 100]);
    process
        .runtime
        .scope(hurried(&process.world))
        .await
        .unwrap_err();
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(process.disk().saga().status, Status::Parked);
    assert_eq!(process.world.times("reserve 1"), 9);
    let letters = process.disk().data().letters.clone();
    assert!(letters[0].work.error.contains("cut off 8 times"));
}
