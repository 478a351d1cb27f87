//! A runtime is shut down in every phase of a saga: nothing is lost, another runtime goes on at once and counts no
//! interruption, and a second shutdown is harmless.

use std::time::Duration;

use resilience_runtime::dlq::{DeadLetterStatus, RetryAs};
use resilience_runtime::error::Error;
use resilience_runtime::runtime::RuntimeBuilder;
use resilience_runtime::saga::journal::{SagaId, SagaRecord, Status};
use resilience_runtime::saga::start;
use resilience_test_support::cancel::{DroppedAt, Moment};

use crate::ground::{Ground, Process, at_last, pause};
use crate::trips::{by_id, cannot_give_back, inner, trip};
use crate::world::{Ask, Do, World};

on_every_store!(
    in_a_step,
    between_two_steps,
    in_a_sleep_of_the_saga,
    in_a_compensation,
    in_the_pause_before_a_compensation_is_tried_again,
    in_the_pause_before_a_saga_goes_forward_again,
    in_the_retry_of_a_letter,
    in_the_retry_of_a_work,
    while_sagas_are_started,
    whose_future_is_dropped,
);

const LONG: Duration = Duration::from_secs(3600);

/// A process on `plan` whose trip is in `phase`, and another one.
async fn begun(
    ground: &Ground,
    world: &World,
    plan: &[Ask],
    phase: impl AsyncFn(),
) -> (Process, Process, SagaId) {
    world.plan("trip", plan);
    let other = ground.open_woken(world).await;
    other.runtime.recovered().await;
    let process = ground.open(world).await;
    let started = process.scope(start(trip(world, 7, 5))).await.unwrap();
    at_last(phase()).await;
    (process, other, started.id().clone())
}

/// Shuts `process` down, twice, and answers what the other one makes of the saga.
async fn handed_over(process: &Process, other: &Process, saga: &SagaId) -> SagaRecord {
    let report = process.shutdown().await;
    assert_eq!((report.finished, report.left), (0, 1));
    let record = other.over(saga).await;
    assert_eq!(record.interruptions, 0);
    at_last(process.runtime.shutdown()).await;
    let later = other.saga(saga).await;
    assert_eq!((later.status, later.epoch), (record.status, record.epoch));
    record
}

async fn in_a_step(ground: Ground) {
    let world = World::default();
    world.script("take 2", &[Do::Hang]);
    let plan = [Ask::Take(1), Ask::Take(2)];
    let phase = || world.has("take 2");
    let (process, other, saga) = begun(&ground, &world, &plan, async || phase().await).await;
    let record = handed_over(&process, &other, &saga).await;
    assert_eq!(record.status, Status::Completed);
    assert_eq!(world.effects(), ["take 1", "take 2", "take 2"]);
}

async fn between_two_steps(ground: Ground) {
    let world = World::default();
    let plan = [Ask::Take(1), Ask::Think(LONG), Ask::Take(2)];
    let (process, other, saga) =
        begun(&ground, &world, &plan, async || world.has("take 1").await).await;
    // Whoever runs it again does not think.
    world.plan("trip", &[Ask::Take(1), Ask::Take(2)]);
    let record = handed_over(&process, &other, &saga).await;
    assert_eq!(record.status, Status::Completed);
    assert_eq!(world.effects(), ["take 1", "take 2"]);
}

async fn in_a_sleep_of_the_saga(ground: Ground) {
    let world = World::default();
    let plan = [
        Ask::Take(1),
        // Longer than it takes to shut the process down.
        Ask::Sleep(Duration::from_secs(4)),
        Ask::Take(2),
    ];
    let (process, other, saga) =
        begun(&ground, &world, &plan, async || world.has("take 1").await).await;
    let record = handed_over(&process, &other, &saga).await;
    assert_eq!(record.status, Status::Completed);
    assert_eq!(world.effects(), ["take 1", "take 2"]);
}

async fn in_a_compensation(ground: Ground) {
    let world = World::default();
    world.script("give back 2", &[Do::Hang]);
    let plan = [Ask::Take(1), Ask::Take(2), Ask::Fail];
    let (process, other, saga) = begun(&ground, &world, &plan, async || {
        world.has("give back 2").await;
    })
    .await;
    let record = handed_over(&process, &other, &saga).await;
    assert_eq!(record.status, Status::Compensated);
    let effects = [
        "take 1",
        "take 2",
        "give back 2",
        "give back 2",
        "give back 1",
    ];
    assert_eq!(world.effects(), effects);
}

