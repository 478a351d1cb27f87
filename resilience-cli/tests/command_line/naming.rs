//! Sagas that are named by the beginning of their ids.

use resilience_runtime::saga::journal::{Advance, SagaId, Status};
use serde_json::{Value, json};

use crate::stage::Stage;

/// A saga that is parked, under this id.
async fn parked(stage: &Stage, id: &str) {
    let id = SagaId::from(id.to_owned());
    stage.running_as(&id, "order", 1).await;
    stage.park(&id, "order").await;
}

pub(crate) async fn a_beginning_that_is_unique_names_a_saga(stage: Stage) {
    for id in ["order-1", "order-10", "order-200", "refund-%"] {
        parked(&stage, id).await;
    }
    let running = stage.running("order").await.to_string();
    let shown = async |id: &str| {
        let show = ["sagas", "show", id, "--json"];
        stage.tool(&show).await.ends_with(0).json()["id"].clone()
    };
    // One that is complete is meant as it is.
    for (named, id) in [
        ("order-1", "order-1"),
        ("order-10", "order-10"),
        ("order-2", "order-200"),
        ("refu", "refund-%"),
        (&running[..running.len() - 1], &running),
    ] {
        assert_eq!(shown(named).await, id);
    }
    for (named, why) in [
        ("ord", "4 characters"),
        ("Order-1", "begins so"),
        ("order-3", "begins so"),
        ("orde%", "begins so"),
        ("order-1000", "begins so"),
    ] {
        let missing = stage.tool(&["sagas", "show", named]).await.ends_with(3);
        assert!(missing.err.contains(why), "{missing:?}");
    }
    let beginning = &running[..running.len() - 1];
    let cancel = ["sagas", "cancel", beginning, "--json"];
    let cancelled = stage.tool(&cancel).await.ends_with(0).json();
    assert_eq!(cancelled, json!({ "saga": running, "result": "requested" }));
    let undo = ["sagas", "compensate", "order-2"];
    let undone = stage.tool(&undo).await.ends_with(0);
    assert_eq!(
        undone.out,
        "asked for saga order-200 to be undone (letter 3)\n"
    );
    let ids = async |arguments: &[&str]| {
        let list = [arguments, &["--json"]].concat();
        let list = stage.tool(&list).await.ends_with(0).json();
        let list = list.as_array().unwrap().iter();
        list.map(|it| it["id"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(ids(&["dlq", "list", "--saga", "order-2"]).await, [json!(3)]);
    let after = ["sagas", "list", "--after", "order-10", "--name", "order"];
    assert_eq!(ids(&after).await, [json!("order-1")]);
    let none: [Value; 0] = [];
    assert_eq!(ids(&["sagas", "list", "--parent", "order-2"]).await, none);
    for list in [
        &["dlq", "list", "--saga", "order-3"][..],
        &["sagas", "list", "--parent", "order-3"],
        &["dlq", "retry", "--all", "--saga", "order-3"],
    ] {
        stage.tool(list).await.ends_with(3);
    }
}

pub(crate) async fn a_beginning_that_fits_several_names_none(stage: Stage) {
    for number in 10..22 {
        parked(&stage, &format!("order-{number}")).await;
    }
    for command in [
        &["sagas", "show", "order-2"][..],
        &["sagas", "cancel", "order-2"],
        &["sagas", "compensate", "order-2", "--wait"],
        &["sagas", "list", "--after", "order-2"],
        &["sagas", "list", "--parent", "order-2"],
        &["dlq", "list", "--saga", "order-2"],
        &["dlq", "retry", "--all", "--saga", "order-2"],
        &["dlq", "retry", "--all", "--saga", "order-2", "--dry-run"],
    ] {
        let refused = stage.tool(command).await.ends_with(2);
        let lines: Vec<_> = refused.err.lines().collect();
        assert_eq!(lines.len(), 3, "{refused:?}");
        assert!(lines[0].contains("several sagas begin with order-2"));
        assert_eq!(lines[1], "  order-20  order (parked)");
        assert_eq!(lines[2], "  order-21  order (parked)");
    }
    let many = stage.tool(&["sagas", "show", "orde"]).await.ends_with(2);
    assert_eq!(many.err.lines().count(), 12, "{many:?}");
    assert!(many.err.ends_with("  …\n"), "{many:?}");
    let json = ["sagas", "cancel", "order-2", "--json"];
    let refused = stage.tool(&json).await.ends_with(2);
    let refused: Value = serde_json::from_str(&refused.err).unwrap();
    assert_eq!(refused["error"], "usage");
    assert!(refused["message"].as_str().unwrap().contains("order-21"));
    // Nothing was done to any.
    let list = ["dlq", "list", "--all", "--json"];
    let letters = stage.tool(&list).await.ends_with(0).json();
    for letter in letters.as_array().unwrap() {
        assert_eq!(letter["status"], "open");
    }
    for number in 10..22 {
        let id = SagaId::from(format!("order-{number}"));
        let record = stage.journal.load(id).await.unwrap().unwrap();
        assert_eq!((record.status, record.cancelled), (Status::Parked, false));
    }
    // One of them is deleted: what is left is unique.
    let id = SagaId::from("order-20".to_owned());
    let over = Advance {
        status: Some(Status::Resolved),
        ..Advance::default()
    };
    stage.advance(&id, over).await;
    let purged = stage.journal.purge(std::time::Duration::ZERO, 9).await;
    assert_eq!(purged.unwrap(), 1);
    stage.tool(&["sagas", "show", "order-2"]).await.ends_with(0);
}
