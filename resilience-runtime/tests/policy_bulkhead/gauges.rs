//! What a recorder of metrics is told.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString,
    Unit, with_local_recorder,
};

use crate::{bulkhead, call, leak, work};

thread_local! {
    /// What happens before the next value of a gauge is written.
    static MEANWHILE: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// The last value of every metric, and how often it was set.
#[derive(Default)]
struct Values(Arc<Mutex<BTreeMap<String, (f64, u32)>>>);

struct Value(String, Arc<Mutex<BTreeMap<String, (f64, u32)>>>);

impl Value {
    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut values = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let value = values.entry(self.0.clone()).or_default();
        *value = (change(value.0), value.1 + 1);
    }
}

impl GaugeFn for Value {
    fn increment(&self, by: f64) {
        self.change(|value| value + by);
    }
    fn decrement(&self, by: f64) {
        self.change(|value| value - by);
    }
    fn set(&self, to: f64) {
        if let Some(meanwhile) = MEANWHILE.take() {
            meanwhile();
        }
        self.change(|_| to);
    }
}

impl CounterFn for Value {
    fn increment(&self, by: u64) {
        self.change(|value| value + by as f64);
    }
    fn absolute(&self, to: u64) {
        self.change(|_| to as f64);
    }
}

impl Recorder for Values {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(Value(key.to_string(), Arc::clone(&self.0))))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::new(Value(key.to_string(), Arc::clone(&self.0))))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

impl Values {
    fn of(&self, name: &str) -> f64 {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = values.iter().filter(|(key, _)| key.contains(name));
        found.next().map_or(0.0, |(_, (value, _))| *value)
    }
}

#[tokio::test(start_paused = true)]
async fn the_gauges_follow_those_who_run_and_wait() {
    let values = Values::default();
    let gauges = || {
        let (running, waiting) = ("bulkhead_running", "bulkhead_waiting");
        (values.of(running), values.of(waiting))
    };
    let bulkhead = leak(bulkhead(1, 2));
    with_local_recorder(&values, || {
        let mut context = Context::from_waker(Waker::noop());
        let mut enter = || {
            let mut entered = Box::pin(bulkhead.enter(work(), call()));
            let _ = entered.as_mut().poll(&mut context);
            entered
        };
        let runs = enter();
        assert_eq!(gauges(), (1.0, 0.0));
        let (first, second) = (enter(), enter());
        assert_eq!(gauges(), (1.0, 2.0));
        assert_eq!(values.of("bulkhead_rejections_total"), 0.0);
        let rejected = enter();
        assert_eq!(values.of("bulkhead_rejections_total"), 1.0);
        drop(first);
        assert_eq!(gauges(), (1.0, 1.0));
        // Handed over, and dropped before it was polled.
        drop(runs);
        assert_eq!(gauges(), (1.0, 0.0));
        drop((second, rejected));
        assert_eq!(gauges(), (0.0, 0.0));
    });
}

#[tokio::test(start_paused = true)]
async fn an_older_number_is_not_what_a_gauge_shows_at_the_end() {
    let values = Values::default();
    let bulkhead = leak(bulkhead(2, 0));
    with_local_recorder(&values, || {
        let mut context = Context::from_waker(Waker::noop());
        let mut enter = || {
            let mut entered = Box::pin(bulkhead.enter(work(), call()));
            assert!(entered.as_mut().poll(&mut context).is_pending());
            entered
        };
        let (first, second) = (enter(), enter());
        assert_eq!(values.of("bulkhead_running"), 2.0);
        // As another thread may do between the look at the number and its showing.
        MEANWHILE.set(Some(Box::new(|| drop(second))));
        drop(first);
        assert_eq!(values.of("bulkhead_running"), 0.0);
    });
}
