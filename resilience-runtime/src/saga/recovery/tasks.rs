//! What is worked on in the background, and how much of it at once.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use crate::core::{Core, Permit};
use crate::saga::slots::BackgroundSlots;

/// How many may be taken and wait for their turn, before no more are taken.
const WAITING: usize = 64;

/// The tasks of recovery. Dropped, they end where they stand.
#[derive(Default)]
pub(super) struct Tasks(JoinSet<()>);

/// Kept by everything that the first round found, until it was dealt with.
pub(super) type FirstRound = mpsc::Sender<()>;

impl Tasks {
    /// Does `work` in its turn among those of other names, unless the runtime is shut down before.
    pub(super) fn send<F>(
        &mut self,
        core: &Arc<Core>,
        name: String,
        first_round: Option<FirstRound>,
        work: impl FnOnce(Arc<Core>, Permit) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send,
    {
        // Closed since: what was taken keeps this process as its owner, and is taken over from it.
        let Some(permit) = core.enter() else {
            return;
        };
        let core = Arc::clone(core);
        self.0.spawn(async move {
            let _first_round = first_round;
            let slot = tokio::select! {
                slot = core.slots.enter(&name) => slot,
                () = core.gate.closed() => return,
            };
            slot.during(work(core, permit)).await;
        });
        self.reap();
    }

    /// Whether more may be taken now.
    pub(super) fn has_room(core: &Core) -> bool {
        core.gate.is_open() && core.slots.has_room(WAITING)
    }

    /// Resolves when more may be taken.
    pub(super) async fn room(slots: &BackgroundSlots) {
        slots.room(WAITING).await;
    }

    /// Resolves after something has ended; never, when there is nothing.
    pub(super) async fn ended(&mut self) {
        match self.0.join_next().await {
            Some(ended) => report(ended),
            None => std::future::pending().await,
        }
    }

    fn reap(&mut self) {
        while let Some(ended) = self.0.try_join_next() {
            report(ended);
        }
    }
}

/// A panic in one saga is reported, and is no matter to the others.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(target: "resilience", %error, "a saga panicked while it was recovered");
    }
}
