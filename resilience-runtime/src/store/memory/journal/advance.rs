//! What sagas write, and what becomes of those that are over.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::super::Data;
use super::super::sagas::{Saga, Sagas};
use super::size;
use crate::error::StoreError;
use crate::saga::journal::{Advance, SagaId, Written};
use crate::timestamp::Timestamp;

impl Data {
    pub(super) fn advance(
        &mut self,
        id: &SagaId,
        epoch: i64,
        advance: Advance,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        let Some(saga) = self
            .sagas
            .get_mut(id)
            .filter(|saga| saga.record.epoch == epoch)
        else {
            return Ok(Written::Superseded);
        };
        let before = saga.record.status;
        saga.advance(&advance, now)?;
        self.letters.settle(id, advance.settles, now);
        if saga.record.status.is_dead() && before.is_unfinished() {
            self.letters.open_again(id, now);
        }
        if let Some(work) = advance.dead_letter {
            self.letters.replace(id, &saga.record.name, work, now);
        }
        Ok(Written::Yes {
            cancelled: saga.is_to_be_cancelled(),
        })
    }

    pub(super) fn purge(&mut self, retention: Duration, limit: u32, now: Timestamp) -> u64 {
        let families = Families::of(&self.sagas);
        let over = |saga: &Saga| saga.record.status.is_over();
        let roots = self
            .sagas
            .iter()
            .filter(|saga| now.since(saga.record.updated_at) >= retention)
            .filter(|saga| {
                let parent = saga.record.parent.as_ref();
                parent.is_none_or(|parent| self.sagas.get(parent).is_none())
            })
            .map(|saga| families.of_root(&saga.record.id))
            // What was called may wait for an operator when the caller does no longer.
            .filter(|family| {
                let mut family = family.iter().filter_map(|id| self.sagas.get(id));
                family.all(over)
            });
        let families: Vec<_> = roots.take(size(limit)).collect();
        for id in families.iter().flatten() {
            self.sagas.remove(id);
            self.letters.remove_of(id);
            self.audit.forget_saga(id);
        }
        u64::try_from(families.len()).unwrap_or(u64::MAX)
    }
}

/// Who called whom.
struct Families(HashMap<SagaId, Vec<SagaId>>);

impl Families {
    fn of(sagas: &Sagas) -> Self {
        let mut called: HashMap<_, Vec<_>> = HashMap::new();
        for saga in sagas.iter() {
            if let Some(parent) = &saga.record.parent {
                let called = called.entry(parent.clone()).or_default();
                called.push(saga.record.id.clone());
            }
        }
        Self(called)
    }

    /// The saga, and all that it called.
    fn of_root(&self, root: &SagaId) -> HashSet<SagaId> {
        let mut family = HashSet::new();
        let mut next = vec![root];
        while let Some(id) = next.pop() {
            if family.insert(id.clone()) {
                next.extend(self.0.get(id).into_iter().flatten());
            }
        }
        family
    }
}
