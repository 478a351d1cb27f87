//! What the crate under test measures.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, LocalRecorderGuard,
    Metadata, Recorder, SharedString, Unit, set_default_local_recorder,
};

/// What is written to metrics on a thread that [listens](Meter::listen), by `name{label=value,…}`. A clone is the same meter.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<BTreeMap<String, Vec<f64>>>>);

impl Meter {
    /// Listens on this thread, until what comes out is dropped.
    #[must_use = "dropped, it listens no more"]
    pub fn listen(&self) -> LocalRecorderGuard<'_> {
        set_default_local_recorder(self)
    }

    /// All that was written since it was asked last, in its order: the increments of counters, and of gauges, negative where
    /// they fall; what gauges were set to; the values of histograms.
    pub fn take(&self) -> BTreeMap<String, Vec<f64>> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same, added up.
    pub fn take_sums(&self) -> BTreeMap<String, f64> {
        let written = self.take().into_iter();
        written
            .map(|(name, values)| (name, values.iter().sum()))
            .collect()
    }

    /// The sum of a counter.
    pub fn sum(&self, name: &str) -> f64 {
        self.values(name).iter().sum()
    }

    /// What a gauge was set to last.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.values(name).last().copied()
    }

    /// All that was written to one metric, in its order.
    pub fn values(&self, name: &str) -> Vec<f64> {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.get(name).cloned().unwrap_or_default()
    }

    fn handle(&self, key: &Key) -> Arc<Handle> {
        let labels = key
            .labels()
            .map(|it| format!("{}={}", it.key(), it.value()));
        let labels: Vec<_> = labels.collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::new(Handle(name, self.clone()))
    }
}

struct Handle(String, Meter);

impl Handle {
    fn note(&self, value: f64) {
        let mut written = self.1.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.entry(self.0.clone()).or_default().push(value);
    }
}

impl CounterFn for Handle {
    fn increment(&self, value: u64) {
        self.note(f64::from(u32::try_from(value).expect("tests count less")));
    }
    fn absolute(&self, _: u64) {
        panic!("{}: the crate only increments counters", self.0);
    }
}

impl GaugeFn for Handle {
    fn increment(&self, value: f64) {
        self.note(value);
    }
    fn decrement(&self, value: f64) {
        self.note(-value);
    }
    fn set(&self, value: f64) {
        self.note(value);
    }
}

impl HistogramFn for Handle {
    fn record(&self, value: f64) {
        self.note(value);
    }
}

impl Recorder for Meter {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.handle(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.handle(key))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.handle(key))
    }
}
