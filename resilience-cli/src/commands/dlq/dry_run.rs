//! What a retry of many would do.

use std::collections::HashSet;

use resilience_runtime::dlq::{
    DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterStatus, RetryAs,
};
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::SagaId;
use serde_json::json;

use super::{Columns, table};
use crate::failure::Failure;
use crate::output::Output;

/// How many letters are looked at with one question.
const PAGE: u32 = 100;

/// What would be asked for, and what not.
#[derive(Default)]
struct Plan {
    letters: Vec<DeadLetter>,
    passed: u64,
    last: Option<DeadLetterId>,
    finished: bool,
}

/// Says which letters `dlq retry --all` would ask for now. Changes nothing.
pub(super) async fn all(
    runtime: &Runtime,
    filter: DeadLetterFilter,
    how: RetryAs,
    after: Option<DeadLetterId>,
    limit: u64,
    output: &Output,
) -> Result<(), Failure> {
    let now = runtime.store_time().await?;
    let plan = plan(runtime, filter, after, limit).await?;
    let ids: Vec<_> = plan.letters.iter().map(|letter| letter.id).collect();
    output.value(&json!({
        "would_request": ids.len(),
        "would_pass": plan.passed,
        "letters": ids,
        "last": plan.last,
        "finished": plan.finished,
    }));
    if !plan.letters.is_empty() {
        output.table(&table(&plan.letters, Columns::All, now));
    }
    let way = match how {
        RetryAs::Compensation => ", each as a compensation",
        _ => "",
    };
    output.say(&match ids.len() {
        1 => format!("would request 1 retry{way}; nothing was changed"),
        many => format!("would request {many} retries{way}; nothing was changed"),
    });
    if plan.passed > 0 {
        let passed = plan.passed;
        output.say(&format!(
            "{passed} would go along with another letter of their saga, or are being worked on"
        ));
    }
    if let Some(last) = plan.last.filter(|_| !plan.finished) {
        output.say(&format!("there may be more: go on with --after {last}"));
    }
    Ok(())
}

/// As [`resilience_runtime::dlq::DeadLetters::retry_all`] goes about it.
async fn plan(
    runtime: &Runtime,
    mut filter: DeadLetterFilter,
    after: Option<DeadLetterId>,
    limit: u64,
) -> Result<Plan, Failure> {
    filter.statuses = vec![DeadLetterStatus::Open];
    let mut plan = Plan {
        last: after,
        ..Plan::default()
    };
    let mut sagas: HashSet<SagaId> = HashSet::new();
    loop {
        let letters = runtime.dead_letters();
        let page = letters.list(filter.clone(), plan.last, PAGE).await?;
        if page.is_empty() {
            plan.finished = true;
            return Ok(plan);
        }
        for mut letter in page {
            if u64::try_from(plan.letters.len()).unwrap_or(u64::MAX) >= limit {
                return Ok(plan);
            }
            plan.last = Some(letter.id);
            let is_free = match &letter.saga {
                None => true,
                Some(saga) => sagas.insert(saga.clone()) && is_dead(runtime, saga).await?,
            };
            if is_free {
                // There may be many of them, and they are not shown.
                letter.work.arguments = String::new();
                letter.work.output = None;
                plan.letters.push(letter);
            } else {
                plan.passed += 1;
            }
        }
    }
}

/// A saga that somebody works on is left to him.
async fn is_dead(runtime: &Runtime, saga: &SagaId) -> Result<bool, Failure> {
    let record = runtime.sagas().get(saga).await?;
    Ok(record.is_some_and(|it| it.status.is_dead()))
}
