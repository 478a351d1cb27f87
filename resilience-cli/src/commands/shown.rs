//! How letters, sagas and what was done by hand are shown to people.

use resilience_runtime::dlq::{AuditEntry, DeadLetterStatus, Priority};
use resilience_runtime::saga::journal::Status;
use resilience_runtime::timestamp::Timestamp;

use crate::output::{Cell, Output, Table, Tone, block, line};
use crate::times::{distance, shown};

/// A letter's status, in its colour.
pub(super) fn letter_status(status: DeadLetterStatus) -> Cell {
    let tone = match status {
        DeadLetterStatus::Open => Tone::Bad,
        DeadLetterStatus::Retrying => Tone::Careful,
        DeadLetterStatus::Settled | DeadLetterStatus::Resolved => Tone::Good,
        DeadLetterStatus::Discarded => Tone::Weak,
        _ => Tone::Plain,
    };
    Cell::new(status.as_str()).tone(tone)
}

/// A priority, in its colour.
pub(super) fn priority(priority: Priority) -> Cell {
    let tone = match priority {
        Priority::Low => Tone::Weak,
        Priority::Normal => Tone::Plain,
        Priority::High => Tone::Careful,
        Priority::Critical => Tone::Bad,
    };
    Cell::new(priority.as_str()).tone(tone)
}

/// A saga's status, in its colour.
pub(super) fn saga_tone(status: Status) -> Tone {
    match status {
        Status::Running | Status::Compensating => Tone::Careful,
        Status::Completed => Tone::Good,
        Status::CompensationFailed | Status::Parked => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// A line `name   value`; further lines of the value stand below its first one.
pub(super) fn field(output: &Output, name: &str, value: &str) {
    toned(output, name, value, Tone::Plain);
}

/// The same, coloured.
pub(super) fn toned(output: &Output, name: &str, value: &str, tone: Tone) {
    const INDENT: usize = 14;
    let below = format!("\n{}", " ".repeat(INDENT));
    let value = block(value).replace('\n', &below);
    let padded = format!("{name:<INDENT$}");
    output.say(&format!(
        "{}{}",
        output.paint.paint(Tone::Weak, &padded),
        output.paint.paint(tone, &value)
    ));
}

/// A heading between parts.
pub(super) fn heading(output: &Output, text: &str) {
    output.say("");
    output.say(&output.paint.paint(Tone::Strong, text));
}

/// What was done by hand.
pub(super) fn audit(output: &Output, entries: &[AuditEntry], now: Timestamp) {
    if entries.is_empty() {
        return;
    }
    heading(output, "done by hand");
    let mut table = Table::new(&["AT", "WHO", "ACTION", "LETTER", "WHY"]);
    for entry in entries {
        table.row(vec![
            Cell::new(moment(entry.at, now)),
            Cell::new(&entry.operator),
            Cell::new(&entry.action),
            Cell::maybe(entry.letter.map(|it| it.to_string())),
            Cell::maybe(entry.reason.as_deref()),
        ]);
    }
    output.table(&table);
}

/// A moment, and how far away it is.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", shown(at), distance(at, now))
}

/// `(none)` where a list is empty.
pub(super) fn nothing(output: &Output, what: &str) {
    output.say(&output.paint.paint(Tone::Weak, &line(what)));
}
