//! Taking what somebody has to work on and nobody does.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::tasks::{FirstRound, Tasks};
use super::{proceed, work};
use crate::core::Core;
use crate::error::StoreError;
use crate::saga::journal::{SagaFilter, SagaId, SagaRecord, SagaVersion, Status};
use crate::telemetry::sagas;
use crate::timestamp::Timestamp;

/// How many are taken at once.
const BATCH: u32 = 64;
/// How many of one name, when there are more than a batch.
const SHARE: u32 = 16;

/// What is left to be taken. What does not fit now is taken as soon as there is room, so that nobody owns what he
/// does not get to.
#[derive(Default)]
pub(super) struct Taking {
    /// There are more than a batch: the names that there may be more of, in turns, so that a flood of one does not keep
    /// the others waiting.
    turns: VecDeque<SagaVersion>,
    parked: Parked,
    has_more_works: bool,
}

/// Sagas that were parked because their journal and the code of an earlier process differed: each is tried again once.
#[derive(Default)]
enum Parked {
    #[default]
    NotAsked,
    /// Those that were parked before this moment of the store, without those that were tried.
    Before(Timestamp, HashSet<SagaId>),
    Done,
}

impl Taking {
    /// Whether sagas were left for lack of room.
    pub(super) fn has_more_sagas(&self) -> bool {
        !self.turns.is_empty() || matches!(self.parked, Parked::Before(..))
    }

    /// Whether anything was.
    pub(super) fn has_more(&self) -> bool {
        self.has_more_sagas() || self.has_more_works
    }

    /// Notes what is parked by now, before this process can park something itself.
    pub(super) async fn note_parked(&mut self, core: &Core) -> Result<(), StoreError> {
        if matches!(self.parked, Parked::NotAsked) {
            self.parked = parked_by_now(core).await?;
        }
        Ok(())
    }

    /// Takes over the sagas that there is room for.
    pub(super) async fn sagas(
        &mut self,
        core: &Arc<Core>,
        tasks: &mut Tasks,
        first_round: Option<&FirstRound>,
    ) -> Result<(), StoreError> {
        let known = core.catalog.known();
        let journal = &core.stores.journal;
        while self.turns.is_empty() && !known.is_empty() {
            let batch = journal.take_over(known.clone(), BATCH).await?;
            if batch.is_empty() {
                break;
            }
            if u32::try_from(batch.len()).is_ok_and(|count| count >= BATCH) {
                self.turns = turns(&known, &batch);
            }
            send(core, tasks, first_round, batch);
        }
        while let Some(name) = self.turns.front()
            && Tasks::has_room(core)
        {
            let batch = journal.take_over(vec![name.clone()], SHARE).await?;
            let name = self.turns.pop_front();
            if !batch.is_empty() {
                self.turns.extend(name);
            }
            send(core, tasks, first_round, batch);
        }
        Ok(())
    }

    /// Takes those that were parked, after the others.
    pub(super) async fn parked(
        &mut self,
        core: &Arc<Core>,
        tasks: &mut Tasks,
        first_round: Option<&FirstRound>,
    ) -> Result<(), StoreError> {
        let known = core.catalog.known();
        while let Parked::Before(before, tried) = &mut self.parked
            && self.turns.is_empty()
            && Tasks::has_room(core)
        {
            let journal = &core.stores.journal;
            let batch = journal.take_parked(known.clone(), *before, BATCH).await?;
            let count = tried.len();
            tried.extend(batch.iter().map(|record| record.id.clone()));
            // Should a store answer with what was parked since, this must not go on for ever.
            if tried.len() == count {
                self.parked = Parked::Done;
            }
            send(core, tasks, first_round, batch);
        }
        Ok(())
    }

    /// Takes the works of the author's own for which a retry was requested.
    pub(super) async fn works(
        &mut self,
        core: &Arc<Core>,
        tasks: &mut Tasks,
    ) -> Result<(), StoreError> {
        let operations = core.settings.handlers.keys();
        let operations: Vec<String> = operations.map(|&name| name.to_owned()).collect();
        self.has_more_works = !operations.is_empty();
        while self.has_more_works && Tasks::has_room(core) {
            let batch = core.stores.queue.take_work(operations.clone(), BATCH);
            let batch = batch.await?;
            self.has_more_works = !batch.is_empty();
            for letter in batch {
                let name = letter.work.operation.clone();
                let work = |core: Arc<Core>, permit| async move {
                    work::handle(&core, letter).await;
                    drop(permit);
                };
                tasks.send(core, name, None, work);
            }
        }
        Ok(())
    }
}

/// The names in the order in which they have their turns: first those that are not in `batch`, which has had one.
fn turns(known: &[SagaVersion], batch: &[SagaRecord]) -> VecDeque<SagaVersion> {
    let had_one = |known: &&SagaVersion| {
        let mut batch = batch.iter();
        batch.any(|record| record.name == known.name && record.version == known.version)
    };
    let (had_one, others): (Vec<_>, Vec<_>) = known.iter().partition(had_one);
    others.into_iter().chain(had_one).cloned().collect()
}

fn send(
    core: &Arc<Core>,
    tasks: &mut Tasks,
    first_round: Option<&FirstRound>,
    batch: Vec<SagaRecord>,
) {
    for record in batch {
        if let Some(entry) = core.catalog.saga(&record.name, record.version) {
            sagas::recovered(entry.saga.name);
        }
        let name = record.name.clone();
        let work = |core, permit| proceed::taken_over(core, record, permit);
        tasks.send(core, name, first_round.cloned(), work);
    }
}

/// The moment is the store's own, which it tells with any saga.
async fn parked_by_now(core: &Core) -> Result<Parked, StoreError> {
    let filter = SagaFilter {
        statuses: vec![Status::Parked],
        ..SagaFilter::default()
    };
    let parked = core.stores.journal.list(filter, None, 1).await?;
    let Some(saga) = parked.first() else {
        return Ok(Parked::Done);
    };
    let record = core.stores.journal.load(saga.id.clone()).await?;
    Ok(match record {
        Some(record) => Parked::Before(record.read_at, HashSet::new()),
        // It was deleted this moment, and was none of the others that may be there; the next round asks again.
        None => Parked::NotAsked,
    })
}
