//! A store with nothing in it, and the words that lists take.

use serde_json::json;

use crate::stage::Stage;
use crate::tool;

pub(crate) async fn an_empty_store_is_shown_as_such(stage: Stage) {
    let no_stats = json!({
        "counts": {},
        "unresolved": { "by_operation": {}, "by_dependency": {}, "by_priority": {}, "oldest": null },
    });
    let nothing = json!({ "requested": 0, "passed": 0, "last": null, "finished": true });
    for (arguments, text, value) in [
        (&["sagas", "list"][..], "no sagas\n", json!([])),
        (&["sagas", "stats"], "no sagas\n", json!([])),
        (&["dlq", "list"], "no dead letters\n", json!([])),
        (&["dlq", "stats"], "no dead letters\n", no_stats),
        (&["dlq", "retry", "--all"], "requested 0 retries\n", nothing),
    ] {
        let ran = stage.tool(arguments).await.ends_with(0);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (text, ""));
        let json = [arguments, &["--json"]].concat();
        assert_eq!(stage.tool(&json).await.ends_with(0).json(), value);
    }
    for arguments in [
        &["sagas", "show", "order-1"][..],
        &["dlq", "show", "1"],
        &["dlq", "retry", "1"],
        &["dlq", "retry", "1", "--wait"],
        &["dlq", "resolve", "1", "--note", "done"],
        &["dlq", "discard", "1", "2"],
    ] {
        stage.tool(arguments).await.ends_with(3);
    }
}

#[tokio::test]
async fn every_word_of_the_guide_is_taken() {
    let stage = Stage::sqlite().await;
    let words = [
        (
            "sagas --status",
            "running,compensating,completed,compensated,failed,compensation_failed,parked,resolved",
        ),
        ("dlq --status", "open,retrying,settled,resolved,discarded"),
        ("dlq --priority", "low,normal,high,critical"),
        ("dlq --kind", "compensation,saga,work"),
        (
            "dlq --since",
            "90s,1h,2days,2026-03-01,2026-03-01T12:00:00Z",
        ),
        (
            "sagas --before",
            "90s,1h,2days,2026-03-01,2026-03-01T12:00:00Z",
        ),
    ];
    for (option, words) in words {
        let (noun, option) = option.split_once(' ').unwrap();
        for word in words.split(',') {
            let list = [noun, "list", option, word, "--json"];
            let list = stage.tool(&list).await.ends_with(0);
            assert_eq!(list.json(), json!([]), "{word}");
        }
    }
}

#[tokio::test]
async fn the_option_comes_before_the_variable() {
    let stage = Stage::sqlite().await;
    for url in [
        stage.url.clone(),
        format!("sqlite:{}", stage.url),
        format!("sqlite://{}?mode=rw", stage.url),
    ] {
        let list = ["--url", &url, "dlq", "list"];
        tool::run(Some("/nowhere/app.db"), &list).await.ends_with(0);
        let list = ["dlq", "list", "--url", &url];
        tool::run(None, &list).await.ends_with(0);
    }
    tool::run(Some(""), &["dlq", "list"]).await.ends_with(2);
}

#[tokio::test]
async fn who_acts_is_who_is_logged_in() {
    let stage = Stage::sqlite().await;
    for (variables, by, expected) in [
        (&[("USER", "ada"), ("LOGNAME", "bob")][..], None, "ada"),
        (&[("USER", ""), ("LOGNAME", "bob")], None, "bob"),
        (&[("USER", ""), ("LOGNAME", "")], None, "unknown"),
        (&[("USER", "ada")], Some("eve"), "eve"),
    ] {
        let id = stage.work(crate::stage::letter("send")).await.to_string();
        let mut command = tool::command(Some(stage.url.as_ref()));
        command.args(["dlq", "discard", &id]);
        command.args(by.map(|by| format!("--by={by}")));
        command.envs(variables.iter().copied());
        tool::output(command).await.ends_with(0);
        let shown = stage.tool(&["dlq", "show", &id, "--json"]).await.json();
        let audit = shown["audit"].as_array().unwrap();
        assert_eq!(audit.last().unwrap()["operator"], expected);
    }
}
