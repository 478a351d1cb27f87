//! Sagas from start to end, on PostgreSQL, with several processes.

#![cfg(feature = "postgres")]
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests, helpers included; another suite uses all of the shop"
)]

#[path = "saga_support/shop.rs"]
mod shop;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use resilience_runtime::dlq::DeadLetterStatus;
use resilience_runtime::error::Error;
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::Status;
use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::store::risk::{Accepted, Risk};
use resilience_test_support::server::Postgres;

use shop::{Ask, Do, ShopError, World, order, order_once};

/// A database of its own on the server that the tests share; `None` where there is no server.
fn database() -> Option<String> {
    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    static DATABASES: Mutex<u32> = Mutex::new(0);
    let server = SERVER.get_or_init(Postgres::start).as_ref()?;
    let mut databases = DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
    *databases += 1;
    Some(server.create_database(&format!("test_{databases}")))
}

fn world(plan: &[Ask]) -> World {
    let world = World::default();
    world.plan(plan);
    world
}

/// The private servers run without `fsync`.
async fn open(url: &str, world: &World) -> Runtime {
    let runtime = Runtime::builder(url)
        .accept(Risk::NotDurable)
        .state(world.clone())
        .scoped()
        .open();
    runtime.await.unwrap()
}

/// A process whose end is noticed soon.
async fn open_mortal(url: &str, world: &World) -> Runtime {
    let accepted = Accepted::only(&[Risk::NotDurable]);
    let lease = Duration::from_secs(1);
    let store = PostgresStore::open_for(url, &accepted, lease).await;
    let runtime = Runtime::on_store(Arc::new(store.unwrap()))
        .state(world.clone())
        .scoped()
        .open();
    runtime.await.unwrap()
}

#[tokio::test]
async fn a_saga_is_completed_or_undone_and_what_cannot_be_undone_waits_for_an_operator() {
    let Some(url) = database() else { return };
    let world = world(&[Ask::Reserve(1), Ask::Reserve(2)]);
    let runtime = open(&url, &world).await;
    let call = || runtime.scope(order(&world, 7));
    assert_eq!(call().await.unwrap(), "order of 7");
    world.script("reserve 2", &[Do::Fail, Do::Fail]);
    assert!(matches!(call().await, Err(ShopError::Refused(_))));
    world.script("release 1", &[Do::Fail; 20]);
    let error = call().await.unwrap_err();
    assert!(
        matches!(error, ShopError::Policy(Error::CompensationFailed { .. })),
        "{error}"
    );
    let mut counts = runtime.sagas().counts().await.unwrap();
    counts.sort_by_key(|(status, _)| status.as_str());
    let expected = [
        Status::Compensated,
        Status::CompensationFailed,
        Status::Completed,
    ];
    assert_eq!(counts, expected.map(|status| (status, 1)));
    world.script("release 1", &[]);
    let letters = runtime.dead_letters();
    let open = letters.list(DeadLetterStatus::Open, None, 9).await.unwrap();
    assert_eq!(open.len(), 1);
    letters.retry(open[0].id, "ada").await.unwrap();
    let open = letters.list(DeadLetterStatus::Open, None, 9).await.unwrap();
    assert!(open.is_empty());
    runtime.shutdown().await;
}

#[tokio::test]
async fn two_processes_do_the_work_of_a_key_once() {
    let Some(url) = database() else { return };
    let world = world(&[Ask::Reserve(1), Ask::Reserve(2)]);
    let (here, there) = tokio::join!(open(&url, &world), open(&url, &world));
    for customer in 0..10 {
        let calls = tokio::join!(
            here.scope(order_once(&world, customer)),
            there.scope(order_once(&world, customer)),
        );
        assert_eq!(calls.0.unwrap(), calls.1.unwrap());
    }
    assert_eq!(world.times("reserve 1"), 10);
    assert_eq!(
        here.sagas().counts().await.unwrap(),
        [(Status::Completed, 10)]
    );
}

#[test]
fn the_saga_of_a_process_that_stands_still_is_finished_by_another_one() {
    let Some(url) = database() else { return };
    let world = world(&[Ask::Reserve(1), Ask::Reserve(2)]);
    world.script("reserve 2", &[Do::Hang]);
    let process = || tokio::runtime::Runtime::new().unwrap();
    let killed = process();
    killed.block_on(async {
        let runtime = open_mortal(&url, &world).await;
        let task_world = world.clone();
        tokio::spawn(async move { drop(runtime.scope(order(&task_world, 7)).await) });
        while world.times("reserve 2") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    // Nothing of it runs any more, and it said nothing to anybody.
    killed.shutdown_background();
    process().block_on(async {
        let runtime = open_mortal(&url, &world).await;
        while runtime.sagas().counts().await.unwrap() != [(Status::Completed, 1)] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        runtime.shutdown().await;
    });
    assert_eq!(world.effects(), ["reserve 1", "reserve 2", "reserve 2"]);
}
