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
    checks.extend(orphaned(runtime).await?);
    // Not the clock of this machine: the moments in the store are not by it.
    let now = runtime.store_time().await?;
    checks.push(letters(runtime, limit, now).await?);
    checks.push(requests(runtime, now).await?);
    Ok(())
}

/// Programs take over what they know within seconds, so that what is seen here is mostly what none of them knows.
async fn orphaned(runtime: &Runtime) -> Result<Vec<Check>, StoreError> {
    const SAGAS: &str = "sagas";
    let left = runtime.sagas().orphaned().await?;
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
             deploy that version again; if none ever will, park them (`resilience sagas park`) and close them by hand"
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
    let remedy = match &saga {
        Some(saga) => format!("start a program that has {}", named::code(saga)),
        // Who works on a work is not told.
        None => format!(
            "start a program that has a handler for `{}`, unless one has been at it for so long",
            first.work.operation
        ),
    };
    Ok(Check::warn(REQUESTED, finding, remedy))
}

async fn is_worked_on(runtime: &Runtime, letter: &DeadLetter) -> Result<bool, StoreError> {
    let Some(saga) = &letter.saga else {
        return Ok(false);
    };
    let record = runtime.sagas().get(saga).await?;
    Ok(record.is_some_and(|it| it.status.is_unfinished()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use resilience_runtime::dlq::RetryAs;
    use resilience_runtime::store::memory::MemoryStore;

    use super::*;

    /// The clock of this store is not that of this machine, which stands still here.
    #[tokio::test(start_paused = true)]
    async fn ages_are_by_the_clock_of_the_store() {
        let store = Arc::new(MemoryStore::new());
        let runtime = Runtime::on_store(store).without_recovery().scoped();
        let runtime = runtime.open().await.unwrap();
        let letters = runtime.dead_letters();
        let id = letters.add("send", &7, "full").await.unwrap();
        let asked = letters.request_retry(id, RetryAs::Itself, "ada").await;
        asked.unwrap();
        for (minutes, expected) in [(0, Level::Ok), (2, Level::Warn)] {
            tokio::time::advance(Duration::from_secs(60 * minutes)).await;
            let mut checks = Vec::new();
            look(&runtime, 1000, &mut checks).await.unwrap();
            let found = |name| checks.iter().find(|it| it.check == name).unwrap();
            assert_eq!(found("requests").result, expected);
            let age = format!("the oldest {minutes}");
            assert!(found("dead letters").finding.contains(&age));
        }
        tokio::time::advance(FORGOTTEN).await;
        let mut checks = Vec::new();
        look(&runtime, 1000, &mut checks).await.unwrap();
        let remedy = checks.iter().find_map(|it| it.remedy.as_deref());
        assert!(remedy.unwrap().contains("more than a day"));
    }
}
