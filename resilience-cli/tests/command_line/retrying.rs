//! `dlq retry`.

use resilience_runtime::dlq::NewDeadLetter;
use resilience_runtime::saga::journal::Status;
use serde_json::{Value, json};

use crate::program;
use crate::stage::{Stage, letter};

pub(crate) async fn a_request_that_nobody_takes_up_is_told(stage: Stage) {
    stage.stuck(true).await;
    let retry = ["dlq", "retry", "1", "--wait", "--timeout", "300ms"];
    let waited = stage.tool(&retry).await.ends_with(1);
    assert!(
        waited.out.contains("nobody has taken up letter 1"),
        "{waited:?}"
    );
    assert!(waited.out.contains("`greet`"), "{waited:?}");
    let again = stage
        .tool(&["dlq", "retry", "1", "--json"])
        .await
        .ends_with(0);
    assert_eq!(again.json()[0]["result"], "requested");
    let shown = stage.tool(&["dlq", "show", "1"]).await.ends_with(0);
    assert!(
        shown.out.contains("nobody has taken it up yet"),
        "{shown:?}"
    );
    stage.tool(&["dlq", "retry", "4711"]).await.ends_with(3);
    // The request stands.
    let program = program::start(&stage).await;
    crate::sagas::until(&stage, &["dlq", "show", "1", "--json"], "settled").await;
    program.shutdown().await;
}

pub(crate) async fn a_program_takes_up_what_was_asked_for(stage: Stage) {
    let stuck = stage.stuck(true).await;
    let parked = stage.parked("greet").await;
    let work = stage.work(letter("send")).await.to_string();
    let program = program::start(&stage).await;
    let retry = [
        "dlq",
        "retry",
        "1",
        "2",
        &work,
        "--wait",
        "--json",
        "--because",
        "the bank is back",
    ];
    let retried = stage.tool(&retry).await.ends_with(0).json();
    let results: Vec<_> = retried
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["result"])
        .collect();
    assert_eq!(results, ["done", "done", "done"], "{retried}");
    for (saga, status) in [(stuck, Status::Compensated), (parked, Status::Completed)] {
        let record = stage.journal.load(saga).await.unwrap().unwrap();
        assert_eq!(record.status, status);
    }
    let shown = stage.tool(&["dlq", "show", "1", "--json"]).await.json();
    assert_eq!(shown["status"], "settled");
    let retry = &shown["audit"][0];
    assert_eq!(
        (&retry["action"], &retry["reason"]),
        (&json!("retry"), &json!("the bank is back"))
    );
    program.shutdown().await;
}

pub(crate) async fn what_fails_again_is_told(stage: Stage) {
    stage.stuck(false).await;
    let broken = NewDeadLetter {
        arguments: r#"{"works":false}"#.to_owned(),
        ..letter("send")
    };
    let work = stage.work(broken).await.to_string();
    let program = program::start(&stage).await;
    let retried = stage
        .tool(&[
            "dlq",
            "retry",
            "1",
            "--wait",
            "--timeout",
            "580000000000years",
        ])
        .await
        .ends_with(1);
    assert!(
        retried.out.contains("failed again") && retried.out.contains("nobody looks"),
        "{retried:?}"
    );
    let retried = stage
        .tool(&["dlq", "retry", &work, "--wait", "--json"])
        .await
        .ends_with(1);
    let result = &retried.json()[0];
    assert_eq!(result["result"], "failed_again");
    assert!(result["message"].as_str().unwrap().contains("full again"));
    let shown = stage.tool(&["dlq", "show", &work, "--json"]).await.json();
    assert_eq!(
        (&shown["status"], &shown["attempts"]),
        (&json!("open"), &json!(2))
    );
    program.shutdown().await;
}