async fn in_the_pause_before_a_compensation_is_tried_again(ground: Ground) {
    let world = World::default();
    world.script("give back 2", &[Do::Fail]);
    let plan = [Ask::Take(1), Ask::Take(2), Ask::Fail];
    let (process, other, saga) = begun(&ground, &world, &plan, async || {
        world.has("give back 2").await;
    })
    .await;
    // The pause is 100 ms at least, and the shutdown waits for no more than that.
    let report = process.shutdown().await;
    let record = other.over(&saga).await;
    assert_eq!(
        (record.status, record.interruptions),
        (Status::Compensated, 0)
    );
    assert!(report.left <= 1);
    let once = ["take 1", "take 2", "give back 2"];
    let again = world.effects().split_off(once.len());
    assert_eq!(world.effects()[..once.len()], once);
    // On a slow machine it goes on after the pause, and is cut off in what it does then, which is done again.
    let cut_off: [&[&str]; 3] = [
        &["give back 2", "give back 1"],
        &["give back 2", "give back 2", "give back 1"],
        &["give back 2", "give back 1", "give back 1"],
    ];
    assert!(cut_off.iter().any(|it| *it == again), "{again:?}");
    at_last(process.runtime.shutdown()).await;
}

async fn in_the_pause_before_a_saga_goes_forward_again(ground: Ground) {
    let world = World::default();
    world.script("again 2", &[Do::Fail]);
    let plan = [Ask::Pivot(1), Ask::Again(2)];
    let (process, other, saga) =
        begun(&ground, &world, &plan, async || world.has("again 2").await).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    process.shutdown().await;
    let record = other.over(&saga).await;
    assert_eq!(
        (record.status, record.interruptions),
        (Status::Completed, 0)
    );
    assert_eq!(world.effects(), ["pivot 1", "again 2", "again 2"]);
}

/// The saga of an operator, whose retry hangs.
async fn in_the_retry_of_a_letter(ground: Ground) {
    let world = World::default();
    cannot_give_back(&world, 2);
    world.plan("trip", &[Ask::Take(1), Ask::Take(2), Ask::Fail]);
    let process = ground.open(&world).await;
    process.scope(trip(&world, 7, 5)).await.unwrap_err();
    let letters = process.letters().await;
    let [letter] = &letters[..] else {
        panic!("{letters:?}")
    };
    let saga = letter.saga.clone().unwrap();
    let other = ground.open_woken(&world).await;
    other.runtime.recovered().await;
    world.script("give back 2", &[Do::Hang]);
    let queue = process.runtime.dead_letters();
    let id = letter.id;
    let retried = process.spawn(async move { queue.retry(id, "ada").await });
    at_last(async {
        while world.times("give back 2") < 3 {
            pause().await;
        }
    })
    .await;
    let record = handed_over(&process, &other, &saga).await;
    assert_eq!(record.status, Status::Compensated);
    assert_eq!(world.times("give back 1"), 1);
    let letter = other.runtime.dead_letters().get(id).await.unwrap().unwrap();
    assert_eq!(letter.status, DeadLetterStatus::Settled);
    let audit = other.runtime.dead_letters().audit(id).await.unwrap();
    assert_eq!(audit.len(), 1, "{audit:?}");
    // What hangs in it for ever is the compensation of the author.
    retried.abort();
}

