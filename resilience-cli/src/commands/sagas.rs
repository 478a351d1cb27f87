//! `resilience sagas`.

mod requests;

use resilience_runtime::dlq::DeadLetterFilter;
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::{SagaCursor, SagaRecord, Status, StepOutcome, StepRecord};
use resilience_runtime::timestamp::Timestamp;

use super::dlq::Columns;
use super::{named, shown};
use crate::arguments::{Direction, SagaFilters, Sagas};
use crate::failure::Failure;
use crate::output::{Cell, Output, Table, Tone};
use crate::store;
use crate::times::distance;
use crate::views::{SagaView, StatisticsView, SummaryView, rounded};

/// How many letters of one saga are shown.
const LETTERS: u32 = 1000;

pub(crate) async fn run(url: &str, command: Sagas, output: &Output) -> Result<(), Failure> {
    let runtime = store::open(url).await?;
    let done = match command {
        Sagas::List {
            filters,
            direction,
            limit,
            after,
        } => {
            let page = Page {
                direction,
                limit,
                after,
            };
            list(&runtime, filters, page, output).await
        }
        Sagas::Show { id } => show(&runtime, &id, output).await,
        Sagas::Cancel {
            id,
            because,
            who,
            waiting,
        } => {
            let by = who.operator(because.as_deref());
            requests::cancel(&runtime, &id, by, &waiting, output).await
        }
        Sagas::Compensate {
            id,
            because,
            who,
            waiting,
        } => {
            let by = who.operator(because.as_deref());
            requests::compensate(&runtime, &id, by, &waiting, output).await
        }
        Sagas::Park { id, because, who } => {
            let by = who.operator(Some(&because));
            requests::park(&runtime, &id, by, output).await
        }
        Sagas::Stats => stats(&runtime, output).await,
    };
    runtime.shutdown().await;
    done
}

/// What of a list is shown.
struct Page {
    direction: Direction,
    limit: u32,
    after: Option<String>,
}

async fn list(
    runtime: &Runtime,
    filters: SagaFilters,
    page: Page,
    output: &Output,
) -> Result<(), Failure> {
    let now = runtime.store_time().await?;
    let parent = named::id_if_any(runtime, filters.parent.as_deref()).await?;
    let filter = filters.filter(parent, page.direction.order(), now);
    let limit = page.limit;
    let after = match page.after {
        Some(id) => {
            let record = named::saga(runtime, &id).await?;
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
            Cell::new(named::short(&saga.name, saga.version)),
            Cell::new(status).tone(shown::saga_tone(saga.status)),
            Cell::new(saga.steps.to_string()),
            Cell::new(saga.undone.to_string()),
            Cell::new(distance(saga.started_at, now)),
            Cell::maybe(saga.error.as_deref().filter(|it| !it.is_empty())),
        ]);
    }
    output.table(&table);
    if sagas.len() == usize::try_from(limit).unwrap_or(usize::MAX)
        && let Some(last) = sagas.last()
    {
        let direction = page.direction.option();
        shown::nothing(output, &format!("more with --after {}{direction}", last.id));
    }
    Ok(())
}

async fn show(runtime: &Runtime, id: &str, output: &Output) -> Result<(), Failure> {
    let saga = named::saga(runtime, id).await?;
    let now = saga.read_at;
    let of_saga = DeadLetterFilter {
        saga: Some(saga.id.clone()),
        ..DeadLetterFilter::default()
    };
    let letters = runtime.dead_letters().list(of_saga, None, LETTERS).await?;
    let audit = runtime.sagas().audit(&saga.id).await?;
    output.value(&SagaView::new(&saga, &letters, &audit));

    let field = |name: &str, value: &str| shown::field(output, name, value);
    field("saga", saga.id.as_str());
    field("name", &saga.name);
    field("version", &saga.version.to_string());
    let tone = shown::saga_tone(saga.status);
    shown::toned(output, "status", saga.status.as_str(), tone);
    if let Some(parking) = saga.parking {
        field("parked for", parking.as_str());
    }
    field("started", &shown::moment(saga.started_at, now));
    field("changed", &shown::moment(saga.updated_at, now));
    let is_unfinished = saga.status.is_unfinished();
    if let Some(deadline) = saga.deadline.filter(|_| is_unfinished) {
        field("deadline", &shown::moment(deadline, now));
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
        ("error as JSON", &saga.failure),
    ] {
        if let Some(value) = value {
            field(name, value);
        }
    }
    steps(&saga, output);
    if !letters.is_empty() {
        shown::heading(output, "dead letters");
        output.table(&super::dlq::table(&letters, Columns::WithoutSaga, now));
    }
    shown::audit(output, &audit, now);
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
        "WHEN",
        "ARGUMENTS",
        "OUTPUT",
    ]);
    for step in &saga.steps {
        let tone = match step.outcome {
            StepOutcome::Done => Tone::Good,
            StepOutcome::Failed => Tone::Bad,
            StepOutcome::InDoubt => Tone::Careful,
            _ => Tone::Plain,
        };
        let undoing = match (&step.compensation, step.undone) {
            (_, true) => "undone",
            // Nothing waits to be undone.
            (Some(function), false) if saga.status == Status::Completed => {
                &format!("by {function}")
            }
            // Somebody has seen to it by hand, or nobody has.
            (Some(_), false) if saga.status == Status::Resolved => "not undone",
            (Some(function), false) => function,
            (None, false) => "nothing to undo",
        };
        table.row(vec![
            Cell::new(step.position.to_string()),
            Cell::new(&step.step),
            Cell::new((step.occurrence + 1).to_string()),
            Cell::new(step.outcome.as_str()).tone(tone),
            Cell::new(undoing),
            Cell::maybe(step.written_at.map(|at| distance(at, saga.read_at))),
            Cell::new(&step.arguments),
            Cell::maybe(came_to(step, saga.read_at)),
        ]);
    }
    output.table(&table);
}

/// The output of a step. Of the steps that are moments, the moment.
fn came_to(step: &StepRecord, now: Timestamp) -> Option<String> {
    let output = step.output.as_deref()?;
    let moment = || {
        let micros = output.parse().ok()?;
        Some(shown::moment(Timestamp::from_micros(micros), now))
    };
    let moment = match step.step.as_str() {
        "saga::sleep" => moment().map(|until| format!("until {until}")),
        "saga::now" => moment(),
        _ => None,
    };
    Some(moment.unwrap_or_else(|| output.to_owned()))
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
