//! `sagas park`.

use std::time::Duration;

use resilience_runtime::saga::journal::{Advance, SagaId, Status, StepOutcome, StepRecord};
use serde_json::json;

use crate::program;
use crate::sagas::until;
use crate::stage::Stage;

fn step(output: String) -> Advance {
    let step = StepRecord {
        position: 0,
        step: "wave".to_owned(),
        occurrence: 0,
        arguments: r#"{"works":true}"#.to_owned(),
        outcome: StepOutcome::Done,
        output: Some(output),
        compensation: Some("unwave".to_owned()),
        undone: false,
        written_at: None,
    };
    Advance {
        steps: vec![step],
        ..Advance::default()
    }
}

fn park(id: &str) -> [&str; 5] {
    ["sagas", "park", id, "--because", "v1 was retired"]
}

pub(crate) async fn a_saga_that_nobody_runs_is_parked_and_closed(mut stage: Stage) {
    let id = stage.running("retired").await;
    let also = stage.running("retired").await.to_string();
    stage.advance(&id, step("null".to_owned())).await;
    let id = id.to_string();
    stage.leave().await;
    let doctor = ["doctor", "--json", "--accept", "NotDurable"];
    let doctor = stage.tool(&doctor).await.ends_with(0);
    assert!(doctor.out.contains("resilience sagas park"), "{doctor:?}");
    let parked = stage.tool(&park(&id)).await.ends_with(0);
    assert_eq!(parked.out, format!("saga {id} is parked (letter 1)\n"));
    let shown = ["sagas", "show", &id, "--json"];
    let saga = stage.tool(&shown).await.ends_with(0).json();
    let found = (&saga["status"], &saga["parking"]);
    assert_eq!(found, (&json!("parked"), &json!("operator")));
    assert_eq!(saga["error"], "parked by ada (v1 was retired)");
    assert_eq!(saga["steps"][0]["undone"], false);
    assert_eq!(saga["letters"][0]["kind"], "saga");
    assert_eq!(saga["letters"][0]["arguments"], json!({ "cart": 7 }));
    let audit = &saga["audit"][0];
    let found = (&audit["operator"], &audit["action"], &audit["reason"]);
    assert_eq!(
        found,
        (&json!("ada"), &json!("park"), &json!("v1 was retired"))
    );
    let list = ["sagas", "list", "--status", "parked"];
    let list = stage.tool(&list).await.ends_with(0);
    assert!(list.out.contains("parked (operator)"), "{list:?}");
    let letter = stage.tool(&["dlq", "show", "1"]).await.ends_with(0);
    assert!(letter.out.contains("v1 was retired"), "{letter:?}");

    let resolve = ["dlq", "resolve", "1", "--note", "by hand"];
    stage.tool(&resolve).await.ends_with(0);
    let saga = stage.tool(&shown).await.ends_with(0).json();
    assert_eq!(saga["status"], "resolved");
    let other = [&park(&also)[..], &["--by", "ben", "--json"]].concat();
    let other = stage.tool(&other).await.ends_with(0).json();
    let expected = json!({ "saga": also, "result": "parked", "letter": other["letter"] });
    assert_eq!(other, expected);
    let letter = other["letter"].to_string();
    let letter = stage.tool(&["dlq", "show", &letter, "--json"]).await.json();
    assert_eq!(letter["audit"][0]["operator"], "ben");
}

pub(crate) async fn what_was_parked_by_hand_waits_for_a_request(mut stage: Stage) {
    let ids = [stage.running("greet").await, stage.running("greet").await];
    stage.advance(&ids[1], step("null".to_owned())).await;
    let ids = ids.map(|id| id.to_string());
    stage.leave().await;
    for id in &ids {
        stage.tool(&park(id)).await.ends_with(0);
    }
    let program = program::start(&stage).await;
    program.recovered().await;
    // It looks for work every 100 ms, and this is none.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for id in &ids {
        let shown = ["sagas", "show", id, "--json"];
        let saga = stage.tool(&shown).await.ends_with(0).json();
        assert_eq!(saga["status"], "parked");
    }
    stage.tool(&["dlq", "retry", "1"]).await.ends_with(0);
    let shown = ["sagas", "show", &ids[0], "--json"];
    until(&stage, &shown, "completed").await;
    let undo = ["sagas", "compensate", &ids[1]];
    stage.tool(&undo).await.ends_with(0);
    let shown = ["sagas", "show", &ids[1], "--json"];
    let saga = until(&stage, &shown, "compensated").await;
    assert_eq!(saga["steps"][0]["undone"], true);
    program.shutdown().await;
}

pub(crate) async fn what_cannot_be_parked_is_a_conflict(stage: Stage) {
    let running = stage.running("order").await.to_string();
    let owned = stage.tool(&park(&running)).await.ends_with(4);
    assert!(owned.err.contains("sagas cancel"), "{owned:?}");
    let parked = stage.parked("order").await.to_string();
    let already = stage.tool(&park(&parked)).await.ends_with(4);
    assert!(already.err.contains("it is parked"), "{already:?}");
    let done = stage.completed("order").await.to_string();
    let over = [&park(&done)[..], &["--json"]].concat();
    let over = stage.tool(&over).await.ends_with(4);
    let error: serde_json::Value = serde_json::from_str(&over.err).unwrap();
    assert_eq!(error["error"], "conflict");
    assert!(over.err.contains("it is completed"), "{over:?}");
    for id in ["gone", "", "📦 語", "'; DROP TABLE resilience_sagas; --"] {
        stage.tool(&park(id)).await.ends_with(3);
    }
    for refused in [
        &["sagas", "park", &running][..],
        &["sagas", "park", &running, "--because", ""],
        &["sagas", "park", "--because", "why"],
    ] {
        stage.tool(refused).await.ends_with(2);
    }
    let audit = stage.tool(&["sagas", "show", &running, "--json"]).await;
    assert_eq!(audit.json()["audit"], json!([]));
}

pub(crate) async fn a_large_saga_and_an_odd_reason_are_parked(mut stage: Stage) {
    let output = json!("long ".repeat(2 << 20)).to_string();
    let id = SagaId::from("odd 📦\u{202e}\u{1b}[2J".to_owned());
    stage.running_as(&id, "retired", 7).await;
    let mut undoing = step(output.clone());
    undoing.status = Some(Status::Compensating);
    undoing.error = Some("the card was declined".to_owned());
    stage.advance(&id, undoing).await;
    stage.leave().await;
    let reason = "📦\u{202e}\u{1b}[2J\nok why ".repeat(4_000);
    let arguments = [
        "sagas",
        "park",
        "odd ",
        "--because",
        &reason,
        "--by",
        &reason,
    ];
    let parked = stage.tool(&arguments).await.ends_with(0);
    assert_eq!(parked.out.lines().count(), 1, "{parked:?}");
    assert!(!parked.out.contains(['\u{1b}', '\u{202e}']), "{parked:?}");
    let shown = ["sagas", "show", id.as_str(), "--json"];
    let saga = stage.tool(&shown).await.ends_with(0).json();
    assert_eq!(saga["status"], "compensation_failed");
    assert_eq!(saga["error"], "the card was declined");
    assert_eq!(saga["steps"][0]["output"].to_string(), output);
    let letter = &saga["letters"][0];
    let found = (&letter["kind"], &letter["operation"], &letter["position"]);
    assert_eq!(found, (&json!("compensation"), &json!("wave"), &json!(0)));
    assert_eq!(letter["output"]["bytes"], output.len());
    assert_eq!(saga["audit"][0]["reason"], reason);
    assert_eq!(letter["error"], format!("parked by {reason} ({reason})"));
}
