//! What becomes of one saga that is to be gone on with.

use std::sync::Arc;

use crate::core::{Core, Permit};
use crate::saga::compensation::{self, Undoing};
use crate::saga::decision::{Decision, Rules, decide};
use crate::saga::execution::Outstanding;
use crate::saga::journal::{Parking, SagaRecord, Status};
use crate::saga::options::Recover;
use crate::saga::parking::ToPark;
use crate::saga::reruns::Reruns;
use crate::saga::resume::resume;

/// Brings a saga that was taken over to its end.
pub(in crate::saga) async fn taken_over(core: Arc<Core>, record: SagaRecord, permit: Permit) {
    // Its first owner: it was started in a transaction, say, and nobody has left it.
    if record.epoch == 1 {
        tracing::debug!(target: "resilience", saga = record.name, saga_id = %record.id,
            "beginning with a saga that nobody has worked on yet"
        );
    } else {
        tracing::info!(target: "resilience", saga = record.name, saga_id = %record.id, status = record.status.as_str(),
            steps = record.steps.len(), interruptions = record.interruptions, "going on with a saga that nobody works on"
        );
    }
    let entry = core.catalog.saga(&record.name, record.version);
    let recover = entry.map_or(Recover::Resume, |entry| entry.saga.recover);
    proceed(core, record, permit, recover, Reruns::default()).await;
}

/// Goes on with a saga of this process that has paused.
pub(in crate::saga) async fn here(
    core: Arc<Core>,
    record: SagaRecord,
    permit: Permit,
    reruns: Reruns,
) {
    // Its process is not gone.
    proceed(core, record, permit, Recover::Resume, reruns).await;
}

async fn proceed(
    core: Arc<Core>,
    record: SagaRecord,
    permit: Permit,
    recover: Recover,
    reruns: Reruns,
) {
    let rules = Rules {
        recover,
        max_interruptions: core.settings.max_interruptions,
    };
    // However it ends: where it does not come to its end here, somebody else goes on with it.
    match decide(&record, rules) {
        Decision::Resume => resume(core, record, permit, reruns, false).await,
        // Not by the journal alone: only the code knows what was under way when the saga was interrupted.
        Decision::Undo => resume(core, record, permit, reruns, true).await,
        Decision::GoOnUndoing => {
            let undoing = Undoing::of(&core, record);
            compensation::undo(&core, undoing).await;
        }
        Decision::Poisoned => poisoned(&core, record).await,
        Decision::Nothing => {}
    }
}

/// Nothing of it is run: it may be what kills its processes.
async fn poisoned(core: &Arc<Core>, record: SagaRecord) {
    let reason = format!(
        "its process was gone {} times in a row before it got any further; it may be what kills its processes, and was \
         not run again",
        record.interruptions
    );
    if record.status == Status::Compensating {
        let undoing = Undoing::of(core, record);
        compensation::give_up(core, undoing, reason).await;
    } else {
        let reason = format!(
            "{reason}; if it is undone, a step that was under way is undone with it only if it says `in_doubt = \
             compensate`: check any other one by hand"
        );
        let saga = ToPark::of_record(&record);
        let _ = saga
            .park(core, Parking::Poison, reason, Outstanding::default())
            .await;
    }
}
