//! Where a connection is made to.

use std::fmt;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, RedisResult, cmd};

use super::super::address::{Access, Host};
use super::Limits;

/// A server, or who knows which one it is at the moment.
#[derive(Clone)]
pub(in crate::store::redis) enum Origin {
    Node(Access, Host),
    Sentinel(Access, Vec<Host>, String),
}

/// Told what the server pushes.
pub(in crate::store::redis) type Pushed =
    Box<dyn Fn(redis::PushInfo) -> Result<(), std::convert::Infallible> + Send + Sync>;

/// For messages.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(_, host) => host.fmt(f),
            Self::Sentinel(_, _, master) => write!(f, "the master `{master}`"),
        }
    }
}

impl Origin {
    /// A new connection.
    pub(in crate::store::redis) async fn connect(
        &self,
        limits: Limits,
        pushed: Pushed,
    ) -> RedisResult<MultiplexedConnection> {
        let config = config(limits).set_push_sender(pushed);
        match self {
            Self::Node(access, host) => {
                let client = access.client(host)?;
                client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await
            }
            Self::Sentinel(access, sentinels, name) => {
                let master = master(access, sentinels, name, limits).await?;
                let client = access.client(&master)?;
                let mut connection = client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?;
                refuse_replica(&mut connection).await?;
                Ok(connection)
            }
        }
    }
}

fn config(limits: Limits) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(limits.connect))
        .set_response_timeout(Some(limits.answer))
        // Callers beyond this many wait for each other before they are sent.
        .set_pipeline_buffer_size(1024)
}

/// The master, as the first Sentinel has it that answers.
async fn master(
    access: &Access,
    sentinels: &[Host],
    name: &str,
    limits: Limits,
) -> RedisResult<Host> {
    let mut failed = None;
    for sentinel in sentinels {
        match ask_for_master(access, sentinel, name, limits).await {
            Ok(Some(master)) => return Ok(master),
            Ok(None) => {
                failed = Some(RedisError::from((
                    ErrorKind::MasterNameNotFoundBySentinel,
                    "no Sentinel knows a master of this name",
                    name.to_owned(),
                )));
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    Err(failed.unwrap_or_else(|| RedisError::from((ErrorKind::EmptySentinelList, "no Sentinel"))))
}

async fn ask_for_master(
    access: &Access,
    sentinel: &Host,
    name: &str,
    limits: Limits,
) -> RedisResult<Option<Host>> {
    let client = access.sentinel_client(sentinel)?;
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config(limits))
        .await?;
    let mut question = cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    let answer: Option<(String, u16)> = question.query_async(&mut connection).await?;
    Ok(answer.map(|(name, port)| Host { name, port }))
}

/// A Sentinel may name a master that has just been told to be a replica.
async fn refuse_replica(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let role: RedisResult<Vec<redis::Value>> = cmd("ROLE").query_async(connection).await;
    // Who may not ask finds out with the first write.
    let Ok(role) = role else { return Ok(()) };
    match role.first() {
        Some(redis::Value::BulkString(role)) if role != b"master" => Err(RedisError::from((
            ErrorKind::Io,
            "the server that Sentinel names is not a master",
        ))),
        _ => Ok(()),
    }
}
