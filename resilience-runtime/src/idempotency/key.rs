//! The key of one call: which operation, and with which arguments.

use std::time::Duration;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::error::{EncodeError, Error};
use crate::idempotency::canonical::{self, Canonical};
use crate::idempotency::digest::Digest;

/// Where keys come from, with the version of the encoding.
const KEY_DOMAIN: &[u8] = b"resilience idempotency key\x01";
/// The same for fingerprints, so that neither is ever taken for the other.
const FINGERPRINT_DOMAIN: &[u8] = b"resilience idempotency fingerprint\x01";

/// The key expression of `#[idempotent(key = …)]`: `Serialize`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an idempotency key",
    label = "the key is hashed from its serialised form",
    note = "derive `serde::Serialize` for `{Self}`, or use a part of it that identifies the \
            operation, such as an id"
)]
pub trait KeyValue {
    /// Writes the value.
    ///
    /// # Errors
    /// When it has no canonical form.
    fn write(&self, out: Canonical<'_>) -> Result<(), EncodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyValue for T {
    fn write(&self, out: Canonical<'_>) -> Result<(), EncodeError> {
        self.serialize(out)
    }
}

/// An argument of an idempotent function, compared when a key is used again: `Serialize`.
#[diagnostic::on_unimplemented(
    message = "argument of type `{Self}` cannot be compared between two calls with one key",
    label = "the arguments are hashed, so that a key which is reused for other work is noticed",
    note = "derive `serde::Serialize` for it, or, if it is a pool or a client that the runtime \
            supplies, mark the parameter `#[state]`"
)]
pub trait KeyPart {
    /// Writes the value.
    ///
    /// # Errors
    /// When it has no canonical form.
    fn write(&self, out: Canonical<'_>) -> Result<(), EncodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyPart for T {
    fn write(&self, out: Canonical<'_>) -> Result<(), EncodeError> {
        self.serialize(out)
    }
}

/// The key of one call, with the fingerprint of its arguments; or why there is none.
///
/// Both are SHA-256 digests over typed, self-delimiting tokens: see
/// [`idempotency`](crate::idempotency#keys) for what is equal and what is not.
#[derive(Debug, Clone)]
#[must_use = "a key protects nothing until it is given to `Idempotent::once`"]
pub struct Key {
    digest: Digest,
    fingerprint: Sha256,
    error: Option<(String, EncodeError)>,
}

/// A key that can be looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sealed {
    pub(super) digest: Digest,
    pub(super) fingerprint: Digest,
}

/// The key of a saga that runs under `#[idempotent]`, and how long the two share a result.
///
/// From [`Idempotent::saga_key`](crate::idempotency::Idempotent::saga_key).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SagaKey {
    /// What the store knows the call by.
    pub digest: Digest,
    /// How long a saga that was completed answers for the key, from its end, by the store's clock.
    /// After that the key is new, as it is for the idempotency record.
    pub ttl: Duration,
}

impl Key {
    pub(super) fn new<K: KeyValue + ?Sized>(operation: &str, key: &K) -> Self {
        let mut hasher = Sha256::new_with_prefix(KEY_DOMAIN);
        Canonical::into(&mut hasher).text(operation);
        let error = match encode(key) {
            Ok(encoded) => {
                hasher.update(encoded);
                None
            }
            Err(error) => Some(("the key".to_owned(), error)),
        };
        Self {
            digest: Digest::from_bytes(hasher.finalize().into()),
            fingerprint: Sha256::new_with_prefix(FINGERPRINT_DOMAIN),
            error,
        }
    }

    /// Adds the argument `name` to the fingerprint. The first failure is kept, and reported when the
    /// call is made.
    pub fn argument<T: KeyPart + ?Sized>(mut self, name: &'static str, value: &T) -> Self {
        Canonical::into(&mut self.fingerprint).text(name);
        if let Err(error) = value.write(Canonical::into(&mut self.fingerprint)) {
            self.error
                .get_or_insert_with(|| (format!("argument `{name}`"), error));
        }
        self
    }

    /// The digest of the operation and the key expression: what the store knows the call by. The
    /// arguments are not part of it. Meaningless when the key could not be serialised, which the
    /// call itself reports.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn seal(self, function: &'static str) -> Result<Sealed, Error> {
        match self.error {
            None => Ok(Sealed {
                digest: self.digest,
                fingerprint: Digest::from_bytes(self.fingerprint.finalize().into()),
            }),
            Some((what, source)) => Err(Error::Encode {
                function,
                what,
                source,
            }),
        }
    }
}

/// A value in canonical form, for keys of other kinds.
pub(crate) fn canonical<K: KeyValue + ?Sized>(key: &K) -> Result<Vec<u8>, EncodeError> {
    let mut encoded = Vec::new();
    key.write(Canonical::into(&mut encoded))?;
    Ok(encoded)
}

/// A value in canonical form, as errors tell it.
pub(crate) fn words(canonical: &[u8]) -> String {
    Digest::from_bytes(Sha256::digest(canonical).into()).to_string()
}

/// The key expression in canonical form. A key that says nothing is refused: all calls would share
/// it, and most callers that have one have lost theirs on the way.
fn encode<K: KeyValue + ?Sized>(key: &K) -> Result<Vec<u8>, EncodeError> {
    let encoded = canonical(key)?;
    if canonical::is_blank(&encoded) {
        return Err(EncodeError(
            "it is empty, and an empty key identifies no operation; give every operation a key of \
             its own"
                .to_owned(),
        ));
    }
    Ok(encoded)
}
