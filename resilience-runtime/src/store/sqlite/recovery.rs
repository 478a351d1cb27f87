//! Taking over what workers that are gone have left behind.

use std::collections::HashSet;
use std::sync::Arc;

use super::journal::under_next_epoch;
use super::operation::text;
use super::rows::{OwnedSaga, column};
use super::{HandedOver, SqliteStore, failure};
use crate::error::StoreError;
use crate::saga::journal::{Known, SagaId, SagaRecord};

const TAKING_OVER: &str = "taking over sagas";

impl SqliteStore {
    /// See [`Journal::take_over`](crate::saga::journal::Journal::take_over). What is read of a saga
    /// stays true until somebody takes it: its owner was gone before it was read.
    pub(super) async fn take_over_sagas(
        &self,
        known: Vec<Known>,
        limit: u32,
    ) -> Result<Vec<SagaRecord>, StoreError> {
        let gone = self.owners_that_are_gone().await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut taken = Vec::new();
        let mut after = String::new();
        while !gone.is_empty() && taken.len() < limit {
            let page = limit - taken.len();
            match self.take_page(&gone, &known, &mut after, page).await {
                Ok(page) => taken.extend(page),
                // Those that were taken are this store's now: they must reach the caller.
                Err(error) if !taken.is_empty() => {
                    tracing::warn!(target: "resilience", %error, "not all sagas could be taken over");
                    break;
                }
                Err(error) => return Err(error),
            }
            if after.is_empty() {
                break;
            }
        }
        Ok(taken)
    }

    async fn owners_that_are_gone(&self) -> Result<HashSet<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT owner FROM resilience_sagas \
             WHERE status NOT IN ('completed', 'compensated', 'dead')",
        )
        .fetch_all(&self.shared.readers)
        .await
        .map_err(|error| failure::reading(TAKING_OVER, error))?;
        let readable = |row| {
            column(row, 0)
                .inspect_err(|error| {
                    tracing::error!(target: "resilience", %error, "unfinished sagas have an owner that cannot be read");
                })
                .ok()
        };
        let owners: HashSet<String> = rows.iter().filter_map(readable).collect();
        let worker = Arc::clone(&self.shared.worker);
        tokio::task::spawn_blocking(move || worker.gone_of(owners))
            .await
            .map_err(|error| StoreError::refused(TAKING_OVER, error))
    }

    /// Takes up to `limit` sagas with ids above `after`, and moves `after` on; it is empty when
    /// there are no more.
    async fn take_page(
        &self,
        gone: &HashSet<String>,
        known: &[Known],
        after: &mut String,
        limit: usize,
    ) -> Result<Vec<SagaRecord>, StoreError> {
        let ids = self.left_behind(gone, known, after, limit).await?;
        *after = ids.last().cloned().unwrap_or_default();
        // All are handed over before the first answer is awaited, so that they share a commit.
        let mut handed_over = Vec::new();
        let mut failed = None;
        for id in ids.into_iter().map(SagaId::from_stored) {
            match self.hand_over_taking(&id, gone).await {
                Ok(pair) => handed_over.extend(pair),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let mut taken = Vec::new();
        for (record, answer) in handed_over {
            match answer.answer().await {
                Ok(rows) if !rows.is_empty() => taken.push(under_next_epoch(record)),
                Ok(_) => {}
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if taken.is_empty() => Err(error),
            _ => Ok(taken),
        }
    }

    /// Hands over the taking of one saga, if it can be read, and is still that of a worker that is
    /// gone.
    async fn hand_over_taking(
        &self,
        id: &SagaId,
        gone: &HashSet<String>,
    ) -> Result<Option<(SagaRecord, HandedOver)>, StoreError> {
        match self.try_find(id, TAKING_OVER).await? {
            Ok(Some(OwnedSaga { record, owner }))
                if record.status.is_unfinished() && gone.contains(&owner) =>
            {
                let answer = self.hand_over_acquire(TAKING_OVER, &record).await?;
                Ok(Some((record, answer)))
            }
            Ok(_) => Ok(None),
            Err(error) => {
                tracing::error!(target: "resilience", saga = %id,
                    %error,
                    "an unfinished saga cannot be read and is left as it is"
                );
                Ok(None)
            }
        }
    }

    async fn left_behind(
        &self,
        gone: &HashSet<String>,
        known: &[Known],
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let encode = |error: serde_json::Error| StoreError::refused(TAKING_OVER, error);
        let known: Vec<_> = known.iter().map(|known| text(&known.name)).collect();
        sqlx::query_scalar(
            "SELECT id FROM resilience_sagas \
             WHERE status NOT IN ('completed', 'compensated', 'dead') \
               AND owner IN (SELECT value FROM json_each(?1)) \
               AND name IN (SELECT value FROM json_each(?2)) \
               AND id > ?3 AND typeof(id) = 'text' \
             ORDER BY id LIMIT ?4",
        )
        .bind(serde_json::to_string(gone).map_err(encode)?)
        .bind(serde_json::to_string(&known).map_err(encode)?)
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.shared.readers)
        .await
        .map_err(|error| failure::reading(TAKING_OVER, error))
    }
}
