//! How a call of a saga function comes to run its body, or does not.

use std::sync::Arc;

use super::abandon::Running;
use super::compensation::{self, Undoing, Undone};
use super::execution::Execution;
use super::identity::{Identity, Which};
use super::journal::{NewSaga, SagaId, SagaRecord, Started, Status};
use super::ledger::{self, Stop};
use super::options::Saga;
use super::unstoppable::Unstoppable;
use super::waiting::{self, Waited};
use crate::core::{Core, Permit};
use crate::error::{Effect, Error, StoreError};
use crate::outcome::Refusal;

/// What a call is to do.
pub(super) enum Admitted {
    /// Run the body.
    Run(Running),
    /// Answer with what an earlier saga with this key came to, as JSON.
    Completed(String),
}

/// Why a call does not run the body, and whether another attempt can help.
pub(super) type Denied = (Error, Refusal);

/// What one try to start came to.
enum Start {
    Run(Running),
    Ended(SagaRecord),
    Busy(SagaId),
    /// An earlier saga with this key is undone: the key is free.
    Again,
    Dead(SagaId),
    Stopped(SagaId, Stop),
}

/// Starts a saga, or waits for the one that has its key.
pub(super) async fn admit(
    core: &Arc<Core>,
    saga: &Saga,
    function: &'static str,
    input: String,
    identity: Identity,
) -> Result<Admitted, Denied> {
    let (given, key) = match identity.0 {
        Which::New => (None, None),
        Which::Keyed(key) => (None, Some(key)),
        Which::Given(Ok(id)) => (Some(id), None),
        Which::Given(Err(source)) => {
            let what = "the key of the saga".to_owned();
            let error = Error::Encode {
                function,
                what,
                source,
            };
            return Err((error, Refusal::Final));
        }
    };
    let unasked = |source| rejected(function, source);
    let shutting_down = || (Error::ShuttingDown { function }, Refusal::Final);
    loop {
        let permit = core.enter().ok_or_else(shutting_down)?;
        let new = NewSaga {
            given: given.is_some(),
            id: given.clone().unwrap_or_else(SagaId::generate),
            name: saga.name.to_owned(),
            version: saga.version,
            key,
            input: input.clone(),
            timeout: saga.timeout,
            parent: None,
        };
        let id = new.id.clone();
        let start = Unstoppable::new(start(Arc::clone(core), *saga, new, permit));
        let ended = match start
            .await
            .map_err(|source| not_started(saga.name, function, &id, source))?
        {
            Start::Run(running) => return Ok(Admitted::Run(running)),
            Start::Again => continue,
            Start::Dead(id) => return Err(dead(saga.name, &id)),
            Start::Stopped(id, stop) => return Err(stopped(saga.name, function, &id, &stop)),
            Start::Ended(record) => record,
            Start::Busy(id) => match waiting::wait(core, &id).await.map_err(unasked)? {
                Waited::Ended(record) => record,
                Waited::Again => continue,
                Waited::ShuttingDown => return Err(shutting_down()),
            },
        };
        match ended.status {
            Status::Completed => {
                let output = ended.output.unwrap_or_else(|| "null".to_owned());
                return Ok(Admitted::Completed(output));
            }
            Status::CompensationFailed | Status::Parked => return Err(dead(saga.name, &ended.id)),
            Status::Running
            | Status::Compensating
            | Status::Compensated
            | Status::Failed
            | Status::Resolved => {}
        }
    }
}

/// Goes on without its caller, so that what the journal accepted always has somebody to run it.
async fn start(
    core: Arc<Core>,
    saga: Saga,
    new: NewSaga,
    permit: Permit,
) -> Result<Start, StoreError> {
    let (id, input) = (new.id.clone(), new.input.clone());
    let parent = new.parent.clone();
    let started = match core.stores.journal.start(new).await {
        Ok(started) => started,
        Err(error) => {
            if error.effect() != Effect::DidNotRun {
                tokio::spawn(withdraw(core, id, permit));
            }
            return Err(error);
        }
    };
    Ok(match started {
        Started::New(at) => {
            let execution = Execution::first(core, &saga, id, input, at, parent);
            Start::Run(Running::new(Arc::new(execution), permit))
        }
        Started::Ended(record) => Start::Ended(record),
        Started::Busy(id) => Start::Busy(id),
        Started::TakenOver(record) => take_over(core, &saga, record, permit).await,
    })
}

async fn take_over(core: Arc<Core>, saga: &Saga, record: SagaRecord, permit: Permit) -> Start {
    tracing::info!(target: "resilience", saga = saga.name, saga_id = %record.id, status = record.status.as_str(),
        "a call goes on with a saga that its process left behind");
    let id = record.id.clone();
    if record.status != Status::Compensating {
        let execution = Execution::again(core, saga, record, 0);
        return Start::Run(Running::new(Arc::new(execution), permit));
    }
    match compensation::undo(&core, Undoing::of(record)).await {
        Undone::Compensated => Start::Again,
        Undone::Stuck { .. } => Start::Dead(id),
        Undone::Stopped(stop) => Start::Stopped(id, stop),
    }
}

/// A start that failed may be in the journal all the same. Its caller was told that it did not
/// run, so it does not, unless this process ends before the journal can be asked.
async fn withdraw(core: Arc<Core>, id: SagaId, permit: Permit) {
    if let Ok(Some(record)) = ledger::load(&core, &id).await
        && (record.status, record.epoch) == (Status::Running, 1)
    {
        let execution = Execution::again(Arc::clone(&core), &Saga::named(""), record, 0);
        let cause = "the start was not confirmed, and its caller was told so".to_owned();
        super::ending::fail(Arc::new(execution), cause, permit).await;
    }
}

/// The journal failed at the start of a saga: certainly without effect, or nobody knows.
fn not_started(
    saga: &'static str,
    function: &'static str,
    id: &SagaId,
    source: StoreError,
) -> Denied {
    if source.effect() == Effect::DidNotRun {
        return rejected(function, source);
    }
    let id = id.to_string();
    (Error::StartInDoubt { saga, id, source }, Refusal::Final)
}

fn rejected(function: &'static str, source: StoreError) -> Denied {
    let refusal = Refusal::Rejected { retry_after: None };
    (Error::Store { function, source }, refusal)
}

fn dead(saga: &'static str, id: &SagaId) -> Denied {
    let id = id.to_string();
    (Error::SagaDead { saga, id }, Refusal::Final)
}

fn stopped(saga: &'static str, function: &'static str, id: &SagaId, stop: &Stop) -> Denied {
    let id = id.to_string();
    let error = match stop {
        Stop::Superseded | Stop::Mismatch(_) => Error::Superseded { saga, id },
        Stop::Unwritten(_) => Error::ShuttingDown { function },
    };
    (error, Refusal::Final)
}
