//! `resilience dlq`.

mod actions;
mod retry;

use resilience_runtime::dlq::{DeadLetter, DeadLetterId, DeadLetterStatus, LetterFilter};
use resilience_runtime::runtime::Runtime;
use serde_json::{Value, json};

use super::shown;
use crate::arguments::Dlq;
use crate::failure::{Failure, FailureKind};
use crate::output::{Cell, Output, Table, Tone};
use crate::store;
use crate::times::age;
use crate::views::{AuditView, LetterView, object};

pub(crate) async fn run(url: &str, command: Dlq, output: &Output) -> Result<(), Failure> {
    let runtime = store::open(url).await?;
    let done = match command {
        Dlq::List {
            filters,
            mut status,
            all,
            limit,
            after,
        } => {
            if status.is_empty() && !all {
                status = vec![DeadLetterStatus::Open, DeadLetterStatus::Retrying];
            }
            list(&runtime, filters.filter(status), after, limit, output).await
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

async fn list(
    runtime: &Runtime,
    filter: LetterFilter,
    after: Option<DeadLetterId>,
    limit: u32,
    output: &Output,
) -> Result<(), Failure> {
    let letters = runtime.dead_letters().list(filter, after, limit).await?;
    output.value(&letters.iter().map(LetterView::from).collect::<Vec<_>>());
    if letters.is_empty() {
        shown::nothing(output, "no dead letters");
        return Ok(());
    }
    output.table(&table(&letters));
    if letters.len() == usize::try_from(limit).unwrap_or(usize::MAX)
        && let Some(last) = letters.last()
    {
        shown::nothing(output, &format!("more with --after {}", last.id));
    }
    Ok(())
}

/// Letters, a line each.
pub(super) fn table(letters: &[DeadLetter]) -> Table {
    let mut table = Table::new(&[
        "ID",
        "STATUS",
        "PRIORITY",
        "KIND",
        "OPERATION",
        "DEPENDENCY",
        "TRIES",
        "WRITTEN",
        "ERROR",
    ]);
    for letter in letters {
        let work = &letter.work;
        table.row(vec![
            Cell::new(letter.id.to_string()).tone(Tone::Strong),
            shown::letter_status(letter.status),
            shown::priority(work.priority),
            Cell::new(work.kind.as_str()),
            Cell::new(&work.operation),
            Cell::maybe(work.dependency.as_deref()),
            Cell::new(work.attempts.to_string()),
            Cell::new(format!("{} ago", age(letter.created_at))),
            Cell::maybe(Some(&work.error).filter(|it| !it.is_empty())),
        ]);
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
    let mut status = letter.status.as_str().to_owned();
    if letter.status == DeadLetterStatus::Retrying
        && let Some(saga) = &letter.saga
        && let Some(saga) = runtime.sagas().get(saga).await?
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
    if let Some(saga) = &letter.saga {
        let name = letter.saga_name.as_deref().unwrap_or("?");
        field("saga", &format!("{saga} ({name})"));
    }
    if let Some(position) = work.position {
        field("step", &format!("at position {position}"));
    }
    field("tries", &work.attempts.to_string());
    field("written", &shown::moment(letter.created_at));
    field("changed", &shown::moment(letter.updated_at));
    field("arguments", &work.arguments);
    if let Some(out) = &work.output {
        field("output", out);
    }
    field("error", &work.error);
    if let Some(note) = &letter.note {
        field("note", note);
    }
    shown::audit(output, &audit);
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
            shown::moment(oldest)
        ));
    }
    Ok(())
}
