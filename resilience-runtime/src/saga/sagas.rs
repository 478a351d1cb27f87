//! Reading the journal, and acting on sagas.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::cancel;
use super::codec::Codec;
use super::compensation::{self, Undoing, Undone};
use super::finish_on_drop::FinishOnDrop;
use super::handle::SagaHandle;
use super::journal::{
    CancelOutcome, Event, OrphanedSagas, ParkOutcome, SagaCursor, SagaFilter, SagaId, SagaRecord,
    SagaStatistics, SagaSummary, Status,
};
use super::parking::by_operator;
use crate::core::{Core, Permit};
use crate::dlq::{self, AuditEntry, DeadLetterFilter, RetryAs};
use crate::error::StoreError;
use crate::operator::Operator;
use crate::outcome::{Storable, TakesRefusals};

/// The sagas in the journal, from [`Runtime::sagas`](crate::runtime::Runtime::sagas).
///
/// ```
/// # use resilience_runtime::runtime::Runtime;
/// # use resilience_runtime::error::StoreError;
/// # use resilience_runtime::saga::journal::{SagaFilter, Status};
/// # async fn look(runtime: Runtime) -> Result<(), StoreError> {
/// let sagas = runtime.sagas();
/// let running = SagaFilter {
///     statuses: vec![Status::Running],
///     ..SagaFilter::default()
/// };
/// let mut after = None;
/// loop {
///     let page = sagas.list(running.clone(), after, 100).await?;
///     for saga in &page {
///         println!("{} {} since {}", saga.id, saga.name, saga.started_at);
///     }
///     match page.last() {
///         Some(last) => after = Some(last.cursor()),
///         None => break,
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Sagas {
    core: Arc<Core>,
}

/// The outcome of [`Sagas::compensate`]. Later versions may have more outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompensateOutcome {
    /// Everything has been undone.
    Undone,
    /// A step could not be undone. It waits in the dead letter queue.
    Failed {
        /// The name of the step.
        step: String,
        /// The text of its error.
        error: String,
    },
    /// A request was recorded, and a process that can undo the saga takes it up. This process cannot, because it does not
    /// have the code, runs no sagas, or is shutting down, or because it lost the saga to another process.
    Requested,
    /// The saga has this status: it is neither parked nor has one of its compensations failed, or somebody else was first.
    NotDead(Status),
    /// There is no saga with this id.
    NotFound,
}

impl Sagas {
    pub(crate) fn of(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Returns a saga with the steps that have ended, also while it runs; `None` if there is no saga with this id.
    ///
    /// # Errors
    /// When the store fails, or the row cannot be read.
    pub async fn get(&self, id: &SagaId) -> Result<Option<SagaRecord>, StoreError> {
        self.core.stores.journal.load(id.clone()).await
    }

    /// Returns a page of at most `limit` sagas, in the order in which they were started unless the filter has
    /// [another order](SagaFilter::order).
    ///
    /// `after` is the [cursor](SagaSummary::cursor) of the last saga of the previous page. No saga is skipped or repeated if
    /// others are added or deleted between two pages.
    ///
    /// # Errors
    /// When the store fails. Rows that cannot be read are left out and reported in the log.
    pub async fn list(
        &self,
        filter: SagaFilter,
        after: Option<SagaCursor>,
        limit: u32,
    ) -> Result<Vec<SagaSummary>, StoreError> {
        self.core.stores.journal.list(filter, after, limit).await
    }

    /// Counts the sagas in each status, those of all processes on the store; statuses without sagas are left out. Costs what
    /// [`statistics`](Self::statistics) costs.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn counts(&self) -> Result<Vec<(Status, u64)>, StoreError> {
        let mut counts = BTreeMap::new();
        let statistics = self.statistics().await?;
        for (status, count) in statistics.into_iter().flat_map(|name| name.counts) {
            *counts.entry(status).or_insert(0) += count;
        }
        Ok(counts.into_iter().collect())
    }

