//! The connections.
//!
//! A pool of our own: one that tests each connection before and after its use would send three messages where
//! one is enough. A connection that fails is found out by the statement that fails, which is made again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout};

use super::failure;
use super::session::{Setup, ask, one};
use crate::error::StoreError;

/// How many connections there are at most; more callers wait. The one that listens comes on top.
const CONNECTIONS_MAX: usize = 8;
/// How long a caller waits for one.
const ACQUIRE_MAX: Duration = Duration::from_secs(5);
/// How long a new connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long the rest of an answer that nobody waits for any more is waited for.
const REST_MAX: Duration = Duration::from_secs(5);
/// A connection that nobody has used for so long is closed.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// A connection that is so old is closed: a session takes more memory with time.
const AGE_MAX: Duration = Duration::from_secs(1800);

/// Connects, within bounds.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    match timeout(CONNECT_MAX, options.connect()).await {
        Ok(connected) => connected,
        Err(_) => Err(took_too_long("the server took too long to connect")),
    }
}

/// The error of something that had no answer in time.
pub(super) fn took_too_long(what: &'static str) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, what))
}

/// The connections of a store.
pub(super) struct Pool {
    options: PgConnectOptions,
    pub(super) setup: Setup,
    /// Whether each transaction may get another session.
    pub(super) shares_sessions: bool,
    permits: Arc<Semaphore>,
    /// Those that nobody uses; the one that was used last is at the end.
    idle: Mutex<Vec<Idle>>,
    closed: AtomicBool,
}

struct Idle {
    connection: PgConnection,
    born: Instant,
    since: Instant,
}

impl Pool {
    pub(super) fn new(options: PgConnectOptions, setup: Setup, shares_sessions: bool) -> Self {
        Self {
            options,
            setup,
            shares_sessions,
            permits: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            idle: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection, when one is free. An error had no effect.
    pub(super) async fn acquire(self: &Arc<Self>, doing: &'static str) -> Result<Held, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = match timeout(ACQUIRE_MAX, permit).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(failure::closed(doing)),
            Err(_) => {
                let text = format!(
                    "all {CONNECTIONS_MAX} connections were in use for {} s",
                    ACQUIRE_MAX.as_secs()
                );
                return Err(StoreError::refused(doing, text));
            }
        };
        let free = self.idle().pop();
        match free {
            Some(free) => Ok(Held {
                connection: Some(free.connection),
                born: free.born,
                pool: Arc::clone(self),
                permit: Some(permit),
            }),
            None => {
                let connected = self.connected(permit).await;
                connected.map_err(|error| StoreError::refused(doing, error))
            }
        }
    }

    /// A new connection. A caller that goes away while it is made leaves it to the next one: else callers in a
    /// hurry would never come to one.
    async fn connected(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Held, sqlx::Error> {
        let (tell, told) = oneshot::channel();
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            let connected = pool.connect().await.map(|connection| Held {
                connection: Some(connection),
                born: Instant::now(),
                pool,
                permit: Some(permit),
            });
            if let Err(Ok(held)) = tell.send(connected) {
                held.give_back();
            }
        });
        told.await.map_err(|_| sqlx::Error::WorkerCrashed)?
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = connect(&self.options).await?;
        if !self.shares_sessions {
            let set = ask(&mut connection, self.setup.session.clone());
            let set = timeout(CONNECT_MAX, set).await;
            set.map_err(|_| took_too_long("the server took too long to connect"))??;
        }
        Ok(connection)
    }

    /// Takes a connection that is set up.
    fn put(&self, connection: PgConnection, born: Instant) {
        let now = Instant::now();
        if self.closed.load(Ordering::Acquire) || now - born > AGE_MAX {
            return;
        }
        let mut idle = self.idle();
        if idle.first().is_some_and(|it| now - it.since > IDLE_MAX) {
            idle.remove(0);
        }
        idle.push(Idle {
            connection,
            born,
            since: now,
        });
    }

    /// Forgets the connections that nobody uses: the server went away, and they with it.
    pub(super) fn forget_idle(&self) {
        self.idle().clear();
    }

    /// Lets nobody in any more, and closes what is not in use.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        for free in idle {
            // The server notices in any case.
            let _ = timeout(REST_MAX, free.connection.close()).await;
        }
    }
}

/// A connection that is in use. Dropped before [`give_back`](Self::give_back) it is put in order first.
pub(super) struct Held {
    connection: Option<PgConnection>,
    born: Instant,
    pool: Arc<Pool>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// The connection; `None` only after it was lost or given back.
    pub(super) fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    /// It is in no transaction and owes no answer.
    pub(super) fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.put(connection, self.born);
        }
    }

    /// It is of no use any more.
    pub(super) fn discard(mut self) {
        self.connection = None;
    }
}

/// The caller went away in the middle. What was sent is carried out by the server; when the answer is there,
/// and no transaction is left open, somebody else can have the connection.
impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        // Without a runtime it is closed.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (pool, permit, born) = (Arc::clone(&self.pool), self.permit.take(), self.born);
        runtime.spawn(async move {
            if let Ok(Ok(true)) = timeout(REST_MAX, is_in_order(&mut connection)).await {
                pool.put(connection, born);
            }
            drop(permit);
        });
    }
}

/// Reads the rest of the answer, and finds out whether a transaction is open: the driver does not know of one
/// whose beginning was dropped.
async fn is_in_order(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let question = "SELECT (now() = statement_timestamp())::text";
    Ok(one(connection, question.to_owned()).await?.as_deref() == Some("true"))
}
