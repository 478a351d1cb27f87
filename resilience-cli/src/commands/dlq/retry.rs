//! Asking for retries.

use resilience_runtime::dlq::{DeadLetterError, DeadLetterId, RetryAll, RetryAs};
use resilience_runtime::operator::Operator;
use resilience_runtime::runtime::Runtime;
use serde_json::json;

use super::actions::Tally;
use super::dry_run;
use crate::arguments::{RetryMany, Waiting};
use crate::commands::{named, waiting};
use crate::failure::Failure;
use crate::output::Output;

/// All are asked for before the first is waited for.
pub(super) async fn each(
    runtime: &Runtime,
    ids: &[DeadLetterId],
    how: RetryAs,
    by: &Operator,
    until: &Waiting,
    output: &Output,
) -> Result<(), Failure> {
    let letters = runtime.dead_letters();
    let mut tally = Tally::default();
    let mut requested = Vec::new();
    for &id in ids {
        match letters.request_retry(id, how, by.clone()).await {
            Ok(()) if until.wait => requested.push(id),
            Ok(()) => tally.good(id, "requested", "requested", output),
            // It went along with another letter of its saga.
            Err(DeadLetterError::NotOpen(..)) if went_along(runtime, id, &requested).await? => {
                requested.push(id);
            }
            Err(error) => tally.bad(id, None, &error.into(), output),
        }
    }
    for id in requested {
        let ended = waiting::letter(runtime, id, until.timeout).await?;
        let code = code(runtime, id).await?;
        let word = waiting::word(&ended);
        match waiting::failure(&ended, &format!("letter {id}"), &code, until.timeout) {
            None => tally.good(id, word, "done", output),
            Some(failure) => tally.bad(id, Some(word), &failure, output),
        }
    }
    tally.finish(output)
}

/// What a program has to know for it.
async fn code(runtime: &Runtime, id: DeadLetterId) -> Result<String, Failure> {
    let Some(letter) = runtime.dead_letters().get(id).await? else {
        return Ok("it".to_owned());
    };
    let saga = match &letter.saga {
        Some(saga) => runtime.sagas().get(saga).await?,
        None => None,
    };
    let operation = || format!("the operation `{}`", letter.work.operation);
    Ok(saga.as_ref().map_or_else(operation, named::code))
}

async fn went_along(
    runtime: &Runtime,
    id: DeadLetterId,
    requested: &[DeadLetterId],
) -> Result<bool, Failure> {
    let letters = runtime.dead_letters();
    let Some(saga) = letters.get(id).await?.and_then(|it| it.saga) else {
        return Ok(false);
    };
    for other in requested {
        let other = letters.get(*other).await?;
        if other.and_then(|it| it.saga).as_ref() == Some(&saga) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) async fn all(
    runtime: &Runtime,
    many: RetryMany,
    how: RetryAs,
    by: Operator,
    output: &Output,
) -> Result<(), Failure> {
    let now = runtime.store_time().await?;
    let filter = super::filter(runtime, many.filters, now).await?;
    let limit = many.limit.unwrap_or(u64::MAX);
    if many.dry_run {
        return dry_run::all(runtime, filter, how, many.after, limit, output).await;
    }
    let all = RetryAll::new()
        .per_second(many.per_second.get())
        .how(how)
        .limit(limit)
        .after(many.after);
    let progress = runtime.dead_letters().retry_all(filter, all, by).await?;
    output.value(&json!(progress));
    output.say(&match progress.requested {
        1 => "requested 1 retry".to_owned(),
        many => format!("requested {many} retries"),
    });
    if progress.passed > 0 {
        output.say(&format!(
            "{} were taken by somebody else, or went along with another letter of their saga",
            progress.passed
        ));
    }
    if let Some(last) = progress.last.filter(|_| !progress.finished) {
        output.say(&format!("there may be more: go on with --after {last}"));
    }
    Ok(())
}
