//! What the log says of retries.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::policy::retry::{Backoff, Jitter, Retry, RetryBudget};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::{SECOND, run};

/// Writes down every event with its fields.
struct Log(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("resilience")
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        assert_eq!(*event.metadata().level(), Level::DEBUG);
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The events of a call that always fails.
async fn events(retry: Retry) -> Vec<String> {
    let entries = Arc::new(Mutex::new(Vec::new()));
    // With one subscriber `tracing` asks the thread that meets an event first whether anybody
    // listens, which may be another test's; with two it asks them all.
    let _another = tracing::Dispatch::new(Log(Arc::clone(&entries)));
    let _logging = tracing::subscriber::set_default(Log(Arc::clone(&entries)));
    let (result, _) = run(retry, async |_| Err::<(), _>(())).await;
    assert!(result.is_err());
    let entries = entries.lock().unwrap();
    entries.clone()
}

#[tokio::test(start_paused = true)]
async fn every_retry_and_why_there_is_no_other_is_one_event_that_names_the_function() {
    let times = |attempts| {
        Retry::max_attempts(attempts)
            .backoff(Backoff::fixed(SECOND))
            .jitter(Jitter::None)
    };
    let spent = RetryBudget::for_function("shop").burst(1).per_second(0);
    let cases = [
        (times(2), ["trying again", "it was the last"]),
        (
            times(3).budget(spent),
            ["trying again", "the budget has no retry left"],
        ),
        (
            times(3).deadline(Duration::from_millis(1_500)),
            ["trying again", "the deadline is too close"],
        ),
    ];
    for (retry, expected) in cases {
        let seen = events(retry).await;
        assert_eq!(seen.len(), 2, "{seen:?}");
        for (event, part) in seen.iter().zip(expected) {
            assert!(event.contains(part), "{event}");
            assert!(event.contains("function=\"shop::charge\""), "{event}");
        }
    }
}
