//! Starts that are dropped at each of their awaits: the saga was started or can still be started, and its effect happens once.

use std::cell::Cell;

use resilience_runtime::saga::{start, start_in};
use resilience_test_support::cancel::{Run, at_every_await};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::ground::{Ground, Process, at_last};
use crate::trips::by_id;
use crate::world::{Ask, World};

on_every_store!(starting_a_saga, starting_a_saga_in_a_transaction);

/// Calls the saga of the last `order`, whether the dropped future has started it or not: each order so far has its effect once.
async fn all_were_begun_once(process: &Process, world: &World, order: u32, run: Run) {
    let answer = at_last(process.scope(by_id(world, order, 5))).await;
    assert_eq!(answer.unwrap(), format!("by_id of {order}"), "{run:?}");
    assert_eq!(world.times("take 1"), usize::try_from(order).unwrap());
}

async fn starting_a_saga(ground: Ground) {
    let world = World::default();
    world.plan("by_id", &[Ask::Take(1)]);
    let process = ground.open(&world).await;
    let order = Cell::new(0);
    at_every_await(
        || {
            order.set(order.get() + 1);
            let (process, world, order) = (&process, &world, order.get());
            async move { process.scope(start(by_id(world, order, 5))).await.map(drop) }
        },
        |run: Run| {
            let (process, world, order) = (&process, &world, order.get());
            async move {
                all_were_begun_once(process, world, order, run).await;
            }
        },
    )
    .await;
    let sagas = process.sagas().await;
    assert_eq!(sagas.len(), usize::try_from(order.get()).unwrap());
    assert_eq!(process.shutdown().await.left, 0);
}

async fn starting_a_saga_in_a_transaction(ground: Ground) {
    let world = World::default();
    world.plan("by_id", &[Ask::Take(1)]);
    let process = ground.open(&world).await;
    process.runtime.recovered().await;
    let order = Cell::new(0);
    let start = async |order| match &ground {
        Ground::Memory(_) => {}
        Ground::Sqlite(folder) => {
            let url = format!("sqlite://{}", folder.path().join("a.db").display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
            let call = start_in(&mut *transaction, by_id(&world, order, 5));
            process.scope(call).await.unwrap();
            transaction.commit().await.unwrap();
        }
        Ground::Postgres(url) => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let mut transaction = connection.begin().await.unwrap();
            let call = start_in(&mut *transaction, by_id(&world, order, 5));
            process.scope(call).await.unwrap();
            transaction.commit().await.unwrap();
        }
    };
    at_every_await(
        || {
            order.set(order.get() + 1);
            start(order.get())
        },
        |run: Run| {
            let (process, world, order) = (&process, &world, order.get());
            async move {
                all_were_begun_once(process, world, order, run).await;
            }
        },
    )
    .await;
    assert_eq!(process.shutdown().await.left, 0);
}
