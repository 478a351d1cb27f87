//! `doctor`.

use serde_json::Value;

use crate::stage::{Stage, letter};
use crate::tool;

/// What it found, by the names of the checks.
fn result<'a>(doctor: &'a Value, check: &str) -> &'a Value {
    let mut checks = doctor.as_array().unwrap().iter();
    checks.find(|it| it["check"] == check).unwrap()
}

/// The private servers run without `fsync`.
const ACCEPT: [&str; 3] = ["doctor", "--accept", "NotDurable"];

pub(crate) async fn a_sound_store_is_ok(stage: Stage) {
    let doctor = stage
        .tool(&[&ACCEPT[..], &["--json"]].concat())
        .await
        .ends_with(0)
        .json();
    for check in ["store", "schema", "sagas", "dead letters", "requests"] {
        assert_eq!(result(&doctor, check)["result"], "ok", "{doctor}");
    }
    if stage.is_sqlite() {
        let doctor = stage.tool(&["doctor"]).await.ends_with(0);
        assert!(
            doctor.out.lines().all(|line| line.starts_with("ok ")),
            "{doctor:?}"
        );
        return;
    }
    let doctor = stage.tool(&["doctor"]).await.ends_with(1);
    assert!(
        doctor.out.contains("fail  settings: fsync is off"),
        "{doctor:?}"
    );
    assert!(doctor.out.contains("Risk::NotDurable"), "{doctor:?}");
}

pub(crate) async fn what_waits_is_a_warning_and_too_much_fails(stage: Stage) {
    stage.work(letter("send")).await;
    stage.work(letter("send")).await;
    let doctor = stage.tool(&ACCEPT).await.ends_with(0);
    assert!(
        doctor.out.contains("warn  dead letters: 2 unresolved"),
        "{doctor:?}"
    );
    let limit = [&ACCEPT[..], &["--dead-letter-limit", "2", "--json"]].concat();
    let doctor = stage.tool(&limit).await.ends_with(1).json();
    let letters = result(&doctor, "dead letters");
    assert_eq!(letters["result"], "fail");
    assert!(letters["remedy"].as_str().unwrap().contains("dlq list"));
}

pub(crate) async fn what_nobody_works_on_is_named(mut stage: Stage) {
    stage.running("order").await;
    let doctor = [&ACCEPT[..], &["--json"]].concat();
    let busy = stage.tool(&doctor).await.ends_with(0).json();
    assert_eq!(result(&busy, "sagas")["result"], "ok", "{busy}");
    stage.leave().await;
    let left = stage.tool(&doctor).await.ends_with(0).json();
    let sagas = result(&left, "sagas");
    assert_eq!(sagas["result"], "warn", "{left}");
    assert!(
        sagas["finding"]
            .as_str()
            .unwrap()
            .contains("1 unfinished of `order`")
    );
}

pub(crate) async fn a_request_that_nobody_takes_up_is_a_warning(stage: Stage) {
    stage.parked("order").await;
    let work = stage.work(letter("send")).await.to_string();
    stage.tool(&["dlq", "retry", "1", &work]).await.ends_with(0);
    let doctor = [&ACCEPT[..], &["--json"]].concat();
    let fresh = stage.tool(&doctor).await.ends_with(0).json();
    assert_eq!(result(&fresh, "requests")["result"], "ok", "{fresh}");
    let earlier = match stage.is_sqlite() {
        true => "updated_at - 61",
        false => "updated_at - interval '61 seconds'",
    };
    let text = format!("UPDATE resilience_dead_letters SET updated_at = {earlier}");
    stage.execute(&text).await;
    let old = stage.tool(&doctor).await.ends_with(0).json();
    let requests = result(&old, "requests");
    assert_eq!(requests["result"], "warn", "{old}");
    let finding = requests["finding"].as_str().unwrap();
    assert!(finding.starts_with("2 retries") && finding.contains("letter 1"));
    let remedy = requests["remedy"].as_str().unwrap();
    assert!(remedy.contains("`order` in version 1"), "{old}");
}

#[tokio::test]
async fn a_server_that_is_away_is_told_without_the_password() {
    let url = "postgres://root:hunter2@127.0.0.1:1/shop";
    for command in [
        &["doctor"][..],
        &["dlq", "list"],
        &["migrate"],
        &["doctor", "--json"],
    ] {
        let away = tool::run(Some(url), command).await.ends_with(5);
        let text = away.out + &away.err;
        assert!(text.contains("127.0.0.1:1"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