    /// Counts the sagas by name and status, and says how long the last 10,000 of each name took that completed. All sagas that
    /// are kept are counted, by an index: about a tenth of a microsecond for each.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn statistics(&self) -> Result<Vec<SagaStatistics>, StoreError> {
        self.core.stores.journal.statistics().await
    }

    /// Returns a handle to the saga `id`, whose function returns `Result<T, E>`. It does not check whether the saga exists.
    ///
    /// The handle reports errors of the function as [`Error::SagaFailed`](crate::error::Error::SagaFailed), unless
    /// [`SagaHandle::with_errors`] allows it to read them from the journal.
    ///
    /// ```
    /// # use resilience_runtime::runtime::Runtime;
    /// # use resilience_runtime::error::Error;
    /// # use resilience_runtime::saga::journal::SagaId;
    /// # async fn look(runtime: Runtime, id: SagaId) -> Result<(), Error> {
    /// let handle = runtime.sagas().handle::<String, Error>(&id);
    /// let receipt = handle.result().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn handle<T: Storable, E: TakesRefusals>(&self, id: &SagaId) -> SagaHandle<T, E> {
        SagaHandle::new(Arc::clone(&self.core), id.clone(), Codec::of_types(), None)
    }

    /// Requests the cancellation of a saga; the audit names `by`. Answers `None` if there is no saga with this id.
    ///
    /// The request is durable when the call returns. The process that runs the saga learns of it at once or within its
    /// `poll_interval`. From then on no new step begins, steps that are under way get 30 s to end, and then the saga is
    /// undone. A saga that is past a pivot cannot be cancelled.
    ///
    /// # Cancellation
    /// If the future is dropped before it completes, the saga may be cancelled or not. It is safe to call again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cancel(
        &self,
        id: &SagaId,
        by: impl Into<Operator>,
    ) -> Result<Option<CancelOutcome>, StoreError> {
        cancel::request(&self.core, id, by.into()).await
    }

    /// Undoes a parked saga, or continues to undo one whose compensation failed.
    ///
    /// This happens in this process if it has the saga's code, and otherwise in a process that has it. Dropping the future
    /// does not stop it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn compensate(
        &self,
        id: &SagaId,
        by: impl Into<Operator>,
    ) -> Result<CompensateOutcome, StoreError> {
        let Some(record) = self.get(id).await? else {
            return Ok(CompensateOutcome::NotFound);
        };
        if !record.status.is_dead() {
            return Ok(CompensateOutcome::NotDead(record.status));
        }
        let core = &self.core;
        let is_known = core.catalog.saga(&record.name, record.version).is_some();
        let permit = match is_known && !core.inspects {
            true => core.enter(),
            false => None,
        };
        let Some(permit) = permit else {
            return self.request(id, by.into()).await;
        };
        let work = compensate(Arc::clone(core), id.clone(), by.into(), permit);
        match FinishOnDrop::new(work).await? {
            Some(Undone::Compensated) => Ok(CompensateOutcome::Undone),
            Some(Undone::Stuck { step, error }) => Ok(CompensateOutcome::Failed { step, error }),
            // Another process has it, or the next one will.
            Some(Undone::Stopped(_)) => Ok(CompensateOutcome::Requested),
            None => self.not(id).await,
        }
    }

    /// Parks an unfinished saga that no live process has; the audit names `by`. This needs none of the saga's code: it is the
    /// way to close a saga whose code [no process will have again](Self::orphaned).
    ///
    /// A saga that was running is then [`Status::Parked`] for [`Parking::Operator`](super::journal::Parking::Operator). One that
    /// was being undone is [`Status::CompensationFailed`]. Both have a dead letter. Like any other it can be retried, also as a
    /// compensation, in a process that has the code, or be closed by hand. No process continues the saga by itself. A saga that
    /// a live process has is left alone, and so are the sagas that this one called and the one that called it.
    ///
    /// ```
    /// # use resilience_runtime::runtime::Runtime;
    /// # use resilience_runtime::saga::journal::{ParkOutcome, SagaId};
    /// # use resilience_runtime::operator::Operator;
    /// # async fn close(runtime: Runtime, id: SagaId) -> Result<(), Box<dyn std::error::Error>> {
    /// let ada = Operator::named("ada").because("v1 was retired");
    /// match runtime.sagas().park(&id, ada).await? {
    ///     ParkOutcome::Parked(letter) => {
    ///         // … once what is left to do has been done by hand:
    ///         let letters = runtime.dead_letters();
    ///         letters.resolve(letter, "refunded by hand", "ada").await?;
    ///     }
    ///     ParkOutcome::Owned(_) => println!("it is being worked on: cancel it instead"),
    ///     other => println!("not parked: {other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancellation
    /// If the future is dropped before it completes, the saga may be parked or not. It is safe to call again: then a saga
    /// that is parked is [`ParkOutcome::NotUnfinished`].
    ///
    /// # Errors
    /// When the store fails, or the row cannot be read.
    pub async fn park(
        &self,
        id: &SagaId,
        by: impl Into<Operator>,
    ) -> Result<ParkOutcome, StoreError> {
        by_operator::park(&self.core, id, by.into()).await
    }

    /// Returns what operators did to this saga and its dead letters, by whom, when and why, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit(&self, id: &SagaId) -> Result<Vec<AuditEntry>, StoreError> {
        self.core.stores.queue.audit_of_saga(id.clone()).await
    }

    /// Counts the unfinished sagas that belong to no live process, by function. A process that has the code takes such sagas
    /// over within seconds, so no process has the code of those that remain.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn orphaned(&self) -> Result<Vec<OrphanedSagas>, StoreError> {
        self.core.stores.journal.orphaned(Vec::new()).await
    }

    /// Asks for it by its dead letters.
    async fn request(&self, id: &SagaId, by: Operator) -> Result<CompensateOutcome, StoreError> {
        let queue = &self.core.stores.queue;
        let Some(letter) = dlq::first_of(&**queue, id, DeadLetterFilter::unresolved()).await?
        else {
            return self.not(id).await;
        };
        let requested = queue.request_retry(letter.id, RetryAs::Compensation, by);
        match requested.await? {
            true => Ok(CompensateOutcome::Requested),
            false => self.not(id).await,
        }
    }

    async fn not(&self, id: &SagaId) -> Result<CompensateOutcome, StoreError> {
        let record = self.get(id).await?;
        Ok(record.map_or(CompensateOutcome::NotFound, |record| {
            CompensateOutcome::NotDead(record.status)
        }))
    }
}

/// `None`: somebody else was first.
async fn compensate(
    core: Arc<Core>,
    id: SagaId,
    by: Operator,
    permit: Permit,
) -> Result<Option<Undone>, StoreError> {
    let _permit = permit;
    let revived = core.stores.journal.revive(id, Event::Compensate, Some(by));
    let Some(record) = revived.await? else {
        return Ok(None);
    };
    Ok(Some(
        compensation::undo(&core, Undoing::of(&core, record)).await,
    ))
}

impl fmt::Debug for Sagas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sagas").finish_non_exhaustive()
    }
}
