//! Private servers: each in a temporary folder, on a free port, gone with the test process.
//!
//! A test that needs one begins with
//!
//! ```no_run
//! # use resilience_test_support::server::Redis;
//! # fn test() {
//! let Some(mut redis) = Redis::start() else { return };
//! redis.restart();
//! # }
//! ```
//!
//! Where the server is not installed, that prints `SKIPPED` past the test harness's capture and
//! the test passes without having run. With `RESILIENCE_REQUIRE_SERVERS=1`, which `scripts/test`
//! sets, it panics instead and names the package.

mod cluster;
mod postgres;
mod process;
mod redis;
mod sentinel;

pub use cluster::Cluster;
pub use postgres::Postgres;
pub use redis::{Persistence, Redis};
pub use sentinel::Sentinels;

use std::io::Write as _;
use std::net::TcpListener;
use std::panic::Location;
use std::path::PathBuf;

/// A kind of server that tests can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `redis-server`.
    Redis,
    /// `postgres`, with `initdb` and `createdb` beside it.
    Postgres,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Redis, Self::Postgres];

    /// The name of its program.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Postgres => "postgres",
        }
    }

    /// The Debian package that it comes with.
    #[must_use]
    pub fn package(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Postgres => "postgresql",
        }
    }

    /// Whether every program that it needs is installed.
    #[must_use]
    pub fn is_installed(self) -> bool {
        match self {
            Self::Redis => find("redis-server").is_some(),
            Self::Postgres => ["postgres", "initdb", "createdb"]
                .iter()
                .all(|program| find(program).is_some()),
        }
    }

    /// Says that the running test cannot run for want of this server.
    ///
    /// # Panics
    /// With `RESILIENCE_REQUIRE_SERVERS=1`.
    #[track_caller]
    fn report_missing(self) {
        let (program, package) = (self.program(), self.package());
        assert!(
            !servers_are_required(),
            "this test needs {program}, which is not installed, and RESILIENCE_REQUIRE_SERVERS is \
             set: install the package `{package}`, or run scripts/test, which does"
        );
        say(&format!(
            "SKIPPED {}: needs {program} (package `{package}`; scripts/test installs it)",
            running_test(Location::caller())
        ));
    }
}

/// Whether a test that needs a server fails where there is none.
#[must_use]
pub fn servers_are_required() -> bool {
    std::env::var_os("RESILIENCE_REQUIRE_SERVERS").is_some_and(|value| value == "1")
}

/// Prints a line that is visible for a passing test too: the test harness captures what the
/// printing macros print, and only that.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The path of `program`: from `PATH`, or from where Debian keeps the newest PostgreSQL, which is
/// in no `PATH`.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(postgres_folders());
    folders
        .into_iter()
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// `/usr/lib/postgresql/*/bin`, newest version first.
fn postgres_folders() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/usr/lib/postgresql") else {
        return Vec::new();
    };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// The test harness names its threads after the tests, unless it runs them all on one.
fn running_test(caller: &Location<'_>) -> String {
    match std::thread::current().name() {
        Some(name) if name != "main" => name.to_owned(),
        _ => format!("a test at {}:{}", caller.file(), caller.line()),
    }
}

/// A port that was free a moment ago. Whoever starts a server on it tries again with another one
/// when somebody was faster.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port of the loopback interface")
        .port()
}

/// How often a server is started on a new port before the test fails.
const STARTS_MAX: usize = 5;
