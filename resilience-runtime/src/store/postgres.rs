//! The store for several machines: PostgreSQL 13 or later.
//!
//! # What is guaranteed
//!
//! A write that was answered is committed, as durable as the server is: a server that confirms commits before
//! they are on its disk is refused unless that is [accepted](Risk::NotDurable). Only the clock of the server
//! decides what is over. Times are those of the primary; what is under way at a failover is as safe as the
//! replication is synchronous.
//!
//! Every operation is one statement, one message to the server and one transaction. When its answer is lost it is
//! made once more, on a new connection, and finds what it has done; only when that fails too is the error in
//! doubt ([`StoreError::effect`]).
//!
//! Sagas that run at the same time share commits: what they write while another write is under way goes together in one
//! statement. A write that finds none under way waits for nobody.
//!
//! # Who is alive
//!
//! An open store has a lease of 30 s in a table, renewed every 10 s, also when nothing is to be done. What the sagas
//! of a process that is killed have left is taken over when its lease is over; at once, when it was closed. One
//! that was only cut off for so long goes on with what others have not taken: of what they have, it writes
//! nothing any more. A server that was down makes nobody dead.
//!
//! # The database
//!
//! It may be one of your own. Tables and functions of this crate have names that begin with `resilience_`; they are
//! in the first schema of the user's `search_path` (also one given in the URL: `?options=-c%20search_path%3Dapp`),
//! or where they are in another one of it. They are created when the store is opened, which needs the right to;
//! where they exist, it needs no more than to read and write the tables, and to execute the functions.
//!
//! A process has up to 8 connections, and one more that listens.
//!
//! `sslmode` in the URL is `prefer` unless it says otherwise, which goes in plain text where the server offers no
//! TLS, and does not look at its certificate: write `sslmode=verify-full` on a network that others can reach.
//!
//! # With nothing but psql
//!
//! The views `resilience_unresolved_dead_letters`, `resilience_critical_dead_letters`, `resilience_recent_failures` (of 24
//! hours) and `resilience_unfinished_sagas` say what there is, and so does `resilience_dead_letter_stats()`. An operator
//! acts with functions, which write the audit, and wake the processes that have something to do then:
//!
//! ```sql
//! SELECT resilience_dead_letter_add('bill', '{"order": 7}', 'the bank refused', who => 'anna');
//! SELECT resilience_dead_letter_retry(17, 'anna', 'the warehouse is back');        -- true as the 4th: undo the saga
//! SELECT resilience_dead_letter_resolve(17, 'anna', 'released by phone');
//! SELECT resilience_dead_letter_discard(17, 'anna', 'a test order');
//! SELECT resilience_saga_cancel('0199..', 'anna', 'ordered twice');
//! SELECT resilience_saga_park('0199..', 'anna', 'its version was retired');       -- nobody has the code any more
//! ```
//!
//! # A connection pooler
//!
//! One in session mode makes no difference. One in transaction mode (PgBouncer's `pool_mode = transaction`) is
//! noticed when the store is opened, and refused unless [accepted](Risk::TransactionPooler): then nobody can be
//! woken, and who waits asks again every 50 to 250 ms.

mod call;
mod checks;
mod failure;
mod idempotency;
mod inspect;
mod journal;
mod listener;
mod liveness;
mod lock;
mod migrations;
mod pool;
mod queue;
mod reaper;
mod recovery;
mod rows;
mod session;
mod statements;
mod steps;
mod transaction;
mod wakes;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions as _, Connection as _};

use self::call::Call;
use self::checks::Facts;
use self::journal::Sagas;
use self::listener::Listening;
use self::pool::Pool;
use self::session::{Schema, Setup};
use self::wakes::Wakes;
use crate::error::StoreError;
use crate::lease::Nonce;
use crate::store::risk::{Accepted, Risk, Unopened};

const OPENING: &str = "opening the PostgreSQL database";

