//! A private PostgreSQL.

mod template;

use std::fs::File;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::{Signal, geteuid};
use tempfile::TempDir;

use super::process::Process;
use super::{Kind, STARTS_MAX, find, free_port};
use crate::{scratch, wait};

/// What the files of a server may take, and those of its neighbours.
const ROOM: u64 = 2 << 30;

/// A private PostgreSQL, stopped when dropped. It runs without `fsync`: what it has acknowledged
/// survives the death of its processes, not that of the machine.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Process>,
    port: u16,
    account: Option<Account>,
    syncs: bool,
    folder: TempDir,
}

impl Postgres {
    /// A server with an empty database `postgres`; `None` where it is not installed. Takes about
    /// a fifth of a second: the files are copied from those of the first one.
    ///
    /// # Panics
    /// When it does not start, or is missing and required.
    #[track_caller]
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(false)
    }

    /// The same with `fsync`, which a runtime asks for before it relies on a server.
    ///
    /// # Panics
    /// When it does not start, or is missing and required.
    #[track_caller]
    #[must_use]
    pub fn start_syncing() -> Option<Self> {
        Self::start_with(true)
    }

    #[track_caller]
    fn start_with(syncs: bool) -> Option<Self> {
        if !Kind::Postgres.is_installed() {
            Kind::Postgres.report_missing();
            return None;
        }
        let mut postgres = Self {
            process: None,
            port: 0,
            account: Account::to_run_as(),
            syncs,
            folder: match syncs {
                // What a sync costs is what such a server is asked for.
                true => TempDir::with_prefix("postgres").expect("a temporary folder"),
                false => scratch::folder_for(ROOM, "postgres"),
            },
        };
        postgres.create_files();
        for _ in 0..STARTS_MAX {
            postgres.port = free_port();
            if postgres.try_launch() {
                return Some(postgres);
            }
        }
        panic!("postgres does not start:\n{}", postgres.log());
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `postgres://postgres@127.0.0.1:…/postgres`
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The same for another database of this server.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Creates a database, so that tests can share a server, and answers with its URL.
    ///
    /// # Panics
    /// When the server refuses.
    #[must_use]
    pub fn create_database(&self, name: &str) -> String {
        let mut command = self.command("createdb");
        command
            .args(["-h", "127.0.0.1", "-U", "postgres", "-p"])
            .args([&self.port.to_string(), name]);
        run(&mut command);
        self.url_of(name)
    }

    /// Freezes the postmaster: nobody can connect any more. Connections that are open have a
    /// process of their own each, and go on.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`stop`](Self::stop).
    pub fn cont(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills the postmaster without warning. The processes of its connections notice and end.
    pub fn kill9(&mut self) {
        self.end(Signal::KILL);
    }

    /// Ends it and every connection at once, without writing anything out: the next start
    /// recovers from the log.
    pub fn stop_immediately(&mut self) {
        self.end(Signal::QUIT);
    }

    /// Stops it immediately if it still runs, and starts it again on the same port, with
    /// recovery.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.stop_immediately();
        // After a SIGKILL its connections' processes hold the shared memory a little longer.
        let back = wait::holds_within(wait::PATIENCE, || self.try_launch());
        assert!(back, "postgres does not start again:\n{}", self.log());
    }

    fn create_files(&self) {
        if let Some(account) = &self.account {
            chown(self.folder.path(), Some(account.user), Some(account.group))
                .expect("the folder is given to the account that the server runs as");
        }
        let owner = self.account.as_ref().map(|it| (it.user, it.group));
        if template::copy_to(&self.data(), owner) {
            return;
        }
        let mut command = self.command("initdb");
        command.args(INITDB).arg(self.data());
        run(&mut command);
        template::keep(&self.data());
    }

    /// Starts it on its port and waits until it takes connections; false when it ends instead.
    fn try_launch(&mut self) -> bool {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log file");
        let mut command = self.command("postgres");
        command
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1", "-c"])
            .arg(format!(
                "unix_socket_directories={}",
                self.folder.path().display()
            ))
            .arg("-c")
            .arg(format!("fsync={}", if self.syncs { "on" } else { "off" }))
            .args(["-c", "shared_buffers=16MB"])
            .args(["-c", "max_connections=200"])
            .stderr(log.try_clone().expect("a second handle"))
            .stdout(log);
        let mut process = Process::spawn(&mut command, self.folder.path()).expect("postgres runs");
        let mut up = false;
        wait::until("postgres to take connections", || {
            up = self.is_ready_as(process.id());
            up || process.has_ended()
        });
        if up {
            self.process = Some(process);
        }
        up
    }

    /// Whether the server with this process id takes connections. It says so itself: line 1 of
    /// its lock file is its process id, line 8 its state.
    fn is_ready_as(&self, process_id: u32) -> bool {
        let Ok(lock_file) = std::fs::read_to_string(self.data().join("postmaster.pid")) else {
            return false;
        };
        let mut lines = lock_file.lines();
        lines.next() == Some(&process_id.to_string())
            && lines.nth(6).map(str::trim_end) == Some("ready")
    }

    /// One of PostgreSQL's programs, run as an account that it accepts.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(find(program).expect("it is installed"));
        command.current_dir(self.folder.path());
        if let Some(account) = &self.account {
            command.uid(account.user).gid(account.group);
        }
        command
    }

    fn end(&mut self, signal: Signal) {
        if let Some(process) = self.process.take() {
            process.end(signal);
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop_immediately();
    }
}

/// What comes behind it is the folder.
const INITDB: [&str; 9] = [
    "-A",
    "trust",
    "-U",
    "postgres",
    "--no-sync",
    "-E",
    "UTF8",
    "--locale=C",
    "-D",
];

/// The account that the server runs as.
#[derive(Debug)]
struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// PostgreSQL refuses to run as root: then it is `postgres`, which its package creates.
    fn to_run_as() -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        let accounts = std::fs::read_to_string("/etc/passwd").expect("the list of accounts");
        let account = accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let user = fields.nth(1)?.parse().ok()?;
            let group = fields.next()?.parse().ok()?;
            (name == "postgres").then_some(Self { user, group })
        });
        assert!(
            account.is_some(),
            "PostgreSQL does not run as root, and there is no account `postgres` to run it as: \
             create it (the Debian package does), or run the tests as an ordinary user"
        );
        account
    }
}

/// Runs a program to its end.
fn run(command: &mut Command) {
    let output = command.output().expect("one of PostgreSQL's programs runs");
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
