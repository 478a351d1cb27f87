//! `sagas`.

use std::time::{Duration, Instant};

use resilience_runtime::error::Error;
use resilience_runtime::saga::journal::{Advance, SagaId, Status, StepOutcome, StepRecord};
use resilience_runtime::timestamp::Timestamp;
use serde_json::{Value, json};

use crate::program;
use crate::stage::Stage;

/// Repeats a command until its answer has this status.
pub(crate) async fn until(stage: &Stage, arguments: &[&str], status: &str) -> Value {
    let give_up = Instant::now() + Duration::from_secs(120);
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
    // The moments of SQLite are milliseconds.
    let pause = Duration::from_millis(5);
    tokio::time::sleep(pause).await;
    let running = stage.running("order").await.to_string();
    tokio::time::sleep(pause).await;
    let parked = stage.parked("refund").await.to_string();
    let cases: [(&[&str], &[&str]); 14] = [
        (&[], &[&parked, &running, &done]),
        (&["--name", "order"], &[&running, &done]),
        (&["--status", "running,parked"], &[&parked, &running]),
        (&["--since", "1h"], &[&parked, &running, &done]),
        (&["--before", "1h"], &[]),
        (&["--limit", "1"], &[&parked]),
        (&["--limit", "1", "--newest"], &[&parked]),
        (&["--limit", "1", "--oldest"], &[&done]),
        (&["--after", &parked], &[&running, &done]),
        (&["--after", &done], &[]),
        (&["--after", &done, "--oldest"], &[&running, &parked]),
        (&["--after", &parked, "--oldest"], &[]),
        (
            &["--status", "running,parked", "--oldest"],
            &[&running, &parked],
        ),
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
    let more = ["sagas", "list", "--limit", "2", "--oldest"];
    let more = stage.tool(&more).await.ends_with(0);
    let expected = format!("more with --after {running} --oldest\n");
    assert!(more.out.ends_with(&expected), "{more:?}");
}

pub(crate) async fn moments_are_shown_as_such(stage: Stage) {
    let id = stage.running("order").await;
    let now = stage.journal.now().await.unwrap();
    let at = |position, step: &str, moment: i64| StepRecord {
        position,
        step: step.to_owned(),
        occurrence: position,
        arguments: "{}".to_owned(),
        outcome: StepOutcome::Done,
        output: Some(moment.to_string()),
        compensation: None,
        undone: false,
        written_at: None,
    };
    // Still an hour when a few minutes are over, in either direction.
    let hour = Duration::from_secs(5400);
    let until = now.after(hour);
    let advance = Advance {
        steps: vec![
            at(0, "saga::now", now.before(hour).as_micros()),
            at(1, "saga::sleep", until.as_micros()),
            // Somebody sleeps for ever.
            at(2, "saga::sleep", i64::MAX),
            at(3, "count", 1_700_000_000_000_000),
        ],
        ..Advance::default()
    };
    stage.advance(&id, advance).await;
    let id = id.to_string();
    let shown = stage.tool(&["sagas", "show", &id]).await.ends_with(0);
    let to_the_second = |at: Timestamp| at.to_string()[..19].replace('T', " ");
    let steps: Vec<_> = shown.out.lines().skip_while(|it| *it != "steps").collect();
    let expected = [
        format!("{} UTC (1h ago)", to_the_second(now.before(hour))),
        format!("until {} UTC (in 1h)", to_the_second(until)),
        "until 9999-12-31 23:59:59 UTC (in ".to_owned(),
        " 1700000000000000".to_owned(),
    ];
    for (row, expected) in steps[2..].iter().zip(expected) {
        assert!(row.contains(&expected), "{expected}: {shown:?}");
        assert!(row.contains(" ago  {}"), "{shown:?}");
    }
    assert!(shown.out.contains("s ago)"), "{shown:?}");
    // For programs the journal is as it is.
    let json = stage.tool(&["sagas", "show", &id, "--json"]).await.json();
    assert_eq!(json["steps"][1]["output"], json!(until.as_micros()));
}

pub(crate) async fn versions_are_named_where_they_matter(stage: Stage) {
    let old = stage.running("order").await;
    let new = SagaId::generate();
    stage.running_as(&new, "order", 2).await;
    let list = ["sagas", "list", "--oldest"];
    let table = stage.tool(&list).await.ends_with(0);
    let rows: Vec<_> = table.out.lines().collect();
    assert!(rows[1].contains("  order     running"), "{table:?}");
    assert!(rows[2].contains("  order v2  running"), "{table:?}");
    for (id, version) in [(&old, 1), (&new, 2)] {
        let id = id.to_string();
        let shown = stage.tool(&["sagas", "show", &id]).await.ends_with(0);
        let expected = format!("version       {version}\n");
        assert!(shown.out.contains(&expected), "{shown:?}");
        let wait = ["sagas", "cancel", &id, "--wait", "--timeout", "100ms"];
        let waited = stage.tool(&wait).await.ends_with(1);
        let expected = format!("`order` in version {version}");
        assert!(waited.err.contains(&expected), "{waited:?}");
    }
    let parked = stage.parked("refund").await.to_string();
    let wait = [
        "sagas",
        "compensate",
        &parked,
        "--wait",
        "--timeout",
        "100ms",
    ];
    let waited = stage.tool(&wait).await.ends_with(1);
    assert!(waited.err.contains("`refund` in version 1"), "{waited:?}");
    let retry = ["dlq", "retry", "1", "--wait", "--timeout", "100ms"];
    let waited = stage.tool(&retry).await.ends_with(1);
    assert!(waited.out.contains("`refund` in version 1"), "{waited:?}");
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
    let give_up = Instant::now() + Duration::from_secs(120);
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
