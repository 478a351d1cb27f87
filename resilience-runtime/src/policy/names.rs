//! Policies that share a name share a state.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The policy of one kind that was used first, for every name. At most one entry per `static`.
pub(crate) struct Names<T: 'static>(Mutex<BTreeMap<&'static str, &'static T>>);

impl<T> Names<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// The one that was used first under `name`: that one, or `candidate` itself.
    pub(crate) fn first(&self, name: &'static str, candidate: &'static T) -> &'static T {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name)
            .or_insert(candidate)
    }
}
