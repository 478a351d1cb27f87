//! A store, and the folder in which the effects are written down.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use resilience::store::Risk;
use resilience::{Runtime, RuntimeBuilder};
use resilience_test_support::proxy::Proxy;
use resilience_test_support::scratch;
use resilience_test_support::server::{Persistence, Postgres, Redis};
use serde::{Deserialize, Serialize};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use super::effects::Effects;
use crate::ledger::Ledger;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    Redis,
}

impl Kind {
    /// Whether who stands still is replaced after a while.
    pub(crate) fn has_leases(self) -> bool {
        self != Self::Sqlite
    }
}

/// Where a store is, for another process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Address {
    /// For everything.
    Url(String),
    /// For records and locks alone: this program has sagas, and Redis keeps none.
    Redis(String),
}

impl Address {
    pub(crate) async fn open(&self) -> Runtime {
        let builder = match self {
            Self::Url(url) => Runtime::builder(url),
            Self::Redis(url) => Runtime::builder("memory:").redis(url),
        };
        open(builder).await
    }
}

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3600);

async fn open(builder: RuntimeBuilder) -> Runtime {
    let runtime = builder
        .scoped()
        // Nothing may be asked of the store in the background. While a test withholds answers, that would hold a connection,
        // and the call under test would wait for another one to be made. Before, it would leave a second connection, on
        // which the statement of the call is not prepared, and whose preparation waits for an answer.
        .poll_interval(NEVER)
        .worker_lease(NEVER)
        .retention(None)
        // Of the sagas of this program, none of which runs here.
        .state(Ledger::at(PathBuf::from("/nowhere")))
        // Servers of tests are in memory.
        .accept(Risk::NotDurable)
        .accept(Risk::NoPersistence)
        .open()
        .await
        .expect("the store opens");
    runtime.recovered().await;
    runtime
}

/// The server of a store.
#[derive(Debug)]
pub(crate) enum Server {
    /// SQLite has none.
    None,
    /// PostgreSQL: a database on the one that all tests share.
    Shared,
    Postgres(Box<Postgres>),
    Redis(Box<Redis>),
}

#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) kind: Kind,
    pub(crate) server: Server,
    url: String,
    folder: TempDir,
    /// How many files of effects there are.
    files: Cell<u32>,
}

impl Ground {
    /// A new store; `None` where its server is not installed.
    pub(crate) fn new(kind: Kind) -> Option<Self> {
        if kind != Kind::Postgres {
            return Self::with_server(kind);
        }
        static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
        static DATABASES: AtomicU64 = AtomicU64::new(0);
        let server = SERVER.get_or_init(Postgres::start).as_ref()?;
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let url = server.create_database(&format!("matrix{number}"));
        Some(Self::of(kind, Server::Shared, url))
    }

    /// With a server that the test can do anything to, and that keeps what it has acknowledged.
    pub(crate) fn with_server(kind: Kind) -> Option<Self> {
        Self::with_persistence(kind, Persistence::Always)
    }

    /// With a Redis that keeps as much as that.
    pub(crate) fn with_persistence(kind: Kind, persistence: Persistence) -> Option<Self> {
        let (server, url) = match kind {
            Kind::Sqlite => (Server::None, String::new()),
            Kind::Postgres => {
                let server = Postgres::start()?;
                let url = server.url();
                (Server::Postgres(Box::new(server)), url)
            }
            Kind::Redis => {
                let server = Redis::start_with(persistence, &[])?;
                let url = server.url();
                (Server::Redis(Box::new(server)), url)
            }
        };
        Some(Self::of(kind, server, url))
    }

