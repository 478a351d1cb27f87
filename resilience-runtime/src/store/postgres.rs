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
//! # The database
//!
//! It may be one of your own. Tables of this crate have names that begin with `resilience_`; they are in the first
//! schema of the user's `search_path` (also one given in the URL: `?options=-c%20search_path%3Dapp`), or
//! where they are in another one of it. They are created when the store is opened, which needs the right to; where
//! they exist, it needs no more than to read and write them.
//!
//! A process has up to 8 connections, and one more that listens.
//!
//! `sslmode` in the URL is `prefer` unless it says otherwise, which goes in plain text where the server offers no
//! TLS, and does not look at its certificate: write `sslmode=verify-full` on a network that others can reach.
//!
//! # A connection pooler
//!
//! One in session mode makes no difference. One in transaction mode (PgBouncer's `pool_mode = transaction`) is
//! noticed when the store is opened, and refused unless [accepted](Risk::TransactionPooler): then nobody can be
//! woken, and who waits asks again every 50 to 250 ms.

mod call;
mod checks;
mod failure;
mod migrations;
mod pool;
mod session;

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::timeout;

use self::call::Call;
use self::checks::Facts;
use self::failure::Meaning;
use self::pool::{Held, Pool};
use self::session::{Schema, Setup};
use crate::error::StoreError;
use crate::lease::Nonce;
use crate::store::risk::{Accepted, Risk, Unopened};

/// How long an answer may take. The server gives up a statement after 10 s by itself.
const ANSWER_MAX: Duration = Duration::from_secs(12);
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
        let options = options(url)?;
        let refused = |error: sqlx::Error| StoreError::refused(OPENING, error);
        let mut connection = pool::connect(&options).await.map_err(refused)?;
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
        let _ = connection.close().await;
        let pool = Arc::new(Pool::new(options, setup, shares_sessions));
        Ok(Self {
            shared: Arc::new(Shared {
                pool,
                worker: Nonce::random(),
            }),
        })
    }

    /// Closes the connections. Every later call, on any clone, answers an error; calls that are under way
    /// end as they would have. Dropping all clones does the same.
    pub async fn close(self) {
        self.shared.pool.close().await;
    }

    /// Carries out one statement. When its answer is lost, or it came into conflict with another one, it is made
    /// once more on a new connection.
    async fn call(&self, call: Call) -> Result<Vec<PgRow>, StoreError> {
        let pool = &self.shared.pool;
        let mut maybe_done = false;
        let mut again = true;
        loop {
            let mut held = match pool.acquire(call.doing).await {
                Ok(held) => held,
                Err(error) if maybe_done => return Err(StoreError::in_doubt(call.doing, error)),
                Err(error) => return Err(error),
            };
            let error = match timeout(ANSWER_MAX, carry_out(pool, &mut held, &call)).await {
                Ok(Ok(rows)) => {
                    held.give_back();
                    return Ok(rows);
                }
                Ok(Err(error)) => error,
                Err(_) => {
                    held.discard();
                    let error = pool::took_too_long("the server did not answer in time");
                    return Err(StoreError::in_doubt(call.doing, error));
                }
            };
            match Meaning::of(&error) {
                Meaning::Refused => {
                    held.give_back();
                    again = false;
                }
                Meaning::Again => held.discard(),
                Meaning::Lost => {
                    held.discard();
                    pool.forget_idle();
                    maybe_done = true;
                }
            }
            if !std::mem::take(&mut again) {
                return Err(failure::error(call.doing, maybe_done, error));
            }
        }
    }
}

async fn carry_out(pool: &Pool, held: &mut Held, call: &Call) -> Result<Vec<PgRow>, sqlx::Error> {
    let connection = held.connection()?;
    if pool.shares_sessions {
        call.at_once(connection, &pool.setup).await
    } else {
        call.prepared(connection).await
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
