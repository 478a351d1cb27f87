//! What a command comes to that waits, or that comes too late.

use std::time::Duration;

use resilience_runtime::dlq::{DeadLetterId, DeadLetterKind, NewDeadLetter};
use resilience_runtime::saga::journal::{Advance, Event, SagaId, Status};
use serde_json::{Value, json};

use crate::stage::{Stage, letter};
use crate::tool::Ran;

/// What a command asks for something to be done to.
#[derive(Clone, Copy)]
enum Subject<'a> {
    Saga(&'a SagaId),
    Letter(DeadLetterId),
}

impl Subject<'_> {
    /// How often something was done to it.
    async fn audited(self, stage: &Stage) -> usize {
        let entries = match self {
            Self::Saga(id) => stage.queue.audit_of_saga(id.clone()).await,
            Self::Letter(id) => stage.queue.audit(id).await,
        };
        entries.unwrap().len()
    }
}

/// Runs a command that asks for something and waits, and does something to the store once the audit has what it asked for.
async fn meanwhile(
    stage: &Stage,
    subject: Subject<'_>,
    arguments: &[&str],
    act: impl Future<Output = ()>,
) -> Ran {
    let before = subject.audited(stage).await;
    let act = async {
        while subject.audited(stage).await == before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        act.await;
    };
    let (ran, ()) = tokio::join!(stage.tool(arguments), act);
    ran
}

fn error(ran: &Ran) -> Value {
    serde_json::from_str(&ran.err).unwrap()
}

fn to(status: Status) -> Advance {
    Advance {
        status: Some(status),
        error: Some("the card was declined".to_owned()),
        ..Advance::default()
    }
}

pub(crate) async fn a_saga_that_is_past_a_pivot_is_not_cancelled(stage: Stage) {
    let id = stage.running("order").await;
    let pivot = Advance {
        pivots: true,
        ..Advance::default()
    };
    stage.advance(&id, pivot).await;
    let id = id.to_string();
    for command in [
        &["sagas", "cancel", &id][..],
        &["sagas", "cancel", &id, "--wait"],
        &["sagas", "compensate", &id],
    ] {
        let refused = stage.tool(command).await.ends_with(4);
        assert!(refused.err.contains("past a pivot"), "{refused:?}");
    }
    let shown = stage.tool(&["sagas", "show", &id]).await.ends_with(0);
    assert!(shown.out.contains("past a pivot"), "{shown:?}");
}

pub(crate) async fn a_cancel_that_waits_says_how_the_saga_ended(stage: Stage) {
    let cases = [
        (Status::Failed, 0, "failed"),
        (Status::Compensated, 0, "compensated"),
        (Status::Completed, 4, "completed"),
        (Status::CompensationFailed, 1, "compensation_failed"),
        (Status::Parked, 1, "parked"),
    ];
    for (status, code, word) in cases {
        let id = stage.running("order").await;
        let text = id.to_string();
        let cancel = ["sagas", "cancel", &text, "--wait", "--json"];
        let ran = meanwhile(
            &stage,
            Subject::Saga(&id),
            &cancel,
            stage.advance(&id, to(status)),
        )
        .await;
        let ran = ran.ends_with(code);
        assert_eq!(ran.json(), json!({ "saga": text, "result": word }));
        if code == 0 {
            assert_eq!(ran.err, "");
            continue;
        }
        let kind = if code == 4 { "conflict" } else { "failed" };
        assert_eq!(error(&ran)["error"], kind, "{ran:?}");
    }
    let id = stage.running("order").await.to_string();
    let asked = stage.tool(&["sagas", "cancel", &id]).await.ends_with(0);
    assert_eq!(asked.out, format!("asked for saga {id} to be cancelled\n"));
    let list = stage.tool(&["sagas", "list", "--limit", "1"]).await;
    assert!(list.out.contains("running (cancelled)"), "{list:?}");
}

