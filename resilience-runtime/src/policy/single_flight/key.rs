//! Which flight a call belongs to.

use std::any::TypeId;
use std::sync::Arc;

use crate::error::{EncodeError, Error};
use crate::key::{KeyValue, canonical, words};

/// The key of one call: which flight.
#[derive(Debug, Clone)]
#[must_use = "a key joins nothing until it is given to `SingleFlight::share`"]
pub struct FlightKey(Result<Arc<[u8]>, EncodeError>);

/// A flight. The `static` of a generic function is shared by all of its instances, whose calls are not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct FlightId {
    key: Arc<[u8]>,
    instance: TypeId,
}

impl FlightKey {
    pub(super) fn of<K: KeyValue + ?Sized>(value: &K) -> Self {
        Self(canonical(value).map(Into::into))
    }

    pub(super) fn id(self, instance: TypeId, function: &'static str) -> Result<FlightId, Error> {
        match self.0 {
            Ok(key) => Ok(FlightId { key, instance }),
            Err(source) => Err(Error::Encode {
                function,
                what: "the key".to_owned(),
                source,
            }),
        }
    }
}

impl FlightId {
    /// The key, for an error.
    pub(super) fn words(&self) -> String {
        words(&self.key, None)
    }
}
