//! Dead letters. What is done to them are functions of the migration, which people can call too.

mod statements;

use std::time::Duration;

use serde_json::json;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use self::statements::{
    ADD, AUDIT, AUDIT_OF_SAGA, DISCARD, END_WORK, GET, LIST, LIST_OF_DEPENDENCY, LIST_OF_OPERATION,
    LIST_OF_SAGA, LIST_SINCE, LIST_UNRESOLVED, PURGE, RESOLVE, RETRY, STATISTICS, TAKE_WORK,
    UNRESOLVED,
};
use super::PostgresStore;
use super::call::Call;
use super::journal::counted;
use super::journal::write::{maybe, payload};
use super::rows::{at, column, micros};
use crate::BoxFuture;
use crate::dlq::{
    AuditEntry, Closing, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterStatistics,
    DeadLetterStatus, NewDeadLetter, Priority, Queue, RetryAs,
};
use crate::error::{Effect, StoreError};
use crate::operator::Operator;
use crate::order::Order;
use crate::saga::journal::SagaId;
use crate::store::rows::{Unreadable, audit_entry, count, dead_letter, known, reported, text};
use crate::timestamp::Timestamp;

const ADDING: &str = "adding a dead letter";
const READING: &str = "reading the dead letter queue";
const CLOSING: &str = "closing a dead letter";
const RETRYING: &str = "retrying a dead letter";
const PURGING: &str = "deleting old dead letters";
/// The line of the statements that take works.
const WORKS: &str = "taking works";

impl Queue for PostgresStore {
    fn add(
        &self,
        letter: NewDeadLetter,
        nonce: String,
        by: Operator,
    ) -> BoxFuture<'_, Result<DeadLetterId, StoreError>> {
        Box::pin(async move {
            let call = Call::new(ADDING, ADD)
                .text(text(&letter.operation))
                .text(payload(&letter.arguments))
                .text(text(&letter.error))
                .maybe_text(maybe(letter.dependency.as_deref()))
                .text(letter.priority.as_str())
                .maybe_text(letter.output.as_deref().map(payload).map(Into::into))
                .number(letter.attempts.into())
                .text(text(&by.name))
                .maybe_text(maybe(by.reason.as_deref()))
                .text(text(&nonce));
            let rows = self.hand_over("", call).await?;
            let row = rows.first();
            let row = row.ok_or_else(|| StoreError::in_doubt(ADDING, sqlx::Error::RowNotFound))?;
            column(row, 0).map_err(|unreadable| unreadable.in_doubt(ADDING))
        })
    }

    fn list(
        &self,
        filter: DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let mut letters = Vec::new();
            let (mut after, mut missing) = (after, limit);
            // Rows that cannot be read do not make a page shorter: an empty one is the end.
            while missing > 0 {
                let rows = self.call(listing(&filter, after, missing)).await?;
                let Some(last) = rows.last() else { break };
                after = Some(column(last, 0).map_err(|it: Unreadable| it.refused(READING))?);
                for row in &rows {
                    match dead_letter(row) {
                        Ok(letter) => letters.push(letter),
                        Err(error) => {
                            tracing::error!(target: "resilience", %error, "a dead letter cannot be read and is not listed");
                            continue;
                        }
                    }
                    missing -= 1;
                }
                if letters.len() == rows.len() {
                    break;
                }
            }
            Ok(letters)
        })
    }

    fn get(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let rows = self.call(Call::new(READING, GET).number(id)).await?;
            let letter = rows.first().map(dead_letter).transpose();
            letter.map_err(|unreadable| unreadable.refused(READING))
        })
    }

    fn close(
        &self,
        id: DeadLetterId,
        closing: Closing,
        by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let call = match closing {
                Closing::Resolve(note) => Call::new(CLOSING, RESOLVE)
                    .number(id)
                    .text(text(&by.name))
                    .text(text(&note)),
                Closing::Discard => Call::new(CLOSING, DISCARD).number(id).text(text(&by.name)),
            };
            let call = call
                .maybe_text(maybe(by.reason.as_deref()))
                .text(Uuid::new_v4().to_string());
            self.said(call).await
        })
    }

    fn request_retry(
        &self,
        id: DeadLetterId,
        how: RetryAs,
        by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let call = Call::new(RETRYING, RETRY)
                .number(id)
                .text(text(&by.name))
                .maybe_text(maybe(by.reason.as_deref()))
                .flag(how == RetryAs::Compensation)
                .text(Uuid::new_v4().to_string());
            self.said(call).await
        })
    }

    fn take_work(
        &self,
        operations: Vec<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            // What is taken must reach the caller, or nobody would work on it as long as this worker lives. What an
            // answer that was lost, or a caller that went away, has left is told to the next one.
            let mut untold = self.shared.sagas.untold_works.lock().await;
            let nonce = Uuid::new_v4();
            untold.push(nonce);
            let nonces: Vec<_> = untold.iter().map(Uuid::to_string).collect();
            let owner = self.shared.sagas.worker.id();
            let operations: Vec<_> = operations.iter().map(|it| text(it)).collect();
            let call = Call::new(RETRYING, TAKE_WORK)
                .once()
                .text(json!(operations).to_string())
                .number(limit.into())
                .text(owner.to_string())
                .text(nonce.to_string())
                .text(json!(nonces).to_string())
                .text(self.shared.sagas.worker.all_ids());
            // One after the other, also where nobody waits for the answer of the first one: a statement does not see what
            // another one takes meanwhile.
            let rows = match self.hand_over(WORKS, call).await {
                Ok(rows) => rows,
                Err(error) => {
                    if error.effect() == Effect::DidNotRun {
                        untold.retain(|untold| *untold != nonce);
                    }
                    return Err(error);
                }
            };
            self.shared.sagas.worker.has_written_as(owner);
            untold.clear();
            let mut letters = Vec::new();
            for row in &rows {
                match dead_letter(row) {
                    Ok(letter) => letters.push(letter),
                    Err(error) => {
                        tracing::error!(target: "resilience", %error, "a dead letter that is to be retried cannot be read");
                    }
                }
            }
            letters.sort_unstable_by_key(|letter| letter.id);
            Ok(letters)
        })
    }

    fn end_work(
        &self,
        id: DeadLetterId,
        failed: Option<String>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let call = Call::new(RETRYING, END_WORK)
                .number(id)
                .maybe_text(maybe(failed.as_deref()))
                .text(self.shared.sagas.worker.all_ids())
                .text(Uuid::new_v4().to_string());
            Ok(!self.hand_over("", call).await?.is_empty())
        })
    }

    fn statistics(&self) -> BoxFuture<'_, Result<DeadLetterStatistics, StoreError>> {
        Box::pin(async move {
            let rows = self.call(Call::new(READING, STATISTICS)).await?;
            Ok(statistics(&rows))
        })
    }

    fn unresolved(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let rows = self.call(Call::new(READING, UNRESOLVED)).await?;
            counted(READING, &rows)
        })
    }

    fn audit(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        Box::pin(self.entries(Call::new(READING, AUDIT).number(id)))
    }

    fn audit_of_saga(&self, saga: SagaId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        Box::pin(self.entries(Call::new(READING, AUDIT_OF_SAGA).text(saga.as_str())))
    }

    fn purge_letters(
        &self,
        retention: Duration,
        limit: u32,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let call = Call::new(PURGING, PURGE)
                .number(micros(retention))
                .number(limit.into());
            counted(PURGING, &self.call(call).await?)
        })
    }
}

