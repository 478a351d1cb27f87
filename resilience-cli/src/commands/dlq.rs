//! `resilience dlq`.

mod actions;
mod dry_run;
mod retry;

use resilience_runtime::dlq::{DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterStatus};
use resilience_runtime::runtime::Runtime;
use resilience_runtime::timestamp::Timestamp;
use serde_json::{Value, json};

use super::{named, shown};
use crate::arguments::{Direction, Dlq, LetterFilters};
use crate::failure::{Failure, FailureKind};
use crate::output::{Cell, Output, Table, Tone};
use crate::store;
use crate::times::distance;
use crate::views::{AuditView, LetterView, object};

pub(crate) async fn run(url: &str, command: Dlq, output: &Output) -> Result<(), Failure> {
    let runtime = store::open(url).await?;
    let done = match command {
        Dlq::List {
            filters,
            mut status,
            all,
            direction,
            limit,
            after,
        } => {
            if status.is_empty() && !all {
                status = DeadLetterFilter::unresolved().statuses;
            }
            let page = Page {
                statuses: status,
                direction,
                limit,
                after,
            };
            list(&runtime, filters, page, output).await
        }
        Dlq::Show { id } => show(&runtime, id, output).await,
        Dlq::Retry {
            ids,
            way,
            because,
            many,
            who,
            waiting,
        } => {
            let by = who.operator(because.as_deref());
            if many.all {
                retry::all(&runtime, many, way.into(), by, output).await
            } else {
                retry::each(&runtime, &ids, way.into(), &by, &waiting, output).await
            }
        }
        Dlq::Resolve { ids, note, who } => {
            let by = who.operator(Some(&note));
            actions::resolve(&runtime, &ids, &note, &by, output).await
        }
        Dlq::Discard { ids, because, who } => {
            let by = who.operator(because.as_deref());
            actions::discard(&runtime, &ids, &by, output).await
        }
        Dlq::Stats => stats(&runtime, output).await,
    };
    runtime.shutdown().await;
    done
}

/// What of a list is shown.
struct Page {
    statuses: Vec<DeadLetterStatus>,
    direction: Direction,
    limit: u32,
    after: Option<DeadLetterId>,
}

/// What the options mean now.
async fn filter(
    runtime: &Runtime,
    filters: LetterFilters,
    now: Timestamp,
) -> Result<DeadLetterFilter, Failure> {
    let saga = named::id_if_any(runtime, filters.saga.as_deref()).await?;
    Ok(filters.filter(saga, now))
}

async fn list(
    runtime: &Runtime,
    filters: LetterFilters,
    page: Page,
    output: &Output,
) -> Result<(), Failure> {
    let now = runtime.store_time().await?;
    let filter = DeadLetterFilter {
        statuses: page.statuses,
        order: page.direction.order(),
        ..filter(runtime, filters, now).await?
    };
    let (after, limit) = (page.after, page.limit);
    let letters = runtime.dead_letters().list(filter, after, limit).await?;
    output.value(&letters.iter().map(LetterView::from).collect::<Vec<_>>());
    if letters.is_empty() {
        shown::nothing(output, "no dead letters");
        return Ok(());
    }
    output.table(&table(&letters, Columns::All, now));
    if letters.len() == usize::try_from(limit).unwrap_or(usize::MAX)
        && let Some(last) = letters.last()
    {
        let direction = page.direction.option();
        shown::nothing(output, &format!("more with --after {}{direction}", last.id));
    }
    Ok(())
}

/// What is said of letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    All,
    /// Where they are of one saga.
    WithoutSaga,
}

/// Letters, a line each.
pub(super) fn table(letters: &[DeadLetter], columns: Columns, now: Timestamp) -> Table {
    let mut names = vec!["ID", "STATUS", "PRIORITY", "KIND", "SAGA", "OPERATION"];
    names.extend(["DEPENDENCY", "TRIES", "WRITTEN", "ERROR"]);
    names.retain(|name| columns == Columns::All || *name != "SAGA");
    let mut table = Table::new(&names);
    for letter in letters {
        let work = &letter.work;
        let mut row = vec![
            Cell::new(letter.id.to_string()).tone(Tone::Strong),
            shown::letter_status(letter.status),
            shown::priority(work.priority),
            Cell::new(work.kind.as_str()),
        ];
        if columns == Columns::All {
            row.push(Cell::maybe(letter.saga_name.as_deref()));
        }
        row.extend([
            Cell::new(&work.operation),
            Cell::maybe(work.dependency.as_deref()),
            Cell::new(work.attempts.to_string()),
            Cell::new(distance(letter.created_at, now)),
            Cell::maybe(Some(&work.error).filter(|it| !it.is_empty())),
        ]);
        table.row(row);
    }
    table
}