    fn of(kind: Kind, server: Server, url: String) -> Self {
        let folder = scratch::folder("matrix");
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", folder.path().join("a.db").display()),
            Kind::Postgres | Kind::Redis => url,
        };
        Self {
            kind,
            server,
            url,
            folder,
            files: Cell::new(0),
        }
    }

    /// A file of effects that nobody has written to.
    pub(crate) fn effects(&self) -> Effects {
        self.files.set(self.files.get() + 1);
        let folder = self.folder.path().join(self.files.get().to_string());
        std::fs::create_dir(&folder).expect("a folder");
        Effects::at(&folder)
    }

    pub(crate) fn address(&self) -> Address {
        self.address_of(self.url.clone())
    }

    fn address_of(&self, url: String) -> Address {
        match self.kind {
            Kind::Redis => Address::Redis(url),
            Kind::Sqlite | Kind::Postgres => Address::Url(url),
        }
    }

    pub(crate) async fn open(&self) -> Runtime {
        self.address().open().await
    }

    /// A network between the server and who uses the address.
    pub(crate) fn network(&self) -> (Proxy, Address) {
        let after = self.url.rsplit(':').next().expect("a URL with a port");
        let port = after.split('/').next().expect("a URL with a path");
        let proxy = Proxy::start(port.parse().expect("a port"));
        let url = proxy.in_front_of(&self.url);
        (proxy, self.address_of(url))
    }

    pub(crate) fn redis(&mut self) -> &mut Redis {
        match &mut self.server {
            Server::Redis(redis) => redis,
            server => panic!("this is {server:?}"),
        }
    }

    /// How many claims and results the store has, asked behind the runtimes' backs.
    pub(crate) async fn records(&self) -> u64 {
        match &self.server {
            Server::Redis(redis) => {
                let size = redis.ask(&["DBSIZE"]);
                size.trim_start_matches(':').parse().expect("a number")
            }
            _ => {
                let count = "SELECT count(*) FROM resilience_idempotency_records";
                u64::try_from(self.ask(count).await).expect("a count")
            }
        }
    }

    /// Grows with everybody who stands in the line of a lock.
    pub(crate) async fn lines(&self) -> i64 {
        const OF_REDIS: &str = "local all = 0
            for _, key in ipairs(redis.call('KEYS', '*:lock')) do all = all + redis.call('STRLEN', key) end
            return all";
        match (&self.server, self.kind) {
            (Server::Redis(redis), _) => {
                let size = redis.ask(&["EVAL", OF_REDIS, "0"]);
                size.trim_start_matches(':').parse().expect("a number")
            }
            (_, Kind::Postgres) => {
                self.ask("SELECT coalesce(sum(cardinality(line)), 0)::bigint FROM resilience_locks")
                    .await
            }
            _ => {
                let connection = sqlx::SqliteConnection::connect(&self.url).await;
                let mut connection = connection.expect("the file opens");
                let places = sqlx::query_scalar("SELECT count(*) FROM resilience_lock_places")
                    .fetch_one(&mut connection)
                    .await;
                connection.close().await.expect("it closes");
                places.expect("a count")
            }
        }
    }

    /// Asks PostgreSQL for a number.
    pub(crate) async fn ask(&self, question: &'static str) -> i64 {
        let options: sqlx::postgres::PgConnectOptions = self.url.parse().expect("a URL");
        let mut connection = options.connect().await.expect("the server answers");
        let answer = sqlx::query_scalar(question)
            .fetch_one(&mut connection)
            .await;
        connection.close().await.expect("it closes");
        answer.expect("an answer")
    }

    /// Kills the server without letting it write anything out.
    pub(crate) fn stop_server(&mut self) {
        match &mut self.server {
            Server::Postgres(postgres) => postgres.stop_immediately(),
            Server::Redis(redis) => redis.kill9(),
            server => panic!("{server:?} cannot be stopped"),
        }
    }

    /// Starts it again.
    pub(crate) fn start_server(&mut self) {
        match &mut self.server {
            Server::Postgres(postgres) => postgres.restart(),
            Server::Redis(redis) => redis.restart(),
            server => panic!("{server:?} cannot be started"),
        }
    }
}
