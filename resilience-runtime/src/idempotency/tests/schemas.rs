//! Results that were stored as another type.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::store::Store;
use super::{Body, CHECKOUT, answer, call, policy, process, somebody_claims, with};
use crate::error::{Effect, Error};
use crate::idempotency::store::{Completion, IdempotencyStore, Record, RecordKind};
use crate::idempotency::{Idempotent, OnSchemaChange};
use crate::invocation::{attempt, interrupted};

const HOUR: Duration = Duration::from_secs(3600);
static AGAIN: Idempotent = CHECKOUT_RUNS_AGAIN;
const CHECKOUT_RUNS_AGAIN: Idempotent =
    Idempotent::operation("shop::checkout").on_schema_change(OnSchemaChange::RunAgain);

/// Puts a record there that another process has written.
async fn somebody_completes(store: &Store, schema: &str, content: &str) {
    let nonce = somebody_claims(store, CHECKOUT.key("k"), HOUR).await;
    let (sealed, _) = CHECKOUT.key("k").seal("shop::checkout").unwrap();
    let record = Record {
        fingerprint: sealed.fingerprint,
        kind: RecordKind::Value,
        schema: schema.into(),
        content: content.into(),
    };
    let stored = store.memory.complete(sealed.digest, nonce, record, HOUR);
    assert_eq!(stored.await.unwrap(), Completion::Stored);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Receipt {
    total: u32,
}

#[tokio::test(start_paused = true)]
async fn a_record_says_which_type_it_is_of() {
    let store = Store::new();
    let second = CHECKOUT.version(2);
    with(&process(&store), second, async { Ok(Receipt { total: 1 }) })
        .await
        .unwrap();
    let schema = store.record().schema;
    assert_eq!(*schema, format!("{}@2", std::any::type_name::<Receipt>()));
}

#[tokio::test(start_paused = true)]
async fn another_type_is_refused() {
    for (stored, content) in [
        ("alloc::string::String@1", "\"x\""),
        ("u32@2", "7"),
        ("u32@1", "\"x\""),
        ("", "\"x\""),
    ] {
        let store = Store::new();
        somebody_completes(&store, stored, content).await;
        let (core, body) = (process(&store), Body::default());
        let changed = answer(&core, CHECKOUT, CHECKOUT.key("k"), body.run()).await;
        assert_eq!(changed.origin.effect(), Effect::Ran);
        let error = policy(changed.into_result());
        let Error::SchemaChanged {
            stored: said,
            current,
            key,
            ..
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!(current, "u32@1");
        assert!(key.starts_with("\"k\" ("), "{key}");
        if matches!(stored, "u32@1" | "") {
            assert!(
                said.starts_with("an earlier form of u32@1 (invalid type: string"),
                "{said}"
            );
        } else {
            assert_eq!(said, stored);
        }
        assert_eq!((body.begun(), store.held()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_about_its_type_is_judged_by_its_content() {
    let store = Store::new();
    somebody_completes(&store, "", "7").await;
    assert_eq!(
        call::<u32>(&process(&store), "k", async { Ok(1_u32) })
            .await
            .unwrap(),
        7
    );
}

#[tokio::test(start_paused = true)]
async fn where_the_author_says_so_another_type_runs_again() {
    for (schema, content) in [
        ("alloc::string::String@1", "\"x\""),
        ("u32@1", "\"x\""),
        ("", "\"x\""),
    ] {
        let store = Store::new();
        somebody_completes(&store, schema, content).await;
        let (core, body) = (process(&store), Arc::new(Body::default()));
        let mut calls = JoinSet::new();
        for _ in 0..100 {
            let (core, body) = (Arc::clone(&core), Arc::clone(&body));
            calls.spawn(async move {
                let run = async {
                    assert_eq!((attempt(), interrupted()), (2, false));
                    body.run().await
                };
                with(&core, AGAIN, run).await.unwrap()
            });
        }
        assert_eq!(calls.join_all().await, [1; 100]);
        // One that finds the record, and one that replaces it.
        assert_eq!(
            (body.begun(), store.claims(), store.completions()),
            (1, 2, 1)
        );
        assert_eq!(
            (store.results(), &*store.record().schema),
            (vec!["1".to_owned()], "u32@1")
        );
        for core in [&core, &process(&store)] {
            assert_eq!(with(core, AGAIN, body.run()).await.unwrap(), 1);
        }
        assert_eq!(body.begun(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_replaced_is_not_remembered() {
    let store = Store::new();
    let core = process(&store);
    let key = || CHECKOUT.key("k");
    let text = answer(&core, AGAIN, key(), async { Ok("old".to_owned()) }).await;
    assert_eq!(text.into_result().unwrap(), "old");
    assert_eq!(core.results.len(), 1);
    // The record is in the memory of this process, and is of another type.
    let number = answer(&core, AGAIN, key(), async { Ok(1_u32) }).await;
    assert_eq!(number.into_result().unwrap(), 1);
    let number = answer(&core, AGAIN, key(), async { Ok(2_u32) }).await;
    assert_eq!(number.into_result().unwrap(), 1);
    assert_eq!(store.results(), ["1"]);
    // A run that fails leaves neither.
    let failed = answer::<String>(&core, AGAIN, key(), async { Err(super::Failure::Body) }).await;
    assert!(failed.into_result().is_err());
    let number = answer(&core, AGAIN, key(), async { Ok(3_u32) }).await;
    assert_eq!(number.into_result().unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn two_processes_replace_a_record_once() {
    let store = Store::new();
    somebody_completes(&store, "alloc::string::String@1", "\"x\"").await;
    let (here, there) = (process(&store), process(&store));
    let body = Body::default();
    let (one, other) = tokio::join!(
        with(&here, AGAIN, body.run()),
        with(&there, AGAIN, body.run())
    );
    assert_eq!((one.unwrap(), other.unwrap(), body.begun()), (1, 1, 1));
}

/// What a store that knows nothing of replacing would do.
#[tokio::test(start_paused = true)]
async fn a_store_that_replaces_nothing_is_not_asked_for_ever() {
    let store = Store::new();
    somebody_completes(&store, "alloc::string::String@1", "\"x\"").await;
    store.state().replaces_nothing = true;
    let (core, body) = (process(&store), Body::default());
    let refused = with(&core, AGAIN, body.run()).await;
    assert!(matches!(policy(refused), Error::Store { .. }));
    assert_eq!((body.begun(), store.claims()), (0, 2));
}