async fn show(runtime: &Runtime, id: DeadLetterId, output: &Output) -> Result<(), Failure> {
    let letters = runtime.dead_letters();
    let letter = letters.get(id).await?.ok_or_else(|| {
        Failure::new(
            FailureKind::NotFound,
            format!("there is no dead letter {id}"),
        )
    })?;
    let audit = letters.audit(id).await?;
    let mut value = json!(LetterView::from(&letter));
    if let Value::Object(fields) = &mut value {
        let audit: Vec<_> = audit.iter().map(AuditView::from).collect();
        fields.insert("audit".to_owned(), json!(audit));
    }
    output.value(&value);

    let work = &letter.work;
    let field = |name: &str, value: &str| shown::field(output, name, value);
    field("letter", &letter.id.to_string());
    let now = runtime.store_time().await?;
    let saga = match &letter.saga {
        Some(id) => runtime.sagas().get(id).await?,
        None => None,
    };
    let mut status = letter.status.as_str().to_owned();
    if letter.status == DeadLetterStatus::Retrying
        && let Some(saga) = &saga
    {
        status.push_str(match saga.status.is_dead() {
            true => ": a retry was requested, and nobody has taken it up yet",
            false => ": somebody is retrying it now",
        });
    }
    field("status", &status);
    field(
        "kind",
        &format!(
            "{}, priority {}",
            work.kind.as_str(),
            work.priority.as_str()
        ),
    );
    field("operation", &work.operation);
    if let Some(dependency) = &work.dependency {
        field("dependency", dependency);
    }
    if let Some(saga) = saga {
        let (name, version, status) = (saga.name, saga.version, saga.status.as_str());
        field(
            "saga",
            &format!("{} ({name}, version {version}, {status})", saga.id),
        );
    }
    if let Some(position) = work.position {
        field("step", &format!("at position {position}"));
    }
    field("tries", &work.attempts.to_string());
    field("written", &shown::moment(letter.created_at, now));
    field("changed", &shown::moment(letter.updated_at, now));
    field("arguments", &work.arguments);
    if let Some(out) = &work.output {
        field("output", out);
    }
    field("error", &work.error);
    if let Some(note) = &letter.note {
        field("note", note);
    }
    shown::audit(output, &audit, now);
    Ok(())
}

async fn stats(runtime: &Runtime, output: &Output) -> Result<(), Failure> {
    let stats = runtime.dead_letters().statistics().await?;
    let by_name =
        |counts: &[(String, u64)]| object(counts.iter().map(|(name, n)| (name.as_str(), *n)));
    let by_status = stats.counts.iter().map(|(status, n)| (status.as_str(), *n));
    let by_priority = stats.by_priority.iter().map(|(it, n)| (it.as_str(), *n));
    output.value(&json!({
        "counts": object(by_status.clone()),
        "unresolved": {
            "by_operation": by_name(&stats.by_operation),
            "by_dependency": by_name(&stats.by_dependency),
            "by_priority": object(by_priority.clone()),
            "oldest": stats.oldest.map(|it| it.to_string()),
        },
    }));
    if stats.counts.is_empty() {
        shown::nothing(output, "no dead letters");
        return Ok(());
    }
    let mut table = Table::new(&["OF", "WHICH", "COUNT"]);
    let mut row = |of: &str, which: &str, count: u64| {
        table.row(vec![
            Cell::new(of).tone(Tone::Weak),
            Cell::new(which),
            Cell::new(count.to_string()),
        ]);
    };
    for (status, count) in by_status {
        row("status", status, count);
    }
    for (priority, count) in by_priority {
        row("unresolved, priority", priority, count);
    }
    for (name, count) in &stats.by_operation {
        row("unresolved, operation", name, *count);
    }
    for (name, count) in &stats.by_dependency {
        row("unresolved, dependency", name, *count);
    }
    output.table(&table);
    if let Some(oldest) = stats.oldest {
        output.say(&format!(
            "the oldest unresolved one was written {}",
            shown::moment(oldest, runtime.store_time().await?)
        ));
    }
    Ok(())
}
