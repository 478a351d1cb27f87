//! Redis: idempotency records and locks, for several machines.
//!
//! | file | what |
//! |---|---|
//! | `address` | from a URL to servers |
//! | `connection` | the way to them: one server, Sentinel, Cluster; reconnecting, redirecting, what an error means |
//! | `script` | everything that is asked is one script, known by its hash |
//! | `listener`, `waiters` | the one channel of this process, and who waits for what is published there |
//! | `checks` | what is asked of a server before anything is entrusted to it |
//! | `idempotency`, `lock` | the traits |
//! | `replicated` | connections that wait for replicas |
//!
//! Keys begin with `resilience:` (or what the URL says) and have the digest of the key in braces, so that everything about one record is in
//! one slot of a cluster. When a lease is over is written in the record, and compared with the clock of the server; a
//! key expires much later, so that whoever comes next knows that somebody was there.

mod address;
mod checks;
mod connection;
mod idempotency;
mod listener;
mod lock;
mod replicated;
mod script;
mod waiters;

use std::fmt;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use self::address::Address;
use self::connection::{Connection, Limits};
use self::listener::Listener;
use self::replicated::Replicated;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::runtime::OpenError;
use crate::store::risk::Accepted;

/// A store on Redis. A clone is another handle to the same one.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Arc<Connection>,
    listener: Listener,
    replicated: Replicated,
    prefix: String,
}

impl RedisStore {
    /// Opens the store, if its settings are good ones or the risk is accepted. Must be called in a tokio runtime,
    /// which has to go on for as long as the store is used.
    pub(crate) async fn open(url: &str, accepted: &Accepted) -> Result<Self, OpenError> {
        let store = Self::connect(url).await?;
        checks::check(&store.inner.connection, accepted).await?;
        Ok(store)
    }

    /// Opens one of several stores, each of which may be missing: then it goes on connecting, is not checked, and what
    /// was in the way is the second answer.
    pub(crate) async fn open_node(
        url: &str,
        accepted: &Accepted,
    ) -> Result<(Self, Option<StoreError>), OpenError> {
        let address = Address::parse(url)?;
        let servers = address.topology.to_string();
        let store = Self::begin(address);
        let missing = match store.inner.listener.listening().await {
            Ok(()) => match checks::check(&store.inner.connection, accepted).await {
                Ok(()) => None,
                Err(OpenError::Store(error)) => Some(error),
                Err(error) => return Err(error),
            },
            Err(error) if connection::is_absence(&error) => Some(unconnected(&servers, &error)),
            Err(error) => return Err(unconnected(&servers, &error).into()),
        };
        Ok((store, missing))
    }

    /// Opens the store without asking whether its settings are good ones. Must be called in a tokio runtime, which
    /// has to go on for as long as the store is used.
    ///
    /// # Errors
    /// The URL cannot be read, or the server cannot be reached.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        let servers = address.topology.to_string();
        let store = Self::begin(address);
        let listening = store.inner.listener.listening().await;
        listening
            .map(|()| store)
            .map_err(|error| unconnected(&servers, &error))
    }

    /// Begins to connect.
    fn begin(address: Address) -> Self {
        let limits = Limits::of(&address);
        let connection = Arc::new(Connection::open(&address, limits));
        Self {
            inner: Arc::new(Inner {
                listener: Listener::start(Arc::clone(&connection), &address.prefix),
                connection,
                prefix: address.prefix.clone(),
                replicated: Replicated::new(address, limits),
            }),
        }
    }

    /// The name of one of the keys about `digest`: all of them are in one slot.
    fn key(&self, digest: Digest, what: &str) -> String {
        format!("{}:{{{digest}}}:{what}", self.inner.prefix)
    }
}

/// Which servers were asked, what came of it, and what to look at.
fn unconnected(servers: &str, error: &RedisError) -> StoreError {
    let doing = match error.kind() {
        ErrorKind::Server(ServerErrorKind::NoPerm) => "subscribing to a channel of Redis",
        _ => "connecting to Redis",
    };
    let hint = match (error.code(), error.kind()) {
        (Some("NOAUTH"), _) => "; write the password into the URL: `redis://user:password@host`",
        (Some("WRONGPASS"), _) => {
            "; look at the user and the password in the URL, where `@` is `%40`"
        }
        (_, ErrorKind::Io) if error.is_timeout() => {
            "; look at the port, and whether it is encrypted: `rediss://`"
        }
        (_, ErrorKind::Io) => {
            "; look at the host and the port in the URL, and whether it runs there"
        }
        _ => "",
    };
    let error = error.to_string();
    let text = format!("{servers}: {}{hint}", error.trim_end_matches('.'));
    StoreError::refused(doing, text)
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}
