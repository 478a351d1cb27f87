//! Redis: what every store must do, on one server, on a cluster and behind Sentinels; and what only Redis can get
//! wrong.

#![cfg(feature = "redis")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are tests, helpers included"
)]

#[macro_use]
#[path = "store_conformance/fixture.rs"]
mod fixture;
#[macro_use]
#[path = "store_conformance/holders.rs"]
mod holders;
#[macro_use]
#[path = "store_conformance/line.rs"]
mod line;
#[path = "store_redis/locks.rs"]
mod locks;
#[macro_use]
#[path = "store_conformance/records.rs"]
mod records;
#[path = "store_redis/access.rs"]
mod access;
#[path = "store_redis/faults.rs"]
mod faults;
#[path = "store_redis/liar.rs"]
mod liar;
#[path = "store_redis/moves.rs"]
mod moves;
#[path = "store_redis/servers.rs"]
mod servers;
#[path = "store_redis/stress.rs"]
mod stress;
#[path = "store_redis/wire.rs"]
mod wire;

mod single {
    records!(crate::servers::Single::new(), start_paused = false);
    lock_holders!(crate::servers::Single::new(), start_paused = false);
    lock_line!(crate::servers::Single::new(), start_paused = false);
}

mod cluster {
    records!(crate::servers::Shared::cluster(), start_paused = false);
    lock_holders!(crate::servers::Shared::cluster(), start_paused = false);
    lock_line!(crate::servers::Shared::cluster(), start_paused = false);
}

mod sentinel {
    records!(crate::servers::Shared::sentinels(), start_paused = false);
    lock_holders!(crate::servers::Shared::sentinels(), start_paused = false);
    lock_line!(crate::servers::Shared::sentinels(), start_paused = false);
}
