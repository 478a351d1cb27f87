//! `dlq resolve` and `discard`.

use resilience_runtime::saga::journal::Status;
use serde_json::json;

use crate::stage::{Stage, letter};

pub(crate) async fn letters_are_resolved_and_discarded_once(stage: Stage) {
    let saga = stage.stuck(true).await;
    let resolve = ["dlq", "resolve", "1", "--note", "waved back, ticket 4711"];
    let resolved = stage.tool(&resolve).await.ends_with(0);
    assert_eq!(resolved.out, "1: resolved\n");
    let record = stage.journal.load(saga).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Resolved);
    let shown = stage.tool(&["dlq", "show", "1", "--json"]).await.json();
    assert_eq!(shown["status"], "resolved");
    assert_eq!(shown["note"], "waved back, ticket 4711");
    assert_eq!(shown["audit"][0]["operator"], "ada");
    assert_eq!(shown["audit"][0]["action"], "resolve");
    let again = stage.tool(&resolve).await.ends_with(4);
    assert!(again.out.contains("it is resolved"), "{again:?}");

    let id = stage.work(letter("send")).await.to_string();
    let discard = [
        "dlq",
        "discard",
        &id,
        "--by",
        "bob",
        "--because",
        "too old",
        "--json",
    ];
    let discarded = stage.tool(&discard).await.ends_with(0);
    assert_eq!(discarded.json()[0]["result"], "discarded");
    let shown = stage.tool(&["dlq", "show", &id, "--json"]).await.json();
    let audit = shown["audit"].as_array().unwrap();
    let last = audit.last().unwrap();
    assert_eq!(
        (&last["operator"], &last["reason"]),
        (&json!("bob"), &json!("too old"))
    );
    stage.tool(&discard).await.ends_with(4);
}

pub(crate) async fn several_are_closed_and_each_is_told(stage: Stage) {
    let one = stage.work(letter("send")).await.to_string();
    let two = stage.work(letter("send")).await.to_string();
    let close = ["dlq", "discard", &one, "4711", &two, "--json"];
    let closed = stage.tool(&close).await.ends_with(3).json();
    let results: Vec<_> = closed
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["result"])
        .collect();
    assert_eq!(results, ["discarded", "not_found", "discarded"]);
    assert!(closed[1]["message"].as_str().unwrap().contains("4711"));
}
