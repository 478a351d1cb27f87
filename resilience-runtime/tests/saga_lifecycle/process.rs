//! A process with a runtime, its view of the store, and the world.

use std::sync::Arc;
use std::time::Duration;

use resilience_runtime::dlq::{DeadLetter, DeadLetterFilter, Queue};
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::{
    Journal, SagaFilter, SagaId, SagaRecord, SagaSummary, Status,
};

use super::spy::Spy;
use super::world::{Ask, World};

pub(crate) struct Process {
    pub(crate) runtime: Runtime,
    pub(crate) spy: Arc<Spy>,
    pub(crate) world: World,
}

impl Process {
    /// The first process on a new store. `trip` asks for this.
    pub(crate) async fn first(plan: &[Ask]) -> Self {
        let world = World::default();
        world.plan("trip", plan);
        Self::on(Spy::new(), world).await
    }

    pub(crate) async fn on(spy: Arc<Spy>, world: World) -> Self {
        let runtime = Runtime::on_store(Arc::clone(&spy))
            .state(world.clone())
            .scoped()
            .open()
            .await
            .unwrap();
        Self {
            runtime,
            spy,
            world,
        }
    }

    /// Another process on the same store, which dies after a write of its own.
    pub(crate) async fn another(&self) -> Self {
        Self::on(self.spy.another(usize::MAX), self.world.clone()).await
    }

    /// The process after this one, which is gone.
    pub(crate) async fn restart(self) -> Self {
        let next = self.spy.another(usize::MAX);
        // What hangs in it keeps its store.
        self.spy.store.clone().close().await;
        drop(self.runtime);
        let next = Self::on(next, self.world).await;
        next.runtime.recovered().await;
        next
    }

    pub(crate) async fn scope<F: Future>(&self, future: F) -> F::Output {
        self.runtime.scope(future).await
    }

    pub(crate) fn writes(&self) -> Vec<String> {
        self.spy.writes()
    }

    pub(crate) async fn sagas(&self) -> Vec<SagaSummary> {
        let all = Journal::list(&self.spy.store, SagaFilter::default(), None, 1000);
        all.await.unwrap()
    }

    /// The only saga of this name.
    pub(crate) async fn saga(&self, name: &str) -> SagaRecord {
        let mut sagas = self.sagas().await;
        sagas.retain(|saga| saga.name == name);
        assert_eq!(sagas.len(), 1, "{sagas:?}");
        self.record(&sagas[0].id).await
    }

    pub(crate) async fn record(&self, id: &SagaId) -> SagaRecord {
        self.spy.store.load(id.clone()).await.unwrap().unwrap()
    }

    pub(crate) async fn letters(&self) -> Vec<DeadLetter> {
        let all = Queue::list(&self.spy.store, DeadLetterFilter::default(), None, 1000);
        all.await.unwrap()
    }

    /// Resolves when the saga that is the only one of this name has begun.
    pub(crate) async fn has(&self, name: &str) -> SagaId {
        loop {
            let sagas = self.sagas().await;
            if let Some(saga) = sagas.iter().find(|saga| saga.name == name) {
                return saga.id.clone();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Resolves when no saga is unfinished.
    pub(crate) async fn quiet(&self) {
        loop {
            let sagas = self.sagas().await;
            if sagas.iter().all(|saga| !saga.status.is_unfinished()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The names and statuses of sagas.
pub(crate) fn statuses(sagas: &[SagaSummary]) -> Vec<(&str, Status)> {
    let mut statuses: Vec<_> = sagas
        .iter()
        .map(|saga| (saga.name.as_str(), saga.status))
        .collect();
    statuses.sort_unstable();
    statuses
}
