//! Looking at many sagas, and deleting those that nobody looks at any more.

use std::time::Duration;

use serde_json::json;
use sqlx::postgres::PgRow;

use super::statements::{at_rest, micros};
use super::{READING, known_as_json};
use crate::error::StoreError;
use crate::order::Order;
use crate::saga::journal::{
    OrphanedSagas, Parking, SagaCursor, SagaFilter, SagaId, SagaStatistics, SagaSummary,
    SagaVersion, Status,
};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::call::Call;
use crate::store::postgres::rows::{at, column, micros};
use crate::store::rows::{
    Columns, Unreadable, behind, count, durations, number, reported, saga_if_any, word, word_if_any,
};
use crate::timestamp::Timestamp;

const PURGING: &str = "deleting old sagas";
const LEFT_OUT: &str = "a saga cannot be read and is not listed";

/// `$1` name, `$2` statuses as a JSON array, `$3` since and `$4` before when, `$5` parent; NULL for all of them. `$6` and
/// `$7` the beginning and the id of the last one of the page before, `$8` at most how many. `$9` the first id and `$10` the
/// one behind the last; NULL for all of them. The oldest first, and the newest first.
///
/// Where `$at` is the column itself an index has the order. Else that index must not be seen: another one knows of the few that
/// are to be sorted, and a plan for all values of the parameters takes a range of time, which may be all of it, for a narrow one.
macro_rules! list {
    ($which:expr, $at:literal) => {
        [
            list!($which, $at, ">", "-infinity", ""),
            list!($which, $at, "<", "infinity", " DESC"),
        ]
    };
    ($which:expr, $at:literal, $beyond:literal, $end:literal, $direction:literal) => {
        concat!(
            "
SELECT id, name, version, status, parking,
       (SELECT count(*) FROM resilience_saga_steps WHERE saga_id = saga.id),
       (SELECT count(*) FROM resilience_saga_steps WHERE saga_id = saga.id AND undone),
       epoch, cancelled, error, parent, ",
            micros!("created_at"),
            ", ",
            micros!("updated_at"),
            "
FROM resilience_sagas AS saga
WHERE ",
            $which,
            "
  AND ($1::text IS NULL OR name = $1)
  AND ($2::text IS NULL OR status IN (SELECT json_array_elements_text($2::json)))
  AND ",
            $at,
            " >= coalesce(timestamptz 'epoch' + $3::int8 * interval '1 microsecond', '-infinity')
  AND ",
            $at,
            " < coalesce(timestamptz 'epoch' + $4::int8 * interval '1 microsecond', 'infinity')
  AND ($5::text IS NULL OR parent = $5)
  AND ($9::text IS NULL OR id >= $9)
  AND ($10::text IS NULL OR id < $10)
  AND (",
            $at,
            ", id) ",
            $beyond,
            " (coalesce(timestamptz 'epoch' + $6::int8 * interval '1 microsecond', '",
            $end,
            "'), $7)
ORDER BY ",
            $at,
            $direction,
            ", id",
            $direction,
            "
LIMIT $8"
        )
    };
}

const LIST: [&str; 2] = list!("true", "created_at");
/// The same where each has an index that is small, or does.
const LIST_DEAD: [&str; 2] = list!("status IN ('compensation_failed', 'parked')", "created_at");
const LIST_UNFINISHED: [&str; 2] = list!(
    concat!("status NOT IN ", at_rest!()),
    "created_at + interval '0'"
);
const LIST_CALLED: [&str; 2] = list!("parent = $5", "created_at + interval '0'");
const LIST_ALIKE: [&str; 2] = list!("id >= $9 AND id < $10", "created_at + interval '0'");

/// The name, the status, how many; and of those that completed last how long they took: the shortest, the mean, the 95th
/// percentile, and the longest. `resilience_sagas_at_rest` has all that there is to know of what is over.
const STATISTICS: &str = concat!(
    "
WITH counts AS (
    SELECT name COLLATE \"C\" AS name, status, count(*) AS count FROM resilience_sagas
    WHERE status IN ",
    at_rest!(),
    "
    GROUP BY name COLLATE \"C\", status
    UNION ALL
    SELECT name COLLATE \"C\", status, count(*) FROM resilience_sagas
    WHERE status NOT IN ",
    at_rest!(),
    "
    GROUP BY name COLLATE \"C\", status
)
SELECT saga.name, saga.status, saga.count, ",
    micros!("took.min"),
    ", ",
    micros!("took.mean"),
    ", ",
    micros!("took.p95"),
    ", ",
    micros!("took.max"),
    "
FROM counts AS saga
CROSS JOIN LATERAL (
    SELECT min(took) AS min, avg(took) AS mean, percentile_disc(0.95) WITHIN GROUP (ORDER BY took) AS p95, max(took) AS max
    FROM (
        SELECT updated_at - created_at AS took FROM resilience_sagas
        WHERE name COLLATE \"C\" = saga.name AND status = 'completed' AND saga.status = 'completed'
        ORDER BY updated_at DESC
        LIMIT 10000
    ) AS last
) AS took
ORDER BY saga.name, saga.status"
);

const NOW: &str = concat!("SELECT ", micros!("clock_timestamp()"));

/// `$1` known functions as a JSON array.
const UNKNOWN: &str = concat!(
    "
SELECT name, version, count(*)
FROM resilience_sagas AS saga
WHERE status NOT IN ",
    at_rest!(),
    "
  AND NOT EXISTS (SELECT FROM resilience_workers AS worker
                  WHERE worker.id = saga.owner AND worker.lease_end > clock_timestamp())
  AND (name, version) NOT IN (SELECT name, version FROM json_to_recordset($1::json) AS known (name text, version int8))
GROUP BY name, version
ORDER BY name COLLATE \"C\", version"
);

/// `$1` microseconds, `$2` at most how many. Those that another one called go with it, by the foreign key; one stays as
/// long as any that it called, itself or through others, waits for somebody.
const PURGE: &str = "
WITH old AS (
    SELECT id FROM resilience_sagas AS saga
    WHERE parent IS NULL AND status IN ('completed', 'compensated', 'failed', 'resolved')
      AND updated_at <= statement_timestamp() - $1 * interval '1 microsecond'
      AND NOT EXISTS (
          WITH RECURSIVE called AS (
              SELECT id, status FROM resilience_sagas WHERE parent = saga.id
              UNION ALL
              SELECT next.id, next.status FROM called JOIN resilience_sagas AS next ON next.parent = called.id
          )
          SELECT FROM called WHERE status NOT IN ('completed', 'compensated', 'failed', 'resolved')
      )
    ORDER BY updated_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM resilience_sagas WHERE id IN (SELECT id FROM old) RETURNING id
)
SELECT count(*) FROM gone";

impl PostgresStore {
    pub(super) async fn list_sagas(
        &self,
        filter: SagaFilter,
        after: Option<SagaCursor>,
        limit: u32,
    ) -> Result<Vec<SagaSummary>, StoreError> {
        let only = |is: fn(Status) -> bool| {
            !filter.statuses.is_empty() && filter.statuses.iter().all(|status| is(*status))
        };
        let is_prefix = |prefix: &String| behind(&super::text(prefix)).is_some();
        let [oldest_first, newest_first] = match () {
            () if filter.id_prefix.as_ref().is_some_and(is_prefix) => LIST_ALIKE,
            () if filter.parent.is_some() => LIST_CALLED,
            () if only(Status::is_dead) => LIST_DEAD,
            () if only(Status::is_unfinished) => LIST_UNFINISHED,
            () => LIST,
        };
        let list = match filter.order {
            Order::OldestFirst => oldest_first,
            Order::NewestFirst => newest_first,
        };
        let mut sagas = Vec::new();
        let (mut after, mut missing) = (after, limit);
        // Rows that cannot be read do not make a page shorter: an empty one is the end.
        while missing > 0 {
            let rows = self
                .call(page(list, &filter, after.as_ref(), missing))
                .await?;
            let is_last = u32::try_from(rows.len()).is_ok_and(|rows| rows < missing);
            after = rows.last().and_then(|row| reported(cursor(row), LEFT_OUT));
            for row in &rows {
                if let Some(saga) = reported(summary(row), LEFT_OUT) {
                    sagas.push(saga);
                    missing -= 1;
                }
            }
            // Without a place to go on from there is nothing more to be had.
            if is_last || after.is_none() {
                break;
            }
        }
        Ok(sagas)
    }

    pub(super) async fn clock(&self) -> Result<Timestamp, StoreError> {
        let rows = self.call(Call::new(READING, NOW)).await?;
        let now = rows.first().map(|row| row.moment(0)).transpose();
        let now = now.map_err(|unreadable: Unreadable| unreadable.refused(READING))?;
        now.ok_or_else(|| StoreError::refused(READING, "the server did not say what time it is"))
    }

    pub(super) async fn saga_statistics(&self) -> Result<Vec<SagaStatistics>, StoreError> {
        let rows = self.call(Call::new(READING, STATISTICS)).await?;
        let mut all: Vec<SagaStatistics> = Vec::new();
        for row in &rows {
            let read = || -> Result<_, Unreadable> {
                Ok((
                    column::<String>(row, 0)?,
                    word(row, 1, Status::from_stored)?,
                    count(row, 2)?,
                    durations(row, 3)?,
                ))
            };
            let read = reported(read(), "sagas cannot be read and are not counted");
            let Some((name, status, count, durations)) = read else {
                continue;
            };
            if all.last().is_none_or(|last| last.name != name) {
                all.push(SagaStatistics {
                    name,
                    counts: Vec::new(),
                    completed: None,
                });
            }
            if let Some(last) = all.last_mut() {
                last.counts.push((status, count));
                last.counts.sort_unstable();
                last.completed = last.completed.or(durations);
            }
        }
        Ok(all)
    }

    pub(super) async fn orphaned_sagas(
        &self,
        known: Vec<SagaVersion>,
    ) -> Result<Vec<OrphanedSagas>, StoreError> {
        let call = Call::new(READING, UNKNOWN).text(known_as_json(&known));
        let rows = self.call(call).await?;
        let read = |row: &PgRow| {
            Ok(OrphanedSagas {
                name: column(row, 0)?,
                version: number(row, 1)?,
                count: count(row, 2)?,
            })
        };
        let read = |row| reported(read(row), "sagas cannot be read and are not counted");
        Ok(rows.iter().filter_map(read).collect())
    }

    pub(super) async fn purge_sagas(
        &self,
        retention: Duration,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let call = Call::new(PURGING, PURGE)
            .number(micros(retention))
            .number(limit.into());
        super::counted(PURGING, &self.call(call).await?)
    }
}

fn page(list: &'static str, filter: &SagaFilter, after: Option<&SagaCursor>, limit: u32) -> Call {
    let statuses: Vec<_> = filter.statuses.iter().map(|it| it.as_str()).collect();
    let name = filter.name.as_deref();
    let prefix = filter.id_prefix.as_deref().map(super::text);
    let end = prefix.as_deref().and_then(behind);
    Call::new(READING, list)
        .maybe_text(name.map(|name| super::text(name).into_owned()))
        .maybe_text((!statuses.is_empty()).then(|| json!(statuses).to_string()))
        .maybe_number(filter.since.map(at))
        .maybe_number(filter.before.map(at))
        .maybe_text(filter.parent.as_ref().map(ToString::to_string))
        .maybe_number(after.map(|after| at(after.started_at)))
        .text(after.map_or("", |after| after.id.as_str()))
        .number(limit.into())
        .maybe_text(prefix.map(std::borrow::Cow::into_owned))
        .maybe_text(end)
}

fn cursor(row: &PgRow) -> Result<SagaCursor, Unreadable> {
    Ok(SagaCursor {
        started_at: row.moment(11)?,
        id: SagaId::from(column::<String>(row, 0)?),
    })
}

fn summary(row: &PgRow) -> Result<SagaSummary, Unreadable> {
    Ok(SagaSummary {
        id: SagaId::from(column::<String>(row, 0)?),
        name: column(row, 1)?,
        version: number(row, 2)?,
        status: word(row, 3, Status::from_stored)?,
        parking: word_if_any(row, 4, Parking::from_stored)?,
        steps: number(row, 5)?,
        undone: number(row, 6)?,
        epoch: column(row, 7)?,
        cancelled: column(row, 8)?,
        error: column(row, 9)?,
        parent: saga_if_any(row, 10)?,
        started_at: row.moment(11)?,
        updated_at: row.moment(12)?,
    })
}
