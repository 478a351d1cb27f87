//! What is counted, for operators.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    set_default_local_recorder,
};
use tokio::task::JoinSet;

use super::store::{Renewal, Store};
use super::{Body, CHECKOUT, Failure, answer, at_rest, call, process, somebody_claims};
use crate::idempotency::store::{Completion, Record, RecordKind};

type Counts = Arc<Mutex<BTreeMap<String, u64>>>;

/// Counts what it is told of idempotency.
#[derive(Default)]
struct Count(Counts);

struct Handle(String, Counts);

impl CounterFn for Handle {
    fn increment(&self, value: u64) {
        *self.1.lock().unwrap().entry(self.0.clone()).or_default() += value;
    }
    fn absolute(&self, _: u64) {}
}

impl Count {
    /// What was counted since it was asked last.
    fn taken(&self) -> Vec<(String, u64)> {
        std::mem::take(&mut *self.0.lock().unwrap())
            .into_iter()
            .collect()
    }
}

impl Recorder for Count {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<_> = key
            .labels()
            .map(|label| (label.key(), label.value()))
            .collect();
        assert_eq!(labels, [("function", "shop::checkout")]);
        let name = key.name();
        let name = name
            .strip_prefix("idempotency_")
            .and_then(|name| name.strip_suffix("_total"));
        Counter::from_arc(Arc::new(Handle(
            name.unwrap().to_owned(),
            Arc::clone(&self.0),
        )))
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test(start_paused = true)]
async fn what_became_of_calls_is_counted() {
    let counts = Count::default();
    let _guard = set_default_local_recorder(&counts);
    let is = |expected: &[(&str, u64)]| {
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, n)| ((*name).to_owned(), *n))
            .collect();
        assert_eq!(counts.taken(), expected);
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
    is(&[("executions", 1), ("replays", 9), ("waits", 9)]);

    let key = CHECKOUT.key("k").argument("amount", &1);
    let _ = answer(&core, CHECKOUT, key, body.run()).await;
    is(&[("conflicts", 1)]);

    let _ = call::<u32>(&core, "failed", async { Err(Failure::Body) }).await;
    let _ = call(&core, "failed", body.run()).await;
    is(&[("executions", 2)]);

    somebody_claims(&store, CHECKOUT.key("dead"), Duration::from_millis(1_500)).await;
    let _ = call(&core, "dead", body.run()).await;
    is(&[("executions", 1), ("takeovers", 1), ("waits", 1)]);

    let short = CHECKOUT.max_result(1);
    let _ = answer(&core, short, short.key("long"), async { Ok(10_u32) }).await;
    let _ = answer(&core, short, short.key("long"), async { Ok(10_u32) }).await;
    is(&[("executions", 1), ("tombstones", 1)]);

    let unprotected = CHECKOUT.when_unavailable_run();
    store.state().failing.claims = 1;
    let _ = answer(&core, unprotected, unprotected.key("down"), body.run()).await;
    is(&[("executions", 1), ("unprotected", 1)]);

    let record = Record {
        fingerprint: CHECKOUT.key("k").seal("f").unwrap().0.fingerprint,
        kind: RecordKind::Value,
        schema: "".into(),
        content: "7".into(),
    };
    store.state().completion = Some(Completion::Refused(Some(record)));
    assert_eq!(call(&core, "twice", body.run()).await.unwrap(), 7);
    is(&[("executions", 1), ("ran_twice", 1), ("replays", 1)]);

    store.state().failing.completions = u32::MAX;
    let _ = call(&core, "unrecorded", body.run()).await;
    is(&[("executions", 1), ("not_recorded", 1)]);

    store.state().renewal = Renewal::Refused;
    let lost = CHECKOUT.lease(Duration::from_secs(3));
    let _ = answer::<u32>(&core, lost, lost.key("lost"), std::future::pending()).await;
    is(&[("executions", 1), ("leases_lost", 1)]);
    at_rest().await;
    is(&[]);
}
