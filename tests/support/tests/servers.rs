//! The private servers do what tests will ask of them.

// Clippy lets tests panic, but not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use resilience_test_support::server::{Kind, Persistence, Postgres, Redis, find};
use resilience_test_support::{child, wait};

#[test]
fn redis_forgets_what_it_was_not_told_to_keep() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let port = redis.port();
    assert_eq!(redis.ask(&["SET", "city", "Lund"]), "+OK");
    redis.kill9();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    redis.restart();
    assert_eq!(redis.port(), port);
    assert_eq!(redis.ask(&["GET", "city"]), "$-1");
}

#[test]
fn redis_keeps_what_it_was_told_to_keep() {
    let Some(mut redis) = Redis::start_with(Persistence::Always, &[]) else {
        return;
    };
    assert_eq!(redis.ask(&["SET", "city", "Lund"]), "+OK");
    redis.restart();
    assert_eq!(redis.ask(&["GET", "city"]), "Lund");
}

#[test]
fn a_stopped_redis_answers_when_it_goes_on() {
    let Some(redis) = Redis::start() else { return };
    let mut stream = TcpStream::connect(("127.0.0.1", redis.port())).expect("it runs");
    let process = redis_process(&redis);
    redis.stop();
    // The signal is delivered a moment after it was sent.
    wait::until("redis-server to be stopped", || {
        process_state(&process) == Some('T')
    });
    stream.write_all(b"PING\r\n").expect("the kernel takes it");
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .expect("a timeout");
    let mut answer = [0; 7];
    assert!(stream.read_exact(&mut answer).is_err());
    redis.cont();
    stream
        .set_read_timeout(Some(wait::PATIENCE))
        .expect("a timeout");
    stream.read_exact(&mut answer).expect("it goes on");
    assert_eq!(&answer, b"+PONG\r\n");
}

#[test]
fn postgres_recovers_what_was_committed() {
    let Some(mut postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.create_database("shop");
    assert_eq!(
        url,
        format!("postgres://postgres@127.0.0.1:{}/shop", postgres.port())
    );
    query(&url, "create table city (name text)");
    query(&url, "insert into city values ('Lund')");
    postgres.restart();
    assert_eq!(query(&url, "select name from city"), "Lund");
    postgres.kill9();
    postgres.restart();
    assert_eq!(query(&url, "select name from city"), "Lund");
}

#[test]
fn servers_are_gone_with_the_process_that_started_them() {
    if let Some(report) = child::role("servers_are_gone_with_the_process_that_started_them") {
        start_and_hang(Path::new(&report));
    }
    if !Kind::Redis.is_installed() {
        let _ = Redis::start();
        return;
    }
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let report = folder.path().join("pid");
    let mut parent = child::again(
        "servers_are_gone_with_the_process_that_started_them",
        &report,
    )
    .spawn()
    .expect("the child starts");
    let mut process = String::new();
    wait::until("the child to start a server", || {
        process = std::fs::read_to_string(&report).unwrap_or_default();
        process.ends_with('\n')
    });
    let process = process.trim_end();
    assert!(process_state(process).is_some());
    parent.kill().expect("the child is killed");
    parent.wait().expect("the child is gone");
    wait::until("the server to be gone", || {
        matches!(process_state(process), None | Some('Z'))
    });
}

/// The child: starts a server from a thread that ends, reports its process and waits to be killed.
fn start_and_hang(report: &Path) -> ! {
    let redis = std::thread::spawn(|| Redis::start().expect("it is installed"))
        .join()
        .expect("it starts");
    let written = report.with_extension("new");
    std::fs::write(&written, redis_process(&redis) + "\n").expect("the report is written");
    std::fs::rename(written, report).expect("the report appears at once");
    loop {
        std::thread::park();
    }
}

#[test]
fn postgres_is_found_outside_of_the_path() {
    if Path::new("/usr/lib/postgresql").is_dir() {
        assert!(find("initdb").is_some());
    }
    assert_eq!(find("a-program-that-nobody-has"), None);
}

#[test]
fn a_missing_server_is_reported_or_a_failure() {
    const TEST: &str = "a_missing_server_is_reported_or_a_failure";
    if child::role(TEST).is_some() {
        assert!(Redis::start().is_none());
        return;
    }
    let run = |required: &str| {
        child::again(TEST, "")
            .env("PATH", "")
            .env("RESILIENCE_REQUIRE_SERVERS", required)
            .stderr(Stdio::piped())
            .output()
            .expect("the child runs")
    };
    let optional = run("0");
    let said = String::from_utf8_lossy(&optional.stderr);
    assert!(optional.status.success(), "{said}");
    assert!(said.contains("SKIPPED"), "{said}");
    assert!(
        said.contains("needs redis-server (package `redis-server`"),
        "{said}"
    );
    let required = run("1");
    let said = String::from_utf8_lossy(&required.stderr);
    assert!(!required.status.success(), "{said}");
    assert!(
        said.contains("install the package `redis-server`"),
        "{said}"
    );
}

/// The process id that the server itself reports.
fn redis_process(redis: &Redis) -> String {
    let info = redis.ask(&["INFO", "server"]);
    let process = info
        .lines()
        .find_map(|line| line.strip_prefix("process_id:"));
    process.expect("redis reports its process").to_owned()
}

/// The state letter of a process, `None` when there is none.
fn process_state(process: &str) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn query(url: &str, sql: &str) -> String {
    let psql = find("psql").expect("psql comes with PostgreSQL");
    let output = Command::new(psql)
        .args(["-At", "-c", sql, url])
        .stdin(Stdio::null())
        .output()
        .expect("psql runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{sql}: {complaint}");
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}
