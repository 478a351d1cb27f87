//! What waits in the store.

use std::time::Duration;

use resilience_runtime::dlq::{DeadLetter, DeadLetterStatus};
use resilience_runtime::error::StoreError;
use resilience_runtime::runtime::Runtime;
use resilience_runtime::timestamp::Timestamp;

use super::{Check, Level};
use crate::commands::named;
use crate::times::age;

/// After so long a request that nobody has taken up is one that nobody knows.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(60);
/// Letters that are older have been forgotten.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3600);
/// How many requests are looked at.
const REQUESTS: u32 = 1000;

pub(super) async fn look(
    runtime: &Runtime,
    limit: u64,
    checks: &mut Vec<Check>,
) -> Result<(), StoreError> {
    checks.extend(left_behind(runtime).await?);
    // Not the clock of this machine: the moments in the store are not by it.
    let now = runtime.store_time().await?;
    checks.push(letters(runtime, limit, now).await?);
    checks.push(requests(runtime, now).await?);
    Ok(())
}

/// Programs take over what they know within seconds, so that what is seen here is mostly what none of them knows.
async fn left_behind(runtime: &Runtime) -> Result<Vec<Check>, StoreError> {
    const SAGAS: &str = "sagas";
    let left = runtime.sagas().left_behind().await?;
    if left.is_empty() {
        let finding = "every unfinished saga has a program that works on it";
        return Ok(vec![Check::ok(SAGAS, finding)]);
    }
    let checks = left.into_iter().map(|it| {
        let (count, name, version) = (it.count, it.name, it.version);
        let finding =
            format!("{count} unfinished of `{name}` version {version}, whose program is gone");
        let remedy = format!(
            "a program that has `{name}` in version {version} takes them over within seconds: if this stays, start one, or \
             deploy that version again"
        );
        Check::warn(SAGAS, finding, remedy)
    });
    Ok(checks.collect())
}

async fn letters(runtime: &Runtime, limit: u64, now: Timestamp) -> Result<Check, StoreError> {
    const LETTERS: &str = "dead letters";
    let stats = runtime.dead_letters().statistics().await?;
    let unresolved: u64 = stats
        .counts
        .iter()
        .filter(|(status, _)| status.is_unresolved())
        .map(|(_, count)| count)
        .sum();
    let Some(oldest) = stats.oldest.filter(|_| unresolved > 0) else {
        return Ok(Check::ok(LETTERS, "none is unresolved"));
    };
    let is_old = now.since(oldest) > FORGOTTEN;
    let finding = format!(
        "{unresolved} unresolved, the oldest {} old",
        age(oldest, now)
    );
    let level = match unresolved >= limit {
        true => Level::Fail,
        false => Level::Warn,
    };
    let remedy = match is_old {
        true => "`resilience dlq list` shows them; the oldest has waited for more than a day",
        false => "`resilience dlq list` shows them",
    };
    Ok(Check::of(LETTERS, level, finding, Some(remedy.to_owned())))
}

async fn requests(runtime: &Runtime, now: Timestamp) -> Result<Check, StoreError> {
    const REQUESTED: &str = "requests";
    let retrying = runtime
        .dead_letters()
        .list(DeadLetterStatus::Retrying, None, REQUESTS)
        .await?;
    let mut waiting = Vec::new();
    for letter in retrying {
        if now.since(letter.updated_at) > TAKEN_UP_WITHIN && !is_worked_on(runtime, &letter).await?
        {
            waiting.push(letter);
        }
    }
    let Some(first) = waiting.first() else {
        return Ok(Check::ok(
            REQUESTED,
            "no retry waits for longer than a minute",
        ));
    };
    let finding = format!(
        "{} retries were requested more than a minute ago and nobody has taken them up, the first for letter {} (`{}`)",
        waiting.len(),
        first.id,
        first.work.operation
    );
    let saga = match &first.saga {
        Some(saga) => runtime.sagas().get(saga).await?,
        None => None,
    };
    let operation = || format!("a handler for `{}`", first.work.operation);
    let code = saga.as_ref().map_or_else(operation, named::code);
    let remedy = format!("start a program that has {code}");
    Ok(Check::warn(REQUESTED, finding, remedy))
}

async fn is_worked_on(runtime: &Runtime, letter: &DeadLetter) -> Result<bool, StoreError> {
    let Some(saga) = &letter.saga else {
        return Ok(false);
    };
    let record = runtime.sagas().get(saga).await?;
    Ok(record.is_some_and(|it| it.status.is_unfinished()))
}
