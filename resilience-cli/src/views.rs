//! What programs are shown: the documented shapes of `--json`. Moments are RFC 3339 in UTC, what the journal has as
//! JSON is JSON.

use std::time::Duration;

use resilience_runtime::dlq::{AuditEntry, DeadLetter, DeadLetterId};
use resilience_runtime::saga::journal::{
    Durations, Parking, SagaId, SagaRecord, SagaStatistics, SagaSummary, StepOutcome, StepRecord,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// A letter.
#[derive(Serialize)]
pub(crate) struct LetterView<'a> {
    id: DeadLetterId,
    status: &'static str,
    kind: &'static str,
    priority: &'static str,
    operation: &'a str,
    dependency: Option<&'a str>,
    saga: Option<&'a SagaId>,
    saga_name: Option<&'a str>,
    position: Option<u32>,
    attempts: u32,
    error: &'a str,
    note: Option<&'a str>,
    created_at: String,
    updated_at: String,
    arguments: Value,
    output: Option<Value>,
}

impl<'a> From<&'a DeadLetter> for LetterView<'a> {
    fn from(letter: &'a DeadLetter) -> Self {
        let work = &letter.work;
        Self {
            id: letter.id,
            status: letter.status.as_str(),
            kind: work.kind.as_str(),
            priority: work.priority.as_str(),
            operation: &work.operation,
            dependency: work.dependency.as_deref(),
            saga: letter.saga.as_ref(),
            saga_name: letter.saga_name.as_deref(),
            position: work.position,
            attempts: work.attempts,
            error: &work.error,
            note: letter.note.as_deref(),
            created_at: letter.created_at.to_string(),
            updated_at: letter.updated_at.to_string(),
            arguments: json(&work.arguments),
            output: work.output.as_deref().map(json),
        }
    }
}

/// Something that was done by hand.
#[derive(Serialize)]
pub(crate) struct AuditView<'a> {
    at: String,
    operator: &'a str,
    action: &'a str,
    reason: Option<&'a str>,
    letter: Option<DeadLetterId>,
    saga: Option<&'a SagaId>,
}

impl<'a> From<&'a AuditEntry> for AuditView<'a> {
    fn from(entry: &'a AuditEntry) -> Self {
        Self {
            at: entry.at.to_string(),
            operator: &entry.operator,
            action: &entry.action,
            reason: entry.reason.as_deref(),
            letter: entry.letter,
            saga: entry.saga.as_ref(),
        }
    }
}

/// A saga in a list.
#[derive(Serialize)]
pub(crate) struct SummaryView<'a> {
    id: &'a SagaId,
    name: &'a str,
    version: u32,
    status: &'static str,
    parking: Option<&'static str>,
    steps: u32,
    undone: u32,
    epoch: i64,
    cancelled: bool,
    error: Option<&'a str>,
    parent: Option<&'a SagaId>,
    started_at: String,
    updated_at: String,
}

impl<'a> From<&'a SagaSummary> for SummaryView<'a> {
    fn from(saga: &'a SagaSummary) -> Self {
        Self {
            id: &saga.id,
            name: &saga.name,
            version: saga.version,
            status: saga.status.as_str(),
            parking: saga.parking.map(Parking::as_str),
            steps: saga.steps,
            undone: saga.undone,
            epoch: saga.epoch,
            cancelled: saga.cancelled,
            error: saga.error.as_deref(),
            parent: saga.parent.as_ref(),
            started_at: saga.started_at.to_string(),
            updated_at: saga.updated_at.to_string(),
        }
    }
}

/// A saga with all that is kept.
#[derive(Serialize)]
pub(crate) struct SagaView<'a> {
    id: &'a SagaId,
    name: &'a str,
    version: u32,
    status: &'static str,
    parking: Option<&'static str>,
    epoch: i64,
    interruptions: u32,
    pivoted: bool,
    cancelled: bool,
    input: Value,
    output: Option<Value>,
    error: Option<&'a str>,
    failure: Option<Value>,
    parent: Option<&'a SagaId>,
    started_at: String,
    updated_at: String,
    deadline: Option<String>,
    steps: Vec<StepView<'a>>,
    letters: Vec<LetterView<'a>>,
    audit: Vec<AuditView<'a>>,
}

#[derive(Serialize)]
struct StepView<'a> {
    position: u32,
    step: &'a str,
    occurrence: u32,
    outcome: StepOutcome,
    undone: bool,
    compensation: Option<&'a str>,
    arguments: Value,
    output: Option<Value>,
    written_at: Option<String>,
}

impl<'a> SagaView<'a> {
    pub(crate) fn new(
        saga: &'a SagaRecord,
        letters: &'a [DeadLetter],
        audit: &'a [AuditEntry],
    ) -> Self {
        Self {
            id: &saga.id,
            name: &saga.name,
            version: saga.version,
            status: saga.status.as_str(),
            parking: saga.parking.map(Parking::as_str),
            epoch: saga.epoch,
            interruptions: saga.interruptions,
            pivoted: saga.pivoted,
            cancelled: saga.cancelled,
            input: json(&saga.input),
            output: saga.output.as_deref().map(json),
            error: saga.error.as_deref(),
            failure: saga.failure.as_deref().map(json),
            parent: saga.parent.as_ref(),
            started_at: saga.started_at.to_string(),
            updated_at: saga.updated_at.to_string(),
            deadline: saga.deadline.map(|it| it.to_string()),
            steps: saga.steps.iter().map(step).collect(),
            letters: letters.iter().map(LetterView::from).collect(),
            audit: audit.iter().map(AuditView::from).collect(),
        }
    }
}

fn step(step: &StepRecord) -> StepView<'_> {
    StepView {
        position: step.position,
        step: &step.step,
        occurrence: step.occurrence,
        outcome: step.outcome,
        undone: step.undone,
        compensation: step.compensation.as_deref(),
        arguments: json(&step.arguments),
        output: step.output.as_deref().map(json),
        written_at: step.written_at.map(|it| it.to_string()),
    }
}

/// The sagas of one name.
#[derive(Serialize)]
pub(crate) struct StatisticsView<'a> {
    name: &'a str,
    counts: Value,
    completed_seconds: Option<DurationsView>,
}

#[derive(Serialize)]
struct DurationsView {
    min: f64,
    mean: f64,
    p95: f64,
    max: f64,
}

impl<'a> From<&'a SagaStatistics> for StatisticsView<'a> {
    fn from(of_name: &'a SagaStatistics) -> Self {
        let counts = of_name.counts.iter();
        let seconds = |durations: Durations| DurationsView {
            min: durations.min.as_secs_f64(),
            mean: durations.mean.as_secs_f64(),
            p95: durations.p95.as_secs_f64(),
            max: durations.max.as_secs_f64(),
        };
        Self {
            name: &of_name.name,
            counts: object(counts.map(|(status, count)| (status.as_str(), *count))),
            completed_seconds: of_name.completed.map(seconds),
        }
    }
}

/// Numbers by their names.
pub(crate) fn object<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> Value {
    let counts = counts.map(|(name, count)| (name.to_owned(), Value::from(count)));
    Value::Object(counts.collect::<Map<_, _>>())
}

/// What was kept as JSON. A copy that was cut is not JSON any more, and stays the text that it is.
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// A duration for people.
pub(crate) fn rounded(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match duration.as_millis() {
        0..1_000 => format!("{:.0} ms", seconds * 1e3),
        1_000..120_000 => format!("{seconds:.1} s"),
        _ => format!("{:.1} min", seconds / 60.0),
    }
}
