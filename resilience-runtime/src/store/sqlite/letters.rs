//! Dead letters: reading them.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use super::filter::{Part, created, one_of};
use super::recovery::encoded;
use super::rows::column;
use super::{SqliteStore, failure};
use crate::dlq::{
    AuditEntry, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterStatistics, DeadLetterStatus,
};
use crate::error::StoreError;
use crate::order::Order;
use crate::saga::journal::SagaId;
use crate::store::rows::{
    Columns, Unreadable, audit_entry, count, dead_letter, priority, reported, text, word,
};

const READING: &str = "reading the dead letter queue";

/// The columns of [`dead_letter`], and the owner after them.
const LETTER: &str = "
SELECT id, saga_id, saga_name, kind, operation, dependency, priority, position, arguments, output,
       error, attempts, status, created_at, updated_at, note, owner
FROM resilience_dead_letters WHERE true";

const COUNTS: &str = "
SELECT status, count(*) FROM resilience_dead_letters GROUP BY status";
const BY_OPERATION: &str = "
SELECT operation, count(*) FROM resilience_dead_letters WHERE status IN ('open', 'retrying')
GROUP BY operation ORDER BY 2 DESC, 1 LIMIT 100";
const BY_DEPENDENCY: &str = "
SELECT dependency, count(*) FROM resilience_dead_letters
WHERE status IN ('open', 'retrying') AND dependency IS NOT NULL
GROUP BY dependency ORDER BY 2 DESC, 1 LIMIT 100";
const BY_PRIORITY: &str = "
SELECT priority, count(*) FROM resilience_dead_letters WHERE status IN ('open', 'retrying')
GROUP BY priority ORDER BY 1";
const OLDEST: &str = "
SELECT min(created_at) FROM resilience_dead_letters
WHERE status IN ('open', 'retrying') AND typeof(created_at) = 'real' HAVING count(*) > 0";
const UNRESOLVED: &str = "
SELECT count(*) FROM resilience_dead_letters WHERE status IN ('open', 'retrying')";

const AUDIT: &str = "
SELECT at, operator, action, reason, letter, saga FROM resilience_audit
WHERE letter = ?1
   OR (letter IS NULL
       AND saga = (SELECT saga_id FROM resilience_dead_letters AS letter WHERE letter.id = ?1))
ORDER BY id";
const AUDIT_OF_SAGA: &str = "
SELECT at, operator, action, reason, letter, saga FROM resilience_audit WHERE saga = ?1 ORDER BY id";

impl SqliteStore {
    pub(super) async fn list_letters(
        &self,
        filter: &DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let read = |row: &SqliteRow| {
            reported(
                dead_letter(row),
                "a dead letter cannot be read and is not listed",
            )
        };
        self.page_of(READING, limit, |part| page(filter, after, part), read)
            .await
    }

    pub(super) async fn find_letter(
        &self,
        id: DeadLetterId,
    ) -> Result<Option<DeadLetter>, StoreError> {
        let mut query = QueryBuilder::new(LETTER);
        query.push(" AND id = ").push_bind(id);
        let rows = self.rows(query).await?;
        let letter = rows.first().map(dead_letter).transpose();
        letter.map_err(|unreadable| unreadable.refused(READING))
    }

    pub(super) async fn owner_of_letter(
        &self,
        id: DeadLetterId,
    ) -> Result<Option<String>, StoreError> {
        let mut query = QueryBuilder::new("SELECT owner FROM resilience_dead_letters WHERE id = ");
        query.push_bind(id);
        let rows = self.rows(query).await?;
        let owner = rows.first().map(|row| column(row, 0)).transpose();
        let owner: Option<Option<String>> = owner.map_err(|it| it.refused(READING))?;
        Ok(owner.flatten())
    }

    /// Works that are to be done again, with their owners, but for those that were seen: their ids are added to `seen`. Empty
    /// when there are no more.
    pub(super) async fn wanted_letters(
        &self,
        operations: &[String],
        seen: &mut Vec<DeadLetterId>,
        limit: usize,
    ) -> Result<Vec<(DeadLetter, Option<String>)>, StoreError> {
        let operations: Vec<_> = operations.iter().map(|it| text(it)).collect();
        loop {
            let mut query = QueryBuilder::new(LETTER);
            query.push(" AND kind = 'work' AND status = 'retrying' AND +operation IN (SELECT value FROM json_each(");
            query.push_bind(encoded(&operations, READING)?);
            query.push(")) AND owner IS NOT ");
            query.push_bind(self.shared.worker.id().to_owned());
            query.push(" AND id NOT IN (SELECT value FROM json_each(");
            query.push_bind(encoded(seen, READING)?);
            query.push(")) ORDER BY id LIMIT ");
            query.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
            let rows = self.rows(query).await?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            let read = |row| {
                let read = dead_letter(row).and_then(|letter| Ok((letter, column(row, 16)?)));
                reported(read, "a dead letter cannot be read and is not taken up")
            };
            for row in &rows {
                seen.push(column(row, 0).map_err(|it| it.refused(READING))?);
            }
            let wanted: Vec<_> = rows.iter().filter_map(read).collect();
            if !wanted.is_empty() {
                return Ok(wanted);
            }
        }
    }

