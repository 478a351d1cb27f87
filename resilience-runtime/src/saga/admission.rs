//! How a call of a saga function comes to its saga: a new one, or the one that is there.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::abandon::Running;
use super::ending;
use super::execution::Execution;
use super::finish_on_drop::FinishOnDrop;
use super::identity::{Identity, Which};
use super::journal::{NewSaga, SagaId, SagaRecord, Started, Status};
use super::ledger;
use super::options::Saga;
use super::recovery::proceed;
use super::reruns::Reruns;
use super::waiting::{self, Waited, Watch};
use crate::arguments::{Arguments, differing_arguments};
use crate::core::{Core, Permit, background, current};
use crate::error::{Effect, Error, StoreError};
use crate::idempotency::SagaKey;
use crate::outcome::Refusal;
use crate::pauses::Pauses;

/// Between two tries to find out whose saga it is.
const PAUSES: Pauses = Pauses::new(Duration::from_millis(50), Duration::from_secs(2));

/// A call of a saga function, which asks for a saga.
pub(super) struct SagaRequest {
    pub(super) core: Arc<Core>,
    pub(super) saga: Saga,
    pub(super) function: &'static str,
    pub(super) input: String,
    /// The id that its author chose, or that follows from the saga that calls it.
    pub(super) id: Option<SagaId>,
    key: Option<SagaKey>,
    pub(super) parent: Option<SagaId>,
    /// Whether its author chose the id, so that others may start it too.
    is_shared: bool,
}

/// Why a call does not come to its saga, and whether another attempt can help.
pub(super) type Denied = (Error, Refusal);

/// No other attempt can help.
pub(super) fn finally(error: Error) -> Denied {
    (error, Refusal::Final)
}

/// What there is for a call, at one look.
pub(super) enum Found {
    /// A new saga: the caller runs its body.
    New(Running),
    /// One that is over, or waits for an operator.
    Over(Box<SagaRecord>),
    /// One that somebody works on.
    Working(SagaId),
}

/// What there is for a call that waits.
pub(super) enum Admitted {
    /// It runs the body.
    Run(Running),
    /// It answers with what an earlier saga came to.
    Over(Box<SagaRecord>),
}

impl SagaRequest {
    pub(super) fn new(
        saga: &Saga,
        arguments: Arguments,
        identity: Identity,
        function: &'static str,
    ) -> Result<Self, Error> {
        let input = arguments.encode(function)?;
        let Some(core) = current().filter(|core| !core.inspects) else {
            let attribute = "saga";
            return Err(Error::NoRuntime {
                attribute,
                function,
            });
        };
        background(function)?;
        let (id, key) = match identity.0 {
            Which::New => (None, None),
            Which::Keyed(key) => (None, Some(key)),
            Which::Given(Ok(id)) => (Some(id), None),
            Which::Given(Err((what, source))) => {
                return Err(Error::Encode {
                    function,
                    what: what.to_owned(),
                    source,
                });
            }
        };
        Ok(Self {
            is_shared: id.is_some(),
            core,
            saga: *saga,
            function,
            input,
            id,
            key,
            parent: None,
        })
    }

    /// Whether the record of an `#[idempotent]` above it answers for it.
    pub(super) fn is_keyed(&self) -> bool {
        self.key.is_some()
    }

    /// What the journal is to have of it.
    pub(super) fn new_saga(&self) -> NewSaga {
        NewSaga {
            given: self.id.is_some(),
            id: self.id.clone().unwrap_or_else(SagaId::generate),
            name: self.saga.name.to_owned(),
            version: self.saga.version,
            key: self.key,
            input: self.input.clone(),
            timeout: self.saga.timeout,
            parent: self.parent.clone(),
            nonce: Uuid::new_v4().as_u128(),
        }
    }

    /// What the journal has of a saga that it has just got, and that `execution` is to run.
    pub(super) fn record(&self, execution: &Execution) -> SagaRecord {
        let (at, saga) = (execution.store_now(), &self.saga);
        let (id, name) = (execution.id.clone(), saga.name.to_owned());
        SagaRecord {
            version: saga.version,
            key: self.key.map(|key| key.digest),
            deadline: saga.timeout.map(|timeout| at.after(timeout)),
            parent: self.parent.clone(),
            ..SagaRecord::new(id, name, self.input.clone(), at)
        }
    }

    /// Starts the saga, or waits for the one that is there.
    pub(super) async fn admit(&self) -> Result<Admitted, Denied> {
        let mut watch = Watch::default();
        loop {
            let record = match self.look().await? {
                Found::New(running) => return Ok(Admitted::Run(running)),
                Found::Over(record) => record,
                Found::Working(id) => match self.wait(&id, &mut watch).await? {
                    Some(record) => record,
                    None => continue,
                },
            };
            // The key of one that is undone is free; an id is for good.
            let is_free = matches!(
                record.status,
                Status::Compensated | Status::Failed | Status::Resolved
            );
            if self.id.is_some() || !is_free {
                return Ok(Admitted::Over(record));
            }
        }
    }

    /// Starts the saga, or finds the one that is there.
    pub(super) async fn look(&self) -> Result<Found, Denied> {
        let shutting_down = || self.shutting_down();
        let permit = self.core.enter().ok_or_else(shutting_down)?;
        let new = self.new_saga();
        let id = new.id.clone();
        let start = start(
            Arc::clone(&self.core),
            self.saga,
            new,
            self.is_shared,
            permit,
        );
        let found = FinishOnDrop::new(start)
            .await
            .map_err(|source| self.not_started(&id, source))?;
        match &found {
            Found::New(_) => {}
            Found::Over(record) => self.is_the_same(record).map_err(finally)?,
            Found::Working(id) if self.id.is_some() => {
                let record = self.core.stores.journal.load(id.clone()).await;
                if let Some(record) = record.map_err(|source| self.rejected(source))? {
                    self.is_the_same(&record).map_err(finally)?;
                }
            }
            Found::Working(_) => {}
        }
        Ok(found)
    }

