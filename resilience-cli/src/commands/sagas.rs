//! `resilience sagas`.

mod requests;

use resilience_runtime::dlq::LetterFilter;
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::{
    SagaCursor, SagaFilter, SagaId, SagaRecord, Status, StepOutcome,
};

use super::shown;
use crate::arguments::Sagas;
use crate::failure::{Failure, FailureKind};
use crate::output::{Cell, Output, Table, Tone};
use crate::store;
use crate::times::age;
use crate::views::{SagaView, StatisticsView, SummaryView, rounded};

/// How many letters of one saga are shown.
const LETTERS: u32 = 1000;

pub(crate) async fn run(url: &str, command: Sagas, output: &Output) -> Result<(), Failure> {
    let runtime = store::open(url).await?;
    let done = match command {
        Sagas::List {
            filters,
            limit,
            after,
        } => list(&runtime, filters.filter(), after, limit, output).await,
        Sagas::Show { id } => show(&runtime, id, output).await,
        Sagas::Cancel {
            id,
            because,
            who,
            waiting,
        } => {
            let by = who.operator(because.as_deref());
            requests::cancel(&runtime, id, by, &waiting, output).await
        }
        Sagas::Compensate {
            id,
            because,
            who,
            waiting,
        } => {
            let by = who.operator(because.as_deref());
            requests::compensate(&runtime, id, by, &waiting, output).await
        }
        Sagas::Stats => stats(&runtime, output).await,
    };
    runtime.shutdown().await;
    done
}

async fn list(
    runtime: &Runtime,
    filter: SagaFilter,
    after: Option<String>,
    limit: u32,
    output: &Output,
) -> Result<(), Failure> {
    let after = match after {
        Some(id) => {
            let record = get(runtime, id).await?;
            Some(SagaCursor {
                started_at: record.started_at,
                id: record.id,
            })
        }
        None => None,
    };
    let sagas = runtime.sagas().list(filter, after, limit).await?;
    output.value(&sagas.iter().map(SummaryView::from).collect::<Vec<_>>());
    if sagas.is_empty() {
        shown::nothing(output, "no sagas");
        return Ok(());
    }
    let mut table = Table::new(&[
        "ID", "NAME", "STATUS", "STEPS", "UNDONE", "STARTED", "ERROR",
    ]);
    for saga in &sagas {
        let mut status = saga.status.as_str().to_owned();
        if let Some(parking) = saga.parking {
            status = format!("{status} ({})", parking.as_str());
        } else if saga.cancelled && saga.status.is_unfinished() {
            status.push_str(" (cancelled)");
        }
        table.row(vec![
            Cell::new(saga.id.as_str()),
            Cell::new(named(&saga.name, saga.version)),
            Cell::new(status).tone(shown::saga_tone(saga.status)),
            Cell::new(saga.steps.to_string()),
            Cell::new(saga.undone.to_string()),
            Cell::new(format!("{} ago", age(saga.started_at))),
            Cell::maybe(saga.error.as_deref().filter(|it| !it.is_empty())),
        ]);
    }
    output.table(&table);
    if sagas.len() == usize::try_from(limit).unwrap_or(usize::MAX)
        && let Some(last) = sagas.last()
    {
        shown::nothing(output, &format!("more with --after {}", last.id));
    }
    Ok(())
}

