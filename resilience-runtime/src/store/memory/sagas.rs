//! All sagas.

mod saga;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

pub(super) use self::saga::Saga;
use super::Owner;
use crate::idempotency::Digest;
use crate::order::Order;
use crate::saga::journal::{SagaCursor, SagaId};

/// Sagas in the order in which they were started, by their ids and by their keys.
#[derive(Default)]
pub(super) struct Sagas {
    in_order: BTreeMap<SagaCursor, Saga>,
    places: HashMap<SagaId, SagaCursor>,
    keys: HashMap<Digest, SagaId>,
}

impl Sagas {
    pub(super) fn add(&mut self, saga: Saga) {
        let place = saga.place();
        if let Some(key) = saga.record.key {
            self.keys.insert(key, place.id.clone());
        }
        self.places.insert(place.id.clone(), place.clone());
        self.in_order.insert(place, saga);
    }

    pub(super) fn get(&self, id: &SagaId) -> Option<&Saga> {
        self.in_order.get(self.places.get(id)?)
    }

    pub(super) fn get_mut(&mut self, id: &SagaId) -> Option<&mut Saga> {
        self.in_order.get_mut(self.places.get(id)?)
    }

    /// The one that was started last with this key, and was not told to give it up.
    pub(super) fn with_key(&mut self, key: Digest) -> Option<&mut Saga> {
        let id = self.keys.get(&key)?.clone();
        self.get_mut(&id).filter(|saga| saga.has_key(key))
    }

    /// All, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Saga> {
        self.in_order.values()
    }

    /// All, oldest first.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Saga> {
        self.in_order.values_mut()
    }

    /// Those from after `after`, in this order.
    pub(super) fn after(
        &self,
        after: Option<SagaCursor>,
        order: Order,
    ) -> Box<dyn Iterator<Item = &Saga> + '_> {
        let beyond = after.map_or(Bound::Unbounded, Bound::Excluded);
        match order {
            Order::OldestFirst => {
                let page = self.in_order.range((beyond, Bound::Unbounded));
                Box::new(page.map(|(_, saga)| saga))
            }
            Order::NewestFirst => {
                let page = self.in_order.range((Bound::Unbounded, beyond));
                Box::new(page.rev().map(|(_, saga)| saga))
            }
        }
    }

    pub(super) fn remove(&mut self, id: &SagaId) {
        if let Some(place) = self.places.remove(id) {
            self.in_order.remove(&place);
        }
        self.keys.retain(|_, of| of != id);
    }

    /// What belongs to `owner` is nobody's from now on.
    pub(super) fn leave(&mut self, owner: &Owner) {
        for saga in self.iter_mut().filter(|saga| saga.belongs_to(owner)) {
            saga.leave();
        }
    }
}
