//! A private master with a replica, and three Sentinels that watch over them.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::process::Process;
use super::{Persistence, Redis, STARTS_MAX, find, free_port, redis};
use crate::wait;

/// A master, a replica and three Sentinels, killed when dropped. Starting takes some seconds: Sentinels have to find
/// each other.
#[derive(Debug)]
pub struct Sentinels {
    servers: [Redis; 2],
    sentinels: Vec<Sentinel>,
}

#[derive(Debug)]
struct Sentinel {
    port: u16,
    _process: Process,
    _folder: TempDir,
}

impl Sentinels {
    /// The name that the Sentinels know the master by.
    pub const MASTER: &str = "orders";

    /// A set that is ready to fail over; `None` where Redis is not installed.
    ///
    /// # Panics
    /// When it does not start, or is missing and required.
    #[track_caller]
    #[must_use]
    pub fn start() -> Option<Self> {
        let quick = ["--repl-diskless-sync-delay", "0"];
        let master = Redis::start_with(Persistence::None, &quick)?;
        let port = master.port().to_string();
        let following = [&quick[..], &["--replicaof", "127.0.0.1", &port]].concat();
        let replica = Redis::start_with(Persistence::None, &following)?;
        wait::until("the replica to follow", || {
            let info = replica.ask(&["INFO", "replication"]);
            info.contains("master_link_status:up")
        });
        let sentinels = (0..3).map(|_| Sentinel::start(master.port())).collect();
        let set = Self {
            servers: [master, replica],
            sentinels,
        };
        for sentinel in &set.sentinels {
            wait::until("the Sentinels to find each other", || {
                let info = redis::ask(sentinel.port, &["INFO", "sentinel"]).unwrap_or_default();
                info.contains("status=ok") && info.contains("slaves=1,sentinels=3")
            });
        }
        Some(set)
    }

    /// `redis-sentinel://127.0.0.1:…,…/orders`
    #[must_use]
    pub fn url(&self) -> String {
        let ports = self.sentinels.iter().map(|it| it.port);
        let hosts: Vec<String> = ports.map(|port| format!("127.0.0.1:{port}")).collect();
        format!("redis-sentinel://{}/{}", hosts.join(","), Self::MASTER)
    }

    /// The server that is, or was, the master.
    #[must_use]
    pub fn first_master(&mut self) -> &mut Redis {
        &mut self.servers[0]
    }

    /// The server that becomes it.
    #[must_use]
    pub fn first_replica(&mut self) -> &mut Redis {
        &mut self.servers[1]
    }
}

impl Sentinel {
    fn start(master: u16) -> Self {
        for _ in 0..STARTS_MAX {
            let port = free_port();
            let folder = TempDir::with_prefix("sentinel").expect("a temporary folder");
            let file = folder.path().join("sentinel.conf");
            let name = Sentinels::MASTER;
            let mut settings = format!("port {port}\nbind 127.0.0.1\n");
            let _ = writeln!(settings, "dir {}", folder.path().display());
            let _ = writeln!(settings, "sentinel monitor {name} 127.0.0.1 {master} 2");
            let _ = writeln!(settings, "sentinel down-after-milliseconds {name} 500");
            let _ = writeln!(settings, "sentinel failover-timeout {name} 3000");
            fs::write(&file, settings).expect("a settings file");
            let mut command = Command::new(find("redis-server").expect("it is installed"));
            command
                .arg(&file)
                .arg("--sentinel")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let mut process = Process::spawn(&mut command, folder.path()).expect("it runs");
            let mut up = false;
            wait::until("a Sentinel to answer", || {
                up = redis::ask(port, &["PING"]).is_ok_and(|pong| pong == "+PONG");
                up || process.has_ended()
            });
            if up && !process.has_ended() {
                return Self {
                    port,
                    _process: process,
                    _folder: folder,
                };
            }
        }
        panic!("a Sentinel does not start");
    }
}
