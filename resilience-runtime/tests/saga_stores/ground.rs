//! A store, and the processes on it: runtimes that share nothing else.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use resilience_runtime::dlq::{DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterStatus};
use resilience_runtime::runtime::{Runtime, RuntimeBuilder, ShutdownReport};
use resilience_runtime::saga::journal::{SagaFilter, SagaId, SagaRecord, SagaSummary};
use resilience_runtime::store::memory::MemoryStore;
use resilience_runtime::store::risk::Risk;
use resilience_test_support::server::Postgres;
use serde_json::Value;

use crate::trips::{cannot_give_back, trip};
use crate::world::{Ask, World};

/// A test of each function, on each store.
macro_rules! on_every_store {
    ($($name:ident),+ $(,)?) => {
        on_every_store! { @ memory: $($name),+ }
        on_every_store! { @ sqlite: $($name),+ }
        on_every_store! { @ postgres: $($name),+ }
    };
    (@ $store:ident: $($name:ident),+) => {
        mod $store {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(ground) = crate::ground::Ground::$store() {
                    super::$name(ground).await;
                }
            })+
        }
    };
}

/// What happens at all happens within this time.
const AT_LAST: Duration = Duration::from_secs(60);

pub(crate) enum Ground {
    Memory(MemoryStore),
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

/// A runtime, and its own view of the store.
pub(crate) struct Process {
    pub(crate) runtime: Runtime,
    pub(crate) world: World,
    /// A store that somebody else made is closed by him.
    memory: Option<MemoryStore>,
}

impl Ground {
    #[allow(clippy::unnecessary_wraps, reason = "the others may be missing")]
    pub(crate) fn memory() -> Option<Self> {
        Some(Self::Memory(MemoryStore::new()))
    }

    pub(crate) fn sqlite() -> Option<Self> {
        let folder = resilience_test_support::scratch::folder("saga-stores");
        Some(Self::Sqlite(folder))
    }

    /// A database of its own on the server that the tests share.
    pub(crate) fn postgres() -> Option<Self> {
        static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
        static DATABASES: Mutex<u32> = Mutex::new(0);
        let server = SERVER.get_or_init(Postgres::start).as_ref()?;
        let mut databases = DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
        *databases += 1;
        let name = format!("test_{databases}");
        Some(Self::Postgres(server.create_database(&name)))
    }

    /// A process that waits hardly at all for what runs when it is shut down.
    pub(crate) async fn open(&self, world: &World) -> Process {
        self.open_with(world, |builder| {
            builder.shutdown_timeout(Duration::from_millis(100))
        })
        .await
    }

    /// The same, which has no other rounds than those that it is woken for.
    pub(crate) async fn open_woken(&self, world: &World) -> Process {
        self.open_with(world, |builder| {
            builder
                .shutdown_timeout(Duration::from_millis(100))
                .poll_interval(Duration::from_secs(3600))
        })
        .await
    }

    pub(crate) async fn open_with(
        &self,
        world: &World,
        settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> Process {
        let mut memory = None;
        let builder = match self {
            Self::Memory(store) => {
                let store = store.another_worker();
                memory = Some(store.clone());
                Runtime::on_store(Arc::new(store))
            }
            Self::Sqlite(folder) => {
                let file = folder.path().join("a.db");
                Runtime::builder(format!("sqlite://{}", file.display()))
            }
            Self::Postgres(url) => Runtime::builder(url),
        };
        let sender = world.clone();
        let builder = builder
            // The private servers run without `fsync`.
            .accept(Risk::NotDurable)
            .state(world.clone())
            .dead_letter_handler("send", move |letter: Value| {
                let world = sender.clone();
                async move { world.act(format!("send {letter}")).await.map(drop) }
            })
            .scoped();
        let runtime = settings(builder).open().await.unwrap();
        Process {
            runtime,
            world: world.clone(),
            memory,
        }
    }
}

impl Process {
    pub(crate) async fn scope<F: Future>(&self, future: F) -> F::Output {
        self.runtime.scope(future).await
    }

    /// In a task of its own.
    pub(crate) fn spawn<F>(&self, future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let runtime = self.runtime.clone();
        tokio::spawn(async move { runtime.scope(future).await })
    }

    /// Ends in order.
    pub(crate) async fn shutdown(&self) -> ShutdownReport {
        let report = at_last(self.runtime.shutdown()).await;
        if let Some(store) = &self.memory {
            store.clone().close().await;
        }
        report
    }

    pub(crate) async fn sagas(&self) -> Vec<SagaSummary> {
        let all = self.runtime.sagas();
        all.list(SagaFilter::default(), None, 10_000).await.unwrap()
    }

    pub(crate) async fn saga(&self, id: &SagaId) -> SagaRecord {
        let saga = self.runtime.sagas().get(id).await.unwrap();
        saga.expect("the saga is there")
    }

    pub(crate) async fn letters(&self) -> Vec<DeadLetter> {
        let letters = self.runtime.dead_letters();
        letters
            .list(DeadLetterFilter::default(), None, 10_000)
            .await
            .unwrap()
    }

    /// So many sagas whose one step could not be undone, and would be now: its item, the saga, and the letter.
    pub(crate) async fn dead_sagas(&self, count: u32) -> Vec<(u32, SagaId, DeadLetterId)> {
        let mut dead = Vec::new();
        for item in 0..count {
            self.world.plan("trip", &[Ask::Take(item), Ask::Fail]);
            cannot_give_back(&self.world, item);
            let world = self.world.clone();
            dead.push(self.spawn(async move { trip(&world, item, 5).await }));
            // One plan is read by one saga.
            at_last(self.world.has(&format!("take {item}"))).await;
        }
        for saga in dead {
            at_last(saga).await.unwrap().unwrap_err();
        }
        let letters = self.letters().await.into_iter().map(|letter| {
            let arguments: Value = serde_json::from_str(&letter.work.arguments).unwrap();
            let item = u32::try_from(arguments["item"].as_u64().unwrap()).unwrap();
            (item, letter.saga.unwrap(), letter.id)
        });
        letters.collect()
    }

    /// The saga, when nobody has to work on it any more.
    pub(crate) async fn over(&self, id: &SagaId) -> SagaRecord {
        at_last(async {
            loop {
                let saga = self.saga(id).await;
                if !saga.status.is_unfinished() {
                    return saga;
                }
                pause().await;
            }
        })
        .await
    }

    /// Resolves when no saga is unfinished and no letter is to be retried.
    pub(crate) async fn quiet(&self) {
        at_last(async {
            loop {
                let sagas = self.sagas().await;
                let letters = self.letters().await;
                let is_retried = |letter: &DeadLetter| letter.status == DeadLetterStatus::Retrying;
                if !sagas.iter().any(|saga| saga.status.is_unfinished())
                    && !letters.iter().any(is_retried)
                {
                    return;
                }
                pause().await;
            }
        })
        .await;
    }
}

pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

/// Waits until `future` is done.
pub(crate) async fn at_last<F: Future>(future: F) -> F::Output {
    let done = tokio::time::timeout(AT_LAST, future).await;
    done.expect("it comes to an end")
}