pub(crate) async fn a_letter_that_is_closed_while_it_is_waited_for_is_told(stage: Stage) {
    let id = stage.work(letter("send")).await;
    let work = id.to_string();
    let retry = ["dlq", "retry", &work, "--wait", "--json"];
    let discard = async {
        let discard = ["dlq", "discard", work.as_str()];
        stage.tool(&discard).await.ends_with(0);
    };
    let closed = meanwhile(&stage, Subject::Letter(id), &retry, discard)
        .await
        .ends_with(4);
    let closed = closed.json();
    assert_eq!(closed[0]["result"], "closed");
    let message = closed[0]["message"].as_str().unwrap();
    assert!(message.contains("it is discarded"), "{message}");
}

pub(crate) async fn what_somebody_works_on_is_left_to_him(stage: Stage) {
    let id = stage.parked("order").await;
    let retry = ["dlq", "retry", "1", "--wait", "--timeout", "2s", "--json"];
    let revive = async {
        let revived = stage.journal.revive(id.clone(), Event::Resumed, None).await;
        assert!(revived.unwrap().is_some());
    };
    let ran = meanwhile(&stage, Subject::Letter(1), &retry, revive)
        .await
        .ends_with(1)
        .json();
    assert_eq!(ran[0]["result"], "under_way");
    let shown = stage.tool(&["dlq", "show", "1"]).await.ends_with(0);
    assert!(shown.out.contains("retrying it now"), "{shown:?}");
    for command in [
        &["dlq", "retry", "1"][..],
        &["dlq", "retry", "1", "--wait"],
        &["dlq", "resolve", "1", "--note", "done"],
        &["dlq", "discard", "1"],
        &["sagas", "compensate", &id.to_string()],
    ] {
        stage.tool(command).await.ends_with(4);
    }
    // Nor is it a request that nobody takes up.
    let doctor = ["doctor", "--accept", "NotDurable"];
    let doctor = stage.tool(&doctor).await.ends_with(0);
    assert!(doctor.out.contains("ok    requests"), "{doctor:?}");
}

/// Two of its steps could not be undone.
async fn twice_stuck(stage: &Stage) -> SagaId {
    let id = stage.stuck(true).await;
    let failed = Advance {
        status: Some(Status::CompensationFailed),
        dead_letter: Some(NewDeadLetter {
            kind: DeadLetterKind::Compensation,
            position: Some(1),
            ..letter("bow")
        }),
        ..Advance::default()
    };
    stage.advance(&id, failed).await;
    id
}

pub(crate) async fn letters_of_one_saga_go_along(stage: Stage) {
    twice_stuck(&stage).await;
    twice_stuck(&stage).await;
    let all = ["dlq", "retry", "--all", "--per-second", "1000"];
    let dry = [&all[..], &["--dry-run", "--json"]].concat();
    let would = stage.tool(&dry).await.ends_with(0).json();
    let expected = json!({
        "would_request": 2, "would_pass": 2, "letters": [1, 3], "last": 4, "finished": true
    });
    assert_eq!(would, expected);
    let dry = stage.tool(&[&all[..], &["--dry-run"]].concat()).await;
    assert!(dry.out.contains("2 would go along"), "{dry:?}");
    let done = stage.tool(&all).await.ends_with(0);
    assert!(
        done.out.starts_with("requested 2 retries\n2 were"),
        "{done:?}"
    );
    let would = stage.tool(&[&all[..], &["--dry-run"]].concat()).await;
    assert!(would.out.starts_with("would request 0"), "{would:?}");
}

pub(crate) async fn a_compensation_that_is_asked_for_is_told(stage: Stage) {
    let id = stage.parked("order").await.to_string();
    let ask = ["sagas", "compensate", &id, "--json"];
    let asked = stage.tool(&ask).await.ends_with(0).json();
    assert_eq!(
        asked,
        json!({ "saga": id, "letter": 1, "result": "requested" })
    );
    let wait = [&ask[..], &["--wait", "--timeout", "100ms"]].concat();
    let waited = stage.tool(&wait).await.ends_with(1);
    assert_eq!(waited.json()["result"], "not_taken");
    assert_eq!(error(&waited)["error"], "failed");
    let discard = async {
        stage.tool(&["dlq", "discard", "1"]).await.ends_with(0);
    };
    let wait = [&ask[..], &["--wait"]].concat();
    let closed = meanwhile(&stage, Subject::Letter(1), &wait, discard)
        .await
        .ends_with(4);
    assert_eq!(closed.json()["result"], "closed");
}
