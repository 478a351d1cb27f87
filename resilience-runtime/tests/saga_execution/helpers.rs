//! The clock, sleep and chance of a saga.

use std::time::{Duration, SystemTime};

use resilience_runtime::saga::journal::Status;
use resilience_runtime::saga::{now, random, sleep, uuid};
use tokio::time::Instant;

use crate::store::Trouble;
use crate::world::{Failed, Goes, Process, World, a, b};

const HOUR: Duration = Duration::from_secs(3600);

fn since(moment: SystemTime) -> Duration {
    let epoch = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    moment.duration_since(epoch).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_time_is_that_of_the_store_and_does_not_change_when_the_body_is_run_again() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let first = now().await;
        a(&world, 1).await?;
        let second = now().await;
        b(&world, 2).await?;
        Ok(format!("{:?} {:?}", since(first), since(second)))
    });
    process.world.goes("a 1", &[Goes::Slow(2000)]);
    tokio::time::sleep(HOUR).await;
    process.die_in("b 2", 1).await;
    // The first one costs a write, because it comes before the first step. The second one goes along with that.
    let writes = ["start", "saga::now#0", "a#0 saga::now#1"];
    assert_eq!(process.writes(), writes);
    let process = process.restart().await;
    tokio::time::sleep(HOUR).await;
    process.runtime.recovered().await;
    let output = process.saga().output.unwrap();
    assert_eq!(output, "\"3600s 3602s\"");
}

async fn sleeps(world: World) -> Result<String, Failed> {
    a(&world, 1).await?;
    sleep(HOUR).await;
    b(&world, 2).await
}

#[tokio::test(start_paused = true)]
async fn a_sleep_costs_no_write_of_its_own_behind_a_step() {
    let process = Process::first().await;
    process.world.body(sleeps);
    let began = Instant::now();
    process.run().await.unwrap();
    assert_eq!(began.elapsed(), HOUR);
    let writes = ["start", "a#0 saga::sleep#0", "b#0 completed"];
    assert_eq!(process.writes(), writes);
    let saga = process.saga();
    assert_eq!(saga.steps[1].arguments, r#"{"duration":"1h"}"#);
    let until: i64 = saga.steps[1].output.as_deref().unwrap().parse().unwrap();
    assert_eq!(until, 1_700_003_600_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_sleep_that_is_interrupted_does_not_start_over() {
    let process = Process::first().await;
    process.world.body(sleeps);
    let began = Instant::now();
    tokio::time::timeout(HOUR / 4, process.run())
        .await
        .expect_err("it sleeps");
    let process = process.restart().await;
    // Nobody runs it for a while.
    process.world.done("b 2", 1).await;
    assert_eq!(began.elapsed(), HOUR);
    process.runtime.recovered().await;
    assert_eq!(process.status(), Status::Completed);
    assert_eq!(process.world.effects(), ["a 1", "b 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_sleep_that_was_over_while_nobody_ran_the_saga_is_over() {
    let process = Process::first().await;
    process.world.body(sleeps);
    process.die(Trouble::DieAfter(1)).await;
    process.store.bury();
    tokio::time::sleep(2 * HOUR).await;
    let began = Instant::now();
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(process.world.effects(), ["a 1", "b 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_sleep_of_another_length_is_a_difference() {
    let process = Process::first().await;
    process.world.body(sleeps);
    process.die(Trouble::DieAfter(1)).await;
    process.world.body(|world| async move {
        a(&world, 1).await?;
        sleep(2 * HOUR).await;
        b(&world, 2).await
    });
    let process = process.restart().await;
    process.runtime.recovered().await;
    let difference = "step `saga::sleep` (call 1) with another value of `duration`";
    assert!(process.difference().contains(difference));
    assert_eq!(process.world.effects(), ["a 1"]);
}

#[tokio::test(start_paused = true)]
async fn who_fails_does_not_wait_for_somebody_who_sleeps() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let sleeps = async {
            sleep(HOUR).await;
            b(&world, 2).await
        };
        tokio::try_join!(a(&world, 1), sleeps)?;
        Ok(String::new())
    });
    process.world.goes("a 1", &[Goes::Fail]);
    let began = Instant::now();
    process.run().await.unwrap_err();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(process.world.effects(), ["a 1"]);
}

#[tokio::test(start_paused = true)]
async fn chance_is_the_same_when_the_body_is_run_again_and_costs_nothing() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let drawn = format!("{} {} {}", random(), uuid(), random());
        world.note(&drawn);
        a(&world, 1).await?;
        Ok(format!("{drawn} {}", uuid()))
    });
    process.die(Trouble::DieAfter(0)).await;
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.writes(), ["start", "a#0 completed"]);
    let output = process.saga().output.unwrap();
    let mut drawn: Vec<&str> = output.trim_matches('"').split(' ').collect();
    assert_eq!(drawn.iter().map(|text| text.len()).max(), Some(36));
    let notes = process.world.notes();
    assert!(
        notes.iter().filter(|note| output.contains(*note)).count() >= 1,
        "{notes:?}"
    );
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 4);

    let other = Process::first().await;
    other.world.body(|_| async { Ok(random().to_string()) });
    assert!(!drawn.contains(&other.run().await.unwrap().as_str()));
}

#[tokio::test(start_paused = true)]
async fn outside_of_sagas_and_in_steps_the_helpers_are_plain() {
    let began = Instant::now();
    sleep(HOUR).await;
    assert_eq!(began.elapsed(), HOUR);
    assert!(now().await.elapsed().unwrap() < HOUR);
    assert_ne!(random(), random());
    assert_ne!(uuid(), uuid());
}