pub(crate) async fn a_dry_run_says_what_would_be_done_and_does_nothing(stage: Stage) {
    let none = ["dlq", "retry", "--all", "--dry-run"];
    let nothing = stage.tool(&none).await.ends_with(0);
    assert_eq!(
        nothing.out,
        "would request 0 retries; nothing was changed\n"
    );
    let stuck = stage.stuck(true).await;
    stage.parked("greet").await;
    for operation in ["send", "print", "send"] {
        stage.work(letter(operation)).await;
    }
    // Somebody has asked for this one.
    stage.tool(&["dlq", "retry", "5"]).await.ends_with(0);
    let before = stage.tool(&["dlq", "list", "--all", "--json"]).await.json();
    let cases: [(&[&str], Value); 5] = [
        (
            &[],
            json!({ "would_request": 4, "would_pass": 0, "letters": [1, 2, 3, 4], "last": 4, "finished": true }),
        ),
        (
            &["--operation", "send"],
            json!({ "would_request": 1, "would_pass": 0, "letters": [3], "last": 3, "finished": true }),
        ),
        (
            &["--limit", "2"],
            json!({ "would_request": 2, "would_pass": 0, "letters": [1, 2], "last": 2, "finished": false }),
        ),
        (
            &["--after", "2"],
            json!({ "would_request": 2, "would_pass": 0, "letters": [3, 4], "last": 4, "finished": true }),
        ),
        (
            &["--saga", stuck.as_str()],
            json!({ "would_request": 1, "would_pass": 0, "letters": [1], "last": 1, "finished": true }),
        ),
    ];
    for (filters, expected) in cases {
        let dry = [&none[..], &["--json"], filters].concat();
        let said = stage.tool(&dry).await.ends_with(0).json();
        assert_eq!(said, expected, "{filters:?}");
    }
    let undo = [&none[..], &["--as", "compensation", "--limit", "3"]].concat();
    let text = stage.tool(&undo).await.ends_with(0);
    let lines: Vec<_> = text.out.lines().collect();
    assert_eq!(lines.len(), 6, "{text:?}");
    assert!(lines[1].contains("wave") && lines[2].contains("greet"));
    let would = "would request 3 retries, each as a compensation; nothing was changed";
    assert_eq!(lines[4], would);
    assert_eq!(lines[5], "there may be more: go on with --after 3");
    stage
        .tool(&["dlq", "retry", "1", "--dry-run"])
        .await
        .ends_with(2);
    let after = stage.tool(&["dlq", "list", "--all", "--json"]).await.json();
    assert_eq!(after, before);
    let shown = stage.tool(&["dlq", "show", "1", "--json"]).await.json();
    assert_eq!(shown["audit"], json!([]));
    // It would have been so.
    let all = ["dlq", "retry", "--all", "--per-second", "1000", "--json"];
    let done = stage.tool(&all).await.ends_with(0).json();
    assert_eq!((&done["requested"], &done["last"]), (&json!(4), &json!(4)));
}

pub(crate) async fn many_are_asked_for_and_another_run_goes_on(stage: Stage) {
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(stage.work(letter("send")).await);
        stage.work(letter("print")).await;
    }
    let all = [
        "dlq",
        "retry",
        "--all",
        "--operation",
        "send",
        "--per-second",
        "1000",
        "--json",
    ];
    let first = stage
        .tool(&[&all[..], &["--limit", "2"]].concat())
        .await
        .ends_with(0);
    assert_eq!(
        first.json(),
        json!({ "requested": 2, "passed": 0, "last": ids[1], "finished": false })
    );
    let last = ids[1].to_string();
    let rest = stage
        .tool(&[&all[..], &["--after", &last]].concat())
        .await
        .ends_with(0);
    let rest = rest.json();
    assert_eq!(
        (&rest["requested"], &rest["finished"]),
        (&json!(3), &json!(true))
    );
    let retrying = stage
        .tool(&["dlq", "list", "--status", "retrying", "--json"])
        .await
        .json();
    assert_eq!(retrying.as_array().unwrap().len(), 5);
    let text = stage.tool(&["dlq", "retry", "--all"]).await.ends_with(0);
    assert_eq!(text.out, "requested 5 retries\n");
}
