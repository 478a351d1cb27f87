//! Opening, scoping and shutting down.

use std::sync::Arc;
use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::runtime::{OpenError, Runtime};
use resilience_runtime::saga::journal::Status;

use crate::disk::Disk;
use crate::process::Process;
use crate::shop::{Ask, Do, ShopError, World, order};
use crate::store::{Store, Trouble};

fn store() -> Arc<Store> {
    Store::new(&Arc::<Disk>::default())
}

#[tokio::test]
async fn a_missing_state_is_named_with_the_function_and_its_place() {
    let error = Runtime::on_store(store())
        .scoped()
        .open()
        .await
        .unwrap_err();
    let OpenError::MissingStates { missing } = &error else {
        panic!("{error}");
    };
    assert_eq!(missing.len(), 1, "{missing:?}");
    let text = error.to_string();
    assert!(
        text.contains("World") && text.contains("shop.rs:"),
        "{text}"
    );
    assert!(text.contains(".state(value)"), "{text}");
}

#[tokio::test]
async fn two_states_of_one_type_are_refused() {
    let builder = Runtime::on_store(store())
        .state(World::default())
        .state(World::default());
    let error = builder.scoped().open().await.unwrap_err();
    assert!(matches!(error, OpenError::DuplicateState { .. }), "{error}");
}

#[tokio::test]
async fn a_process_has_one_runtime_and_any_number_of_scoped_ones() {
    let open = || Runtime::on_store(store()).state(World::default());
    let world = World::default();
    let error = order(&world, 1).await.unwrap_err();
    assert!(
        matches!(error, ShopError::Policy(Error::NoRuntime { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("`runtime.scope(..)`"), "{error}");
    let first = open().open().await.unwrap();
    assert_eq!(order(&world, 1).await.unwrap(), "order of 1");
    let error = open().open().await.unwrap_err();
    assert!(error.to_string().contains(".scoped()"), "{error}");
    let scoped = open().scoped().open().await.unwrap();
    scoped.scope(order(&world, 1)).await.unwrap();
    assert_eq!(
        scoped.sagas().counts().await.unwrap(),
        [(Status::Completed, 1)]
    );
    assert_eq!(
        first.sagas().counts().await.unwrap(),
        [(Status::Completed, 1)]
    );
    first.shutdown().await;
    open().open().await.unwrap();
}

#[tokio::test]
async fn a_runtime_for_inspection_needs_no_state_and_starts_no_saga() {
    let runtime = Runtime::on_store(store())
        .without_recovery()
        .open()
        .await
        .unwrap();
    runtime.recovered().await;
    assert!(runtime.sagas().counts().await.unwrap().is_empty());
    let error = runtime
        .scope(order(&World::default(), 1))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ShopError::Policy(Error::NoRuntime { .. })),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_what_runs_and_takes_nothing_new() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Reserve(2)]).await;
    let runtime = process.runtime.clone();
    let late = async {
        while process.world.effects().is_empty() {
            tokio::task::yield_now().await;
        }
        let (report, late) = tokio::join!(biased; runtime.shutdown(), process.order());
        assert!(matches!(
            late,
            Err(ShopError::Policy(Error::ShuttingDown { .. }))
        ));
        report
    };
    let (answer, report) = tokio::join!(process.order(), late);
    answer.unwrap();
    assert_eq!((report.finished, report.left), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_a_running_saga_start_another_one() {
    let process = Process::first(&[Ask::Note(1), Ask::Hurried]).await;
    let shutdown = async {
        while process.world.effects().is_empty() {
            tokio::task::yield_now().await;
        }
        process.runtime.shutdown().await
    };
    let (answer, report) = tokio::join!(biased; process.order(), shutdown);
    answer.unwrap();
    assert_eq!(report.left, 0);
    assert_eq!(process.world.effects(), ["note 1", "reserve 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_shutdown_leaves_is_finished_by_the_next_process() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Reserve(2)]).await;
    process.world.script("reserve 2", &[Do::Hang]);
    let started = tokio::time::Instant::now();
    let report = tokio::select! {
        _ = process.order() => panic!("it hangs"),
        report = async {
            while process.world.times("reserve 2") == 0 {
                tokio::task::yield_now().await;
            }
            process.runtime.shutdown().await
        } => report,
    };
    assert_eq!((report.finished, report.left), (0, 1));
    assert_eq!(started.elapsed(), Duration::from_secs(30));
    let process = process.restart().await;
    process.runtime.recovered().await;
    assert_eq!(process.disk().saga().status, Status::Completed);
    assert_eq!(process.world.times("reserve 1"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_shutdown_does_not_wait_for_is_made_once() {
    // Its write never answers: it was not made, or it was, or its answer was lost and it is to be made again.
    for (trouble, reserved) in [
        (Trouble::DieBefore(1), 2),
        (Trouble::DieAfter(1), 1),
        (Trouble::Refuse(u32::MAX), 2),
    ] {
        let process = Process::first(&[Ask::Reserve(1), Ask::Fail]).await;
        if matches!(trouble, Trouble::DieBefore(_) | Trouble::DieAfter(_)) {
            process.store.expect(trouble);
        }
        let call = tokio::spawn({
            let (runtime, world) = (process.runtime.clone(), process.world.clone());
            async move { runtime.scope(order(&world, 7)).await }
        });
        while process.world.effects().is_empty() {
            tokio::task::yield_now().await;
        }
        if matches!(trouble, Trouble::Refuse(_)) {
            process.store.expect(trouble);
        }
        let report = process.runtime.shutdown().await;
        assert_eq!((report.finished, report.left), (0, 1), "{trouble:?}");
        call.abort();
        let process = process.restart().await;
        process.runtime.recovered().await;
        let saga = process.disk().saga();
        assert_eq!(saga.status, Status::Compensated, "{trouble:?}");
        let times = |action| process.world.times(action);
        assert_eq!(
            (times("reserve 1"), times("release 1")),
            (reserved, 1),
            "{trouble:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_later_is_noticed() {
    let process = Process::first(&[Ask::Reserve(1), Ask::Reserve(2)]).await;
    let disk = Arc::clone(&process.store.disk);
    let plan = [Ask::Reserve(1), Ask::Reserve(2)];
    let trouble = Trouble::None;
    let other = Process::on(&disk, process.world.clone(), &plan, trouble).await;
    process.world.script("reserve 2", &[Do::Hang]);
    tokio::select! {
        _ = process.order() => panic!("it hangs"),
        () = async {
            while process.world.times("reserve 2") == 0 {
                tokio::task::yield_now().await;
            }
            process.store.bury();
        } => {}
    }
    drop(process);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(other.disk().saga().status, Status::Completed);
    assert_eq!(
        other.world.effects(),
        ["reserve 1", "reserve 2", "reserve 2"]
    );
}
