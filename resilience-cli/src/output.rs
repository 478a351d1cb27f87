//! Writing to people, and to programs.

mod paint;
mod table;
mod text;

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
pub(crate) use paint::{Paint, Tone};
pub(crate) use table::{Cell, Table};
pub(crate) use text::{block, line};

/// Standard output, in one of two languages.
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) paint: Paint,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            paint: Paint::for_stdout(),
        }
    }

    /// A line for people. A reader that went away is no failure.
    pub(crate) fn say(&self, text: &str) {
        if !self.json {
            let _ = writeln!(io::stdout(), "{text}");
        }
    }

    /// One value for programs, on a line of its own.
    pub(crate) fn value(&self, value: &impl Serialize) {
        if self.json {
            let text = serde_json::to_string(value).unwrap_or_default();
            let _ = writeln!(io::stdout(), "{}", text::json(&text));
        }
    }

    pub(crate) fn table(&self, table: &Table) {
        if !self.json {
            let _ = write!(io::stdout(), "{}", table.render(self.paint));
        }
    }

    /// On standard error, for programs too.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        if self.json {
            let error = json!({ "error": failure.kind.as_str(), "message": failure.message });
            let _ = writeln!(io::stderr(), "{}", text::json(&error.to_string()));
        } else {
            let _ = writeln!(io::stderr(), "resilience: {}", block(&failure.message));
        }
    }
}
