//! The servers that the tests have.

use std::sync::OnceLock;

use resilience_runtime::lease::Nonce;
use resilience_runtime::store::redis::RedisStore;
use resilience_test_support::server::{Cluster, Redis, Sentinels};

use crate::fixture::Fixture;

/// A server of the test's own.
pub(crate) struct Single(Redis);

impl Single {
    pub(crate) fn new() -> Self {
        Self(Redis::start().unwrap())
    }
}

impl Fixture for Single {
    type Store = RedisStore;

    async fn worker(&self) -> RedisStore {
        RedisStore::connect(&self.0.url()).await.unwrap()
    }

    async fn end(&self, store: RedisStore) {
        drop(store);
    }
}

/// A part of servers that take seconds to start, and are shared by all tests of a process.
pub(crate) struct Shared(String);

impl Shared {
    pub(crate) fn cluster() -> Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        let cluster = CLUSTER.get_or_init(|| Cluster::start().unwrap());
        Self::part_of(&cluster.url())
    }

    pub(crate) fn sentinels() -> Self {
        static SENTINELS: OnceLock<Sentinels> = OnceLock::new();
        let sentinels = SENTINELS.get_or_init(|| Sentinels::start().unwrap());
        Self::part_of(&sentinels.url())
    }

    fn part_of(url: &str) -> Self {
        Self(format!("{url}?prefix={}", Nonce::random()))
    }
}

impl Fixture for Shared {
    type Store = RedisStore;

    async fn worker(&self) -> RedisStore {
        RedisStore::connect(&self.0).await.unwrap()
    }

    async fn end(&self, store: RedisStore) {
        drop(store);
    }
}
