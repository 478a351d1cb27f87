//! Which lock.

use sha2::{Digest as _, Sha256};

use crate::error::{EncodeError, Error};
use crate::key::{Digest, KeyValue, canonical, words};

/// Where the keys of locks come from, with the version of the encoding.
const DOMAIN: &[u8] = b"resilience lock key\x01";

/// The key of one call: which lock.
///
/// The SHA-256 digest of the lock's name and the key expression, as typed tokens: what is equal, and what is not, is
/// the same as for [`key`](crate::key). The key may be empty here, and all calls with an empty key
/// share the one lock of the name.
#[derive(Debug, Clone)]
#[must_use = "a key locks nothing until it is given to `Locked::hold`"]
pub struct LockKey {
    name: &'static str,
    digest: Digest,
    encoded: Result<Box<[u8]>, EncodeError>,
}

impl LockKey {
    pub(super) fn new<K: KeyValue + ?Sized>(name: &'static str, key: &K) -> Self {
        let encoded = canonical(key).map(Vec::into_boxed_slice);
        let mut hasher = Sha256::new_with_prefix(DOMAIN);
        hasher.update(canonical(name).unwrap_or_default());
        hasher.update(encoded.as_deref().unwrap_or_default());
        Self {
            name,
            digest: Digest::from_bytes(hasher.finalize().into()),
            encoded,
        }
    }

    /// What the store knows the lock by. Meaningless when the key could not be serialised, which the call itself
    /// reports.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// The key, for an error.
    pub(super) fn words(&self) -> String {
        words(
            self.encoded.as_deref().unwrap_or_default(),
            Some(self.digest),
        )
    }

    /// That it could be serialised.
    pub(super) fn check(&self, function: &'static str) -> Result<(), Error> {
        match &self.encoded {
            Ok(_) => Ok(()),
            Err(source) => Err(Error::Encode {
                function,
                what: "the key".to_owned(),
                source: source.clone(),
            }),
        }
    }
}
