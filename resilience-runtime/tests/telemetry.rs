//! What is seen of a call of an annotated function.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use allocation_counter::measure;
use resilience_runtime::catalog::Annotated;
use resilience_runtime::error::Error;
use resilience_runtime::outcome::{function, stored};
use resilience_runtime::policy::timeout::Timeout;
use resilience_runtime::private::Idempotent;
use tokio::time::sleep;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

static CHARGE: Annotated = Annotated {
    name: "shop::charge",
    file: "src/shop.rs",
    line: 12,
    policies: &[],
};

const SECOND: Duration = Duration::from_secs(1);

fn failure() -> Error {
    Error::ShuttingDown { function: "inner" }
}

async fn succeeds() -> Result<u32, Error> {
    sleep(SECOND).await;
    Ok(7)
}

async fn fails() -> Result<u32, Error> {
    Err(failure())
}

/// A call that is cut off after two seconds.
async fn times_out() {
    static TIMEOUT: Timeout = Timeout::after(Duration::from_secs(2));
    let function = function::<Result<u32, Error>>(CHARGE.name);
    let call = TIMEOUT.limit(pending::<Result<u32, Error>>(), function);
    let result = CHARGE.observe(call).await.into_result();
    assert!(matches!(result, Err(Error::TimedOut { .. })));
}

/// A call that is refused, because there is no runtime to keep its record.
async fn is_refused() {
    static ONCE: Idempotent = Idempotent::operation("shop::charge");
    let key = ONCE.key(&1).argument("order", &1);
    let function = function::<Result<u32, Error>>(CHARGE.name);
    let stored = stored::<Result<u32, Error>>();
    let call = ONCE.once(key, succeeds(), function, stored);
    let result = CHARGE.observe(call).await.into_result();
    assert!(matches!(result, Err(Error::NoRuntime { .. })));
}

/// A call that is given up at its first await.
fn is_cancelled() {
    let mut context = Context::from_waker(Waker::noop());
    let mut call = Box::pin(CHARGE.observe(pending::<Result<u32, Error>>()));
    assert!(call.as_mut().poll(&mut context).is_pending());
    drop(call);
}

/// A call that panics.
async fn panics() {
    #[allow(clippy::panic)]
    let call = tokio::spawn(async { CHARGE.observe(panicking()).await.into_result() });
    assert!(call.await.is_err_and(|error| error.is_panic()));
}

#[allow(clippy::panic)]
async fn panicking() -> Result<u32, Error> {
    tokio::task::yield_now().await;
    panic!("on purpose")
}

/// One call of each kind.
async fn one_of_each() {
    assert!(CHARGE.observe(succeeds()).await.into_result().is_ok());
    assert!(CHARGE.observe(fails()).await.into_result().is_err());
    times_out().await;
    is_refused().await;
    is_cancelled();
    panics().await;
    // Was never polled, and so is no call.
    drop(CHARGE.observe(succeeds()));
}

/// Writes down what becomes of spans of ours.
#[derive(Clone)]
struct Spans {
    level: Level,
    lines: Arc<Mutex<Vec<String>>>,
    next: Arc<AtomicU64>,
    names: Arc<Mutex<BTreeMap<u64, u64>>>,
}

