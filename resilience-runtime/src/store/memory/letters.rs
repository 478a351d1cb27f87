//! All dead letters.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::ops::Bound;
use std::sync::Weak;

use super::{Asking, Owner, is_gone};
use crate::dlq::{
    Closing, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterKind, DeadLetterStatistics,
    DeadLetterStatus, NewDeadLetter,
};
use crate::order::Order;
use crate::saga::journal::{SagaId, SettledLetters};
use crate::timestamp::Timestamp;

/// So many operations and dependencies are listed.
const MANY: usize = 100;

/// Letters in the order of their ids.
#[derive(Default)]
pub(super) struct Letters {
    by_id: BTreeMap<DeadLetterId, Letter>,
    /// The last id: none is used twice.
    last: DeadLetterId,
    nonces: HashMap<String, DeadLetterId>,
}

/// A letter, and who works on it.
pub(super) struct Letter {
    pub(super) letter: DeadLetter,
    owner: Option<Owner>,
}

impl Letter {
    pub(super) fn is_open(&self) -> bool {
        self.letter.status == DeadLetterStatus::Open
    }

    /// Whether it is unresolved and nobody works on it; of a saga, the saga has to be asked too.
    pub(super) fn is_free(&self) -> bool {
        self.is_unresolved() && self.owner.as_ref().is_none_or(is_gone)
    }

    fn is_unresolved(&self) -> bool {
        self.letter.status.is_unresolved()
    }

    /// Whether it is work whose retry is requested, and nobody works on it.
    pub(super) fn is_waiting(&self) -> bool {
        self.letter.work.kind == DeadLetterKind::Work
            && self.letter.status == DeadLetterStatus::Retrying
            && self.owner.as_ref().is_none_or(is_gone)
    }

    pub(super) fn belongs_to(&self, owner: &Owner) -> bool {
        let own = self.owner.as_ref();
        own.is_some_and(|own| Weak::ptr_eq(own, owner))
    }

    pub(super) fn take(&mut self, asking: &Asking) -> DeadLetter {
        self.owner = Some(asking.owner.clone());
        self.letter.updated_at = asking.now;
        self.letter.clone()
    }

    pub(super) fn becomes(&mut self, status: DeadLetterStatus, now: Timestamp) {
        self.owner = None;
        self.letter.status = status;
        self.letter.updated_at = now;
    }

    pub(super) fn close(&mut self, closing: Closing, now: Timestamp) {
        match closing {
            Closing::Resolve(note) => {
                self.becomes(DeadLetterStatus::Resolved, now);
                self.letter.note = Some(note);
            }
            Closing::Discard => self.becomes(DeadLetterStatus::Discarded, now),
        }
    }
}

impl Letters {
    /// Adds work of the author's own. `Err`: it is there.
    pub(super) fn add(
        &mut self,
        work: NewDeadLetter,
        nonce: String,
        now: Timestamp,
    ) -> Result<&DeadLetter, DeadLetterId> {
        if let Some(id) = self.nonces.get(&nonce) {
            return Err(*id);
        }
        let id = self.insert(None, work, now);
        self.nonces.insert(nonce, id);
        Ok(&self.by_id[&id].letter)
    }

    fn insert(
        &mut self,
        saga: Option<(&SagaId, &str)>,
        work: NewDeadLetter,
        now: Timestamp,
    ) -> DeadLetterId {
        self.last += 1;
        let letter = DeadLetter {
            id: self.last,
            saga: saga.map(|(id, _)| id.clone()),
            saga_name: saga.map(|(_, name)| name.to_owned()),
            work,
            status: DeadLetterStatus::Open,
            created_at: now,
            updated_at: now,
            note: None,
        };
        let owner = None;
        self.by_id.insert(self.last, Letter { letter, owner });
        self.last
    }

    /// Writes a letter of `saga`, in the place of the unresolved one of the same step. Attempts add up as long as it is
    /// about the same work.
    pub(super) fn replace(
        &mut self,
        saga: &SagaId,
        saga_name: &str,
        mut work: NewDeadLetter,
        now: Timestamp,
    ) {
        let Some(there) = self
            .unresolved_of(saga)
            .find(|there| there.letter.work.position == work.position)
        else {
            self.insert(Some((saga, saga_name)), work, now);
            return;
        };
        let before = &there.letter.work;
        if (before.kind, &before.operation, &before.arguments)
            == (work.kind, &work.operation, &work.arguments)
        {
            work.attempts = work.attempts.saturating_add(before.attempts);
        }
        there.letter.work = work;
        there.becomes(DeadLetterStatus::Open, now);
    }

