//! What somebody hears who listens: events and metrics.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};

/// Everything that was written down.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    events: Arc<Mutex<Vec<(Level, String)>>>,
    sums: Arc<Mutex<BTreeMap<String, f64>>>,
}

impl Heard {
    /// The events of this level or a worse one that contain `text`.
    pub(crate) fn events(&self, level: Level, text: &str) -> Vec<String> {
        let events = self.events.lock().unwrap();
        let events = events
            .iter()
            .filter(|(at, event)| *at <= level && event.contains(text));
        events.map(|(_, event)| event.clone()).collect()
    }

    /// The sum of a counter, the value of a gauge, or how often a histogram was written to.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let sums = self.sums.lock().unwrap();
        *sums.get(name).unwrap_or(&f64::NAN)
    }

    fn handle(&self, key: &Key) -> Arc<Handle> {
        let labels = key.labels();
        let labels: Vec<_> = labels
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::new(Handle(name, self.clone()))
    }
}

struct Handle(String, Heard);

impl Handle {
    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut sums = self.1.sums.lock().unwrap();
        let sum = sums.entry(self.0.clone()).or_default();
        *sum = change(*sum);
    }
}

impl CounterFn for Handle {
    fn increment(&self, value: u64) {
        self.change(|sum| sum + f64::from(u32::try_from(value).unwrap()));
    }
    fn absolute(&self, _: u64) {}
}

impl GaugeFn for Handle {
    fn increment(&self, value: f64) {
        self.change(|sum| sum + value);
    }
    fn decrement(&self, value: f64) {
        self.change(|sum| sum - value);
    }
    fn set(&self, value: f64) {
        self.change(|_| value);
    }
}

impl HistogramFn for Handle {
    fn record(&self, _: f64) {
        self.change(|sum| sum + 1.0);
    }
}

impl Recorder for Heard {
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

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Heard {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "resilience" && metadata.is_event()
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        let event = (*event.metadata().level(), fields.0);
        self.events.lock().unwrap().push(event);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
