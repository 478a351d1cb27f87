//! Sagas that nobody works on, requests of operators, and what else has to be looked after.

mod alarm;
mod maintenance;
pub(super) mod proceed;
mod purge;
mod taking;
mod tasks;
pub(crate) mod work;

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::core::{Core, Gate};
use crate::error::StoreError;
use crate::lease;
use crate::telemetry::sagas;
use maintenance::Maintenance;
use taking::Taking;
use tasks::{FirstRound, Tasks};

/// The pause after a round that could not ask the store.
const RETRY: Duration = Duration::from_secs(1);
/// Between two rounds, however often something changes.
const APART: Duration = Duration::from_millis(20);

/// Takes over what is left behind, at start and ever again, until the gate closes. `recovered`
/// becomes true when everything that the first complete round found has been dealt with.
pub(crate) async fn recover(core: Weak<Core>, gate: Gate, recovered: watch::Sender<bool>) {
    let (found, mut dealt_with) = mpsc::channel(1);
    let mut recovery = Recovery {
        tasks: Tasks::default(),
        maintenance: Maintenance::default(),
        taking: Taking::default(),
        first: Some(found),
    };
    loop {
        let Some(strong) = core.upgrade() else {
            break;
        };
        let interval = strong.settings.poll_interval.min(lease::LONGEST);
        let began = Instant::now();
        let (journal, slots) = (
            Arc::clone(&strong.stores.journal),
            Arc::clone(&strong.slots),
        );
        let mut changed = journal.changed();
        let mut has_changed = false;
        let is_complete = {
            let round = recovery.round(&strong);
            tokio::pin!(round);
            loop {
                tokio::select! {
                    biased;
                    () = gate.closed() => break false,
                    // From now on nothing is missed.
                    () = &mut changed, if !has_changed => has_changed = true,
                    complete = &mut round => break complete,
                }
            }
        };
        drop(strong);
        let next = match (is_complete, has_changed) {
            (true, false) => began + interval,
            (true, true) => began + APART,
            (false, _) => Instant::now() + RETRY.min(interval),
        };
        let mut has_more = false;
        let pause = sleep_until(next);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = gate.closed() => {
                    recovered.send_replace(true);
                    // What is being worked on is waited for by those who shut the runtime down.
                    loop {
                        recovery.tasks.ended().await;
                    }
                }
                () = &mut pause => break,
                // A store that fails may say so ever again.
                () = &mut changed, if is_complete && !has_changed => {
                    has_changed = true;
                    pause.as_mut().reset((began + APART).max(Instant::now()));
                }
                None = dealt_with.recv(), if !*recovered.borrow() => {
                    recovered.send_replace(true);
                }
                () = Tasks::room(&slots), if is_complete && !has_more && recovery.taking.has_more() => {
                    has_more = true;
                    pause.as_mut().reset((began + APART).max(Instant::now()));
                }
                () = recovery.tasks.ended() => {}
            }
        }
    }
    recovered.send_replace(true);
}

/// What recovery keeps from round to round.
struct Recovery {
    tasks: Tasks,
    maintenance: Maintenance,
    taking: Taking,
    /// Until the first round was complete.
    first: Option<FirstRound>,
}

impl Recovery {
    /// One round; false when the store could not be asked for all of it.
    async fn round(&mut self, core: &Arc<Core>) -> bool {
        let began = Instant::now();
        let first_round = self.first.clone();
        let (taking, tasks) = (&mut self.taking, &mut self.tasks);
        // Whatever cannot be done, the rest is.
        let noted = taking.note_parked(core).await;
        let taken = taking.sagas(core, tasks, first_round.as_ref()).await;
        let parked = taking.parked(core, tasks, first_round.as_ref()).await;
        if taken.is_ok() && !taking.has_more_sagas() {
            self.first = None;
        }
        let works = taking.works(core, tasks).await;
        let cancelled = cancel(core).await;
        let maintenance = self.maintenance.run(core).await;
        sagas::round(began.elapsed());
        let results = [noted, taken, parked, works, cancelled, maintenance];
        let mut errors = results.into_iter().filter_map(Result::err);
        match errors.next() {
            Some(error) => {
                tracing::warn!(target: "resilience", %error, "recovery could not ask the store, and asks again");
                false
            }
            None => true,
        }
    }
}

/// Tells the sagas of this process that somebody has cancelled them.
async fn cancel(core: &Arc<Core>) -> Result<(), StoreError> {
    for id in core.stores.journal.cancelled().await? {
        core.running.cancel(&id);
    }
    Ok(())
}
