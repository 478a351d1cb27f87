//! A write, ready for the writer.

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use tokio::sync::oneshot;

use super::failure::Failure;
use super::statements::Part;
use super::wakes::Subject;

/// A write, as the changes that it adds to a batch. It is encoded by the task that asks for it, so
/// that the one writer has little left to do.
#[derive(Debug)]
pub(super) struct Operation {
    /// What it does, for errors.
    pub(super) doing: &'static str,
    /// The part that answers it, and the subject by which its rows are known.
    pub(super) answered_by: (Part, String),
    /// What it touches. Two operations of one batch touch nothing in common.
    pub(super) touches: Vec<String>,
    /// One element for the JSON array of each part.
    pub(super) changes: Vec<(Part, String)>,
    /// Why it cannot be written at all.
    pub(super) malformed: Option<serde_json::Error>,
}

impl Operation {
    /// An operation without changes.
    pub(super) fn new(doing: &'static str, part: Part, subject: impl Into<String>) -> Self {
        Self {
            doing,
            answered_by: (part, subject.into()),
            touches: Vec::new(),
            changes: Vec::new(),
            malformed: None,
        }
    }

    /// Adds something that it touches; `kind` keeps the ids of different tables apart.
    pub(super) fn touching(mut self, kind: &str, id: &str) -> Self {
        self.touches.push(format!("{kind} {id}"));
        self
    }

    /// Adds a change, a tuple of what the SQL of the part reads.
    pub(super) fn with(mut self, part: Part, change: &impl Serialize) -> Self {
        match serde_json::to_string(change) {
            Ok(change) => self.changes.push((part, change)),
            Err(error) => self.malformed = Some(error),
        }
        self
    }

    /// Who may be waiting for what it did, once it is committed; `rows` answer it.
    pub(super) fn awaited(&self, rows: &[SqliteRow]) -> Option<Subject> {
        let (part, key) = &self.answered_by;
        match part {
            Part::Complete | Part::Release => Some(Subject::Record(key.clone())),
            Part::Unlock => {
                let next: Option<String> = rows.first()?.try_get(2).ok()?;
                next.map(|nonce| Subject::Turn(key.clone(), nonce))
            }
            _ => None,
        }
    }

    /// How much text it brings.
    pub(super) fn bytes(&self) -> usize {
        self.changes.iter().map(|(_, change)| change.len()).sum()
    }
}

/// An operation with the place that its answer goes to.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) operation: Operation,
    pub(super) answer: oneshot::Sender<Result<Vec<SqliteRow>, Failure>>,
}

/// Text that comes back as it was, whatever is in it: with a NUL character, as the digits of its bytes.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Exact<'a> {
    Text(&'a str),
    Bytes { hex: String },
}

/// See [`Exact`].
pub(super) fn exact(text: &str) -> Exact<'_> {
    if text.contains('\0') {
        let digits = text.bytes().map(|byte| format!("{byte:02x}"));
        Exact::Bytes {
            hex: digits.collect(),
        }
    } else {
        Exact::Text(text)
    }
}
