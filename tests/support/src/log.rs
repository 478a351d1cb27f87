//! What the crate under test logs.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// The events of this crate on a thread that [listens](Log::listen). A clone is the same log.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Logged>>>);

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// How bad it is.
    pub level: Level,
    /// Its fields in their order: `message=… name="value"`.
    pub text: String,
}

/// Until it is dropped, what this thread logs is in the log.
#[must_use = "dropped, it listens no more"]
pub struct Listening {
    _default: DefaultGuard,
    // With one subscriber `tracing` asks the thread that meets an event first whether anybody listens, which may be another
    // test's; with two it asks them all.
    _another: Dispatch,
}

impl Log {
    /// Listens on this thread.
    pub fn listen(&self) -> Listening {
        let recorder = || Recorder(self.clone());
        Listening {
            _another: Dispatch::new(recorder()),
            _default: tracing::subscriber::set_default(recorder()),
        }
    }

    /// All events, in their order.
    pub fn entries(&self) -> Vec<Logged> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The texts of the events of this level, or a worse one, that contain `part`.
    pub fn texts(&self, level: Level, part: &str) -> Vec<String> {
        let entries = self.entries().into_iter();
        let entries = entries.filter(|it| it.level <= level && it.text.contains(part));
        entries.map(|it| it.text).collect()
    }
}

struct Recorder(Log);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let separator = if self.0.is_empty() { "" } else { " " };
        write!(self.0, "{separator}{field}={value:?}").expect("a text takes all");
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("resilience")
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        let entry = Logged {
            level: *event.metadata().level(),
            text: fields.0,
        };
        let mut entries = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(entry);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
