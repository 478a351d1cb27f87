//! Steps that commit with their own record, and sagas that are started in somebody's transaction.

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::call::Call;
use super::failure::Meaning;
use super::journal::statements::{record_steps, unless_there};
use super::journal::write::{starting, steps};
use super::journal::{Present, STARTING};
use super::rows::column;
use super::transaction::run;
use crate::BoxFuture;
use crate::error::StoreError;
use crate::saga::journal::{
    NewSaga, SagaId, StartConnection, StartedIn, StepConnection, StepRecord, StepTransaction,
    Written,
};
use crate::store::rows::Unreadable;

const BEGINNING: &str = "beginning the transaction of a step";
const COMMITTING: &str = "committing the transaction of a step";
const ROLLING_BACK: &str = "rolling the transaction of a step back";

/// How often a start that lost against others is made again. Each time somebody else got on.
const RACES_MAX: u32 = 16;

/// `$1` saga, `$2` epoch, `$3` steps, `$4` whether a pivot is among them, `$5` the mark of the transaction. No row where the
/// transaction is another one; else one, with nothing where the epoch is another one, or whether somebody has asked to
/// cancel the saga.
const COMMIT: &str = concat!(
    "
WITH fence AS (
    SELECT id, cancelled AND NOT pivoted AND NOT $4 AND status = 'running' AS cancelled FROM resilience_sagas
    WHERE id = $1 AND epoch = $2 AND current_setting('resilience.step', true) = $5
    FOR NO KEY UPDATE
), pivoted AS (
    UPDATE resilience_sagas AS saga SET pivoted = true
    FROM fence
    WHERE saga.id = fence.id AND $4
), steps AS (",
    record_steps!("$3", "$1"),
    ")
SELECT (SELECT cancelled FROM fence) WHERE current_setting('resilience.step', true) = $5"
);

/// A transaction that a step has begun.
#[derive(Debug)]
pub struct PostgresStep<'c> {
    transaction: Transaction<'c, Postgres>,
    /// What this transaction is known by, so that one that the body has ended is not taken for it.
    mark: String,
}

impl StepConnection for PgConnection {
    type Transaction<'c> = PostgresStep<'c>;

    fn begin_step(&mut self) -> BoxFuture<'_, Result<PostgresStep<'_>, StoreError>> {
        Box::pin(async move {
            if sqlx::Connection::is_in_transaction(self) {
                let text = "the connection is in a transaction, and a step commits its own";
                return Err(StoreError::refused(BEGINNING, text));
            }
            let mark = Uuid::new_v4().to_string();
            let begin = format!("BEGIN; SET LOCAL resilience.step = '{mark}'");
            let transaction = self.begin_with(AssertSqlSafe(begin)).await;
            Ok(PostgresStep {
                transaction: transaction.map_err(|error| StoreError::refused(BEGINNING, error))?,
                mark,
            })
        })
    }
}

impl StepTransaction for PostgresStep<'_> {
    type Connection = PgConnection;

    fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    fn commit<'c>(
        mut self,
        saga: SagaId,
        epoch: i64,
        step: StepRecord,
        pivots: bool,
    ) -> BoxFuture<'c, Result<Written, StoreError>>
    where
        Self: 'c,
    {
        Box::pin(async move {
            let call = Call::new(COMMITTING, COMMIT)
                .text(saga.as_str())
                .number(epoch)
                .text(steps(&[step]))
                .flag(pivots)
                .text(self.mark);
            let rows = run(&mut self.transaction, call).await?;
            let Some(row) = rows.first() else {
                return Err(StoreError::ended_by_body(COMMITTING));
            };
            let cancelled: Option<bool> =
                column(row, 0).map_err(|e: Unreadable| e.refused(COMMITTING))?;
            let Some(cancelled) = cancelled else {
                self.transaction.rollback().await.map_err(lost)?;
                return Ok(Written::Superseded);
            };
            match self.transaction.commit().await {
                Ok(()) => Ok(Written::Yes { cancelled }),
                Err(error) if Meaning::of(&error) == Meaning::Lost => {
                    Err(StoreError::in_doubt(COMMITTING, error))
                }
                Err(error) => Err(StoreError::refused(COMMITTING, error)),
            }
        })
    }

    fn roll_back<'c>(self) -> BoxFuture<'c, Result<(), StoreError>>
    where
        Self: 'c,
    {
        Box::pin(async move { self.transaction.rollback().await.map_err(lost) })
    }
}

/// What was not committed is rolled back by the server, too, when the connection is lost.
fn lost(error: sqlx::Error) -> StoreError {
    StoreError::refused(ROLLING_BACK, error)
}

impl StartConnection for PgConnection {
    fn start_saga(&mut self, saga: NewSaga) -> BoxFuture<'_, Result<StartedIn, StoreError>> {
        Box::pin(async move {
            for _ in 0..RACES_MAX {
                let rows = run(self, starting(&saga, None, 0)).await?;
                // No row: another transaction had the id or the key, this one waited for it, and looked at a time before.
                let Some(row) = rows.first() else { continue };
                let there = Present::read(row).map_err(|e| e.refused(STARTING))?;
                return Ok(match there.new {
                    true => StartedIn::New,
                    false => StartedIn::Present {
                        id: there.record.id,
                        name: there.record.name,
                        input: there.record.input,
                    },
                });
            }
            let text = "others were faster again and again";
            Err(StoreError::refused(STARTING, text))
        })
    }
}

impl StartConnection for Transaction<'_, Postgres> {
    fn start_saga(&mut self, saga: NewSaga) -> BoxFuture<'_, Result<StartedIn, StoreError>> {
        (**self).start_saga(saga)
    }
}

impl StartConnection for PoolConnection<Postgres> {
    fn start_saga(&mut self, saga: NewSaga) -> BoxFuture<'_, Result<StartedIn, StoreError>> {
        (**self).start_saga(saga)
    }
}
