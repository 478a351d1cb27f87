//! `#[idempotent]` and `#[locked]` in several processes, on every store that processes can share: what
//! `docs/guarantees.md` promises, with the exact number of effects for each fault.

/// A test of each scenario (an `async fn` over the ground it happens on) for each store.
macro_rules! on_every_store {
    ($($scenario:ident),* $(,)?) => {
        crate::matrix::on! { sqlite: Sqlite, new: $($scenario),* }
        crate::matrix::on! { postgres: Postgres, new: $($scenario),* }
        crate::matrix::on! { redis: Redis, new: $($scenario),* }
    };
}

/// The same for the stores that are servers, each scenario with one of its own.
macro_rules! on_every_server {
    ($($scenario:ident),* $(,)?) => {
        crate::matrix::on! { postgres: Postgres, with_server: $($scenario),* }
        crate::matrix::on! { redis: Redis, with_server: $($scenario),* }
    };
}

macro_rules! on {
    ($store:ident: $kind:ident, $make:ident: $($scenario:ident),*) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    use crate::matrix::ground::{Ground, Kind};
                    if let Some(ground) = Ground::$make(Kind::$kind) {
                        super::$scenario(ground).await;
                    }
                }
            )*
        }
    };
}

pub(crate) use {on, on_every_server, on_every_store};

mod drops;
mod duplicates;
mod effects;
mod ground;
mod kills;
mod locks;
mod operations;
mod outages;
mod process;
mod redis;
mod results;
mod stops;
mod stress;
