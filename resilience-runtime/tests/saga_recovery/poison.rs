//! Sagas that were parked because their processes died again and again, and are undone by an operator: without their code,
//! from their journal alone.

use std::time::Duration;

use resilience_runtime::dlq::{RetryAs, RetryOutcome};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::CompensateOutcome;
use resilience_runtime::saga::journal::{Parking, SagaRecord, Status, StepOutcome};

use crate::process::Process;
use crate::shop::{Do, World};

/// The saga `order`, whose process has died so often.
async fn dies(process: Process, times: u32, most: u32) -> Process {
    process.begin([call!(order, process, 1)]).await;
    let mut process = process;
    for _ in 0..times {
        let next = process.store.kill();
        let settings =
            |builder: resilience_runtime::runtime::RuntimeBuilder| builder.max_interruptions(most);
        process = Process::on(next, &process.world, settings).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    process.runtime.recovered().await;
    process
}

async fn parked(plan: &[(&'static str, u32)], hangs: &str, deaths: u32) -> Process {
    let process = Process::first().await;
    process.world.plan("order", plan);
    process.world.script(hangs, [Do::Hang; 100]);
    dies(process, deaths, deaths - 1).await
}

/// What was done and undone, without how.
fn effects(world: &World) -> Vec<String> {
    let mut effects = world.effects();
    effects.retain(|effect| !effect.starts_with("run"));
    effects
}

fn outcomes(saga: &SagaRecord) -> Vec<(&str, StepOutcome, bool)> {
    let steps = saga.steps.iter();
    steps
        .map(|step| (step.step.as_str(), step.outcome, step.undone))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_under_way_is_undone_with_those_before_it() {
    let process = parked(&[("take", 1), ("wire", 2), ("note", 3)], "wire 2", 6).await;
    let saga = process.saga().await;
    assert_eq!(
        (saga.status, saga.parking, saga.interruptions),
        (Status::Parked, Some(Parking::Poison), 6)
    );
    let in_doubt = ("wire", StepOutcome::InDoubt, false);
    let done = ("take", StepOutcome::Done, false);
    assert_eq!(outcomes(&saga), [done, in_doubt]);
    let undone = process.runtime.sagas().compensate(&saga.id, "ada").await;
    assert_eq!(undone.unwrap(), CompensateOutcome::Undone);
    let mut expected = vec!["take 1"];
    expected.extend(["wire 2"; 6]);
    expected.extend(["undo 2 in doubt", "undo 1"]);
    assert_eq!(effects(&process.world), expected);
    assert_eq!(process.saga().await.status, Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_its_letter_as_a_compensation_undoes_it_too() {
    let process = parked(&[("wire", 2)], "wire 2", 2).await;
    let letter = process.letters().await.remove(0);
    assert!(letter.work.error.contains("`in_doubt = compensate`"));
    let letters = process.runtime.dead_letters();
    let retried = letters.retry_as(letter.id, RetryAs::Compensation, Operator::named("ada"));
    assert_eq!(retried.await.unwrap(), RetryOutcome::Settled);
    assert_eq!(
        effects(&process.world),
        ["wire 2", "wire 2", "undo 2 in doubt"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_was_called_and_was_under_way_is_undone_with_its_caller() {
    let process = Process::first().await;
    process.world.plan("order", &[("take", 1), ("call", 5)]);
    process.world.plan("flood", &[("take", 6), ("wire", 7)]);
    process.world.script("wire 7", [Do::Hang; 100]);
    let process = dies(process, 2, 1).await;
    let sagas = process.sagas().await;
    let statuses = sagas.iter().map(|saga| (saga.name.as_str(), saga.parking));
    let poison = Some(Parking::Poison);
    assert_eq!(
        statuses.collect::<Vec<_>>(),
        [("order", poison), ("flood", poison)]
    );
    let id = &sagas[0].id;
    let undone = process.runtime.sagas().compensate(id, "ada").await;
    assert_eq!(undone.unwrap(), CompensateOutcome::Undone);
    let expected = [
        "take 1",
        "take 6",
        "wire 7",
        "wire 7",
        "undo 7 in doubt",
        "undo 6",
        "undo 1",
    ];
    assert_eq!(effects(&process.world), expected);
    for saga in process.sagas().await {
        assert_eq!(saga.status, Status::Compensated, "{}", saga.name);
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_after_it_was_retried_is_done_once() {
    let process = parked(&[("take", 1), ("wire", 2), ("wire", 3)], "wire 2", 3).await;
    process.world.script("wire 2", []);
    let letter = process.letters().await.remove(0);
    let letters = process.runtime.dead_letters();
    let retried = letters.retry(letter.id, "ada").await.unwrap();
    assert_eq!(retried, RetryOutcome::Settled);
    let saga = process.saga().await;
    assert_eq!(saga.status, Status::Completed);
    let done = |step| (step, StepOutcome::Done, false);
    assert_eq!(outcomes(&saga), [done("take"), done("wire"), done("wire")]);
    let mut expected = vec!["take 1"];
    expected.extend(["wire 2"; 4]);
    expected.push("wire 3");
    assert_eq!(effects(&process.world), expected);
}

#[tokio::test(start_paused = true)]
async fn where_the_first_interruption_parks_it_the_first_run_writes_it_down() {
    let first = || async {
        let process = Process::first().await;
        let next = process.store.kill();
        let world = process.world;
        Process::on(next, &world, |builder| builder.max_interruptions(0)).await
    };
    let process = first().await;
    process.world.plan("order", &[("take", 1), ("wire", 2)]);
    process.world.script("wire 2", [Do::Hang]);
    let process = dies(process, 1, 0).await;
    let saga = process.saga().await;
    assert_eq!(saga.parking, Some(Parking::Poison));
    let undone = process.runtime.sagas().compensate(&saga.id, "ada").await;
    assert_eq!(undone.unwrap(), CompensateOutcome::Undone);
    assert_eq!(
        effects(&process.world),
        ["take 1", "wire 2", "undo 2 in doubt", "undo 1"]
    );

    // What certainly was not done is not undone.
    let process = first().await;
    process.world.plan("order", &[("take", 1), ("wary", 2)]);
    process.begin([call!(order, process, 1)]).await;
    assert_eq!(effects(&process.world), ["take 1", "undo 1"]);
    assert_eq!(process.saga().await.status, Status::Compensated);
}
