//! What an operator sees.

use std::time::Duration;

use resilience_runtime::dlq::{Closing, Queue};
use resilience_runtime::operator::Operator;
use resilience_runtime::runtime::RuntimeBuilder;
use resilience_runtime::saga::journal::{Journal, NewSaga, SagaId, Status};
use resilience_test_support::log::Log;
use resilience_test_support::meter::Meter;
use tracing::Level;

use crate::mortal::Mortal;
use crate::process::Process;
use crate::shop::{Do, World, order};

#[tokio::test(start_paused = true)]
async fn every_end_of_a_saga_is_counted_with_its_duration() {
    let meter = Meter::default();
    let _listening = meter.listen();
    let process = Process::first().await;
    let run = async |plan: &[(&'static str, u32)]| {
        process.world.plan("order", plan);
        let _outcome = process.runtime.scope(order(&process.world, 1)).await;
    };
    run(&[("take", 1)]).await;
    run(&[("fail", 0)]).await;
    run(&[("take", 1), ("fail", 0)]).await;
    process.world.script("undo 2", [Do::Fail; 5]);
    run(&[("take", 1), ("take", 2), ("fail", 0)]).await;
    process
        .world
        .script("note 3", std::iter::repeat_n(Do::Fail, 20));
    run(&[("commit", 1), ("note", 3)]).await;
    let expected = [
        ("sagas_completed_total{saga=order}", 1.0),
        ("sagas_failed_total{saga=order}", 1.0),
        ("sagas_compensated_total{saga=order}", 1.0),
        ("sagas_compensation_failed_total{saga=order}", 1.0),
        ("sagas_parked_total{saga=order}", 1.0),
        ("saga_runs_again_total{saga=order}", 19.0),
        ("saga_compensation_attempts_total{step=take}", 6.0),
        ("saga_compensation_failures_total{step=take}", 5.0),
        ("dead_letters_total{operation=take}", 1.0),
        ("dead_letters_total{operation=order}", 1.0),
    ];
    let durations = meter.values("saga_duration_seconds{saga=order}");
    assert_eq!(durations.len(), 5, "one for each end");
    for (metric, sum) in expected {
        assert_eq!(meter.sum(metric), sum, "{metric}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_says_which_saga_is_undone_and_why() {
    let log = Log::default();
    let _listening = log.listen();
    let process = Process::first().await;
    let run = async |plan: &[(&'static str, u32)]| {
        process.world.plan("order", plan);
        let call = process.runtime.scope(order(&process.world, 1));
        call.await.unwrap_err().to_string()
    };
    run(&[("fail", 0)]).await;
    assert!(log.texts(Level::INFO, "a saga failed").is_empty());
    assert_eq!(log.texts(Level::DEBUG, "nothing to undo").len(), 1);
    let error = run(&[("take", 1), ("take", 2), ("fail", 0)]).await;
    let sagas = process.sagas().await;
    let undone = log.texts(Level::INFO, "a saga failed, and is undone");
    assert_eq!(undone.len(), 1, "{undone:?}");
    let id = format!("saga_id={}", sagas.last().unwrap().id);
    for text in ["saga=\"order\"", &id, &error, "steps=2"] {
        assert!(undone[0].contains(text), "{text}: {undone:?}");
    }
    assert_eq!(log.texts(Level::DEBUG, "a saga is undone").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn sagas_that_were_taken_over_are_counted() {
    let meter = Meter::default();
    let _listening = meter.listen();
    let process = Process::first().await;
    process.world.plan("order", &[("note", 1)]);
    process.world.script("note 1", [Do::Hang; 3]);
    let calls = (0..3).map(|n| call!(order, process, n));
    process.begin(calls).await;
    process.recovered().await;
    assert_eq!(meter.sum("sagas_recovered_total{saga=order}"), 3.0);
    assert_eq!(meter.sum("sagas_completed_total{saga=order}"), 3.0);
}

#[tokio::test(start_paused = true)]
async fn sagas_that_nobody_knows_are_reported_once_per_change() {
    let (log, meter) = (Log::default(), Meter::default());
    let _listening = (log.listen(), meter.listen());
    let elsewhere = Mortal::first();
    let start = |version| {
        let saga = NewSaga {
            id: SagaId::generate(),
            given: false,
            name: "elsewhere".to_owned(),
            version,
            key: None,
            input: "{}".to_owned(),
            timeout: None,
            parent: None,
            nonce: uuid::Uuid::new_v4().as_u128(),
        };
        elsewhere.start(saga)
    };
    start(3).await.unwrap();
    start(3).await.unwrap();
    let process = Process::on(elsewhere.another(), &World::new(), |builder| builder).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        meter.last("sagas_unknown{}"),
        Some(0.0),
        "its process lives"
    );
    start(4).await.unwrap();
    drop(elsewhere.kill());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let warned = log.texts(Level::WARN, "elsewhere");
    assert_eq!(warned.len(), 2, "{warned:?}");
    assert!(warned[0].contains("version=3 count=2"), "{warned:?}");
    assert_eq!(meter.last("sagas_unknown{}"), Some(3.0));
    for saga in process.sagas().await {
        assert_eq!((saga.status, saga.epoch), (Status::Running, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_fills_is_an_error_at_the_limit_and_at_each_doubling() {
    let (log, meter) = (Log::default(), Meter::default());
    let _listening = (log.listen(), meter.listen());
    let limit = |builder: RuntimeBuilder| builder.dead_letter_limit(2);
    let process = Process::on(Mortal::first(), &World::new(), limit).await;
    process.world.plan("order", &[("slow", 1), ("fail", 0)]);
    process
        .world
        .script("undo 1", std::iter::repeat_n(Do::Fail, 100));
    let rung = || log.texts(Level::ERROR, "dead letters wait").len();
    for (letters, expected) in [(1_u32, 0), (2, 1), (3, 1), (4, 2), (5, 2)] {
        let call = process.runtime.scope(order(&process.world, 1));
        call.await.unwrap_err();
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(rung(), expected, "with {letters} letters");
        assert_eq!(
            meter.last("dead_letters_unresolved{}"),
            Some(f64::from(letters))
        );
    }
    assert_eq!(meter.sum("dead_letters_over_limit_total{}"), 2.0);
    for letter in 1..=4 {
        let closing = Closing::Resolve("by hand".to_owned());
        let closed = process.store.close(letter, closing, Operator::named("ann"));
        assert!(closed.await.unwrap());
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(meter.last("dead_letters_unresolved{}"), Some(1.0));
    process
        .runtime
        .scope(order(&process.world, 1))
        .await
        .unwrap_err();
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(rung(), 3, "it was below the limit in between");
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_cannot_be_written_is_logged_whole_and_once() {
    let log = Log::default();
    let _listening = log.listen();
    let process = Process::first().await;
    process.world.plan("order", &[("slow", 1), ("fail", 0)]);
    process.world.script("undo 1", [Do::Fail; 2]);
    let call = process.runtime.scope(order(&process.world, 1));
    let away = async {
        // Once the decision is written, and before the letter is.
        tokio::time::sleep(Duration::from_millis(50)).await;
        process.store.refuse("advance", 10);
    };
    let (answer, ()) = tokio::join!(call, away);
    answer.unwrap_err();
    let logged = log.texts(Level::ERROR, "could not be written");
    assert_eq!(logged.len(), 1, "{logged:?}");
    for part in ["did slow 1", "refused: undo 1", "position"] {
        assert!(logged[0].contains(part), "{logged:?}");
    }
    assert_eq!(process.letters().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_cancelled_by_another_process_hears_of_it_at_once() {
    let process = Process::first().await;
    process.world.plan("order", &[("take", 1), ("note", 2)]);
    process.world.script("note 2", [Do::Take(1)]);
    process.begin([call!(order, process, 1)]).await;
    let other = process.store.another();
    let id = process.saga().await.id;
    other.cancel(id, Operator::named("ann")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(process.saga().await.status, Status::Compensated);
    // What was under way came out first.
    assert_eq!(process.world.times("undo 1"), 1);
}
