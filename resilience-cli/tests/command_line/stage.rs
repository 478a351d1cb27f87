//! A store with something in it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use resilience_runtime::dlq::{DeadLetterId, DeadLetterKind, NewDeadLetter, Priority, Queue};
use resilience_runtime::operator::Operator;
use resilience_runtime::runtime::{Runtime, RuntimeBuilder};
use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, Parking, SagaId, Status, StepOutcome, StepRecord,
};
use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::store::risk::{Accepted, Risk};
use resilience_runtime::store::sqlite::SqliteStore;
use resilience_test_support::server::Postgres;
use sqlx::Connection as _;
use tempfile::TempDir;

use crate::tool::{self, Ran};

/// A store of its own for a test, which is open: the sagas that it starts have a process that lives.
pub(crate) struct Stage {
    pub(crate) url: String,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) queue: Arc<dyn Queue>,
    sqlite: Option<SqliteStore>,
    postgres: Option<PostgresStore>,
    folder: Option<TempDir>,
}

impl Stage {
    pub(crate) async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("app.db");
        let store = SqliteStore::open(&path).await.unwrap();
        Self {
            url: path.to_str().unwrap().to_owned(),
            journal: Arc::new(store.clone()),
            queue: Arc::new(store.clone()),
            sqlite: Some(store),
            postgres: None,
            folder: Some(folder),
        }
    }

    /// `None` where there is no server.
    pub(crate) async fn postgres() -> Option<Self> {
        static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
        static DATABASES: Mutex<u32> = Mutex::new(0);
        let url = tokio::task::spawn_blocking(|| {
            let server = SERVER.get_or_init(Postgres::start).as_ref()?;
            let mut databases = DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
            *databases += 1;
            Some(server.create_database(&format!("test_{databases}")))
        });
        let url = url.await.unwrap()?;
        let accepted = Accepted::only(&[Risk::NotDurable]);
        let store = PostgresStore::open(&url, &accepted).await.unwrap();
        Some(Self {
            url,
            journal: Arc::new(store.clone()),
            queue: Arc::new(store.clone()),
            sqlite: None,
            postgres: Some(store),
            folder: None,
        })
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.folder.is_some()
    }

    /// Its process is gone, in order.
    pub(crate) async fn leave(&mut self) {
        if let Some(store) = self.sqlite.take() {
            store.close().await.unwrap();
        }
        if let Some(store) = self.postgres.take() {
            store.close().await;
        }
    }

    /// Runs the tool on it.
    pub(crate) async fn tool(&self, arguments: &[&str]) -> Ran {
        tool::run(Some(&self.url), arguments).await
    }

    /// A program on it that has the code of [`crate::program`].
    pub(crate) fn program(&self) -> RuntimeBuilder {
        let url = match self.is_sqlite() {
            true => format!("sqlite:{}", self.url),
            false => self.url.clone(),
        };
        Runtime::builder(url).scoped().accept(Risk::NotDurable)
    }

    /// What no version of the crate does.
    pub(crate) async fn execute(&self, text: &str) {
        let text = sqlx::AssertSqlSafe(text.to_owned());
        if self.is_sqlite() {
            let url = format!("sqlite:{}", self.url);
            let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
        }
    }

    pub(crate) async fn work(&self, work: NewDeadLetter) -> DeadLetterId {
        let nonce = SagaId::generate().to_string();
        let by = Operator::named("mailer");
        self.queue.add(work, nonce, by).await.unwrap()
    }

    /// A saga that runs, in this process.
    pub(crate) async fn running(&self, name: &str) -> SagaId {
        let id = SagaId::generate();
        self.running_as(&id, name, 1).await;
        id
    }

    /// The same under this id.
    pub(crate) async fn running_as(&self, id: &SagaId, name: &str, version: u32) {
        let saga = NewSaga {
            id: id.clone(),
            given: true,
            name: name.to_owned(),
            version,
            key: None,
            input: r#"{"cart":7}"#.to_owned(),
            timeout: None,
            parent: None,
            nonce: 7,
        };
        self.journal.start(saga).await.unwrap();
    }

    pub(crate) async fn advance(&self, id: &SagaId, advance: Advance) {
        self.journal.advance(id.clone(), 1, advance).await.unwrap();
    }

    pub(crate) async fn completed(&self, name: &str) -> SagaId {
        let id = self.running(name).await;
        let advance = Advance {
            status: Some(Status::Completed),
            output: Some(r#""done""#.to_owned()),
            ..Advance::default()
        };
        self.advance(&id, advance).await;
        id
    }

    /// A saga that could not undo its step `wave`, which it can from now on if `works`.
    pub(crate) async fn stuck(&self, works: bool) -> SagaId {
        let id = self.running("greet").await;
        let arguments = format!(r#"{{"works":{works}}}"#);
        let step = StepRecord {
            position: 0,
            step: "wave".to_owned(),
            occurrence: 0,
            arguments: arguments.clone(),
            outcome: StepOutcome::Done,
            output: Some("null".to_owned()),
            compensation: Some("unwave".to_owned()),
            undone: false,
            written_at: None,
        };
        let decided = Advance {
            steps: vec![step],
            status: Some(Status::Compensating),
            error: Some("the card was declined".to_owned()),
            ..Advance::default()
        };
        self.advance(&id, decided).await;
        let failed = Advance {
            status: Some(Status::CompensationFailed),
            dead_letter: Some(NewDeadLetter {
                kind: DeadLetterKind::Compensation,
                position: Some(0),
                arguments,
                ..letter("wave")
            }),
            ..Advance::default()
        };
        self.advance(&id, failed).await;
        id
    }

    /// A saga of this name that is parked before its first step.
    pub(crate) async fn parked(&self, name: &str) -> SagaId {
        let id = self.running(name).await;
        self.park(&id, name).await;
        id
    }

    /// Parks it.
    pub(crate) async fn park(&self, id: &SagaId, name: &str) {
        let advance = Advance {
            status: Some(Status::Parked),
            parking: Some(Parking::Stuck),
            error: Some("the card is declined for good".to_owned()),
            dead_letter: Some(NewDeadLetter {
                kind: DeadLetterKind::Saga,
                ..letter(name)
            }),
            ..Advance::default()
        };
        self.advance(id, advance).await;
    }
}

/// Work of the author's own.
pub(crate) fn letter(operation: &str) -> NewDeadLetter {
    NewDeadLetter {
        kind: DeadLetterKind::Work,
        operation: operation.to_owned(),
        dependency: None,
        priority: Priority::Normal,
        position: None,
        arguments: "{}".to_owned(),
        output: None,
        error: "it could not".to_owned(),
        attempts: 1,
    }
}