    pub(super) fn settle(&mut self, saga: &SagaId, settles: SettledLetters, now: Timestamp) {
        let done = |letter: &DeadLetter| match settles {
            SettledLetters::Nothing => false,
            SettledLetters::Step(position) => letter.work.position == Some(position),
            SettledLetters::All => true,
        };
        for there in self.unresolved_of(saga) {
            if done(&there.letter) {
                there.becomes(DeadLetterStatus::Settled, now);
            }
        }
    }

    /// The retry of `saga` has ended, and it is dead again.
    pub(super) fn open_again(&mut self, saga: &SagaId, now: Timestamp) {
        for there in self.unresolved_of(saga) {
            if !there.is_open() {
                there.becomes(DeadLetterStatus::Open, now);
            }
        }
    }

    pub(super) fn unresolved_of(&mut self, saga: &SagaId) -> impl Iterator<Item = &mut Letter> {
        let letters = self.by_id.values_mut();
        letters.filter(move |it| it.is_unresolved() && it.letter.saga.as_ref() == Some(saga))
    }

    pub(super) fn get(&self, id: DeadLetterId) -> Option<&DeadLetter> {
        self.by_id.get(&id).map(|there| &there.letter)
    }

    pub(super) fn get_mut(&mut self, id: DeadLetterId) -> Option<&mut Letter> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Letter> {
        self.by_id.values_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &DeadLetter> {
        self.by_id.values().map(|there| &there.letter)
    }

    pub(super) fn list<'a>(
        &'a self,
        filter: &'a DeadLetterFilter,
        after: Option<DeadLetterId>,
    ) -> Box<dyn Iterator<Item = &'a DeadLetter> + 'a> {
        let beyond = after.map_or(Bound::Unbounded, Bound::Excluded);
        let passing = |(_, there): (&DeadLetterId, &'a Letter)| {
            Some(&there.letter).filter(|letter| passes(filter, letter))
        };
        match filter.order {
            Order::OldestFirst => {
                let page = self.by_id.range((beyond, Bound::Unbounded));
                Box::new(page.filter_map(passing))
            }
            Order::NewestFirst => {
                let page = self.by_id.range((Bound::Unbounded, beyond));
                Box::new(page.rev().filter_map(passing))
            }
        }
    }

    pub(super) fn statistics(&self) -> DeadLetterStatistics {
        let unresolved = || self.iter().filter(|letter| letter.status.is_unresolved());
        DeadLetterStatistics {
            counts: counted(self.iter().map(|letter| letter.status)),
            by_operation: most(unresolved().map(|letter| letter.work.operation.clone())),
            by_dependency: most(unresolved().filter_map(|letter| letter.work.dependency.clone())),
            by_priority: counted(unresolved().map(|letter| letter.work.priority)),
            oldest: unresolved().map(|letter| letter.created_at).min(),
        }
    }

    pub(super) fn remove_of(&mut self, saga: &SagaId) {
        self.by_id
            .retain(|_, there| there.letter.saga.as_ref() != Some(saga));
    }

    pub(super) fn remove(&mut self, id: DeadLetterId) {
        self.by_id.remove(&id);
        self.nonces.retain(|_, of| *of != id);
    }

    /// What `owner` works on is nobody's from now on.
    pub(super) fn leave(&mut self, owner: &Owner) {
        for there in self.iter_mut().filter(|there| there.belongs_to(owner)) {
            there.owner = None;
        }
    }
}

fn passes(filter: &DeadLetterFilter, letter: &DeadLetter) -> bool {
    let work = &letter.work;
    (filter.statuses.is_empty() || filter.statuses.contains(&letter.status))
        && filter.kind.is_none_or(|kind| kind == work.kind)
        && filter
            .operation
            .as_ref()
            .is_none_or(|operation| *operation == work.operation)
        && (filter.dependency.is_none() || filter.dependency == work.dependency)
        && (filter.saga.is_none() || filter.saga == letter.saga)
        && filter.priority.is_none_or(|least| least <= work.priority)
        && filter.since.is_none_or(|since| since <= letter.created_at)
        && filter
            .before
            .is_none_or(|before| letter.created_at < before)
}

fn counted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<(T, u64)> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// The most first.
fn most<T: Ord + Hash>(values: impl Iterator<Item = T>) -> Vec<(T, u64)> {
    let mut counts = counted(values);
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.truncate(MANY);
    counts
}
