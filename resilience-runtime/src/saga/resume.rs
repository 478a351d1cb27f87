//! Running a saga function again from the journal.

use std::sync::Arc;
use std::time::Duration;

use super::abandon::Running;
use super::ending;
use super::execution::Execution;
use super::journal::SagaRecord;
use super::reruns::Reruns;
use super::ticket::Ticket;
use crate::arguments::JournaledArguments;
use crate::core::{Core, Permit, SCOPED};
use crate::idempotency::resuming::resuming;
use crate::pauses::Pauses;
use crate::registry::{JournaledCall, SagaEntry};

/// Between two calls that do not reach their saga: the policy above it, which asks the store, may refuse them for a while.
const PAUSES: Pauses = Pauses::new(Duration::from_secs(1), Duration::from_secs(30));

/// Goes on with a saga whose body has to be run again, after these runs of it. With `undoes` it is asked which steps may
/// have been under way, and takes none: the saga is undone then.
pub(super) async fn resume(
    core: Arc<Core>,
    record: SagaRecord,
    permit: Permit,
    reruns: Reruns,
    undoes: bool,
) {
    let Some(entry) = core.catalog.saga(&record.name, record.version) else {
        tracing::warn!(target: "resilience", saga = record.name, saga_id = %record.id,
            "no saga of this name is linked into this program; it is left in the journal"
        );
        return;
    };
    let (id, keyed) = (record.id.clone(), record.key.is_some());
    let mut execution = Execution::again(Arc::clone(&core), &entry.saga, record, reruns);
    execution.undoes = undoes;
    let ticket = Ticket::new(Running::new(Arc::new(execution), permit));
    let mut pauses = PAUSES;
    // However long it takes: the saga is this process's, so nobody else would ever take it over.
    while let Some(running) = call(&core, entry, &ticket, keyed).await {
        let pause = pauses.next();
        tracing::warn!(target: "resilience", saga = entry.saga.name, saga_id = %id, ?pause,
            "a policy above the saga refused to run it again; the call is repeated");
        ticket.put(running);
        if tokio::time::timeout(pause, core.gate.closed())
            .await
            .is_ok()
        {
            // Taken apart, so that it is not handed to the supervisor, which would come here again: the next process goes on.
            drop(ticket.take().and_then(Running::into_parts));
            return;
        }
    }
}

/// One call of the saga function; the saga, when the call did not reach it.
async fn call(
    core: &Arc<Core>,
    entry: &'static SagaEntry,
    ticket: &Ticket,
    keyed: bool,
) -> Option<Running> {
    let input = ticket.input()?;
    let called = match JournaledArguments::decode(entry.saga.name, &input) {
        Err(error) => Err(error),
        Ok(arguments) => {
            let call = (entry.resume)(JournaledCall {
                function: entry.saga.name,
                states: core.states.clone(),
                arguments,
                output: None,
            });
            let call = async {
                match keyed {
                    true => resuming(call).await,
                    // An idempotent call inside the saga must not be taken for the saga's own.
                    false => call.await,
                }
            };
            SCOPED.scope(Arc::clone(core), ticket.present(call)).await
        }
    };
    let running = ticket.take()?;
    let Err(error) = called else {
        return Some(running);
    };
    if let Some((execution, permit)) = running.into_parts() {
        let difference = format!("its function could not be called again: {error}");
        // A stop here means that somebody else has the saga.
        let _ = ending::park(execution, difference, permit).await;
    }
    None
}
