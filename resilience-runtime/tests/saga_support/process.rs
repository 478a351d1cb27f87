//! A process with a runtime, a view of the disk, and the world.

use std::sync::Arc;

use resilience_runtime::runtime::Runtime;

use crate::disk::Disk;
use crate::shop::{Ask, ShopError, World, order};
use crate::store::{Store, Trouble};

pub(crate) struct Process {
    pub(crate) runtime: Runtime,
    pub(crate) store: Arc<Store>,
    pub(crate) world: World,
}

impl Process {
    /// The first process on a new disk.
    pub(crate) async fn first(plan: &[Ask]) -> Self {
        Self::on(&Arc::default(), World::default(), plan, Trouble::None).await
    }

    pub(crate) async fn on(disk: &Arc<Disk>, world: World, plan: &[Ask], trouble: Trouble) -> Self {
        world.plan(plan);
        let store = Store::new(disk);
        store.expect(trouble);
        let runtime = Runtime::on_store(Arc::clone(&store))
            .state(world.clone())
            .scoped()
            .open()
            .await
            .unwrap();
        runtime.recovered().await;
        Self {
            runtime,
            store,
            world,
        }
    }

    /// The process after this one, which is gone.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(Trouble::None).await
    }

    pub(crate) async fn restart_with(self, trouble: Trouble) -> Self {
        let Self {
            runtime,
            store,
            world,
        } = self;
        store.bury();
        drop(runtime);
        let next = Store::new(&store.disk);
        next.expect(trouble);
        let opened = Runtime::on_store(Arc::clone(&next))
            .state(world.clone())
            .scoped()
            .open();
        let runtime = opened.await.unwrap();
        Self {
            runtime,
            store: next,
            world,
        }
    }

    pub(crate) async fn order(&self) -> Result<String, ShopError> {
        self.runtime.scope(order(&self.world, 7)).await
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.store.disk
    }

    pub(crate) fn writes(&self) -> Vec<String> {
        self.disk().data().writes.clone()
    }
}
