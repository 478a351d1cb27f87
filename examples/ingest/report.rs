//! What an ingestion came to.

use std::fmt::Write as _;
use std::time::Duration;

use crate::audit::Audit;
use crate::intake::Outcome;
use crate::terminal::Paint;

/// How the files of one run ended.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// In all four stores now.
    pub stored: u64,
    /// There already.
    pub replayed: u64,
    /// Calls of stores that repeated an earlier one.
    pub retried: u64,
    /// Undone: in no store.
    pub compensated: u64,
    /// Half-way, with a dead letter.
    pub dead_lettered: u64,
    /// Begun by an earlier run, and finished by this one.
    pub recovered: u64,
    /// Not begun, or it is not known how they ended.
    pub unsettled: u64,
    /// Older versions that were deleted.
    pub retired: u64,
    /// Older versions that could not be deleted.
    pub left: u64,
    /// Inputs that are not documents.
    pub bad: u64,
    /// Files that nobody would take for documents.
    pub passed_over: u64,
}

impl Tally {
    /// Counts how a file ended. Answers with what is worth saying about it.
    pub fn count(&mut self, outcome: &Outcome) -> Option<String> {
        match outcome {
            Outcome::Stored { retired, left } => {
                self.stored += 1;
                self.retired += retired;
                let left = left.as_ref()?;
                self.left += 1;
                Some(format!(
                    "is stored, and its older version not deleted yet: {left}"
                ))
            }
            Outcome::Replayed => {
                self.replayed += 1;
                None
            }
            Outcome::Compensated(error) => {
                self.compensated += 1;
                Some(format!("is not stored: {error}"))
            }
            Outcome::DeadLettered(error) => {
                self.dead_lettered += 1;
                Some(format!("is in the dead letter queue: {error}"))
            }
            Outcome::Unsettled(error) => {
                self.unsettled += 1;
                Some(format!("is left to the next run: {error}"))
            }
            Outcome::BadInput(error) => {
                self.bad += 1;
                Some(format!("is skipped: it {error}"))
            }
        }
    }

    /// Whether every input became a document in all four stores.
    pub fn is_clean(&self) -> bool {
        self.bad + self.compensated + self.dead_lettered + self.unsettled + self.left == 0
    }

    /// As a table.
    pub fn table(&self, paint: Paint) -> String {
        let rows = [
            ("stored", self.stored, true, "now in all four stores"),
            (
                "replayed",
                self.replayed,
                true,
                "unchanged since an earlier run",
            ),
            (
                "retried",
                self.retried,
                true,
                "calls of a store, made again",
            ),
            (
                "compensated",
                self.compensated,
                false,
                "undone: in no store; run again",
            ),
            (
                "dead-lettered",
                self.dead_lettered,
                false,
                "see `ingest dlq list`",
            ),
            (
                "recovered",
                self.recovered,
                true,
                "begun by an earlier run, finished by this one",
            ),
            ("unsettled", self.unsettled, false, "left to the next run"),
            ("replaced", self.retired, true, "older versions, deleted"),
            (
                "left over",
                self.left,
                false,
                "older versions, deleted by the next run",
            ),
            ("skipped", self.bad, false, "not readable as documents"),
            (
                "passed over",
                self.passed_over,
                true,
                "not documents, by their names",
            ),
        ];
        let mut table = String::new();
        for (name, count, harmless, meaning) in rows {
            // The first six are always told; the others when there is something to tell.
            let always = [
                "stored",
                "replayed",
                "retried",
                "compensated",
                "dead-lettered",
                "recovered",
            ];
            if count == 0 && !always.contains(&name) {
                continue;
            }
            let figure = format!("{count:>9}");
            let figure = match (count, harmless) {
                (0, _) => paint.dim(&figure),
                (_, true) => paint.bold(&figure),
                (_, false) => paint.bad(&figure),
            };
            // Writing into a `String` cannot fail.
            let _ = writeln!(table, "  {name:<14}{figure}  {}", paint.dim(meaning));
        }
        table
    }
}

/// The counts of the four stores, and whether they agree.
pub fn stores(audit: &Audit, agree: bool, paint: Paint) -> String {
    let counts = audit.counts();
    let counts = counts.map(|(name, count)| format!("{name} {count}"));
    let verdict = if agree {
        paint.good("the four stores agree")
    } else {
        paint.bad("the four stores DISAGREE")
    };
    format!("  {}: {verdict}", counts.join(" · "))
}

/// How long it took, and how fast that is.
pub fn speed(tally: &Tally, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let documents = tally.stored + tally.replayed;
    let documents = f64::from(u32::try_from(documents).unwrap_or(u32::MAX));
    format!(
        "  {seconds:.1} s, {:.0} documents/s",
        documents / seconds.max(0.001)
    )
}
