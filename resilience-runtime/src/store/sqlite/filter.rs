//! What the lists of sagas and of dead letters are asked for alike.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use super::rows::in_seconds;
use super::{SqliteStore, failure};
use crate::error::StoreError;
use crate::timestamp::Timestamp;

/// Which part of a list is read: so many rows, behind so many.
#[derive(Clone, Copy)]
pub(super) struct Part {
    limit: usize,
    seen: usize,
}

/// ` AND status IN (?, ?)`, with the column as it is to be written.
pub(super) fn one_of(
    query: &mut QueryBuilder<Sqlite>,
    column: &str,
    words: impl Iterator<Item = &'static str>,
) {
    query.push(format_args!(" AND {column} IN ("));
    let mut values = query.separated(", ");
    for word in words {
        values.push_bind(word);
    }
    query.push(")");
}

/// Created from `since` on, and before `before`.
pub(super) fn created(
    query: &mut QueryBuilder<Sqlite>,
    since: Option<Timestamp>,
    before: Option<Timestamp>,
) {
    if let Some(since) = since {
        query
            .push(" AND created_at >= ")
            .push_bind(in_seconds(since));
    }
    if let Some(before) = before {
        query
            .push(" AND created_at < ")
            .push_bind(in_seconds(before));
    }
}

impl Part {
    #[cfg(test)]
    pub(super) const fn first(limit: usize) -> Self {
        Self { limit, seen: 0 }
    }

    /// ` LIMIT ? OFFSET ?`, behind the order.
    pub(super) fn end(self, mut query: QueryBuilder<Sqlite>) -> QueryBuilder<Sqlite> {
        let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
        query.push(" LIMIT ").push_bind(number(self.limit));
        query.push(" OFFSET ").push_bind(number(self.seen));
        query
    }
}

impl SqliteStore {
    /// A page of at most `limit` of what `query` selects and `read` reads. Rows that cannot be read do not make it shorter:
    /// an empty one is the end.
    pub(super) async fn page_of<T>(
        &self,
        doing: &'static str,
        limit: u32,
        query: impl Fn(Part) -> QueryBuilder<Sqlite>,
        read: impl Fn(&SqliteRow) -> Option<T>,
    ) -> Result<Vec<T>, StoreError> {
        let reading = |error| failure::reading(doing, error);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut found, mut seen) = (Vec::new(), 0);
        // One view for the whole page: what is deleted meanwhile must not move the rows that are still to be seen.
        let mut view = self
            .shared
            .readers
            .get(doing)?
            .begin()
            .await
            .map_err(reading)?;
        while found.len() < limit {
            let missing = limit - found.len();
            let mut query = query(Part {
                limit: missing,
                seen,
            });
            let rows = query.build().fetch_all(&mut *view).await;
            let rows = rows.map_err(reading)?;
            seen += rows.len();
            found.extend(rows.iter().filter_map(&read));
            if rows.len() < missing {
                break;
            }
        }
        Ok(found)
    }
}
