//! The key of one call: which operation, and with which arguments.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::error::{EncodeError, Error};
use crate::key::{Canonical, Digest, KeyValue, blank, describe};

/// Where keys come from, with the version of the encoding.
const KEY_DOMAIN: &[u8] = b"resilience idempotency key\x01";
/// The same for keys with a scope or a version: the plain ones are those of the records and sagas that stores
/// have had all along.
const QUALIFIED_DOMAIN: &[u8] = b"resilience idempotency key\x02";
/// The same for fingerprints, so that neither is ever taken for the other.
const FINGERPRINT_DOMAIN: &[u8] = b"resilience idempotency fingerprint\x01";

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
/// [`key`](crate::key) for what is equal and what is not.
#[derive(Debug, Clone)]
#[must_use = "a key protects nothing until it is given to `Idempotent::once`"]
pub struct Key {
    digest: Digest,
    fingerprint: Sha256,
    words: Words,
    problem: Option<Problem>,
}

/// Why a key is none.
#[derive(Debug, Clone)]
enum Problem {
    Missing(String),
    Encode(String, EncodeError),
}

/// A key that can be looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sealed {
    pub(super) digest: Digest,
    pub(super) fingerprint: Digest,
}

/// What a person reads of a key: `"order 17" (9f86d081…)`. Kept as tokens until somebody reads it.
#[derive(Debug, Clone)]
pub(super) struct Words {
    /// The tokens of the scope, and then those of the key.
    tokens: Vec<u8>,
    scope: Option<usize>,
    digest: Digest,
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scope, key) = self.tokens.split_at(self.scope.unwrap_or(0));
        f.write_str(&describe(key))?;
        if self.scope.is_some() {
            write!(f, " of {}", describe(scope))?;
        }
        write!(f, " ({})", self.digest.beginning())
    }
}

/// The key of a saga that runs under `#[idempotent]`, and how long the two share a result.
///
/// From [`Idempotent::saga_key`](crate::idempotency::Idempotent::saga_key).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SagaKey {
    /// The digest by which the store identifies the call.
    pub digest: Digest,
    /// How long a completed saga answers for the key, counted from its end by the store's clock.
    /// After that the key counts as new, as it does for the idempotency record.
    pub ttl: Duration,
}

impl Key {
    pub(super) fn new<K: KeyValue + ?Sized>(operation: &str, version: u32, key: &K) -> Self {
        let mut tokens = Tokens::default();
        tokens.add("", |out| key.write(out));
        tokens.seal(operation, version, None)
    }

    pub(super) fn scoped<S, K>(operation: &str, version: u32, scope: &S, key: &K) -> Self
    where
        S: KeyValue + ?Sized,
        K: KeyValue + ?Sized,
    {
        let mut tokens = Tokens::default();
        tokens.add("has a scope that ", |out| scope.write(out));
        let scope = tokens.bytes.len();
        tokens.add("", |out| key.write(out));
        tokens.seal(operation, version, Some(scope))
    }

    /// Adds the argument `name` to the fingerprint. The first failure is kept, and reported when the
    /// call is made.
    pub fn argument<T: KeyPart + ?Sized>(mut self, name: &'static str, value: &T) -> Self {
        Canonical::into(&mut self.fingerprint).text(name);
        if let Err(error) = value.write(Canonical::into(&mut self.fingerprint)) {
            self.problem
                .get_or_insert_with(|| Problem::Encode(format!("argument `{name}`"), error));
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

    pub(super) fn seal(self, function: &'static str) -> Result<(Sealed, Words), Error> {
        match self.problem {
            None => {
                let fingerprint = Digest::from_bytes(self.fingerprint.finalize().into());
                let digest = self.digest;
                let sealed = Sealed {
                    digest,
                    fingerprint,
                };
                Ok((sealed, self.words))
            }
            Some(Problem::Missing(reason)) => Err(Error::KeyMissing { function, reason }),
            Some(Problem::Encode(what, source)) => Err(Error::Encode {
                function,
                what,
                source,
            }),
        }
    }
}

/// The canonical form of a key that is being built.
#[derive(Default)]
struct Tokens {
    bytes: Vec<u8>,
    problem: Option<Problem>,
}

impl Tokens {
    /// Adds a value. One that says nothing is refused: all calls would share it, and most callers that have one
    /// have lost theirs on the way.
    fn add(&mut self, prefix: &str, write: impl FnOnce(Canonical<'_>) -> Result<(), EncodeError>) {
        let from = self.bytes.len();
        let written = write(Canonical::into(&mut self.bytes));
        let problem = match written {
            Err(error) => Some(Problem::Encode("the key".to_owned(), error)),
            Ok(()) => {
                blank(&self.bytes[from..]).map(|blank| Problem::Missing(format!("{prefix}{blank}")))
            }
        };
        if self.problem.is_none() {
            self.problem = problem;
        }
    }

    fn seal(self, operation: &str, version: u32, scope: Option<usize>) -> Key {
        let (scope_tokens, key) = self.bytes.split_at(scope.unwrap_or(0));
        let mut hasher;
        if scope.is_none() && version == 1 {
            hasher = Sha256::new_with_prefix(KEY_DOMAIN);
            Canonical::into(&mut hasher).text(operation);
        } else {
            hasher = Sha256::new_with_prefix(QUALIFIED_DOMAIN);
            let mut out = Canonical::into(&mut hasher);
            out.presence(scope.is_some());
            hasher.update(scope_tokens);
            let mut out = Canonical::into(&mut hasher);
            out.text(operation);
            out.number(version);
        }
        hasher.update(key);
        let digest = Digest::from_bytes(hasher.finalize().into());
        Key {
            digest,
            fingerprint: Sha256::new_with_prefix(FINGERPRINT_DOMAIN),
            words: Words {
                tokens: self.bytes,
                scope,
                digest,
            },
            problem: self.problem,
        }
    }
}
