//! The saga that a call asks for.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::id::SagaId;
use super::options::Saga;
use crate::error::EncodeError;
use crate::idempotency::SagaKey;
use crate::key::{Canonical, KeyValue};

/// Where identities that are made of keys come from, with the version of the encoding.
const KEY_DOMAIN: &[u8] = b"resilience saga key\x01";

/// How many bytes an id has at most: an index of PostgreSQL takes little more than twice as many.
const LONGEST_ID: usize = 1024;

/// The saga that a call asks for: a new one, or the one with its key or id.
#[derive(Debug)]
#[must_use]
pub struct Identity(pub(crate) Which);

#[derive(Debug)]
pub(crate) enum Which {
    /// A new one.
    New,
    /// That of the `#[idempotent]` above.
    Keyed(SagaKey),
    /// The one with this id, for good; or what has no stored form, and why.
    Given(Result<SagaId, (&'static str, EncodeError)>),
}

impl Saga {
    /// Each call is a saga of its own.
    pub fn anonymous(&self) -> Identity {
        Identity(Which::New)
    }

    /// At most one saga at a time, and none while the record of the key stands.
    pub fn keyed(&self, key: SagaKey) -> Identity {
        Identity(Which::Keyed(key))
    }

    /// The saga of this id, for as long as the journal has it. It has 1024 bytes at most, and no NUL character, which is more
    /// than every store can look for: else the call fails with [`Error::Encode`](crate::error::Error::Encode).
    pub fn id<K: fmt::Display + ?Sized>(&self, id: &K) -> Identity {
        let id = id.to_string();
        let error = match (id.len(), id.contains('\0')) {
            (length, _) if length > LONGEST_ID => {
                format!("it has {length} bytes, and may have {LONGEST_ID}")
            }
            (_, true) => "it has a NUL character".to_owned(),
            _ => return Identity(Which::Given(Ok(SagaId::from(id)))),
        };
        Identity(Which::Given(Err((
            "the id of the saga",
            EncodeError(error),
        ))))
    }

    /// The saga of this key among those of this name, for as long as the journal has it. Its id is a UUID that is made of the key.
    pub fn key<K: KeyValue + ?Sized>(&self, key: &K) -> Identity {
        let mut hash = Sha256::new_with_prefix(KEY_DOMAIN);
        Canonical::into(&mut hash).text(self.name);
        let written = key.write(Canonical::into(&mut hash));
        let id = match written {
            Ok(()) => Ok(SagaId::of_digest(&hash.finalize())),
            Err(error) => Err(("the key of the saga", error)),
        };
        Identity(Which::Given(id))
    }
}
