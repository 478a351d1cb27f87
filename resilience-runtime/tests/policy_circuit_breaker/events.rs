//! What the log says of a breaker.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, CircuitState};
use tokio::time::advance;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::support::{FAILURES, OPEN_FOR, PERMITS, breaker, fail, rejected_for, succeed};

/// Writes down every event, and the state that the breaker is in when it is heard of.
struct Log {
    breaker: &'static CircuitBreaker,
    entries: Arc<Mutex<Vec<(Level, String, CircuitState)>>>,
    /// What the entries say beside that, in their order.
    fields: Arc<Mutex<Vec<BTreeMap<&'static str, String>>>>,
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
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
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.remove("message").unwrap_or_default();
        // Asks the breaker, which would wait for ever if the event came from under its lock.
        let entry = (*event.metadata().level(), message, self.breaker.state());
        self.entries.lock().unwrap().push(entry);
        self.fields.lock().unwrap().push(fields.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn every_change_of_state_and_every_rejection_is_one_event_after_the_fact() {
    let breaker = breaker();
    let entries = Arc::new(Mutex::new(Vec::new()));
    let fields = Arc::default();
    let log = || Log {
        breaker,
        entries: Arc::clone(&entries),
        fields: Arc::clone(&fields),
    };
    // With one subscriber `tracing` asks the thread that meets an event first whether anybody
    // listens, which may be another test's; with two it asks them all.
    let _another = tracing::Dispatch::new(log());
    let _logging = tracing::subscriber::set_default(log());
    for _ in 0..FAILURES {
        let _ = fail(breaker).await;
    }
    advance(OPEN_FOR / 4).await;
    assert!(rejected_for(breaker).await.is_some());
    advance(OPEN_FOR).await;
    for _ in 0..PERMITS + 5 {
        assert!(succeed(breaker).await.is_ok());
    }
    let seen = entries.lock().unwrap().clone();
    let expected = [
        (Level::WARN, "circuit breaker opened", CircuitState::Open),
        (
            Level::DEBUG,
            "rejected by a circuit breaker",
            CircuitState::Open,
        ),
        (
            Level::INFO,
            "circuit breaker half-open, probing",
            CircuitState::HalfOpen,
        ),
        (Level::INFO, "circuit breaker closed", CircuitState::Closed),
    ]
    .map(|(level, text, state)| (level, text.to_owned(), state));
    assert_eq!(seen, expected);
    let rejection = fields.lock().unwrap()[1].clone();
    let expected = BTreeMap::from([
        ("breaker", "\"shop::reserve\"".to_owned()),
        ("function", "\"shop::reserve\"".to_owned()),
        ("retry_after", "7.5s".to_owned()),
    ]);
    assert_eq!(rejection, expected);
}
