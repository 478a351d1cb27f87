//! `sagas`.

use std::time::{Duration, Instant};

use resilience_runtime::error::Error;
use resilience_runtime::saga::journal::Status;
use serde_json::{Value, json};

use crate::program;
use crate::stage::Stage;

/// Repeats a command until its answer has this status.
pub(crate) async fn until(stage: &Stage, arguments: &[&str], status: &str) -> Value {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let value = stage.tool(arguments).await.ends_with(0).json();
        if value["status"] == status {
            return value;
        }
        assert!(Instant::now() < give_up, "{value}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub(crate) async fn sagas_are_listed_with_filters_and_pages(stage: Stage) {
    let done = stage.completed("order").await.to_string();
    let running = stage.running("order").await.to_string();
    let parked = stage.parked("refund").await.to_string();
    let cases: [(&[&str], &[&str]); 9] = [
        (&[], &[&done, &running, &parked]),
        (&["--name", "order"], &[&done, &running]),
        (&["--status", "running,parked"], &[&running, &parked]),
        (&["--since", "1h"], &[&done, &running, &parked]),
        (&["--before", "1h"], &[]),
        (&["--limit", "1"], &[&done]),
        (&["--after", &done], &[&running, &parked]),
        (&["--after", &parked], &[]),
        (&["--parent", &done], &[]),
    ];
    for (filters, expected) in cases {
        let arguments = [&["sagas", "list", "--json"], filters].concat();
        let list = stage.tool(&arguments).await.ends_with(0).json();
        let ids = list
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["id"].as_str().unwrap());
        assert_eq!(ids.collect::<Vec<_>>(), expected, "{filters:?}");
    }
    let table = stage.tool(&["sagas", "list"]).await.ends_with(0);
    assert_eq!(table.out.lines().count(), 4, "{table:?}");
    assert!(table.out.contains("parked (stuck)"), "{table:?}");
    stage
        .tool(&["sagas", "list", "--after", "gone"])
        .await
        .ends_with(3);
}

pub(crate) async fn a_saga_is_shown_with_its_steps_and_letters(stage: Stage) {
    let id = stage.stuck(false).await.to_string();
    let saga = stage
        .tool(&["sagas", "show", &id, "--json"])
        .await
        .ends_with(0)
        .json();
    assert_eq!(saga["status"], "compensation_failed");
    assert_eq!(saga["input"], json!({ "cart": 7 }));
    assert_eq!(saga["error"], "the card was declined");
    let step = &saga["steps"][0];
    assert_eq!(
        (&step["step"], &step["outcome"]),
        (&json!("wave"), &json!("done"))
    );
    assert_eq!(
        (&step["compensation"], &step["undone"]),
        (&json!("unwave"), &json!(false))
    );
    assert_eq!(saga["letters"][0]["operation"], "wave");
    assert_eq!(saga["audit"], json!([]));
    let shown = stage.tool(&["sagas", "show", &id]).await.ends_with(0);
    for part in [
        "compensation_failed",
        "the card was declined",
        "unwave",
        "dead letters",
    ] {
        assert!(shown.out.contains(part), "{part}: {shown:?}");
    }
    stage.tool(&["sagas", "show", "gone"]).await.ends_with(3);
}

pub(crate) async fn a_running_saga_is_cancelled(stage: Stage) {
    let program = program::start(&stage).await;
    let runtime = program.clone();
    let caller = tokio::spawn(async move { runtime.scope(program::linger()).await });
    let list = ["sagas", "list", "--name", "linger", "--json"];
    let give_up = Instant::now() + Duration::from_secs(20);
    let id = loop {
        let sagas = stage.tool(&list).await.ends_with(0).json();
        if let Some(id) = sagas[0]["id"].as_str() {
            break id.to_owned();
        }
        assert!(Instant::now() < give_up);
    };
    let cancel = ["sagas", "cancel", &id, "--because", "asked to", "--wait"];
    let cancelled = stage.tool(&cancel).await.ends_with(0);
    assert_eq!(cancelled.out, format!("saga {id} is failed\n"));
    let error = caller.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::SagaCancelled { .. }), "{error}");
    let saga = stage.tool(&["sagas", "show", &id, "--json"]).await.json();
    assert_eq!(saga["audit"][0]["action"], "cancel");
    assert_eq!(saga["audit"][0]["reason"], "asked to");
    program.shutdown().await;
}

pub(crate) async fn what_does_not_run_is_not_cancelled(stage: Stage) {
    stage.tool(&["sagas", "cancel", "gone"]).await.ends_with(3);
    let done = stage.completed("order").await.to_string();
    let refused = stage.tool(&["sagas", "cancel", &done]).await.ends_with(4);
    assert!(refused.err.contains("it is completed"), "{refused:?}");
    let running = stage.running("order").await.to_string();
    let requested = stage
        .tool(&["sagas", "cancel", &running, "--json"])
        .await
        .ends_with(0);
    assert_eq!(
        requested.json(),
        json!({ "saga": running, "result": "requested" })
    );
    let wait = ["sagas", "cancel", &running, "--wait", "--timeout", "200ms"];
    let waited = stage.tool(&wait).await.ends_with(1);
    assert!(
        waited.err.contains("still running") && waited.err.contains("`order`"),
        "{waited:?}"
    );
}

pub(crate) async fn a_dead_saga_is_undone_by_a_program(stage: Stage) {
    let running = stage.running("order").await.to_string();
    let refused = stage
        .tool(&["sagas", "compensate", &running])
        .await
        .ends_with(4);
    assert!(refused.err.contains("sagas cancel"), "{refused:?}");
    stage
        .tool(&["sagas", "compensate", "gone"])
        .await
        .ends_with(3);
    let parked = stage.parked("greet").await;
    let id = parked.to_string();
    let wait = ["sagas", "compensate", &id, "--wait", "--timeout", "200ms"];
    let waited = stage.tool(&wait).await.ends_with(1);
    assert!(waited.err.contains("nobody has taken up"), "{waited:?}");
    // Nobody has taken it up: it can be asked for again.
    stage.tool(&["sagas", "compensate", &id]).await.ends_with(0);
    let refused = stage.tool(&["sagas", "cancel", &id]).await.ends_with(4);
    assert!(refused.err.contains("sagas compensate"), "{refused:?}");
    let program = program::start(&stage).await;
    let saga = until(&stage, &["sagas", "show", &id, "--json"], "compensated").await;
    assert_eq!(saga["letters"][0]["status"], "settled");
    let stuck = stage.stuck(true).await;
    let done = ["sagas", "compensate", &stuck.to_string(), "--wait"];
    let done = stage.tool(&done).await.ends_with(0);
    assert_eq!(done.out, format!("saga {stuck} is undone\n"));
    let record = stage.journal.load(stuck).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Compensated);
    program.shutdown().await;
}

pub(crate) async fn sagas_are_counted(stage: Stage) {
    stage.completed("order").await;
    stage.completed("order").await;
    stage.parked("order").await;
    let stats = stage
        .tool(&["sagas", "stats", "--json"])
        .await
        .ends_with(0)
        .json();
    assert_eq!(stats[0]["name"], "order");
    assert_eq!(stats[0]["counts"], json!({ "completed": 2, "parked": 1 }));
    assert!(stats[0]["completed_seconds"]["p95"].is_number());
    let table = stage.tool(&["sagas", "stats"]).await.ends_with(0);
    assert_eq!(table.out.lines().count(), 3, "{table:?}");
}
