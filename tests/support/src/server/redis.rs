//! A private Redis.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::Process;
use super::{Kind, STARTS_MAX, find, free_port};
use crate::{scratch, wait};

/// What a Redis still knows after it was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// Nothing.
    None,
    /// Everything it has acknowledged: an append-only file, synced at each write.
    Always,
}

/// A private Redis, killed when dropped.
#[derive(Debug)]
pub struct Redis {
    process: Option<Process>,
    port: u16,
    persistence: Persistence,
    extra: Vec<String>,
    folder: TempDir,
}

impl Redis {
    /// A Redis that forgets everything when it is killed; `None` where it is not installed.
    ///
    /// # Panics
    /// When it does not start, or is missing and required.
    #[track_caller]
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(Persistence::None, &[])
    }

    /// The same with a choice, and further arguments such as `["--maxmemory", "1mb"]`.
    ///
    /// # Panics
    /// When it does not start, or is missing and required.
    #[track_caller]
    #[must_use]
    pub fn start_with(persistence: Persistence, extra: &[&str]) -> Option<Self> {
        if !Kind::Redis.is_installed() {
            Kind::Redis.report_missing();
            return None;
        }
        let mut redis = Self {
            process: None,
            port: 0,
            persistence,
            extra: extra.iter().map(|&argument| argument.to_owned()).collect(),
            folder: scratch::folder("redis"),
        };
        for _ in 0..STARTS_MAX {
            redis.port = free_port();
            if redis.try_launch() {
                return Some(redis);
            }
        }
        panic!("redis-server does not start:\n{}", redis.log());
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `redis://127.0.0.1:…/`
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Freezes it: connections stay open, nothing is answered.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`stop`](Self::stop).
    pub fn cont(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills it without warning, and waits until it is gone.
    pub fn kill9(&mut self) {
        if let Some(process) = self.process.take() {
            process.end(Signal::KILL);
        }
    }

    /// Kills it if it still runs, and starts it again on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.kill9();
        let back = wait::holds_within(wait::PATIENCE, || self.try_launch());
        assert!(back, "redis-server does not start again:\n{}", self.log());
    }

    /// Sends one command of plain words and answers with the reply's line or string, for tests
    /// that look at the server behind the back of the code under test.
    ///
    /// # Panics
    /// When the server does not answer.
    #[must_use]
    pub fn ask(&self, words: &[&str]) -> String {
        self.try_ask(words).expect("an answer from redis-server")
    }

    fn try_ask(&self, words: &[&str]) -> std::io::Result<String> {
        ask(self.port, words)
    }

    /// Starts it on its port and waits until it answers; false when it ends instead, as it does
    /// when the port is taken.
    fn try_launch(&mut self) -> bool {
        let mut process =
            Process::spawn(&mut self.command(), self.folder.path()).expect("redis-server runs");
        let own_id = process.id();
        let mut up = false;
        wait::until("redis-server to answer", || {
            up = self.answers_as(own_id);
            up || process.has_ended()
        });
        if up {
            self.process = Some(process);
        }
        up
    }

    /// Whether the server on the port is the one with this process id, and has loaded its data.
    fn answers_as(&self, process_id: u32) -> bool {
        let identity = format!("process_id:{process_id}\r\n");
        self.try_ask(&["INFO", "server"])
            .is_ok_and(|info| info.contains(&identity))
            && self.try_ask(&["PING"]).is_ok_and(|pong| pong == "+PONG")
    }

    fn command(&self) -> Command {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log file");
        let mut command = Command::new(find("redis-server").expect("it is installed"));
        command
            .args(["--port", &self.port.to_string()])
            .args(["--bind", "127.0.0.1", "--daemonize", "no", "--save", ""])
            .arg("--dir")
            .arg(self.folder.path())
            .stderr(log.try_clone().expect("a second handle"))
            .stdout(log);
        match self.persistence {
            Persistence::None => command.args(["--appendonly", "no"]),
            Persistence::Always => command.args(["--appendonly", "yes", "--appendfsync", "always"]),
        };
        command.args(&self.extra);
        command
    }

    fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }
}

/// Sends one command to the server on `port`.
pub(super) fn ask(port: u16, words: &[&str]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(request.as_bytes())?;
    let mut reply = BufReader::new(stream);
    let mut line = String::new();
    reply.read_line(&mut line)?;
    // A bulk string says its length first; a negative one says that there is none.
    let length = line
        .strip_prefix('$')
        .map(|length| length.trim_end().parse());
    if let Some(Ok(length)) = length {
        let mut bulk = vec![0; length];
        reply.read_exact(&mut bulk)?;
        return Ok(String::from_utf8_lossy(&bulk).into_owned());
    }
    Ok(line.trim_end().to_owned())
}
