//! Dead letters.

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStore;
use super::call::Call;
use super::journal::rows::{Unreadable, column, number, text, word};
use crate::BoxFuture;
use crate::dlq::{
    Closing, DeadLetter, DeadLetterId, DeadLetterStatus, Kind, LetterFilter, NewDeadLetter,
    Priority, Queue,
};
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::SagaId;
use crate::timestamp::Timestamp;

const READING: &str = "reading the dead letter queue";
const RESOLVING: &str = "resolving a dead letter";

impl Queue for PostgresStore {
    fn list(
        &self,
        filter: LetterFilter,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let call = Call::new(READING, LIST)
                .text(
                    filter
                        .statuses
                        .first()
                        .map_or("open", |status| status.as_str()),
                )
                .number(after.unwrap_or(i64::MIN))
                .number(limit.into());
            let letters: Result<_, _> = self.call(call).await?.iter().map(dead_letter).collect();
            letters.map_err(|unreadable| unreadable.refused(READING))
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
        _by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let note = note(closing);
            let call = Call::new(RESOLVING, RESOLVE)
                .number(id)
                .text(text(&note))
                .text(Uuid::new_v4().to_string());
            Ok(!self.hand_over("", call).await?.is_empty())
        })
    }
}

/// `$1` status, `$2` the last id of the page before, `$3` at most how many.
const LIST: &str = "
SELECT id, saga_id, saga_name, kind, operation, arguments, output, error, attempts, status,
       extract(epoch FROM created_at)::int8, note
FROM resilience_dead_letters
WHERE status = $1 AND id > $2
ORDER BY id
LIMIT $3";

/// `$1` id.
const GET: &str = "
SELECT id, saga_id, saga_name, kind, operation, arguments, output, error, attempts, status,
       extract(epoch FROM created_at)::int8, note
FROM resilience_dead_letters
WHERE id = $1";

/// `$1` id, `$2` note, `$3` a nonce. One row when it is resolved by this statement, now or when it was made before.
///
/// A letter whose saga is being undone again (an operator retried it) is not closed. The epoch of the saga moves on,
/// so that nobody who had it once can write to it. The saga is locked before the letter, as the journal does.
const RESOLVE: &str = "
WITH fence AS (
    SELECT saga.id
    FROM resilience_sagas AS saga
    WHERE saga.id = (SELECT letter.saga_id FROM resilience_dead_letters AS letter WHERE letter.id = $1)
      AND saga.status = 'dead'
    FOR NO KEY UPDATE
), resolved AS (
    UPDATE resilience_dead_letters AS letter
    SET status = 'resolved', note = $2, nonce = $3::uuid, updated_at = clock_timestamp()
    FROM fence
    WHERE letter.id = $1 AND letter.saga_id = fence.id AND letter.status = 'open'
    RETURNING letter.saga_id
), saga AS (
    UPDATE resilience_sagas AS saga
    SET status = 'compensated', epoch = saga.epoch + 1, updated_at = clock_timestamp()
    FROM resolved
    WHERE saga.id = resolved.saga_id
)
SELECT 1 FROM resolved
UNION ALL
SELECT 1 FROM resilience_dead_letters WHERE id = $1 AND status = 'resolved' AND nonce = $3::uuid";

/// Looks at every letter.
const COUNTS: &str = "SELECT status, count(*) FROM resilience_dead_letters GROUP BY status";

fn dead_letter(row: &PgRow) -> Result<DeadLetter, Unreadable> {
    Ok(DeadLetter {
        id: column(row, 0)?,
        saga: Some(SagaId::from_stored(column(row, 1)?)),
        saga_name: Some(column(row, 2)?),
        work: NewDeadLetter {
            kind: word(row, 3, Kind::from_stored)?,
            operation: column(row, 4)?,
            dependency: None,
            priority: Priority::High,
            position: None,
            arguments: column(row, 5)?,
            output: column(row, 6)?,
            error: column(row, 7)?,
            attempts: number(row, 8)?,
        },
        status: word(row, 9, DeadLetterStatus::from_stored)?,
        created_at: Timestamp::from_micros(column::<i64>(row, 10)? * 1_000_000),
        updated_at: Timestamp::from_micros(column::<i64>(row, 10)? * 1_000_000),
        note: column(row, 11)?,
    })
}

fn note(closing: Closing) -> String {
    match closing {
        Closing::Resolve(note) => note,
        Closing::Discard => String::new(),
    }
}
