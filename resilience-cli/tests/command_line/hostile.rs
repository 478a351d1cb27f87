//! Texts, sizes, readers, arguments and files that mean no good.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use resilience_runtime::dlq::NewDeadLetter;
use resilience_runtime::saga::journal::{Advance, SagaId, Status};
use serde_json::Value;

use crate::stage::{Stage, letter};
use crate::tool::{self, Ran};

/// Line breaks, commands of a terminal, and marks that turn the direction of what follows.
const NAME: &str =
    "a\nok\u{1b}[2J\u{1b}]0;x\u{7}\r\u{9b}31m\u{202e}b\u{200f}\u{61c}\u{2066}\u{2028}c\u{feff}📦語";

#[track_caller]
fn harmless(ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        let command = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(command), "{ran:?}");
        let marks = [
            '\u{202e}', '\u{200f}', '\u{61c}', '\u{2066}', '\u{2028}', '\u{feff}',
        ];
        assert!(!text.contains(marks), "{ran:?}");
    }
}

pub(crate) async fn no_name_is_a_command_or_another_line(mut stage: Stage) {
    let id = SagaId::from(format!("id-1{NAME}"));
    stage.running_as(&id, NAME, 1).await;
    stage.park(&id, NAME).await;
    let other = SagaId::from(format!("id-2{NAME}"));
    stage.running_as(&other, NAME, 2).await;
    let work = NewDeadLetter {
        dependency: Some(NAME.to_owned()),
        error: NAME.to_owned(),
        ..letter(NAME)
    };
    stage.work(work).await;
    let (id, other) = (id.as_str(), other.as_str());
    let audited = ["dlq", "retry", "1", "--by", NAME, "--because", NAME];
    let commands: [(&[&str], i32, usize); 14] = [
        (&["sagas", "list"], 0, 3),
        (&["dlq", "list"], 0, 3),
        (&["sagas", "stats"], 0, 3),
        (&["dlq", "stats"], 0, 6),
        (&audited, 0, 1),
        (&["dlq", "retry", "--all", "--dry-run"], 0, 3),
        (&["dlq", "retry", "1", "--wait", "--timeout", "10ms"], 1, 1),
        (&["sagas", "cancel", other], 0, 1),
        (&["sagas", "compensate", id], 0, 1),
        (
            &["sagas", "cancel", other, "--wait", "--timeout", "10ms"],
            1,
            0,
        ),
        (&["sagas", "show", "id-1"], 0, 0),
        (&["dlq", "show", "1"], 0, 0),
        (&["dlq", "show", "2"], 0, 0),
        (&["sagas", "show", "id-"], 3, 0),
    ];
    for (arguments, code, lines) in commands {
        let ran = stage.tool(arguments).await.ends_with(code);
        harmless(&ran);
        if lines > 0 {
            assert_eq!(ran.out.lines().count(), lines, "{arguments:?}: {ran:?}");
        }
    }
    let several = stage.tool(&["sagas", "show", "id-1a"]).await.ends_with(0);
    // A line that it made up would begin like one of the tool's.
    assert!(several.out.lines().all(|line| !line.starts_with("ok")));
    stage.leave().await;
    let doctor = stage.tool(&["doctor", "--accept", "NotDurable"]).await;
    harmless(&doctor);
    assert!(
        doctor
            .out
            .lines()
            .all(|line| !line.starts_with("ok\u{FFFD}"))
    );
    let json = stage.tool(&["sagas", "list", "--oldest", "--json"]).await;
    let list = json.ends_with(0).json();
    assert_eq!(list[0]["name"], NAME);
}

pub(crate) async fn a_payload_of_ten_megabytes_is_shown(stage: Stage) {
    let long = "long ".repeat(2 << 20);
    let value = serde_json::json!({ "text": long }).to_string();
    let work = NewDeadLetter {
        arguments: value.clone(),
        error: long.clone(),
        ..letter("send")
    };
    stage.work(work).await;
    let id = stage.running("order").await;
    let end = Advance {
        status: Some(Status::Completed),
        output: Some(value),
        ..Advance::default()
    };
    stage.advance(&id, end).await;
    let list = stage.tool(&["dlq", "list"]).await.ends_with(0);
    assert_eq!(list.out.lines().count(), 2);
    assert!(list.out.len() < 1000);
    let shown = stage.tool(&["dlq", "show", "1"]).await.ends_with(0);
    assert!(shown.out.len() > 2 * long.len());
    let json = stage.tool(&["dlq", "show", "1", "--json"]).await;
    assert_eq!(json.ends_with(0).json()["arguments"]["text"], long);
    let id = id.to_string();
    let saga = stage.tool(&["sagas", "show", &id, "--json"]).await;
    assert_eq!(saga.ends_with(0).json()["output"]["text"], long);
}

pub(crate) async fn a_reader_that_leaves_is_no_failure(stage: Stage) {
    let error = "it could not ".repeat(1000);
    for _ in 0..300 {
        let work = NewDeadLetter {
            error: error.clone(),
            ..letter("send")
        };
        stage.work(work).await;
    }
    for arguments in [
        &["dlq", "list", "--limit", "300", "--json"][..],
        &["dlq", "list", "--limit", "300"],
        &["dlq", "show", "1"],
        &["dlq", "retry", "--all", "--dry-run"],
    ] {
        let mut command = tool::command(Some(OsStr::new(&stage.url)));
        command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let ran = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            let mut out = BufReader::with_capacity(16, child.stdout.take().unwrap());
            assert!(!out.fill_buf().unwrap().is_empty());
            drop(out);
            child.wait_with_output().unwrap()
        });
        let ran = ran.await.unwrap();
        assert_eq!(ran.status.code(), Some(0), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.is_empty(), "{ran:?}");
    }
    // Nor one that is not there at all: what was asked for is done.
    let mut command = tool::command(Some(OsStr::new(&stage.url)));
    command.args(["dlq", "discard", "1"]).stdout(Stdio::piped());
    let ran = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        child.wait().unwrap()
    });
    assert!(ran.await.unwrap().success());
    let shown = stage.tool(&["dlq", "show", "1", "--json"]).await.json();
    assert_eq!(shown["status"], "discarded");
}