    pub(super) async fn statistics_of_letters(&self) -> Result<DeadLetterStatistics, StoreError> {
        let status = |row: &SqliteRow| word(row, 0, DeadLetterStatus::from_stored);
        let name = |row: &SqliteRow| column(row, 0);
        let mut counts = self.counted(COUNTS, status).await?;
        counts.sort_unstable();
        let oldest = self.rows(QueryBuilder::new(OLDEST)).await?;
        Ok(DeadLetterStatistics {
            counts,
            by_operation: self.counted(BY_OPERATION, name).await?,
            by_dependency: self.counted(BY_DEPENDENCY, name).await?,
            by_priority: self.counted(BY_PRIORITY, |row| priority(row, 0)).await?,
            oldest: oldest
                .first()
                .and_then(|row| reported(row.moment(0), "a dead letter has no age")),
        })
    }

    pub(super) async fn unresolved_letters(&self) -> Result<u64, StoreError> {
        let rows = self.rows(QueryBuilder::new(UNRESOLVED)).await?;
        let row = rows.first().ok_or_else(Unreadable::missing);
        row.and_then(|row| count(row, 0))
            .map_err(|unreadable| unreadable.refused(READING))
    }

    pub(super) async fn audit_of_letter(
        &self,
        id: DeadLetterId,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = sqlx::query(AUDIT)
            .bind(id)
            .fetch_all(self.shared.readers.get(READING)?);
        let rows = rows.await.map_err(|it| failure::reading(READING, it))?;
        Ok(entries(&rows))
    }

    pub(super) async fn audit_of(&self, saga: SagaId) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = sqlx::query(AUDIT_OF_SAGA)
            .bind(saga.as_str())
            .fetch_all(self.shared.readers.get(READING)?);
        let rows = rows.await.map_err(|it| failure::reading(READING, it))?;
        Ok(entries(&rows))
    }

    /// What `text` counts, without what cannot be read.
    async fn counted<T>(
        &self,
        text: &'static str,
        what: impl Fn(&SqliteRow) -> Result<T, Unreadable>,
    ) -> Result<Vec<(T, u64)>, StoreError> {
        let rows = self.rows(QueryBuilder::new(text)).await?;
        let read = |row| {
            let read = what(row).and_then(|what| Ok((what, count(row, 1)?)));
            reported(read, "dead letters cannot be read and are not counted")
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    async fn rows(&self, mut query: QueryBuilder<Sqlite>) -> Result<Vec<SqliteRow>, StoreError> {
        let rows = query
            .build()
            .fetch_all(self.shared.readers.get(READING)?)
            .await;
        rows.map_err(|error| failure::reading(READING, error))
    }
}

fn page(
    filter: &DeadLetterFilter,
    after: Option<DeadLetterId>,
    part: Part,
) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(LETTER);
    if !filter.statuses.is_empty() {
        let words = filter.statuses.iter().map(|status| status.as_str());
        one_of(&mut query, "status", words);
    }
    let mut is = |column: &'static str, value: Option<String>| {
        if let Some(value) = value {
            query.push(column).push_bind(value);
        }
    };
    let stored = |text_of: &Option<String>| text_of.as_deref().map(|it| text(it).into_owned());
    is(" AND kind = ", filter.kind.map(|it| it.as_str().to_owned()));
    is(" AND operation = ", stored(&filter.operation));
    is(" AND dependency = ", stored(&filter.dependency));
    let saga = filter.saga.as_ref().map(|it| it.as_str().to_owned());
    is(" AND saga_id = ", saga);
    if let Some(priority) = filter.priority {
        query.push(" AND priority >= ").push_bind(priority.rank());
    }
    created(&mut query, filter.since, filter.before);
    let (beyond, direction) = match filter.order {
        Order::OldestFirst => (" AND id > ", " ORDER BY id"),
        Order::NewestFirst => (" AND id < ", " ORDER BY id DESC"),
    };
    if let Some(after) = after {
        query.push(beyond).push_bind(after);
    }
    query.push(direction);
    part.end(query)
}

fn entries(rows: &[SqliteRow]) -> Vec<AuditEntry> {
    let read = |row| reported(audit_entry(row), "an entry of the audit cannot be read");
    rows.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::super::connection;
    use super::*;

    /// As for sagas. What is in several statuses is put in order.
    #[tokio::test]
    async fn no_list_looks_through_all_letters() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let mut connection = connection::prepare(&path).await.unwrap();
        let all = DeadLetterFilter::default;
        let cases = [
            (all(), ""),
            (DeadLetterFilter::from(DeadLetterStatus::Open), "by_status"),
            (
                DeadLetterFilter {
                    statuses: vec![DeadLetterStatus::Open, DeadLetterStatus::Retrying],
                    ..all()
                },
                "by_status",
            ),
            (
                DeadLetterFilter {
                    saga: Some(SagaId::generate()),
                    ..all()
                },
                "by_saga",
            ),
            (
                DeadLetterFilter {
                    operation: Some("send".to_owned()),
                    ..all()
                },
                "by_operation",
            ),
            (
                DeadLetterFilter {
                    dependency: Some("smtp".to_owned()),
                    ..all()
                },
                "by_dependency",
            ),
        ];
        for (filter, index) in cases {
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let filter = DeadLetterFilter {
                    order,
                    ..filter.clone()
                };
                for after in [None, Some(7)] {
                    let plan =
                        connection::plan(&mut connection, page(&filter, after, Part::first(9)))
                            .await;
                    assert!(plan[0].contains(index), "{filter:?}: {plan:?}");
                    let sorts = plan.iter().any(|it| it.contains("TEMP B-TREE"));
                    assert_eq!(sorts, filter.statuses.len() > 1, "{filter:?}: {plan:?}");
                }
            }
        }
    }
}