/// The store in a PostgreSQL database. A clone is another handle to the same open store.
#[derive(Clone)]
pub struct PostgresStore {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Arc<Pool>,
    /// Identifies this open store: its channel, and what it owns.
    worker: Nonce,
    sagas: Sagas,
    wakes: Arc<Wakes>,
    /// On which this process is notified; `None` where it cannot listen. Nobody can guess it.
    channel: Option<String>,
    listening: Mutex<Option<Listening>>,
    /// Counts what was granted, for the reaper.
    grants: AtomicU64,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore")
            .field("worker", &self.shared.worker)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects to the database that `url` names, looks for what makes it a bad place for records, and brings
    /// it to the schema of this crate. The store works as long as the tokio runtime that it was opened on.
    ///
    /// # Errors
    /// When the server cannot be reached or has a [`Risk`] that is not accepted, is a standby or read-only, when
    /// the tables are missing and may not be created, or are newer than this crate. Errors do not
    /// name the password.
    pub async fn open(url: &str, accepted: &Accepted) -> Result<Self, Unopened> {
        Self::open_for(url, accepted, liveness::LEASE).await
    }

    /// The same, with another time after which a process that does not say that it is alive counts as dead.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    #[doc(hidden)]
    pub async fn open_for(
        url: &str,
        accepted: &Accepted,
        lease: Duration,
    ) -> Result<Self, Unopened> {
        let options = options(url)?;
        let refused = |error: sqlx::Error| StoreError::refused(OPENING, error);
        let mut connection = pool::connect(&options).await.map_err(|error| {
            let (host, port) = (options.get_host(), options.get_port());
            StoreError::refused(OPENING, format!("{host}:{port}: {error}"))
        })?;
        let facts = Facts::learn(&mut connection).await?;
        facts.check(accepted)?;
        let shares_sessions = checks::shares_sessions(&mut connection, &options)
            .await
            .map_err(refused)?;
        if shares_sessions {
            checks::refuse_unless(accepted, Risk::TransactionPooler, POOLER.to_owned())?;
        }
        let schema = Schema::find(&mut connection, &facts.path, OPENING).await?;
        let version = migrations::apply(&mut connection, &schema)
            .await
            .map_err(|error| checks::explain_migration(&schema, error))?;
        checks::check_schema(&schema, version)?;
        let setup = Setup::new(&schema, facts.version);
        // The others are connected when they are needed.
        drop(connection.close().await);
        let worker = Nonce::random();
        let wakes = Arc::<Wakes>::default();
        let channel = (!shares_sessions).then(|| format!("resilience_{worker}"));
        let listening = match channel.clone() {
            Some(channel) => {
                let listening = listener::listen(options.clone(), channel, Arc::clone(&wakes));
                Some(listening.await.map_err(refused)?)
            }
            None => None,
        };
        let pool = Arc::new(Pool::new(options, setup, shares_sessions));
        let sagas = Sagas::enter(&pool, lease).await?;
        Ok(Self {
            shared: Arc::new(Shared {
                pool,
                worker,
                wakes,
                channel,
                listening: Mutex::new(listening),
                grants: AtomicU64::new(0),
                sagas,
            }),
        })
    }

    /// Closes the connections. Every later call, on any clone, answers an error; calls that are under way
    /// end as they would have. Dropping all clones does the same.
    pub async fn close(self) {
        self.shared.sagas.leave().await;
        let listening = self.shared.listening.lock();
        drop(listening.unwrap_or_else(PoisonError::into_inner).take());
        self.shared.pool.close().await;
    }

    /// What is left of a process that was killed: its row in the table of workers, whose id this answers, and nobody
    /// who renews its lease.
    #[doc(hidden)]
    pub async fn vanish(self) -> String {
        let listening = self.shared.listening.lock();
        drop(listening.unwrap_or_else(PoisonError::into_inner).take());
        self.shared.pool.close().await;
        self.shared.sagas.worker.id().to_string()
    }

    /// Carries out one statement.
    async fn call(&self, call: Call) -> Result<Vec<PgRow>, StoreError> {
        call.carry_out(&self.shared.pool).await
    }
}

const POOLER: &str = "a connection pooler in transaction mode stands before the server, so that no session can \
                      listen: connect to the server itself, or to the pooler in session mode";

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options: PgConnectOptions = url.parse().map_err(|_| {
        // The parser may name parts of the URL, and any of them can be a piece of the password.
        let text = "the URL cannot be read; write `postgres://user:password@host:5432/database`, with \
                    characters such as `@`, `/`, `#` and `%` in the password percent-encoded";
        StoreError::refused(OPENING, text)
    })?;
    let named = options.get_application_name().is_some();
    let options = if named {
        options
    } else {
        options.application_name("resilience")
    };
    Ok(options
        // Poolers refuse what they do not know, and no float is read here.
        .extra_float_digits(None)
        // The texts are constant.
        .disable_statement_logging())
}
