//! What a recorder of metrics is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use tokio::time::sleep;

use crate::{lock, one};

#[derive(Clone, Default)]
struct Values(Arc<Mutex<BTreeMap<String, Vec<f64>>>>);

struct Value(String, Values);

impl Value {
    fn note(&self, value: f64) {
        let mut values = self.1.0.lock().unwrap();
        values.entry(self.0.clone()).or_default().push(value);
    }
}

impl CounterFn for Value {
    fn increment(&self, by: u64) {
        self.note(f64::from(u32::try_from(by).unwrap()));
    }
    fn absolute(&self, _: u64) {}
}

impl GaugeFn for Value {
    fn increment(&self, by: f64) {
        self.note(by);
    }
    fn decrement(&self, by: f64) {
        self.note(-by);
    }
    fn set(&self, _: f64) {}
}

impl HistogramFn for Value {
    fn record(&self, value: f64) {
        self.note(value);
    }
}

impl Values {
    fn of(&self, key: &Key) -> Arc<Value> {
        let labels: Vec<_> = key.labels().map(|it| it.value().to_owned()).collect();
        let name = format!("{} {}", key.name(), labels.join(","));
        Arc::new(Value(name, self.clone()))
    }

    fn take(&self) -> BTreeMap<String, Vec<f64>> {
        let mut values = std::mem::take(&mut *self.0.lock().unwrap());
        // Recovery measures its rounds beside them.
        values.retain(|name, _| name.starts_with("lock"));
        values
    }
}

impl Recorder for Values {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.of(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.of(key))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.of(key))
    }
}

#[tokio::test(start_paused = true)]
async fn held_busy_lost_and_how_long_it_took() {
    let values = Values::default();
    let _recorder = metrics::set_default_local_recorder(&values);
    let (store, runtime) = one().await;
    let guard = lock(&runtime).acquire().await.unwrap();
    let held = values.take();
    assert_eq!(held["locks_held documents"], [1.0]);
    let took = &held["lock_acquisition_duration_seconds documents"];
    assert!(
        took.len() == 1 && took[0] > 0.0009 && took[0] < 0.005,
        "{took:?}"
    );
    assert!(lock(&runtime).try_acquire().await.unwrap().is_none());
    let mut expected = BTreeMap::from([("lock_busy_total documents".to_owned(), vec![1.0])]);
    assert_eq!(values.take(), expected);
    guard.release().await.unwrap();
    expected = BTreeMap::from([("locks_held documents".to_owned(), vec![-1.0])]);
    assert_eq!(values.take(), expected);
    // One that is lost is counted once, whether or not it is given back.
    for releases in [true, false] {
        store.trouble(|it| it.no_renewals = true);
        let guard = lock(&runtime).acquire().await.unwrap();
        guard.lost().await;
        let _ = guard.run(async {}).await;
        values.take();
        if releases {
            let _ = guard.release().await;
        } else {
            drop(guard);
        }
        sleep(Duration::from_secs(1)).await;
        expected = BTreeMap::from([
            ("locks_held documents".to_owned(), vec![-1.0]),
            ("lock_lost_total documents".to_owned(), vec![1.0]),
        ]);
        assert_eq!(values.take(), expected);
    }
}