impl Spans {
    fn at(level: Level) -> Self {
        Self {
            level,
            lines: Arc::default(),
            next: Arc::new(AtomicU64::new(1)),
            names: Arc::default(),
        }
    }
    fn note(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.names.lock().unwrap().insert(id, 1);
        let mut fields = Fields(String::new());
        attributes.record(&mut fields);
        let metadata = attributes.metadata();
        let (target, name) = (metadata.target(), metadata.name());
        self.note(format!("new {target} {name}{}", fields.0));
        Id::from_u64(id)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        self.note(format!("record{}", fields.0));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.note(format!("event{}", fields.0));
    }
    fn enter(&self, _: &Id) {
        self.note("enter".to_owned());
    }
    fn exit(&self, _: &Id) {
        self.note("exit".to_owned());
    }
    fn try_close(&self, _: Id) -> bool {
        self.note("close".to_owned());
        true
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_a_span_that_is_entered_at_every_poll() {
    let spans = Spans::at(Level::DEBUG);
    let _listening = tracing::subscriber::set_default(spans.clone());
    assert_eq!(CHARGE.observe(succeeds()).await.into_result().ok(), Some(7));
    let expected = [
        "new resilience call function=\"shop::charge\"",
        "enter",
        "exit",
        "enter",
        "exit",
        "record outcome=\"ok\"",
        "record effect=\"ran\"",
        "close",
    ];
    assert_eq!(spans.taken(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_span_says_how_the_call_ended() {
    let spans = Spans::at(Level::DEBUG);
    let _listening = tracing::subscriber::set_default(spans.clone());
    one_of_each().await;
    let mut endings = spans.taken();
    endings.retain(|line| line.starts_with("record"));
    let expected = [
        ("ok", "ran"),
        ("error", "ran"),
        ("timed_out", "may_have_run"),
        ("refused", "did_not_run"),
        ("cancelled", "may_have_run"),
        ("panicked", "may_have_run"),
    ]
    .map(|(outcome, effect)| {
        [
            format!("record outcome={outcome:?}"),
            format!("record effect={effect:?}"),
        ]
    });
    assert_eq!(endings, expected.as_flattened());
}

/// What a dropped call says in its end is said in its span.
#[test]
fn a_dropped_call_ends_inside_of_its_span() {
    struct SaysGoodbye;
    impl Drop for SaysGoodbye {
        fn drop(&mut self) {
            tracing::info!("goodbye");
        }
    }
    let spans = Spans::at(Level::DEBUG);
    let _listening = tracing::subscriber::set_default(spans.clone());
    let mut call = Box::pin(CHARGE.observe(async {
        let _goodbye = SaysGoodbye;
        pending::<Result<u32, Error>>().await
    }));
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    spans.taken();
    drop(call);
    let expected = [
        "enter",
        "event message=goodbye",
        "exit",
        "record outcome=\"cancelled\"",
        "record effect=\"may_have_run\"",
        "close",
    ];
    assert_eq!(spans.taken(), expected);
}

#[tokio::test(start_paused = true)]
async fn who_wants_no_debug_spans_gets_none() {
    let spans = Spans::at(Level::INFO);
    let _listening = tracing::subscriber::set_default(spans.clone());
    one_of_each().await;
    assert_eq!(spans.taken(), [""; 0]);
}

#[test]
fn an_observed_call_that_has_answered_answers_no_more() {
    let spans = Spans::at(Level::DEBUG);
    for listens in [false, true] {
        let _listening = listens.then(|| tracing::subscriber::set_default(spans.clone()));
        let mut context = Context::from_waker(Waker::noop());
        let mut call = pin!(CHARGE.observe(fails()));
        assert!(call.as_mut().poll(&mut context).is_ready());
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
}

#[test]
fn nothing_is_allocated_when_nobody_listens() {
    let calls = || {
        for _ in 0..1_000 {
            let mut context = Context::from_waker(Waker::noop());
            let ready = async { Ok::<_, Error>(7) };
            assert!(pin!(CHARGE.observe(ready)).poll(&mut context).is_ready());
            let waits = pin!(CHARGE.observe(pending::<Result<u32, Error>>()));
            assert!(waits.poll(&mut context).is_pending());
        }
    };
    assert_eq!(measure(calls).count_total, 0);
    // The counter counts.
    let spans = Spans::at(Level::DEBUG);
    let _listening = tracing::subscriber::set_default(spans);
    assert!(measure(calls).count_total > 2_000);
}

#[cfg(feature = "metrics")]
mod metered {
    use super::{
        BTreeMap, CHARGE, Duration, Mutex, SECOND, is_cancelled, measure, one_of_each, pending,
        succeeds,
    };
    use metrics::{
        Counter, CounterFn, Gauge, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString,
        Unit, set_default_local_recorder,
    };
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Waker};

    type Sums = Arc<Mutex<BTreeMap<String, f64>>>;

    /// Adds up what it is told.
    #[derive(Default)]
    struct Sum(Sums);

    struct Handle(String, Sums);

    impl Handle {
        fn add(&self, value: f64) {
            *self.1.lock().unwrap().entry(self.0.clone()).or_default() += value;
        }
    }

    impl CounterFn for Handle {
        fn increment(&self, value: u64) {
            self.add(f64::from(u32::try_from(value).unwrap()));
        }
        fn absolute(&self, _: u64) {}
    }

    impl HistogramFn for Handle {
        fn record(&self, value: f64) {
            self.add(value);
        }
    }

    impl Sum {
        fn handle(&self, key: &Key) -> Arc<Handle> {
            let labels: Vec<_> = key
                .labels()
                .map(|label| format!("{}={}", label.key(), label.value()))
                .collect();
            let name = format!("{}{{{}}}", key.name(), labels.join(","));
            Arc::new(Handle(name, Arc::clone(&self.0)))
        }
        fn taken(&self) -> BTreeMap<String, f64> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl Recorder for Sum {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.handle(key))
        }
        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }
        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> metrics::Histogram {
            metrics::Histogram::from_arc(self.handle(key))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_call_is_counted_once_by_its_ending() {
        let recorder = Sum::default();
        let _listening = set_default_local_recorder(&recorder);
        one_of_each().await;
        let expected = [
            ("calls_total", 6.0),
            // The error, the timeout and the panic.
            ("calls_failed_total", 3.0),
            ("calls_refused_total", 1.0),
            ("calls_cancelled_total", 1.0),
            // A second until the success and two until the timeout.
            ("call_duration_seconds", 3.0),
        ]
        .map(|(name, sum)| (format!("{name}{{function=shop::charge}}"), sum));
        assert_eq!(recorder.taken(), BTreeMap::from(expected));
    }

    #[tokio::test(start_paused = true)]
    async fn a_recorder_hears_of_the_calls_that_begin_while_it_is_there() {
        let recorder = Sum::default();
        is_cancelled();
        {
            let _listening = set_default_local_recorder(&recorder);
            is_cancelled();
        }
        is_cancelled();
        assert_eq!(
            recorder.taken().get("calls_total{function=shop::charge}"),
            Some(&1.0)
        );
        // One that began before is not half a call.
        let mut call = Box::pin(CHARGE.observe(succeeds()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
        let _listening = set_default_local_recorder(&recorder);
        tokio::time::advance(SECOND + Duration::from_millis(1)).await;
        assert!(call.await.into_result().is_ok());
        assert_eq!(recorder.taken(), BTreeMap::new());
    }

    #[test]
    fn an_observation_is_what_allocates() {
        let recorder = Sum::default();
        let call = || {
            let mut context = Context::from_waker(Waker::noop());
            let call = pending::<Result<u32, crate::Error>>();
            assert!(pin!(CHARGE.observe(call)).poll(&mut context).is_pending());
        };
        assert_eq!(measure(call).count_total, 0);
        let _listening = set_default_local_recorder(&recorder);
        assert!(measure(call).count_total > 0);
    }
}
