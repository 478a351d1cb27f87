//! How much is worked on at once, and that nobody starves.

use std::time::Duration;

use resilience_runtime::saga::journal::Status;

use crate::process::Process;
use crate::shop::Do;

/// A process that is killed while it has so many sagas of the name `flood`, and after them one `order`.
async fn flooded(count: u32) -> Process {
    let process = Process::first().await;
    for (name, item) in [("flood", 1), ("order", 2)] {
        process.world.plan(name, &[("note", item)]);
    }
    let hang = std::iter::repeat_n(Do::Hang, 1000);
    process.world.script("note 1", hang.clone());
    process.world.script("note 2", hang);
    process
        .begin((0..count).map(|n| call!(flood, process, n)))
        .await;
    process.begin([call!(order, process, 0)]).await;
    process
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_one_saga_does_not_keep_the_others_waiting() {
    let process = flooded(500).await;
    // Each takes a second now, and sixteen run at once.
    let slow = || std::iter::repeat_n(Do::Take(1), 1000);
    process.world.script("note 1", slow());
    process.world.script("note 2", slow());
    let began = tokio::time::Instant::now();
    let process = process.killed().await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(process.world.times("note 2"), 2, "in the second turn");
    process.runtime.recovered().await;
    assert_eq!(began.elapsed().as_secs(), 501_u64.div_ceil(16));
    let sagas = process.sagas().await;
    assert_eq!(sagas.len(), 501);
    assert!(sagas.iter().all(|saga| saga.status == Status::Completed));
    assert_eq!(process.world.times("note 1"), 1000);
}

#[tokio::test(start_paused = true)]
async fn no_more_are_taken_than_there_is_room_for() {
    let process = flooded(500).await;
    let process = process.killed().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let sagas = process.sagas().await;
    let taken = sagas.iter().filter(|saga| saga.epoch == 2).count();
    // Sixteen run, sixty-four wait, and a batch of one name may have come at last.
    assert!(taken <= 16 + 64 + 16, "{taken}");
    assert_eq!(process.world.times("note 1"), 500 + 16);
}

#[tokio::test(start_paused = true)]
async fn sagas_that_hang_do_not_keep_the_others_waiting_for_ever() {
    let process = flooded(20).await;
    process.world.script("note 2", []);
    let process = process.killed().await;
    tokio::time::sleep(Duration::from_millis(9_990)).await;
    assert_eq!(process.world.times("note 2"), 1);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(process.world.times("note 2"), 2);
    assert_eq!(process.world.times("note 1"), 40);
}
