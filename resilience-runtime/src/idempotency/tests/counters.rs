//! What is counted, for operators.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use resilience_test_support::meter::Meter;
use tokio::task::JoinSet;

use super::store::{Renewal, Store};
use super::{Body, CHECKOUT, Failure, answer, at_rest, call, process, somebody_claims};
use crate::idempotency::store::{Completion, Record, RecordKind};

#[tokio::test(start_paused = true)]
async fn what_became_of_calls_is_counted() {
    let meter = Meter::default();
    let _listening = meter.listen();
    let is = |expected: &[(&str, f64)]| {
        let counter = |name| format!("idempotency_{name}_total{{function=shop::checkout}}");
        let expected: BTreeMap<_, _> = expected
            .iter()
            .map(|(name, count)| (counter(name), *count))
            .collect();
        assert_eq!(meter.take_sums(), expected);
    };
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());

    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let (core, body) = (Arc::clone(&core), Arc::clone(&body));
        calls.spawn(async move { call(&core, "k", body.run()).await.unwrap() });
    }
    calls.join_all().await;
    is(&[("executions", 1.0), ("replays", 9.0), ("waits", 9.0)]);

    let key = CHECKOUT.key("k").argument("amount", &1);
    let _ = answer(&core, CHECKOUT, key, body.run()).await;
    is(&[("conflicts", 1.0)]);

    let _ = call::<u32>(&core, "failed", async { Err(Failure::Body) }).await;
    let _ = call(&core, "failed", body.run()).await;
    is(&[("executions", 2.0)]);

    somebody_claims(&store, CHECKOUT.key("dead"), Duration::from_millis(1_500)).await;
    let _ = call(&core, "dead", body.run()).await;
    is(&[("executions", 1.0), ("takeovers", 1.0), ("waits", 1.0)]);

    let short = CHECKOUT.max_result(1);
    let _ = answer(&core, short, short.key("long"), async { Ok(10_u32) }).await;
    let _ = answer(&core, short, short.key("long"), async { Ok(10_u32) }).await;
    is(&[("executions", 1.0), ("tombstones", 1.0)]);

    let unprotected = CHECKOUT.when_unavailable_run();
    store.state().failing.claims = 1;
    let _ = answer(&core, unprotected, unprotected.key("down"), body.run()).await;
    is(&[("executions", 1.0), ("unprotected", 1.0)]);

    let record = Record {
        fingerprint: CHECKOUT.key("k").seal("f").unwrap().0.fingerprint,
        kind: RecordKind::Value,
        schema: "".into(),
        content: "7".into(),
    };
    store.state().completion = Some(Completion::Refused(Some(record)));
    assert_eq!(call(&core, "twice", body.run()).await.unwrap(), 7);
    is(&[("executions", 1.0), ("ran_twice", 1.0), ("replays", 1.0)]);

    store.state().failing.completions = u32::MAX;
    let _ = call(&core, "unrecorded", body.run()).await;
    is(&[("executions", 1.0), ("not_recorded", 1.0)]);

    store.state().renewal = Renewal::Refused;
    let lost = CHECKOUT.lease(Duration::from_secs(3));
    let _ = answer::<u32>(&core, lost, lost.key("lost"), std::future::pending()).await;
    is(&[("executions", 1.0), ("leases_lost", 1.0)]);
    at_rest().await;
    is(&[]);
}
