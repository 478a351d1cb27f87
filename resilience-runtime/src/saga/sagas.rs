//! Looking at the journal, and acting on sagas.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::cancel;
use super::codec::Codec;
use super::compensation::{self, Undoing, Undone};
use super::finish_on_drop::FinishOnDrop;
use super::handle::SagaHandle;
use super::journal::{
    CancelOutcome, Event, OrphanedSagas, SagaCursor, SagaFilter, SagaId, SagaRecord,
    SagaStatistics, SagaSummary, Status,
};
use crate::core::{Core, Permit};
use crate::dlq::{self, AuditEntry, LetterFilter, RetryAs};
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

/// What [`Sagas::compensate`] came to. A later version may tell more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompensateOutcome {
    /// Everything is undone.
    Undone,
    /// A step could not be undone: it, and what was done before it, wait in the dead letter queue.
    Failed {
        /// The step.
        step: String,
        /// The text of its error.
        error: String,
    },
    /// This process cannot do it, because it does not have the code, or runs no sagas, or shuts down. It is asked for: a
    /// process that can takes it up.
    Requested,
    /// The saga is neither parked nor stuck in its undoing, or somebody else was first; this is where it stands.
    NotDead(Status),
    /// There is no such saga.
    NotFound,
}

impl Sagas {
    pub(crate) fn of(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The saga with the steps that came out, also while it runs; `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be asked, or the row cannot be read.
    pub async fn get(&self, id: &SagaId) -> Result<Option<SagaRecord>, StoreError> {
        self.core.stores.journal.load(id.clone()).await
    }

    /// A page of at most `limit` sagas, in the order in which they were started unless the filter has
    /// [another one](SagaFilter::order), from after `after`, which is the [cursor](SagaSummary::cursor) of the last one of
    /// the page before. Pages stay right whatever is added or deleted.
    ///
    /// # Errors
    /// When the store cannot be asked. Rows that cannot be read are left out and reported in the log.
    pub async fn list(
        &self,
        filter: SagaFilter,
        after: Option<SagaCursor>,
        limit: u32,
    ) -> Result<Vec<SagaSummary>, StoreError> {
        self.core.stores.journal.list(filter, after, limit).await
    }

    /// How many sagas there are in each status that at least one is in, of this process and all others on the store. Looks at
    /// every saga.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn counts(&self) -> Result<Vec<(Status, u64)>, StoreError> {
        let mut counts = BTreeMap::new();
        let statistics = self.statistics().await?;
        for (status, count) in statistics.into_iter().flat_map(|name| name.counts) {
            *counts.entry(status).or_insert(0) += count;
        }
        Ok(counts.into_iter().collect())
    }

    /// How many sagas there are of each name in each status, and how long those took that are completed. Looks at every
    /// saga.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn statistics(&self) -> Result<Vec<SagaStatistics>, StoreError> {
        self.core.stores.journal.statistics().await
    }

    /// A handle to the saga `id`, whose function returns `Result<T, E>`; whether there is one is not asked. Errors of the
    /// function are told as [`Error::SagaFailed`](crate::error::Error::SagaFailed), unless the handle is told that they
    /// can be read: [`SagaHandle::with_errors`].
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

    /// Asks to cancel a saga, for the audit in the name of `by`. Durable when it answers, whoever runs the saga: that process
    /// hears of it at once or within its `poll_interval`. No new step begins then, those under way have 30 s to come out,
    /// and what is done is undone, out of reach of another cancel. A saga that is past a pivot cannot be cancelled.
    /// `None` when there is no such saga.
    ///
    /// # Cancellation
    /// Dropped before it answers, the saga may be cancelled or not: ask again.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn cancel(
        &self,
        id: &SagaId,
        by: impl Into<Operator>,
    ) -> Result<Option<CancelOutcome>, StoreError> {
        cancel::request(&self.core, id, by.into()).await
    }

    /// Undoes a saga that is parked, or goes on undoing one that could not be undone: here, where this process has its code,
    /// and else by whichever process has it. Dropping the future does not stop it.
    ///
    /// # Errors
    /// When the store cannot be reached.
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

    /// What was done to this saga and its dead letters by hand, by whom, when and why, in its order.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn audit(&self, id: &SagaId) -> Result<Vec<AuditEntry>, StoreError> {
        self.core.stores.queue.audit_of_saga(id.clone()).await
    }

    /// The unfinished sagas that belong to nobody who lives, by their functions. A process that has the code takes them over
    /// within seconds: those that stay are known to none.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn orphaned(&self) -> Result<Vec<OrphanedSagas>, StoreError> {
        self.core.stores.journal.orphaned(Vec::new()).await
    }

    /// Asks for it by its dead letters.
    async fn request(&self, id: &SagaId, by: Operator) -> Result<CompensateOutcome, StoreError> {
        let queue = &self.core.stores.queue;
        let Some(letter) = dlq::first_of(&**queue, id, LetterFilter::unresolved()).await? else {
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
