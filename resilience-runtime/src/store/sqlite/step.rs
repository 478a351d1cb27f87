//! Steps and starts of sagas in somebody's own transaction.

use std::sync::LazyLock;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Connection as _, Sqlite, SqliteConnection, Transaction};
use tokio::time::Instant;

use super::advance;
use super::failure::{BUSY, ended_without_effect, primary_code};
use super::operation::Operation;
use super::rows::column;
use super::start::{self, Present};
use super::statements::{Part, within_transaction};
use super::transaction::failed;
use crate::BoxFuture;
use crate::error::StoreError;
use crate::saga::journal::{
    NewSaga, SagaId, StartConnection, StartedIn, StepConnection, StepRecord, StepTransaction,
    Written,
};
use crate::store::rows::Unreadable;

const BEGINNING: &str = "beginning the transaction of a saga step";
const COMMITTING: &str = "committing a saga step";
const ROLLING_BACK: &str = "rolling back a saga step";
const STARTING: &str = "starting a saga";

/// How long a step waits for the write lock, whatever the connection would.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Changes nothing, and takes the write lock: a transaction that has read something old cannot get it any more.
const LOCK: &str = "UPDATE resilience_sagas SET epoch = epoch WHERE id = ''";

/// A savepoint is gone with its transaction, so that one which the body has ended is not taken for it.
const MARK: &str = "SAVEPOINT resilience_step";
const MARKED: &str = "RELEASE resilience_step";
/// What SQLite says of it where the transaction is another one, or none. It has no code for that.
const NO_MARK: &str = "no such savepoint";

/// The pieces that a step can have, in the order of their parameters.
const STEP_PARTS: [Part; 3] = [Part::Status, Part::Steps, Part::Fence];
static STEP: LazyLock<String> = LazyLock::new(|| within_transaction(&STEP_PARTS));
static START: LazyLock<String> = LazyLock::new(|| within_transaction(&[Part::Start]));

impl StepConnection for SqliteConnection {
    type Transaction<'c> = Transaction<'c, Sqlite>;

    fn begin_step(&mut self) -> BoxFuture<'_, Result<Self::Transaction<'_>, StoreError>> {
        Box::pin(async move {
            if in_transaction(self).await {
                let text =
                    "the connection is in a transaction, and a step begins and commits its own";
                return Err(StoreError::refused(BEGINNING, text));
            }
            let begun = self.begin().await;
            let mut transaction = begun.map_err(|error| failed(BEGINNING, error))?;
            lock(&mut transaction, BEGINNING).await?;
            let marked = sqlx::raw_sql(MARK).execute(&mut *transaction).await;
            marked.map_err(|error| failed(BEGINNING, error))?;
            Ok(transaction)
        })
    }
}

/// One that was dropped is rolled back before anything that is asked for after it.
async fn in_transaction(connection: &mut SqliteConnection) -> bool {
    connection.is_in_transaction()
        && connection.ping().await.is_ok()
        && connection.is_in_transaction()
}

/// Waits for the write lock. SQLite hands it to whoever asks in the right moment, and one that commits again and again
/// leaves few of those.
async fn lock(
    transaction: &mut Transaction<'_, Sqlite>,
    doing: &'static str,
) -> Result<(), StoreError> {
    let give_up = Instant::now() + LOCK_TIMEOUT;
    loop {
        match sqlx::query(LOCK).execute(&mut **transaction).await {
            Ok(_) => return Ok(()),
            Err(error) if primary_code(&error) == Some(BUSY) && Instant::now() < give_up => {
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(error) => return Err(failed(doing, error)),
        }
    }
}

impl StepTransaction for Transaction<'_, Sqlite> {
    type Connection = SqliteConnection;

    fn connection(&mut self) -> &mut SqliteConnection {
        self
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
            if let Err(error) = sqlx::raw_sql(MARKED).execute(&mut *self).await {
                let _ = StepTransaction::roll_back(self).await;
                return Err(match error.to_string().contains(NO_MARK) {
                    true => StoreError::ended_by_body(COMMITTING),
                    false => StoreError::in_doubt(COMMITTING, error),
                });
            }
            let operation = advance::step(COMMITTING, &saga, epoch, step, pivots);
            let rows = within(&mut self, &STEP, &STEP_PARTS, operation).await;
            let written = rows.and_then(|rows| {
                advance::written(&rows).map_err(|unreadable| unreadable.refused(COMMITTING))
            });
            if !matches!(written, Ok(Written::Yes { .. })) {
                StepTransaction::roll_back(self).await?;
                return written;
            }
            match Transaction::commit(self).await {
                Ok(()) => written,
                Err(error) if ended_without_effect(&error) => Err(failed(COMMITTING, error)),
                Err(error) => Err(StoreError::in_doubt(COMMITTING, error)),
            }
        })
    }

    fn roll_back<'c>(mut self) -> BoxFuture<'c, Result<(), StoreError>>
    where
        Self: 'c,
    {
        Box::pin(async move {
            // Where the body has ended the transaction: the connection would count as in one for ever. Else it is refused.
            let _ = sqlx::raw_sql("BEGIN").execute(&mut *self).await;
            let rolled_back = Transaction::rollback(self).await;
            rolled_back.map_err(|error| failed(ROLLING_BACK, error))
        })
    }
}