impl PostgresStore {
    /// What a function of the migration says, which is handed over.
    async fn said(&self, call: Call) -> Result<bool, StoreError> {
        let doing = call.doing;
        let rows = self.hand_over("", call).await?;
        let said = rows.first().map(|row| column(row, 0)).transpose();
        let said: Option<bool> = said.map_err(|unreadable| unreadable.in_doubt(doing))?;
        Ok(said.unwrap_or(false))
    }

    async fn entries(&self, call: Call) -> Result<Vec<AuditEntry>, StoreError> {
        let read = |row| reported(audit_entry(row), "an entry of the audit cannot be read");
        Ok(self.call(call).await?.iter().filter_map(read).collect())
    }
}

fn listing(filter: &DeadLetterFilter, after: Option<DeadLetterId>, limit: u32) -> Call {
    let statuses = &filter.statuses;
    let unresolved = !statuses.is_empty() && statuses.iter().all(|it| it.is_unresolved());
    let [oldest_first, newest_first] = match () {
        () if filter.saga.is_some() => LIST_OF_SAGA,
        () if unresolved => LIST_UNRESOLVED,
        () if filter.operation.is_some() => LIST_OF_OPERATION,
        () if filter.dependency.is_some() => LIST_OF_DEPENDENCY,
        () if filter.since.is_some() => LIST_SINCE,
        () => LIST,
    };
    let (list, first) = match filter.order {
        Order::OldestFirst => (oldest_first, i64::MIN),
        Order::NewestFirst => (newest_first, i64::MAX),
    };
    let statuses: Vec<_> = filter.statuses.iter().map(|it| it.as_str()).collect();
    Call::new(READING, list)
        .maybe_text((!statuses.is_empty()).then(|| json!(statuses).to_string()))
        .maybe_text(filter.kind.map(|kind| kind.as_str().to_owned()))
        .maybe_text(maybe(filter.operation.as_deref()))
        .maybe_text(maybe(filter.dependency.as_deref()))
        .maybe_text(filter.saga.as_ref().map(ToString::to_string))
        .maybe_number(filter.priority.map(Priority::rank))
        .maybe_number(filter.since.map(at))
        .maybe_number(filter.before.map(at))
        .number(after.unwrap_or(first))
        .number(limit.into())
}

/// What can be read of it.
fn statistics(rows: &[PgRow]) -> DeadLetterStatistics {
    let mut all = DeadLetterStatistics::default();
    for row in rows {
        reported(
            counted_in(&mut all, row),
            "dead letters cannot be read and are not counted",
        );
    }
    all.counts.sort_unstable();
    all.by_priority.sort_unstable();
    all
}

/// One row: what is counted by, its value, and how many there are of it.
fn counted_in(all: &mut DeadLetterStatistics, row: &PgRow) -> Result<(), Unreadable> {
    let by: String = column(row, 0)?;
    let value: Option<String> = column(row, 1)?;
    let value = value.unwrap_or_default();
    let letters = count(row, 2)?;
    match by.as_str() {
        "status" => {
            let status = known(&value, DeadLetterStatus::from_stored)?;
            all.counts.push((status, letters));
        }
        "operation" => all.by_operation.push((value, letters)),
        "dependency" => all.by_dependency.push((value, letters)),
        "priority" => {
            let priority = known(&value, Priority::from_stored)?;
            all.by_priority.push((priority, letters));
        }
        _ => {
            let oldest: Option<i64> = column(row, 3)?;
            all.oldest = oldest.map(Timestamp::from_micros);
        }
    }
    Ok(())
}
