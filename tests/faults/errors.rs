//! What a process logs as an error, in a file.

use std::fmt::{Debug, Write as _};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// From now on every dead letter that this process logs as an error is a line there: the letter alone.
pub(crate) fn write_to(path: &Path) {
    let file = File::options().create(true).append(true).open(path);
    let file = Mutex::new(file.expect("a file"));
    tracing::subscriber::set_global_default(Errors(file)).expect("the only one of this process");
}

/// The dead letters that were written there.
pub(crate) fn read(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a letter in JSON"))
        .collect()
}

struct Errors(Mutex<File>);

struct Letter(String);

impl Visit for Letter {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "letter" {
            self.0.push_str(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "letter" {
            write!(self.0, "{value:?}").expect("a text");
        }
    }
}

impl Subscriber for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut letter = Letter(String::new());
        event.record(&mut letter);
        if !letter.0.is_empty() {
            let mut file = self.0.lock().expect("whole");
            writeln!(file, "{}", letter.0).expect("it is written");
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