impl StartConnection for SqliteConnection {
    fn start_saga(&mut self, saga: NewSaga) -> BoxFuture<'_, Result<StartedIn, StoreError>> {
        Box::pin(async move {
            if in_transaction(self).await {
                return start_within(self, &saga).await;
            }
            let begun = self.begin().await;
            let mut transaction = begun.map_err(|error| failed(STARTING, error))?;
            lock(&mut transaction, STARTING).await?;
            let started = start_within(&mut transaction, &saga).await?;
            match transaction.commit().await {
                Ok(()) => Ok(started),
                Err(error) if ended_without_effect(&error) => Err(failed(STARTING, error)),
                Err(error) => Err(StoreError::in_doubt(STARTING, error)),
            }
        })
    }
}

async fn start_within(
    connection: &mut SqliteConnection,
    saga: &NewSaga,
) -> Result<StartedIn, StoreError> {
    let refused = |it: Unreadable| it.refused(STARTING);
    // Nobody has it, and whoever takes it over has the first epoch.
    let operation = Operation::new(STARTING, Part::Start, saga.id.as_str())
        .with(Part::Start, &start::change(saga, "", 0));
    let rows = within(connection, &START, &[Part::Start], operation).await?;
    let there = match Present::read(&rows).map_err(refused)? {
        Ok(_) => return Ok(StartedIn::New),
        Err(there) => there,
    };
    let row = sqlx::query("SELECT name, input FROM resilience_sagas WHERE id = $1")
        .bind(there.id.as_str())
        .fetch_one(connection)
        .await
        .map_err(|error| failed(STARTING, error))?;
    Ok(StartedIn::Present {
        id: there.id,
        name: column(&row, 0).map_err(refused)?,
        input: column(&row, 1).map_err(refused)?,
    })
}

/// Executes the changes of `operation` in the transaction of `connection`, and returns all rows.
async fn within(
    connection: &mut SqliteConnection,
    text: &'static str,
    parts: &[Part],
    operation: Operation,
) -> Result<Vec<SqliteRow>, StoreError> {
    let doing = operation.doing;
    if let Some(error) = operation.malformed {
        return Err(StoreError::refused(doing, error));
    }
    let mut query = sqlx::query(AssertSqlSafe(text));
    for part in parts {
        let changes = operation.changes.iter().filter(|(its, _)| its == part);
        let changes: Vec<&str> = changes.map(|(_, change)| change.as_str()).collect();
        query = query.bind(format!("[{}]", changes.join(",")));
    }
    let rows = query.fetch_all(connection).await;
    rows.map_err(|error| failed(doing, error))
}

/// What holds a connection is as good as the connection.
macro_rules! start_through_deref {
    ($($holder:ty),+) => {$(
        impl StartConnection for $holder {
            fn start_saga(&mut self, saga: NewSaga) -> BoxFuture<'_, Result<StartedIn, StoreError>> {
                StartConnection::start_saga(&mut **self, saga)
            }
        }
    )+};
}

start_through_deref!(Transaction<'_, Sqlite>, PoolConnection<Sqlite>);
