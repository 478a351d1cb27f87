//! The span of a call.

use std::fmt::Debug;
use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use allocation_counter::measure;
use resilience_runtime::error::Error;
use resilience_runtime::outcome::{function, stored};
use resilience_runtime::private::Idempotent;
use resilience_runtime::runtime::Runtime;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::calls::{observed, one_of_each, succeeds};

/// Writes down what becomes of spans of ours.
#[derive(Clone)]
struct Spans {
    level: Level,
    lines: Arc<Mutex<Vec<String>>>,
    next: Arc<AtomicU64>,
}

impl Spans {
    fn at(level: Level) -> Self {
        Self {
            level,
            lines: Arc::default(),
            next: Arc::new(AtomicU64::new(1)),
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
    // With one subscriber `tracing` asks the thread that meets an event first whether anybody
    // listens, which may be another test's; with two it asks them all.
    let _another = tracing::Dispatch::new(spans.clone());
    let _listening = tracing::subscriber::set_default(spans.clone());
    assert_eq!(observed(succeeds()).await.ok(), Some(7));
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
    let _another = tracing::Dispatch::new(spans.clone());
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

#[tokio::test(start_paused = true)]
async fn the_span_says_that_an_answer_was_replayed() {
    static ONCE: Idempotent = Idempotent::operation("shop::charge");
    let runtime = Runtime::builder("memory:").scoped().open().await;
    let runtime = runtime.unwrap();
    let once = || {
        let function = function::<Result<u32, Error>>("shop::charge");
        let call = ONCE.once(
            ONCE.key(&1),
            succeeds(),
            function,
            stored::<Result<u32, Error>>(),
        );
        runtime.scope(observed(call))
    };
    let spans = Spans::at(Level::DEBUG);
    let _another = tracing::Dispatch::new(spans.clone());
    let _listening = tracing::subscriber::set_default(spans.clone());
    for expected in [
        &["record outcome=\"ok\"", "record effect=\"ran\""][..],
        &[
            "record replayed=true",
            "record outcome=\"ok\"",
            "record effect=\"did_not_run\"",
        ],
    ] {
        assert_eq!(once().await.unwrap(), 7);
        let mut endings = spans.taken();
        endings.retain(|line| line.starts_with("record"));
        assert_eq!(endings, expected);
    }
}

/// What a dropped call says in its end is said in its span.
#[test]
fn a_dropped_call_ends_its_span() {
    struct SaysGoodbye;
    impl Drop for SaysGoodbye {
        fn drop(&mut self) {
            tracing::info!("goodbye");
        }
    }
    let spans = Spans::at(Level::DEBUG);
    let _another = tracing::Dispatch::new(spans.clone());
    let _listening = tracing::subscriber::set_default(spans.clone());
    let mut call = Box::pin(observed(async {
        let _goodbye = SaysGoodbye;
        pending::<Result<u32, Error>>().await
    }));
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    spans.taken();
    drop(call);
    let expected = [
        "event message=goodbye",
        "record outcome=\"cancelled\"",
        "record effect=\"may_have_run\"",
        "close",
    ];
    assert_eq!(spans.taken(), expected);
}

#[tokio::test(start_paused = true)]
async fn who_wants_no_debug_spans_gets_none() {
    let spans = Spans::at(Level::INFO);
    let _another = tracing::Dispatch::new(spans.clone());
    let _listening = tracing::subscriber::set_default(spans.clone());
    one_of_each().await;
    assert_eq!(spans.taken(), [""; 0]);
}

#[test]
fn nothing_is_allocated_when_nobody_listens() {
    let calls = || {
        for _ in 0..1_000 {
            let mut context = Context::from_waker(Waker::noop());
            let ready = async { Ok::<_, Error>(7) };
            assert!(pin!(observed(ready)).poll(&mut context).is_ready());
            let waits = pin!(observed(pending::<Result<u32, Error>>()));
            assert!(waits.poll(&mut context).is_pending());
        }
    };
    assert_eq!(measure(calls).count_total, 0);
    // The counter counts.
    let spans = Spans::at(Level::DEBUG);
    let _another = tracing::Dispatch::new(spans.clone());
    let _listening = tracing::subscriber::set_default(spans);
    assert!(measure(calls).count_total > 2_000);
}
