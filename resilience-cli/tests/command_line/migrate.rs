//! `migrate`, and stores of other versions.

use serde_json::json;

use crate::stage::Stage;
use crate::tool;

/// Says that the tables have this version.
async fn set_version(stage: &Stage, version: u32) {
    let text = format!("UPDATE resilience_schema SET version = {version}");
    stage.execute(&text).await;
}

pub(crate) async fn a_store_is_migrated_once(stage: Stage) {
    let done = stage.tool(&["migrate", "--json"]).await.ends_with(0).json();
    assert_eq!(done["from"], done["to"]);
    assert_eq!(done["changed"], false);
    let done = stage.tool(&["migrate"]).await.ends_with(0);
    assert!(done.out.contains("nothing to do"), "{done:?}");
}

pub(crate) async fn a_newer_store_is_refused_by_every_command(stage: Stage) {
    set_version(&stage, 999).await;
    for command in [&["migrate"][..], &["dlq", "list"], &["sagas", "list"]] {
        let refused = stage.tool(command).await.ends_with(5);
        assert!(refused.err.contains("999"), "{refused:?}");
    }
    let doctor = stage.tool(&["doctor", "--json"]).await.ends_with(5).json();
    assert_eq!(doctor[1]["check"], "schema");
    assert_eq!(doctor[1]["result"], "fail");
    let remedy = doctor[1]["remedy"].as_str().unwrap();
    assert!(remedy.contains("version of the tool"), "{doctor}");
    set_version(&stage, 1).await;
    let refused = stage.tool(&["dlq", "list"]).await.ends_with(5);
    assert!(refused.err.contains("resilience migrate"), "{refused:?}");
    let doctor = stage.tool(&["doctor", "--json"]).await.ends_with(5).json();
    assert_eq!(
        (&doctor[1]["check"], &doctor[1]["result"]),
        (&json!("schema"), &json!("fail"))
    );
    let remedy = doctor[1]["remedy"].as_str().unwrap();
    assert!(remedy.contains("resilience migrate"), "{doctor}");
    set_version(&stage, 0).await;
    let doctor = stage.tool(&["doctor"]).await.ends_with(5);
    assert!(doctor.out.contains("there are no tables"), "{doctor:?}");
    assert!(doctor.out.contains("resilience migrate"), "{doctor:?}");
}

#[tokio::test]
async fn a_missing_file_is_made_by_migrate_and_by_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let url = path.to_str();
    for command in [&["dlq", "list"][..], &["doctor"], &["sagas", "stats"]] {
        let refused = tool::run(url, command).await.ends_with(5);
        assert!((refused.err + &refused.out).contains("there is no file"));
        assert!(!path.exists());
    }
    let made = tool::run(url, &["migrate", "--json"]).await.ends_with(0);
    let made = made.json();
    assert_eq!((&made["from"], &made["changed"]), (&json!(0), &json!(true)));
    let list = tool::run(url, &["dlq", "list"]).await.ends_with(0);
    assert_eq!(list.out, "no dead letters\n");
    let again = tool::run(url, &["migrate"]).await.ends_with(0);
    assert!(again.out.contains("nothing to do"), "{again:?}");
}

#[tokio::test]
async fn an_empty_file_becomes_a_store_by_migrate_and_by_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    std::fs::write(&path, "").unwrap();
    let list = tool::run(path.to_str(), &["dlq", "list"])
        .await
        .ends_with(5);
    assert!(list.err.contains("resilience migrate"), "{list:?}");
    let doctor = tool::run(path.to_str(), &["doctor"]).await.ends_with(5);
    assert!(doctor.out.contains("ok    store"), "{doctor:?}");
    assert!(doctor.out.contains("there are no tables"), "{doctor:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"");
    tool::run(path.to_str(), &["migrate"]).await.ends_with(0);
    tool::run(path.to_str(), &["doctor"]).await.ends_with(0);
}

#[tokio::test]
async fn a_file_of_another_kind_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "not a database, and long enough").unwrap();
    for command in [&["migrate"][..], &["dlq", "list"]] {
        let refused = tool::run(path.to_str(), command).await.ends_with(5);
        assert!(
            refused.err.contains("not an SQLite database"),
            "{refused:?}"
        );
    }
    let doctor = tool::run(path.to_str(), &["doctor", "--json"]).await;
    let doctor = doctor.ends_with(5).json();
    assert_eq!(
        (&doctor[0]["check"], &doctor[0]["result"]),
        (&json!("store"), &json!("fail"))
    );
    let remedy = doctor[0]["remedy"].as_str().unwrap();
    assert!(
        remedy.contains("backup") && !remedy.contains("server"),
        "{doctor}"
    );
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "not a database, and long enough");
}
