//! The journal, read behind the runtime's back.

use std::path::Path;
use std::time::Duration;

use resilience_test_support::scratch;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

/// A saga as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saga {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) epoch: i64,
    pub(crate) output: Option<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) letters: Vec<Letter>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) is_undone: bool,
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) operation: String,
    pub(crate) status: String,
    pub(crate) attempts: i64,
}

/// A connection beside those of the runtime.
pub(crate) async fn connect(database: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(database);
    let options = options.busy_timeout(Duration::from_secs(30));
    options.connect().await
}

/// Makes the table of the steps that are rows.
pub(crate) async fn create_entries(database: &Path) {
    let mut connection = connect(database).await.expect("it opens");
    sqlx::raw_sql("CREATE TABLE entries (order_id BIGINT NOT NULL)")
        .execute(&mut connection)
        .await
        .expect("a table");
    connection.close().await.expect("it closes");
}

pub(crate) async fn enter(conn: &mut SqliteConnection, order: u64) -> Result<(), sqlx::Error> {
    let order = i64::try_from(order).expect("small");
    let entered = sqlx::query("INSERT INTO entries (order_id) VALUES (?)").bind(order);
    entered.execute(conn).await.map(drop)
}

/// Reads a copy: to open a database is to recover it, and that is for the runtime to do.
pub(crate) async fn look(database: &Path) -> (Vec<Saga>, i64) {
    let scratch = scratch::folder("faults-copy");
    for suffix in ["", "-wal", "-journal"] {
        let mut from = database.as_os_str().to_owned();
        from.push(suffix);
        if Path::new(&from).exists() {
            let to = scratch.path().join(format!("a.db{suffix}"));
            std::fs::copy(&from, to).expect("a copy");
        }
    }
    let copy = scratch.path().join("a.db");
    if !copy.exists() {
        return (Vec::new(), 0);
    }
    let options = SqliteConnectOptions::new().filename(&copy);
    let mut connection = options.connect().await.expect("the copy opens");
    let sagas = read(&mut connection).await.expect("the copy can be read");
    let entries = sqlx::query_scalar("SELECT count(*) FROM entries");
    // Where there is no such table, there are none.
    let entries = entries.fetch_one(&mut connection).await.unwrap_or(0);
    connection.close().await.expect("it closes");
    (sagas, entries)
}

/// How many sagas are not completed, in a database that others work on.
pub(crate) fn unfinished(database: &Path) -> i64 {
    ask(
        database,
        "SELECT count(*) FROM resilience_sagas WHERE status <> 'completed'",
    )[0]
}

/// The epochs of all sagas, in a database that others work on.
pub(crate) fn epochs(database: &Path) -> Vec<i64> {
    ask(database, "SELECT epoch FROM resilience_sagas ORDER BY id")
}

fn ask(database: &Path, question: &'static str) -> Vec<i64> {
    let asked = async {
        let options = SqliteConnectOptions::new()
            .filename(database)
            .read_only(true);
        let mut connection = options.connect().await?;
        let answer = sqlx::query_scalar(question)
            .fetch_all(&mut connection)
            .await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(answer)
    };
    // Its callers wait for something, with threads of their own.
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| crate::place::block_on(asked));
        asking
            .join()
            .expect("no panic")
            .expect("the database answers")
    })
}

async fn read(connection: &mut SqliteConnection) -> Result<Vec<Saga>, sqlx::Error> {
    let sane: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut *connection)
        .await?;
    assert_eq!(sane, "ok");
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'resilience_sagas'")
            .fetch_one(&mut *connection)
            .await?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    let rows = sqlx::query("SELECT id, status, epoch, output FROM resilience_sagas ORDER BY id")
        .fetch_all(&mut *connection)
        .await?;
    let mut sagas = Vec::new();
    for row in rows {
        let id: String = row.try_get(0)?;
        sagas.push(Saga {
            status: row.try_get(1)?,
            epoch: row.try_get(2)?,
            output: row.try_get(3)?,
            steps: steps(connection, &id).await?,
            letters: letters(connection, &id).await?,
            id,
        });
    }
    Ok(sagas)
}

async fn steps(connection: &mut SqliteConnection, saga: &str) -> Result<Vec<Step>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT step, undone FROM resilience_saga_steps WHERE saga_id = ? ORDER BY position",
    )
    .bind(saga)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Step {
                name: row.try_get(0)?,
                is_undone: row.try_get(1)?,
            })
        })
        .collect()
}

async fn letters(
    connection: &mut SqliteConnection,
    saga: &str,
) -> Result<Vec<Letter>, sqlx::Error> {
    let rows = sqlx::query("SELECT operation, status, attempts FROM resilience_dead_letters WHERE saga_id = ? ORDER BY id")
        .bind(saga)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Letter {
                operation: row.try_get(0)?,
                status: row.try_get(1)?,
                attempts: row.try_get(2)?,
            })
        })
        .collect()
}
