//! Sagas under an `#[idempotent]`, whose key is theirs while its record stands.

use crate::process::Process;
use crate::trips::once;
use crate::world::Ask;
use resilience_runtime::saga::journal::Status;

#[tokio::test(start_paused = true)]
async fn the_key_of_one_that_was_undone_is_free() {
    let process = Process::first(&[]).await;
    process.world.plan("once", &[Ask::Take(1), Ask::Fail]);
    process.scope(once(&process.world, 7, 5)).await.unwrap_err();
    process.world.plan("once", &[Ask::Take(1)]);
    for _ in 0..2 {
        process.scope(once(&process.world, 7, 5)).await.unwrap();
    }
    assert_eq!(process.world.effects(), ["take 1", "give back 1", "take 1"]);
    let sagas = process.sagas().await;
    let statuses: Vec<Status> = sagas.iter().map(|saga| saga.status).collect();
    assert_eq!(statuses, [Status::Compensated, Status::Completed]);
}