async fn show(runtime: &Runtime, id: String, output: &Output) -> Result<(), Failure> {
    let saga = get(runtime, id).await?;
    let of_saga = LetterFilter {
        saga: Some(saga.id.clone()),
        ..LetterFilter::default()
    };
    let letters = runtime.dead_letters().list(of_saga, None, LETTERS).await?;
    let audit = runtime.sagas().audit(&saga.id).await?;
    output.value(&SagaView::new(&saga, &letters, &audit));

    let field = |name: &str, value: &str| shown::field(output, name, value);
    field("saga", saga.id.as_str());
    field("name", &named(&saga.name, saga.version));
    let tone = shown::saga_tone(saga.status);
    shown::toned(output, "status", saga.status.as_str(), tone);
    if let Some(parking) = saga.parking {
        field("parked for", parking.as_str());
    }
    field("started", &shown::moment(saga.started_at));
    field("changed", &shown::moment(saga.updated_at));
    let is_unfinished = saga.status.is_unfinished();
    if let Some(deadline) = saga.deadline.filter(|_| is_unfinished) {
        field("deadline", &crate::times::shown(deadline));
    }
    let mut marks = vec![format!("epoch {}", saga.epoch)];
    if saga.interruptions > 0 {
        marks.push(format!("interrupted {} times in a row", saga.interruptions));
    }
    if saga.pivoted {
        marks.push("past a pivot".to_owned());
    }
    if saga.cancelled && is_unfinished {
        marks.push("to be cancelled".to_owned());
    }
    field("", &marks.join(", "));
    if let Some(parent) = &saga.parent {
        field("called by", parent.as_str());
    }
    field("input", &saga.input);
    for (name, value) in [
        ("output", &saga.output),
        ("error", &saga.error),
        ("its form", &saga.failure),
    ] {
        if let Some(value) = value {
            field(name, value);
        }
    }
    steps(&saga, output);
    if !letters.is_empty() {
        shown::heading(output, "dead letters");
        output.table(&super::dlq::table(&letters));
    }
    shown::audit(output, &audit);
    Ok(())
}

fn steps(saga: &SagaRecord, output: &Output) {
    shown::heading(output, "steps");
    if saga.steps.is_empty() {
        shown::nothing(output, "none came out");
        return;
    }
    let mut table = Table::new(&[
        "#",
        "STEP",
        "CALL",
        "OUTCOME",
        "UNDOING",
        "ARGUMENTS",
        "OUTPUT",
    ]);
    for step in &saga.steps {
        let tone = match step.outcome {
            StepOutcome::Done => Tone::Good,
            StepOutcome::Failed => Tone::Bad,
            StepOutcome::InDoubt => Tone::Careful,
        };
        let undoing = match (&step.compensation, step.undone) {
            (_, true) => "undone",
            // Nothing waits to be undone.
            (Some(function), false) if saga.status == Status::Completed => {
                &format!("by {function}")
            }
            (Some(function), false) => function,
            (None, false) => "nothing to undo",
        };
        table.row(vec![
            Cell::new(step.position.to_string()),
            Cell::new(&step.step),
            Cell::new((step.occurrence + 1).to_string()),
            Cell::new(step.outcome.as_str()).tone(tone),
            Cell::new(undoing),
            Cell::new(&step.arguments),
            Cell::maybe(step.output.as_deref()),
        ]);
    }
    output.table(&table);
}

async fn stats(runtime: &Runtime, output: &Output) -> Result<(), Failure> {
    let names = runtime.sagas().statistics().await?;
    output.value(&names.iter().map(StatisticsView::from).collect::<Vec<_>>());
    if names.is_empty() {
        shown::nothing(output, "no sagas");
        return Ok(());
    }
    let mut table = Table::new(&["NAME", "STATUS", "COUNT", "MIN", "MEAN", "P95", "MAX"]);
    for of_name in &names {
        for (status, count) in &of_name.counts {
            let is_completed = *status == Status::Completed;
            let took = of_name.completed.filter(|_| is_completed);
            let mut row = vec![
                Cell::new(&of_name.name),
                Cell::new(status.as_str()).tone(shown::saga_tone(*status)),
                Cell::new(count.to_string()),
            ];
            for duration in [
                took.map(|it| it.min),
                took.map(|it| it.mean),
                took.map(|it| it.p95),
                took.map(|it| it.max),
            ] {
                row.push(Cell::maybe(duration.map(rounded)));
            }
            table.row(row);
        }
    }
    output.table(&table);
    Ok(())
}

/// The name, with a version that is not the first.
fn named(name: &str, version: u32) -> String {
    match version {
        1 => name.to_owned(),
        version => format!("{name} v{version}"),
    }
}

async fn get(runtime: &Runtime, id: String) -> Result<SagaRecord, Failure> {
    let id = SagaId::from_stored(id);
    let record = runtime.sagas().get(&id).await?;
    record.ok_or_else(|| not_found(&id))
}

fn not_found(id: &SagaId) -> Failure {
    Failure::new(FailureKind::NotFound, format!("there is no saga {id}"))
}