#[tokio::test]
async fn what_is_not_utf_8_is_refused_and_told() {
    let no_text = OsStr::from_bytes(b"\xff\xfe.db");
    let list = ["dlq", "list"].map(OsString::from);
    let mut command = tool::command(Some(no_text));
    command.args(&list);
    let refused = tool::output(command).await.ends_with(2);
    assert!(
        refused.err.contains("RESILIENCE_URL is not UTF-8"),
        "{refused:?}"
    );
    for argument in [&b"--url=\xff.db"[..], b"--operation=\xff", b"\x1b[2J\xff"] {
        let mut command = tool::command(Some(OsStr::new("app.db")));
        command.args(&list).arg(OsStr::from_bytes(argument));
        tool::output(command).await.ends_with(2);
        let mut command = tool::command(Some(OsStr::new("app.db")));
        command
            .args(&list)
            .arg("--json")
            .arg(OsStr::from_bytes(argument));
        let refused = tool::output(command).await.ends_with(2);
        let error: Value = serde_json::from_str(&refused.err).unwrap();
        assert_eq!(error["error"], "usage");
    }
}

#[tokio::test]
async fn a_password_is_in_no_message() {
    let url = "postgres://root:hunter2@127.0.0.1:1/shop";
    let odd = [
        "postgres://root:hunter2@[::1/shop",
        "postgres://root:hunter2@127.0.0.1:99999/shop",
        "postgres://root:hunter2@/shop?sslmode=whatever",
        "postgres://root:hunter2@127.0.0.1:1/shop?sslmode=hunter2",
        "postgres:hunter2",
        "postgre://root:hunter2@db/shop",
        "sqlite://root:hunter2@db/shop?x=y",
        "hunter2://root@db",
        "redis://:hunter2@db",
    ];
    let commands: [&[&str]; 8] = [
        &["doctor"],
        &["doctor", "--json"],
        &["dlq", "list"],
        &["dlq", "retry", "--all"],
        &["sagas", "show", "order-1"],
        &["migrate"],
        &["migrate", "--json"],
        &["dlq", "stats", "--json"],
    ];
    for url in odd.into_iter().chain([url]) {
        for command in commands {
            let ran = tool::run(Some(url), command).await;
            assert!(matches!(ran.code, 2 | 5), "{url}: {ran:?}");
            // A path of SQLite is named.
            let is_path = url.starts_with("sqlite:");
            assert!(
                is_path || !(ran.out + &ran.err).contains("hunter2"),
                "{url} {command:?}"
            );
        }
    }
    // Where it does not belong.
    for arguments in [
        &[url, "dlq", "list"][..],
        &["dlq", url],
        &["dlq", "list", url],
        &["dlq", "list", "--status", url],
        &["dlq", "list", "--since", url],
        &["dlq", "show", url],
        &["--uri", url, "doctor"],
        &["doctor", url, "--json"],
        &["doctor", &format!("--store={url}")],
        &["doctor", &format!("--accept={url}")],
    ] {
        let ran = tool::run(None, arguments).await.ends_with(2);
        assert!(!(ran.out + &ran.err).contains("hunter2"), "{arguments:?}");
    }
}

/// Without the rights of `root`, who may do anything.
async fn as_nobody(url: &str, arguments: &[&str]) -> Option<Ran> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let copy = folder.path().join("resilience");
    // By a process of its own: children that other tests fork meanwhile would inherit our handle on the copy, and a program
    // that somebody may still write to cannot be run.
    let mut copying = Command::new("cp");
    copying.args([OsStr::new(env!("CARGO_BIN_EXE_resilience")), copy.as_ref()]);
    assert!(copying.status().unwrap().success());
    let mut command = tool::command_of(&copy, Some(OsStr::new(url)));
    command.args(arguments).uid(65534).gid(65534);
    match command.output() {
        Ok(output) => Some(output.into()),
        // Somebody who may not become another user is nobody anyway.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
        Err(error) => panic!("{}: {error}", copy.display()),
    }
}

#[tokio::test]
async fn a_file_that_may_not_be_read_or_written_is_told() {
    let stage = Stage::sqlite().await;
    let mode = |mode| {
        let permissions = PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&stage.url, permissions).unwrap();
    };
    let folder = std::path::Path::new(&stage.url).parent().unwrap();
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    for (of_file, expected) in [(0o600, "ermission denied"), (0o444, "")] {
        mode(of_file);
        for command in [
            &["dlq", "list"][..],
            &["migrate"],
            &["dlq", "discard", "1"],
            &["sagas", "park", "order", "--because", "why"],
        ] {
            let Some(refused) = as_nobody(&stage.url, command).await else {
                return;
            };
            let refused = refused.ends_with(5);
            assert!(refused.err.contains("app.db"), "{refused:?}");
            assert!(refused.err.contains(expected), "{refused:?}");
        }
        let doctor = as_nobody(&stage.url, &["doctor", "--json"]).await.unwrap();
        let checks = doctor.ends_with(5).json();
        let checks = checks.as_array().unwrap();
        let failed = checks.iter().find(|it| it["result"] == "fail").unwrap();
        assert!(failed["remedy"].is_string(), "{failed}");
    }
}
