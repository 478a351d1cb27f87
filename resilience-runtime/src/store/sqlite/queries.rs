//! Looking at many sagas.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use super::filter::{Part, created, one_of};
use super::rows::{column, flag, in_seconds};
use super::{SqliteStore, failure};
use crate::error::StoreError;
use crate::order::Order;
use crate::saga::journal::{
    Parking, SagaCursor, SagaFilter, SagaId, SagaStatistics, SagaSummary, Status,
};
use crate::store::rows::{
    Columns, Unreadable, behind, count, durations, number, reported, saga_if_any, text, word,
    word_if_any,
};

const LISTING: &str = "listing sagas";
const COUNTING: &str = "counting sagas";

const SUMMARY: &str = "
SELECT id, name, version, status, parking, epoch, cancelled, error, parent, created_at, updated_at,
       (SELECT count(*) FROM resilience_saga_steps AS step WHERE step.saga_id = saga.id),
       (SELECT count(*) FROM resilience_saga_steps AS step
        WHERE step.saga_id = saga.id AND step.undone)
FROM resilience_sagas AS saga WHERE true";

/// In the words of two indexes: one has all that there is to know of what is over, and the other one finds the rest.
const COUNTS: &str = "
SELECT name, status, count(*) FROM resilience_sagas
WHERE status IN ('completed', 'compensated', 'failed', 'resolved', 'parked', 'compensation_failed')
GROUP BY name, status
UNION ALL
SELECT name, status, count(*) FROM resilience_sagas
WHERE status NOT IN ('completed', 'compensated', 'failed', 'resolved', 'parked', 'compensation_failed')
GROUP BY name, status";

/// `?1` name. Of the last ones that completed, in seconds: the shortest, the mean, the 95th percentile, and the
/// longest. NULLs where all are gone since they were counted.
///
/// The status is a range of one word: where it is said with `=` beside the words of the index, SQLite does not see that the
/// index has the order, and sorts all.
const DURATIONS: &str = "
WITH last (took) AS MATERIALIZED (
    SELECT max(updated_at - created_at, 0.0) FROM resilience_sagas
    WHERE status IN ('completed', 'compensated', 'failed', 'resolved', 'parked', 'compensation_failed')
      AND name = ?1 AND status BETWEEN 'completed' AND 'completed'
      AND typeof(updated_at) = 'real' AND typeof(created_at) = 'real'
    ORDER BY status DESC, updated_at DESC
    LIMIT 10000
)
SELECT min(took), avg(took),
       (SELECT took FROM last ORDER BY took DESC LIMIT 1 OFFSET (SELECT count(*) / 20 FROM last)),
       max(took)
FROM last";

impl SqliteStore {
    pub(super) async fn list_sagas(
        &self,
        filter: &SagaFilter,
        after: Option<&SagaCursor>,
        limit: u32,
    ) -> Result<Vec<SagaSummary>, StoreError> {
        let read =
            |row: &SqliteRow| reported(summary(row), "a saga cannot be read and is not listed");
        self.page_of(LISTING, limit, |part| page(filter, after, part), read)
            .await
    }

    pub(super) async fn statistics_of_sagas(&self) -> Result<Vec<SagaStatistics>, StoreError> {
        const LEFT_OUT: &str = "sagas cannot be read and are not counted";
        let read = |error| failure::reading(COUNTING, error);
        let rows = sqlx::query(COUNTS)
            .fetch_all(self.shared.readers.get(COUNTING)?)
            .await;
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
            if of_name.counts.iter().any(|it| it.0 == Status::Completed) {
                let query = sqlx::query(DURATIONS).bind(&of_name.name);
                let row = query.fetch_one(self.shared.readers.get(COUNTING)?).await;
                of_name.completed = reported(durations(&row.map_err(read)?, 0), LEFT_OUT).flatten();
            }
        }
        Ok(names.into_values().collect())
    }
}