/// Work of the program's own whose handler hangs.
async fn in_the_retry_of_a_work(ground: Ground) {
    let world = World::default();
    let process = ground.open(&world).await;
    process.runtime.recovered().await;
    world.script("send 1", &[Do::Hang]);
    world.script("send 2", &[Do::Hang]);
    let queue = process.runtime.dead_letters();
    let mut ids = Vec::new();
    for number in [1, 2] {
        ids.push(queue.add("send", &number, "full").await.unwrap());
    }
    // One that somebody waits for, and one that recovery has taken.
    let id = ids[0];
    let retried = process.spawn(async move { queue.retry(id, "ada").await });
    at_last(world.has("send 1")).await;
    let queue = process.runtime.dead_letters();
    queue
        .request_retry(ids[1], RetryAs::Itself, "ada")
        .await
        .unwrap();
    at_last(world.has("send 2")).await;
    let other = ground.open_woken(&world).await;
    other.runtime.recovered().await;
    let report = process.shutdown().await;
    assert_eq!((report.finished, report.left), (0, 2));
    let queue = other.runtime.dead_letters();
    for (id, done) in ids.into_iter().zip(["send 1", "send 2"]) {
        at_last(async {
            while queue.get(id).await.unwrap().unwrap().status != DeadLetterStatus::Settled {
                pause().await;
            }
        })
        .await;
        assert_eq!(world.times(done), 2);
    }
    // What hangs in it for ever is the handler of the author.
    retried.abort();
    at_last(process.runtime.shutdown()).await;
}

/// Whoever is told that a saga was started finds it, and whoever is refused finds nothing.
async fn while_sagas_are_started(ground: Ground) {
    let world = World::default();
    world.plan("by_id", &[Ask::Take(1), Ask::Think(LONG)]);
    let (process, other) = (ground.open(&world).await, ground.open(&world).await);
    other.runtime.recovered().await;
    let starts: Vec<_> = (0..60)
        .map(|order| {
            let world = world.clone();
            process.spawn(async move {
                tokio::time::sleep(Duration::from_millis(u64::from(order) / 3)).await;
                (order, start(by_id(&world, order, 5)).await)
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(8)).await;
    let report = process.shutdown().await;
    world.plan("by_id", &[Ask::Take(1)]);
    let (mut durable, mut refused) = (0, 0);
    for started in starts {
        let (order, started) = at_last(started).await.unwrap();
        match started {
            Ok(handle) => {
                durable += 1;
                let record = other.over(handle.id()).await;
                assert_eq!(
                    (record.status, record.interruptions),
                    (Status::Completed, 0)
                );
            }
            Err(error) => {
                let never = matches!(
                    error.policy(),
                    Error::ShuttingDown { .. } | Error::Store { .. }
                );
                assert!(never, "order {order}: {error}");
                refused += 1;
            }
        }
    }
    assert_eq!(
        other.sagas().await.len(),
        durable,
        "{refused} were refused, {report:?}"
    );
    assert_eq!(durable + refused, 60);
}

/// At each of its awaits: another shutdown ends what it began, and another process goes on.
async fn whose_future_is_dropped(ground: Ground) {
    let world = World::default();
    let other = ground.open_woken(&world).await;
    other.runtime.recovered().await;
    let dropped = |moment, saga, item| shut_down_at(&ground, &other, moment, saga, item);
    tokio::join!(
        dropped(Moment::Suspended, "trip", 1),
        dropped(Moment::Woken, "inner", 2),
    );
}

async fn shut_down_at(
    ground: &Ground,
    other: &Process,
    moment: Moment,
    saga: &'static str,
    item: u32,
) {
    let (world, taken) = (&other.world, format!("take {item}"));
    let hardly = |builder: RuntimeBuilder| builder.shutdown_timeout(Duration::from_millis(1));
    for suspension in 0.. {
        world.plan(saga, &[Ask::Take(item), Ask::Think(LONG)]);
        let process = ground.open_with(world, hardly).await;
        let times = world.times(&taken);
        let started = process.scope(async {
            match saga {
                "trip" => start(trip(world, 7, 5)).await,
                _ => start(inner(world, 7, 5)).await,
            }
        });
        let started = started.await.unwrap();
        at_last(async {
            while world.times(&taken) == times {
                pause().await;
            }
        })
        .await;
        world.plan(saga, &[Ask::Take(item)]);
        let runtime = process.runtime.clone();
        let shutdown = async move { runtime.shutdown().await };
        let dropped = DroppedAt::new(shutdown, suspension, moment);
        let has_ended = at_last(dropped).await.is_some();
        process.shutdown().await;
        let record = other.over(started.id()).await;
        let at = format!("{moment:?} {suspension}");
        assert_eq!(record.status, Status::Completed, "{at}");
        assert_eq!(record.interruptions, 0, "{at}");
        if has_ended {
            assert!(suspension > 1);
            break;
        }
    }
}
