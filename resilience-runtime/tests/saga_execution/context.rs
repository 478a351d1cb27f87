//! What a step can ask.

use resilience_runtime::invocation::{fencing_token, interrupted};
use resilience_runtime::saga::{current, idempotency_key};

use crate::store::Trouble;
use crate::world::{Goes, Process, World, a, b, c};

/// The notes of `what`: how often it was begun, and its key.
fn notes(world: &World, what: &str) -> Vec<String> {
    let mut notes = world.notes();
    notes.retain(|note| note.starts_with(what));
    notes
}

#[tokio::test(start_paused = true)]
async fn a_step_knows_how_often_it_may_have_been_begun() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        a(&world, 1).await?;
        b(&world, 2).await?;
        c(&world, 3).await
    });
    process.world.goes("b 2", &[Goes::Hang, Goes::Hang]);
    process.die_in("b 2", 1).await;
    let process = process.restart().await;
    process.world.done("b 2", 2).await;
    let process = process.restart().await;
    process.runtime.recovered().await;
    let attempts: Vec<String> = { process.world.notes() }
        .into_iter()
        .map(|note| note.split(',').next().unwrap().to_owned())
        .collect();
    let expected = [
        "a 1: attempt 1",
        "b 2: attempt 1",
        "b 2: attempt 2",
        "b 2: attempt 3",
        // It follows from `b`, which no earlier run had.
        "c 3: attempt 1",
    ];
    assert_eq!(attempts, expected);
}

#[tokio::test(start_paused = true)]
async fn a_step_beside_another_one_may_have_been_begun_too() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        let two = async {
            b(&world, 2).await?;
            b(&world, 3).await
        };
        tokio::try_join!(biased; a(&world, 1), two)?;
        c(&world, 4).await
    });
    process.world.goes("a 1", &[Goes::Hang]);
    process.world.goes("b 3", &[Goes::Hang]);
    process.die_in("b 3", 1).await;
    process.world.notes();
    let process = process.restart().await;
    process.runtime.recovered().await;
    let all = process.world.notes().join("; ");
    for step in ["a 1: attempt 2", "b 3: attempt 2"] {
        assert!(all.contains(step), "{all}");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_the_same_for_each_run_and_of_no_other_step() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        a(&world, 1).await?;
        a(&world, 2).await?;
        b(&world, 1).await
    });
    process.world.goes("b 1", &[Goes::Fail, Goes::Fail]);
    process.die_in("a 2", 1).await;
    let first = notes(&process.world, "a 2");
    let process = process.restart().await;
    process.runtime.recovered().await;
    let all = process.world.notes();
    let key = |what: &str| {
        let note = all.iter().find(|note| note.starts_with(what)).unwrap();
        let key = note.rsplit(", ").next().unwrap();
        key.rsplit(": ").next().unwrap().to_owned()
    };
    assert_eq!(first[0].rsplit(", ").next().unwrap(), key("a 2"));
    let mut keys: Vec<String> = ["a 2", "b 1", "undo a 1", "undo a 2"].map(key).to_vec();
    let id = format!(" of {}", process.saga().id);
    assert!(keys[2].ends_with(&id) && keys[3].ends_with(&id), "{keys:?}");
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 4);
    assert_eq!(keys[0].split(" of ").next().unwrap().len(), 36);
}

#[tokio::test(start_paused = true)]
async fn the_body_and_its_steps_know_their_saga_and_nobody_else_does() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        world.note(format!("{:?} {:?}", current(), idempotency_key()));
        assert!(!interrupted() && fencing_token().is_none());
        let spawned = tokio::spawn(async { (current(), idempotency_key()) });
        assert_eq!(spawned.await.unwrap(), (None, None));
        a(&world, 1).await
    });
    process.run().await.unwrap();
    let id = process.saga().id;
    let notes = process.world.notes();
    assert_eq!(notes[0], format!("{:?} None", Some(id)));
    assert_eq!((current(), idempotency_key()), (None, None));
    assert_eq!(fencing_token(), None);
}

#[tokio::test(start_paused = true)]
async fn a_step_is_fenced_by_the_epoch_of_its_saga() {
    let process = Process::first().await;
    process.world.body(|world| async move {
        a(&world, 1).await?;
        b(&world, 2).await
    });
    process.die(Trouble::DieAfter(1)).await;
    assert_eq!(process.world.tokens(), [Some(1)]);
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.world.tokens(), [Some(1), Some(2)]);
    assert_eq!(process.saga().epoch, 2);
}
