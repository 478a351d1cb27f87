//! Taking over what workers that are gone have left behind, and what operators want to be tried again.

use std::collections::HashSet;
use std::sync::Arc;

use sqlx::sqlite::SqliteArguments;

use super::record::OwnedSaga;
use super::rows::{column, in_seconds};
use super::{HandedOver, SqliteStore, failure};
use crate::error::StoreError;
use crate::saga::journal::{OrphanedSagas, Parking, SagaId, SagaRecord, SagaVersion, Status};
use crate::store::rows::{count, number, reported, text};
use crate::timestamp::Timestamp;

const TAKING_OVER: &str = "taking over sagas";
const LOOKING: &str = "looking for orphaned sagas";

/// `?1` owners, `?2` names and versions, `?3` ids that were looked at, `?4` how many.
const LEFT_BEHIND: &str = "
SELECT id, created_at FROM resilience_sagas
WHERE status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'parked',
                     'compensation_failed')
  AND owner IN (SELECT value FROM json_each(?1))
  AND (name, version) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))
  AND id NOT IN (SELECT value FROM json_each(?3)) AND typeof(id) = 'text'
UNION ALL
SELECT id, created_at FROM resilience_sagas
WHERE retry IS NOT NULL AND status IN ('parked', 'compensation_failed')
  AND (name, version) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))
  AND id NOT IN (SELECT value FROM json_each(?3)) AND typeof(id) = 'text'
ORDER BY 2, 1 LIMIT ?4";

/// `?1` since when at least, `?2` names and versions, `?3` ids that were looked at, `?4` how many.
const PARKED: &str = "
SELECT id FROM resilience_sagas
WHERE status IN ('parked', 'compensation_failed')
  AND +status = 'parked' AND parking = 'mismatch' AND updated_at < ?1
  AND (name, version) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))
  AND id NOT IN (SELECT value FROM json_each(?3)) AND typeof(id) = 'text'
ORDER BY created_at, id LIMIT ?4";

/// `?1` owners, `?2` names and versions.
const ORPHANED: &str = "
SELECT name, version, count(*) FROM resilience_sagas
WHERE status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'parked',
                     'compensation_failed')
  AND owner IN (SELECT value FROM json_each(?1))
  AND (name, version) NOT IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))
GROUP BY name, version ORDER BY name, version";

const OWNERS: &str = "
SELECT DISTINCT owner FROM resilience_sagas
WHERE status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'parked',
                     'compensation_failed')";

/// What a taker looks for.
enum Wanted {
    /// What nobody who lives has, of these owners, and what operators want to be tried again.
    LeftBehind(HashSet<String>),
    /// What is parked for a mismatch since before this moment.
    Parked(Timestamp),
}

impl Wanted {
    /// The status that the saga gets, if it is still as it is wanted.
    fn status(&self, found: &OwnedSaga) -> Option<Status> {
        let status = found.record.status;
        match self {
            Self::LeftBehind(gone) if status.is_unfinished() => {
                gone.contains(&found.owner).then_some(status)
            }
            Self::LeftBehind(_) => found.retry.filter(|_| status.is_dead()),
            Self::Parked(before) => {
                let parked = found.record.parking == Some(Parking::Mismatch)
                    && found.record.updated_at < *before;
                (status == Status::Parked && parked).then_some(Status::Running)
            }
        }
    }
}

impl SqliteStore {
    /// See [`Journal::take_over`](crate::saga::journal::Journal::take_over). What is read of a saga
    /// stays true until somebody takes it: its owner was gone before it was read.
    pub(super) async fn take_over_sagas(
        &self,
        known: Vec<SagaVersion>,
        limit: u32,
    ) -> Result<Vec<SagaRecord>, StoreError> {
        let gone = self.owners_that_are_gone(TAKING_OVER).await?;
        self.take(Wanted::LeftBehind(gone), known, limit).await
    }

    pub(super) async fn take_parked_sagas(
        &self,
        known: Vec<SagaVersion>,
        parked_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<SagaRecord>, StoreError> {
        self.take(Wanted::Parked(parked_before), known, limit).await
    }

    pub(super) async fn orphaned_sagas(
        &self,
        known: Vec<SagaVersion>,
    ) -> Result<Vec<OrphanedSagas>, StoreError> {
        let gone = self.owners_that_are_gone(LOOKING).await?;
        let rows = sqlx::query(ORPHANED)
            .bind(encoded(&gone, LOOKING)?)
            .bind(names(&known, LOOKING)?)
            .fetch_all(self.shared.readers.get(LOOKING)?)
            .await
            .map_err(|error| failure::reading(LOOKING, error))?;
        let read = |row| {
            Ok(OrphanedSagas {
                name: column(row, 0)?,
                version: number(row, 1)?,
                count: count(row, 2)?,
            })
        };
        Ok(rows
            .iter()
            .filter_map(|row| reported(read(row), "unfinished sagas cannot be read"))
            .collect())
    }

    async fn take(
        &self,
        wanted: Wanted,
        known: Vec<SagaVersion>,
        limit: u32,
    ) -> Result<Vec<SagaRecord>, StoreError> {
        let known = names(&known, TAKING_OVER)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut taken = Vec::new();
        let mut seen = Vec::new();
        while taken.len() < limit {
            let page = self.page(&wanted, &known, &seen, limit - taken.len());
            let ids = match page.await {
                Ok(ids) => ids,
                Err(error) if taken.is_empty() => return Err(error),
                Err(error) => {
                    tracing::warn!(target: "resilience", %error, "not all sagas could be taken over");
                    break;
                }
            };
            if ids.is_empty() {
                break;
            }
            seen.extend(ids.iter().cloned());
            if !self.take_page(&wanted, ids, &mut taken).await? {
                break;
            }
        }
        Ok(taken)
    }

    async fn page(
        &self,
        wanted: &Wanted,
        known: &str,
        seen: &[String],
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let query = match wanted {
            Wanted::LeftBehind(gone) => {
                sqlx::query_scalar(LEFT_BEHIND).bind(encoded(gone, TAKING_OVER)?)
            }
            Wanted::Parked(before) => sqlx::query_scalar(PARKED).bind(in_seconds(*before)),
        };
        let query: sqlx::query::QueryScalar<'_, _, String, SqliteArguments> = query;
        query
            .bind(known)
            .bind(encoded(&seen, TAKING_OVER)?)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.shared.readers.get(TAKING_OVER)?)
            .await
            .map_err(|error| failure::reading(TAKING_OVER, error))
    }