    /// The saga when it is over; `None` when it is to be asked for again.
    async fn wait(
        &self,
        id: &SagaId,
        watch: &mut Watch,
    ) -> Result<Option<Box<SagaRecord>>, Denied> {
        let waited = waiting::wait(&self.core, id, watch).await;
        match waited.map_err(|source| self.rejected(source))? {
            Waited::Ended(record) => Ok(Some(record)),
            Waited::Again => Ok(None),
            Waited::ShuttingDown => Err(self.shutting_down()),
        }
    }

    /// Two calls with one id, and the saga that it stands for is another one.
    fn is_the_same(&self, record: &SagaRecord) -> Result<(), Error> {
        // The arguments under an idempotency key are compared by its record.
        if self.id.is_none() {
            return Ok(());
        }
        self.compare(&record.id, &record.name, &record.input)
    }

    /// The same for a saga of which this much is known.
    pub(super) fn compare(&self, id: &SagaId, name: &str, input: &str) -> Result<(), Error> {
        let arguments = match name == self.saga.name {
            true => differing_arguments(input, &self.input),
            false => Vec::new(),
        };
        if name == self.saga.name && arguments.is_empty() {
            return Ok(());
        }
        Err(Error::SagaConflict {
            saga: self.saga.name,
            id: id.to_string(),
            existing: name.to_owned(),
            arguments,
        })
    }

    /// The journal failed at the start of a saga: certainly without effect, or nobody knows.
    fn not_started(&self, id: &SagaId, source: StoreError) -> Denied {
        if source.effect() == Effect::DidNotRun {
            return self.rejected(source);
        }
        let (saga, id) = (self.saga.name, id.to_string());
        (Error::StartInDoubt { saga, id, source }, Refusal::Final)
    }

    pub(super) fn rejected(&self, source: StoreError) -> Denied {
        let function = self.function;
        let refusal = Refusal::Rejected { retry_after: None };
        (Error::Store { function, source }, refusal)
    }

    pub(super) fn shutting_down(&self) -> Denied {
        let function = self.function;
        (Error::ShuttingDown { function }, Refusal::Final)
    }
}

/// Goes on without its caller, so that what the journal accepted always has somebody to run it.
async fn start(
    core: Arc<Core>,
    saga: Saga,
    new: NewSaga,
    is_shared: bool,
    permit: Permit,
) -> Result<Found, StoreError> {
    let (id, input, parent) = (new.id.clone(), new.input.clone(), new.parent.clone());
    let started = match core.stores.journal.start(new.clone()).await {
        Ok(started) => started,
        Err(error) => {
            if error.effect() != Effect::DidNotRun {
                match is_shared {
                    // Its id answers for it from now on.
                    true => tokio::spawn(own(core, saga, new, permit)),
                    false => tokio::spawn(withdraw(core, id, permit)),
                };
            }
            return Err(error);
        }
    };
    Ok(match started {
        Started::New(at) => {
            let execution = Execution::first(core, &saga, id, input, at, parent);
            Found::New(Running::new(Arc::new(execution), permit))
        }
        Started::Ended(record) => Found::Over(Box::new(record)),
        Started::Busy(id) => Found::Working(id),
        Started::TakenOver(record) => {
            let id = record.id.clone();
            let work = proceed::taken_over(Arc::clone(&core), record, permit);
            core.supervise(Box::pin(work));
            Found::Working(id)
        }
    })
}

/// A start that failed may be in the journal all the same. Its caller was told that it did not
/// run, so it does not, unless this process ends before the journal can be asked.
async fn withdraw(core: Arc<Core>, id: SagaId, permit: Permit) {
    if let Ok(Some(record)) = ledger::load(&core, &id).await
        && (record.status, record.epoch) == (Status::Running, 1)
    {
        let execution = Execution::again(
            Arc::clone(&core),
            &Saga::named(""),
            record,
            Reruns::default(),
        );
        let cause = "the start was not confirmed, and its caller was told so".to_owned();
        ending::fail(Arc::new(execution), cause, None, permit).await;
    }
}

/// A start that failed may be in the journal all the same, under an id that others know. Its caller was told that nobody
/// knows, so it is run, as after a crash.
async fn own(core: Arc<Core>, saga: Saga, new: NewSaga, permit: Permit) {
    let mut pauses = PAUSES;
    loop {
        let Ok(Some(record)) = ledger::load(&core, &new.id).await else {
            return;
        };
        if (record.status, record.epoch) != (Status::Running, 1) {
            return;
        }
        // It may be somebody else's: the journal knows by the nonce.
        match core.stores.journal.start(new.clone()).await {
            Ok(Started::New(_)) => {
                return proceed::here(core, record, permit, Reruns::default()).await;
            }
            Ok(Started::TakenOver(record)) => {
                return proceed::taken_over(core, record, permit).await;
            }
            Ok(Started::Ended(_) | Started::Busy(_)) => return,
            Err(error) => {
                let pause = pauses.next();
                tracing::warn!(target: "resilience", saga = saga.name, saga_id = %new.id, %error, ?pause,
                    "a saga whose start was not confirmed cannot be run yet");
                if !core.gate.pause(pause).await {
                    return;
                }
            }
        }
    }
}
