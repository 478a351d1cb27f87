//! The servers, and everybody's way to them.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{Client, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo};
use resilience_runtime::lock::redlock::{Node, Redlock};
use resilience_runtime::store::redis::RedisStore;
use resilience_test_support::server::Redis;
use rslock::LockManager;

use crate::Failure;

/// One server for most of it, and three for Redlock.
pub(crate) struct Servers {
    one: Redis,
    three: Vec<Redis>,
}

impl Servers {
    /// Starts them; `None` where Redis is not installed.
    pub(crate) async fn start() -> Result<Option<Self>, Failure> {
        let Some(one) = Redis::start() else {
            return Ok(None);
        };
        let three: Vec<Redis> = (0..3).filter_map(|_| Redis::start()).collect();
        Ok(Some(Self { one, three }))
    }

    /// What a `PING` is sent over: the same protocol and the same kind of connection as the store's.
    pub(crate) async fn connection(&self) -> Result<MultiplexedConnection, Failure> {
        let login = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        let address = self.one.url().into_connection_info()?;
        let client = Client::open(address.set_redis_settings(login))?;
        Ok(client.get_multiplexed_async_connection().await?)
    }

    /// The one that is not of the three.
    pub(crate) fn url(&self) -> String {
        self.one.url()
    }

    /// A store of a process of its own.
    pub(crate) async fn store(&self) -> Result<RedisStore, Failure> {
        Ok(RedisStore::connect(&self.one.url()).await?)
    }

    pub(crate) async fn redlock(&self) -> Result<Redlock, Failure> {
        let mut nodes: Vec<Arc<dyn Node>> = Vec::new();
        for server in &self.three {
            nodes.push(Arc::new(RedisStore::connect(&server.url()).await?));
        }
        Ok(Redlock::new(nodes)?)
    }

    pub(crate) fn rslock(&self) -> LockManager {
        LockManager::new(vec![self.one.url()])
    }

    pub(crate) fn rslock_of_three(&self) -> LockManager {
        LockManager::new(self.three.iter().map(Redis::url).collect())
    }
}