    /// Takes those of the page that can be taken; whether it went without an error. Those that were taken are this store's
    /// now: they must reach the caller.
    async fn take_page(
        &self,
        wanted: &Wanted,
        ids: Vec<String>,
        taken: &mut Vec<SagaRecord>,
    ) -> Result<bool, StoreError> {
        // All are handed over before the first answer is awaited, so that they share a commit.
        let mut handed_over = Vec::new();
        let mut failed = None;
        for id in ids.into_iter().map(SagaId::from) {
            match self.hand_over_taking(&id, wanted).await {
                Ok(taking) => handed_over.extend(taking),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        for (record, status, answer) in handed_over {
            let answer = match answer.answer().await {
                Ok(rows) => self.acquired(TAKING_OVER, record, status, &rows).await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(record) => taken.extend(record),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            None => Ok(true),
            Some(error) if taken.is_empty() => Err(error),
            Some(error) => {
                tracing::warn!(target: "resilience", %error, "not all sagas could be taken over");
                Ok(false)
            }
        }
    }

    /// Hands over the taking of one saga, if it can be read, and is still as it is wanted.
    async fn hand_over_taking(
        &self,
        id: &SagaId,
        wanted: &Wanted,
    ) -> Result<Option<(SagaRecord, Status, HandedOver)>, StoreError> {
        match self.try_find(id, TAKING_OVER).await? {
            Ok(Some(found)) => {
                let Some(status) = wanted.status(&found) else {
                    return Ok(None);
                };
                let record = found.record;
                let answer = self.hand_over_acquire(TAKING_OVER, &record, status, None);
                let answer = answer.await?;
                Ok(Some((record, status, answer)))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                tracing::error!(target: "resilience", saga_id = %id, %error,
                    "a saga cannot be read and is left as it is"
                );
                Ok(None)
            }
        }
    }

    async fn owners_that_are_gone(
        &self,
        doing: &'static str,
    ) -> Result<HashSet<String>, StoreError> {
        let rows = sqlx::query(OWNERS)
            .fetch_all(self.shared.readers.get(doing)?)
            .await
            .map_err(|error| failure::reading(doing, error))?;
        let owners: HashSet<String> = rows
            .iter()
            .filter_map(|row| reported(column(row, 0), "unfinished sagas have an unreadable owner"))
            .collect();
        let worker = Arc::clone(&self.shared.worker);
        tokio::task::spawn_blocking(move || worker.gone_of(owners))
            .await
            .map_err(|error| StoreError::refused(doing, error))
    }
}

fn names(known: &[SagaVersion], doing: &'static str) -> Result<String, StoreError> {
    let known: Vec<_> = known
        .iter()
        .map(|it| (text(&it.name), it.version))
        .collect();
    encoded(&known, doing)
}

pub(super) fn encoded(
    value: &impl serde::Serialize,
    doing: &'static str,
) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::refused(doing, error))
}

#[cfg(test)]
mod tests {
    use super::super::{changes, connection, journal};
    use super::*;

    /// What is asked again and again reads the few rows that it is about, by an index that has only those.
    #[tokio::test]
    async fn nobody_who_looks_for_work_looks_through_what_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let mut connection = connection::prepare(&path).await.unwrap();
        let asked = [LEFT_BEHIND, PARKED, ORPHANED, OWNERS, changes::TRACES]
            .into_iter()
            .chain([
                journal::CANCELLED,
                journal::OLDEST_SAGA,
                journal::OLDEST_LETTER,
            ]);
        for statement in asked {
            let text = format!("EXPLAIN QUERY PLAN {statement}");
            let query = sqlx::query(sqlx::AssertSqlSafe(text));
            let rows = query.fetch_all(&mut connection).await.unwrap();
            for row in rows {
                let plan: String = sqlx::Row::get(&row, 3);
                let partial = [
                    "unfinished",
                    "left",
                    "dead",
                    "retried",
                    "cancelled",
                    "over",
                    "wanted",
                ];
                let table = plan.contains("resilience_") || plan.contains("SCAN saga");
                let few = partial.iter().any(|index| {
                    plan.contains(&format!("INDEX resilience_sagas_{index}"))
                        || plan.contains(&format!("INDEX resilience_dead_letters_{index}"))
                });
                let last = plan == "SEARCH resilience_audit";
                let child = plan.contains("resilience_sagas_by_parent (parent=?)");
                assert!(!table || few || last || child, "{statement}: {plan}");
            }
        }
    }
}
