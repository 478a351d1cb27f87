//! A process with a runtime, on a store that it may leave or die on.

use std::sync::Arc;
use std::time::Duration;

use resilience_runtime::dlq::{DeadLetter, DeadLetterFilter, Queue};
use resilience_runtime::runtime::{Runtime, RuntimeBuilder};
use resilience_runtime::saga::journal::{Journal, SagaFilter, SagaRecord};

use crate::mortal::Mortal;
use crate::shop::{Oops, World};

pub(crate) struct Process {
    pub(crate) runtime: Runtime,
    pub(crate) store: Arc<Mortal>,
    pub(crate) world: World,
}

impl Process {
    /// The first process on new data.
    pub(crate) async fn first() -> Self {
        Self::on(Mortal::first(), &World::new(), |builder| builder).await
    }

    /// Another process, whose recovery has not begun yet.
    pub(crate) async fn on(
        store: Arc<Mortal>,
        world: &World,
        settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> Self {
        let builder = Runtime::on_store(Arc::clone(&store)).state(world.clone());
        let runtime = settings(builder).scoped().open().await.unwrap();
        let world = world.clone();
        Self {
            runtime,
            store,
            world,
        }
    }

    /// The process is killed, and another one begins.
    pub(crate) async fn killed(self) -> Self {
        let next = self.store.kill();
        Self::on(next, &self.world, |builder| builder).await
    }

    /// The same, and the next one has dealt with everything that there was.
    pub(crate) async fn recovered(self) -> Self {
        let next = self.killed().await;
        next.runtime.recovered().await;
        next
    }

    /// Begins sagas, and lets each get as far as it does without waiting for time to pass.
    pub(crate) async fn begin<F>(&self, calls: impl IntoIterator<Item = F>)
    where
        F: Future<Output = Result<String, Oops>> + Send + 'static,
    {
        for call in calls {
            let runtime = self.runtime.clone();
            tokio::spawn(async move { runtime.scope(call).await.map(drop) });
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// All sagas, oldest first.
    pub(crate) async fn sagas(&self) -> Vec<SagaRecord> {
        let all = Journal::list(&*self.store, SagaFilter::default(), None, 1000);
        let mut sagas = Vec::new();
        for saga in all.await.unwrap() {
            sagas.extend(self.store.load(saga.id).await.unwrap());
        }
        sagas
    }

    /// The only saga.
    pub(crate) async fn saga(&self) -> SagaRecord {
        let mut sagas = self.sagas().await;
        assert_eq!(sagas.len(), 1);
        sagas.remove(0)
    }

    pub(crate) async fn letters(&self) -> Vec<DeadLetter> {
        let all = Queue::list(&*self.store, DeadLetterFilter::default(), None, 1000);
        all.await.unwrap()
    }
}

/// A call whose arguments the task of a caller owns.
macro_rules! call {
    ($saga:ident, $process:expr, $number:expr) => {{
        let world = $process.world.clone();
        async move { crate::shop::$saga(&world, $number).await }
    }};
}