fn page(filter: &SagaFilter, after: Option<&SagaCursor>, part: Part) -> QueryBuilder<Sqlite> {
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
        let words = filter.statuses.iter().map(|status| status.as_str());
        one_of(&mut query, "+status", words);
    }
    created(&mut query, filter.since, filter.before);
    if let Some(parent) = &filter.parent {
        query
            .push(" AND parent = ")
            .push_bind(parent.as_str().to_owned());
    }
    // By the index of the ids, and not by that of the order: the `+` hides the column from it.
    let at = match &filter.id_prefix {
        Some(prefix) => {
            query
                .push(" AND id >= ")
                .push_bind(text(prefix).into_owned());
            if let Some(end) = behind(&text(prefix)) {
                query.push(" AND id < ").push_bind(end);
            }
            "+created_at"
        }
        None => "created_at",
    };
    let (beyond, direction) = match filter.order {
        Order::OldestFirst => (">", ""),
        Order::NewestFirst => ("<", " DESC"),
    };
    if let Some(after) = after {
        query
            .push(format_args!(" AND ({at}, id) {beyond} ("))
            .push_bind(in_seconds(after.started_at))
            .push(", ")
            .push_bind(after.id.as_str().to_owned())
            .push(")");
    }
    query.push(format_args!(" ORDER BY {at}{direction}, id{direction}"));
    part.end(query)
}

fn summary(row: &SqliteRow) -> Result<SagaSummary, Unreadable> {
    Ok(SagaSummary {
        id: SagaId::from(column::<String>(row, 0)?),
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

#[cfg(test)]
mod tests {
    use super::super::connection;
    use super::*;

    /// Whichever end a list begins at, a page of it reads no more than the page, or what an index has of the filter.
    #[tokio::test]
    async fn no_list_looks_through_all_sagas() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let mut connection = connection::prepare(&path).await.unwrap();
        let in_order = "resilience_sagas_by_start";
        let of = |statuses: &[Status]| SagaFilter {
            statuses: statuses.to_vec(),
            ..SagaFilter::default()
        };
        let called = SagaFilter {
            parent: Some(SagaId::generate()),
            ..SagaFilter::default()
        };
        let alike = |statuses: &[Status]| SagaFilter {
            id_prefix: Some("0191".to_owned()),
            ..of(statuses)
        };
        let cases = [
            (of(&[]), in_order),
            (of(&[Status::Failed, Status::Running]), in_order),
            (of(&[Status::Parked]), "resilience_sagas_dead"),
            (of(&[Status::Running]), "resilience_sagas_unfinished"),
            (called, "resilience_sagas_by_parent"),
            (alike(&[]), "PRIMARY KEY (id>? AND id<?)"),
        ];
        for (filter, index) in cases {
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let filter = SagaFilter {
                    order,
                    ..filter.clone()
                };
                let cursor = SagaCursor {
                    started_at: crate::timestamp::Timestamp::from_micros(7),
                    id: SagaId::generate(),
                };
                for after in [None, Some(&cursor)] {
                    let plan =
                        connection::plan(&mut connection, page(&filter, after, Part::first(9)))
                            .await;
                    assert!(plan[0].contains(index), "{filter:?}: {plan:?}");
                    let sorts = plan.iter().any(|it| it.contains("TEMP B-TREE"));
                    let is_in_order = ["by_start", "dead", "unfinished"];
                    let is_in_order = is_in_order.iter().any(|it| index.contains(it));
                    assert_eq!(sorts, !is_in_order, "{filter:?}: {plan:?}");
                    let seeks = after.is_some() || !is_in_order;
                    assert!(!seeks || plan[0].starts_with("SEARCH"), "{plan:?}");
                }
            }
        }
    }

    /// Of what is over nothing is read but an index, which has it in the order of the ends.
    #[tokio::test]
    async fn statistics_look_at_no_row_of_what_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let mut connection = connection::prepare(&path).await.unwrap();
        let index = "COVERING INDEX resilience_sagas_at_rest";
        let counts = connection::plan(&mut connection, QueryBuilder::new(COUNTS)).await;
        let scans: Vec<_> = counts.iter().filter(|it| it.contains("SCAN")).collect();
        assert!(scans[0].contains(index), "{counts:?}");
        assert!(
            scans[1].contains("INDEX resilience_sagas_unfinished"),
            "{counts:?}"
        );
        assert_eq!(scans.len(), 2, "{counts:?}");
        let durations = connection::plan(&mut connection, QueryBuilder::new(DURATIONS)).await;
        assert!(durations[1].contains(index), "{durations:?}");
        assert!(!durations[2].contains("ORDER BY"), "{durations:?}");
    }
}
