//! Looking at many sagas.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use super::rows::{column, flag, in_seconds};
use super::{SqliteStore, failure};
use crate::error::StoreError;
use crate::saga::journal::{
    Durations, Parking, SagaCursor, SagaFilter, SagaId, SagaStatistics, SagaSummary, Status,
};
use crate::store::rows::{
    Columns, Unreadable, count, number, reported, saga_if_any, text, word, word_if_any,
};

const LISTING: &str = "listing sagas";
const COUNTING: &str = "counting sagas";

const SUMMARY: &str = "
SELECT id, name, version, status, parking, epoch, cancelled, error, parent, created_at, updated_at,
       (SELECT count(*) FROM resilience_saga_steps AS step WHERE step.saga_id = saga.id),
       (SELECT count(*) FROM resilience_saga_steps AS step
        WHERE step.saga_id = saga.id AND step.undone)
FROM resilience_sagas AS saga WHERE true";

const COUNTS: &str = "
SELECT name, status, count(*) FROM resilience_sagas GROUP BY name, status ORDER BY name";

/// Seconds: shortest, mean, longest, and the 95th percentile of the last 10,000.
const DURATIONS: &str = "
WITH completed AS (
    SELECT name, max(updated_at - created_at, 0.0) AS took,
           row_number() OVER (PARTITION BY name ORDER BY updated_at DESC) AS newness
    FROM resilience_sagas
    WHERE status = 'completed'
      AND typeof(updated_at) = 'real' AND typeof(created_at) = 'real'
), ranked AS (
    SELECT name, took,
           row_number() OVER (PARTITION BY name ORDER BY took) AS rank,
           count(*) OVER (PARTITION BY name) AS number
    FROM completed WHERE newness <= 10000
)
SELECT completed.name, min(completed.took), avg(completed.took), max(completed.took),
       (SELECT ranked.took FROM ranked
        WHERE ranked.name = completed.name AND ranked.rank = (ranked.number * 95 + 99) / 100)
FROM completed GROUP BY completed.name";

impl SqliteStore {
    pub(super) async fn list_sagas(
        &self,
        filter: &SagaFilter,
        after: Option<&SagaCursor>,
        limit: u32,
    ) -> Result<Vec<SagaSummary>, StoreError> {
        let reading = |error| failure::reading(LISTING, error);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        let mut seen = 0;
        // One view for the whole page: what is deleted meanwhile must not move the rows that are still to be seen.
        let mut view = self.shared.readers.begin().await.map_err(reading)?;
        // Rows that cannot be read do not make a page shorter: an empty one is the end.
        while found.len() < limit {
            let missing = limit - found.len();
            let mut query = page(filter, after, missing, seen);
            let rows = query.build().fetch_all(&mut *view).await;
            let rows = rows.map_err(reading)?;
            seen += rows.len();
            let read = |row| reported(summary(row), "a saga cannot be read and is not listed");
            found.extend(rows.iter().filter_map(read));
            if rows.len() < missing {
                break;
            }
        }
        Ok(found)
    }

    pub(super) async fn statistics_of_sagas(&self) -> Result<Vec<SagaStatistics>, StoreError> {
        const LEFT_OUT: &str = "sagas cannot be read and are not counted";
        let read = |error| failure::reading(COUNTING, error);
        let rows = sqlx::query(COUNTS).fetch_all(&self.shared.readers).await;
        let mut names: BTreeMap<String, SagaStatistics> = BTreeMap::new();
        for row in rows.map_err(read)? {
            let Some((name, counted)) = reported(counted(&row), LEFT_OUT) else {
                continue;
            };
            let of_name = names.entry(name.clone()).or_insert(SagaStatistics {
                name,
                counts: Vec::new(),
                completed: None,
            });
            of_name.counts.push(counted);
        }
        for of_name in names.values_mut() {
            of_name.counts.sort_unstable();
        }
        let rows = sqlx::query(DURATIONS).fetch_all(&self.shared.readers).await;
        for row in rows.map_err(read)? {
            if let Some((name, durations)) = reported(durations(&row), LEFT_OUT)
                && let Some(of_name) = names.get_mut(&name)
            {
                of_name.completed = Some(durations);
            }
        }
        Ok(names.into_values().collect())
    }
}

fn page(
    filter: &SagaFilter,
    after: Option<&SagaCursor>,
    limit: usize,
    seen: usize,
) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(SUMMARY);
    if let Some(name) = &filter.name {
        query
            .push(" AND name = ")
            .push_bind(text(name).into_owned());
    }
    if !filter.statuses.is_empty() {
        // In the words of the small index that has all of them, if there is one.
        if filter.statuses.iter().all(|it| it.is_unfinished()) {
            query.push(
                " AND status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'parked', \
                 'compensation_failed')",
            );
        } else if filter.statuses.iter().all(|it| it.is_dead()) {
            query.push(" AND status IN ('parked', 'compensation_failed')");
        }
        query.push(" AND +status IN (");
        let mut statuses = query.separated(", ");
        for status in &filter.statuses {
            statuses.push_bind(status.as_str());
        }
        query.push(")");
    }
    if let Some(since) = filter.since {
        query
            .push(" AND created_at >= ")
            .push_bind(in_seconds(since));
    }
    if let Some(before) = filter.before {
        query
            .push(" AND created_at < ")
            .push_bind(in_seconds(before));
    }
    if let Some(parent) = &filter.parent {
        query
            .push(" AND parent = ")
            .push_bind(parent.as_str().to_owned());
    }
    if let Some(after) = after {
        query
            .push(" AND (created_at, id) > (")
            .push_bind(in_seconds(after.started_at))
            .push(", ")
            .push_bind(after.id.as_str().to_owned())
            .push(")");
    }
    query.push(" ORDER BY created_at, id LIMIT ");
    query.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    query.push(" OFFSET ");
    query.push_bind(i64::try_from(seen).unwrap_or(i64::MAX));
    query
}

fn summary(row: &SqliteRow) -> Result<SagaSummary, Unreadable> {
    Ok(SagaSummary {
        id: SagaId::from_stored(column(row, 0)?),
        name: column(row, 1)?,
        version: number(row, 2)?,
        status: word(row, 3, Status::from_stored)?,
        parking: word_if_any(row, 4, Parking::from_stored)?,
        steps: number(row, 11)?,
        undone: number(row, 12)?,
        epoch: column(row, 5)?,
        cancelled: flag(row, 6)?,
        error: column(row, 7)?,
        parent: saga_if_any(row, 8)?,
        started_at: row.moment(9)?,
        updated_at: row.moment(10)?,
    })
}

fn counted(row: &SqliteRow) -> Result<(String, (Status, u64)), Unreadable> {
    let status = word(row, 1, Status::from_stored)?;
    Ok((column(row, 0)?, (status, count(row, 2)?)))
}

fn durations(row: &SqliteRow) -> Result<(String, Durations), Unreadable> {
    let seconds = |index| {
        let seconds: f64 = column(row, index)?;
        Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    };
    let durations = Durations {
        min: seconds(1)?,
        mean: seconds(2)?,
        max: seconds(3)?,
        p95: seconds(4)?,
    };
    Ok((column(row, 0)?, durations))
}
