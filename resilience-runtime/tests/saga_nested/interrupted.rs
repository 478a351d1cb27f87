//! Sagas whose processes are killed while they wait for a saga that they called.

use std::sync::Arc;
use std::time::Duration;

use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::{Journal, SagaFilter, SagaSummary, Status};

use crate::mortal::Mortal;
use crate::process::{Process, statuses};
use crate::spy::Spy;
use crate::trips::trip;
use crate::world::{Ask, Do, World};

async fn open(store: &Arc<Mortal>, world: &World) -> Runtime {
    let runtime = Runtime::on_store(Arc::clone(store)).state(world.clone());
    runtime.scoped().open().await.unwrap()
}

async fn times(world: &World, action: &str, times: usize) {
    while world.times(action) < times {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn sagas(runtime: &Runtime) -> Vec<SagaSummary> {
    let sagas = runtime.sagas();
    let all = sagas.list(SagaFilter::default(), None, 100).await;
    all.unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_that_failed_is_not_taken_for_the_one_after_it() {
    let world = World::default();
    let plan = [
        Ask::Take(1),
        Ask::Try("inner"),
        Ask::Call("inner"),
        Ask::Take(2),
    ];
    world.plan("trip", &plan);
    world.plan("inner", &[Ask::Take(5)]);
    world.script("take 5", &[Do::Hang, Do::Fail, Do::Hang]);
    let mut store = Mortal::first();
    let mut runtime = open(&store, &world).await;
    runtime.recovered().await;
    tokio::select! {
        _ = runtime.scope(trip(&world, 7, 5)) => panic!("it hangs"),
        () = times(&world, "take 5", 1) => {}
    }
    // The second process writes the first call down before it is made again, and dies in the second one.
    for taken in [3, 4] {
        store = store.kill();
        runtime = open(&store, &world).await;
        times(&world, "take 5", taken).await;
    }
    while sagas(&runtime)
        .await
        .iter()
        .any(|saga| saga.status.is_unfinished())
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let expected = [
        ("inner", Status::Completed),
        ("inner", Status::Failed),
        ("trip", Status::Completed),
    ];
    assert_eq!(statuses(&sagas(&runtime).await), expected);
    let effects = ["take 1", "take 5", "take 5", "take 5", "take 5", "take 2"];
    assert_eq!(world.effects(), effects);
}

/// The id of one that was never started is taken while its caller is undone. Whoever dies there leaves a saga that his own code
/// knows, whatever its version.
#[tokio::test(start_paused = true)]
async fn a_process_that_dies_while_it_takes_the_id_of_one_that_was_not_started_holds_nobody_up() {
    let world = World::default();
    world.plan("trip", &[Ask::Take(1), Ask::Call("second")]);
    let spy = Spy::new();
    let runtime = Runtime::on_store(Arc::clone(&spy)).state(world.clone());
    // So the call is written down before it is made.
    let runtime = runtime.scoped().max_interruptions(0).open().await.unwrap();
    spy.dies_after(2);
    tokio::select! {
        answer = runtime.scope(trip(&world, 7, 5)) => panic!("it survived, with {answer:?}"),
        () = spy.died() => {}
    }
    let writes = ["start trip", "take#0", "saga::call second#0"];
    assert_eq!(spy.writes(), writes);
    let next = spy.another(1);
    let trips = Journal::list(&next.store, SagaFilter::default(), None, 9);
    let id = trips.await.unwrap().remove(0).id;
    let cancelled = Journal::cancel(&next.store, id, "ada".into()).await;
    cancelled.unwrap();
    spy.store.clone().close().await;
    drop(runtime);
    let process = Process::on(next, world).await;
    process.spy.died().await;
    assert_eq!(process.writes().last().unwrap(), "start second");
    let quiet = async {
        let process = process.restart().await;
        process.quiet().await;
        process
    };
    let process = tokio::time::timeout(Duration::from_secs(600), quiet).await;
    let process = process.expect("a saga is waited for that nobody runs");
    let expected = ("trip", Status::Compensated);
    assert!(statuses(&process.sagas().await).contains(&expected));
    let world = &process.world;
    assert_eq!(world.times("take 1"), world.times("give back 1"));
}
