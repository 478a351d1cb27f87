//! A limit for each key by itself.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::admit::{Admitted, Gate};
use super::bucket::{Bucket, Limiter};
use super::limits::Limits;
use crate::catalog::{Policy, PolicyKind};
use crate::outcome::{Function, Outcome};
use crate::policy::identity::{self, Identity, Shared};
use crate::policy::names::Names;
use crate::policy::switch::Switch;

/// The limit per key that was used first, for every name.
static NAMES: Names<KeyedRateLimit> = Names::new();

/// Keys are told apart by this hash. Its seed is random, so that nobody can choose keys that
/// collide.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// From this number of keys on they are spread over several locks.
const MANY_KEYS: u32 = 1_024;
const SHARDS: u32 = 16;

/// A separate [`RateLimit`](super::RateLimit) for each key, for example a tenant, a user or an address.
///
/// ```
/// # use std::time::Duration;
/// # use resilience_runtime::policy::rate_limit::{KeyedRateLimit, RateLimit};
/// static PER_TENANT: KeyedRateLimit = RateLimit::named("tenant")
///     .rate(100, Duration::from_secs(60))
///     .per_key(10_000);
/// ```
///
/// # Memory
///
/// At most `max_keys` keys are remembered, at about 200 bytes each. A key is forgotten when its place
/// is needed, but only if its bucket is full again: then forgetting it makes no difference, and nobody
/// gets more calls than the rate allows. If a new key comes and no key can be forgotten, it shares one
/// extra bucket with all other keys in this situation, until there is a place. From 1,024 keys on, the
/// keys are divided into 16 parts, each with its share of the bound.
///
/// Keys are distinguished by a 64-bit hash with a random seed. Among a million keys, the chance that
/// two share a bucket is 1 : 36,000,000.
pub struct KeyedRateLimit {
    identity: Identity<Self>,
    limits: Limits,
    max_keys: u32,
    pub(super) switch: Switch,
    /// Made by the first call.
    state: OnceLock<(Limiter, Keys)>,
}

impl KeyedRateLimit {
    #[track_caller]
    pub(super) const fn new(identity: Identity<Self>, limits: Limits, max_keys: u32) -> Self {
        assert!(
            max_keys > 0,
            "`max_keys` must be at least 1: a limit per key has to remember one"
        );
        Self {
            identity,
            limits,
            max_keys,
            switch: Switch::new(),
            state: OnceLock::new(),
        }
    }

    /// The limit of this key.
    #[must_use]
    pub fn of<K: Hash + ?Sized>(&'static self, key: &K) -> RateLimitOfKey {
        RateLimitOfKey {
            limit: self,
            key: HASHER.hash_one(key),
        }
    }

    /// The number of keys that are currently remembered.
    #[must_use]
    pub fn keys(&'static self) -> usize {
        identity::first(self).unwrap_or(self).state().1.len()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The limit, and what this key has left of it.
    pub(super) fn bucket(&'static self, key: u64) -> (&'static Limiter, Bucket) {
        let (limiter, keys) = self.state();
        (limiter, keys.bucket(key, limiter))
    }

    fn state(&'static self) -> &'static (Limiter, Keys) {
        self.state
            .get_or_init(|| (Limiter::new(self.limits), Keys::new(self.max_keys)))
    }
}

/// The limit of one key, of a [`KeyedRateLimit`].
#[derive(Debug, Clone, Copy)]
pub struct RateLimitOfKey {
    limit: &'static KeyedRateLimit,
    key: u64,
}

impl RateLimitOfKey {
    /// Runs `call` once the limit of this key admits it: see
    /// [`RateLimit::admit`](super::RateLimit::admit).
    pub fn admit<F, T, E>(self, call: F, function: Function<Result<T, E>>) -> Admitted<F, T, E>
    where
        F: Future<Output: Outcome<Ok = T, Err = E>>,
    {
        Admitted::new(Gate::Keyed(self.limit, self.key), call, function)
    }
}

/// The buckets of the keys that are remembered.
struct Keys {
    shards: Box<[Mutex<Shard>]>,
    /// For new keys while all places are taken.
    overflow: Bucket,
}

struct Shard {
    /// How many keys it holds.
    places: usize,
    buckets: HashMap<u64, Bucket, BuildHasherDefault<Hashed>>,
    /// Before this time no bucket is full again: there is no need to look.
    look_again: Option<Instant>,
}

impl Keys {
    fn new(max_keys: u32) -> Self {
        let shards = if max_keys < MANY_KEYS { 1 } else { SHARDS };
        Self {
            shards: (0..shards)
                .map(|shard| {
                    // The first ones hold what is left over.
                    let left_over = u32::from(shard < max_keys % shards);
                    Mutex::new(Shard::new((max_keys / shards + left_over) as usize))
                })
                .collect(),
            overflow: Bucket::new(),
        }
    }

    fn len(&self) -> usize {
        let len = |shard: &Mutex<Shard>| lock(shard).buckets.len();
        self.shards.iter().map(len).sum()
    }

    fn bucket(&self, key: u64, limiter: &Limiter) -> Bucket {
        // Not the bits by which the map of the shard goes.
        let shard = (key >> 32) as usize % self.shards.len();
        let Some(shard) = self.shards.get(shard) else {
            return self.overflow.clone();
        };
        let mut shard = lock(shard);
        if let Some(bucket) = shard.buckets.get(&key) {
            return bucket.clone();
        }
        if shard.is_full() {
            shard.forget(limiter);
        }
        if shard.is_full() {
            return self.overflow.clone();
        }
        let bucket = Bucket::new();
        shard.buckets.insert(key, bucket.clone());
        // It may be full again before all that are known by now.
        shard.look_again = None;
        bucket
    }
}

impl Shard {
    fn new(places: usize) -> Self {
        Self {
            places,
            buckets: HashMap::default(),
            look_again: None,
        }
    }

    fn is_full(&self) -> bool {
        self.buckets.len() >= self.places
    }

    /// Forgets the keys whose buckets are full, if there can be any.
    fn forget(&mut self, limiter: &Limiter) {
        let now = Instant::now();
        if self.look_again.is_some_and(|at| now < at) {
            return;
        }
        let mut look_again: Option<Instant> = None;
        self.buckets.retain(|_, bucket| {
            let full_at = limiter.full_at(bucket).unwrap_or(now).max(now);
            let is_kept = full_at > now || bucket.is_in_use();
            if is_kept && look_again.is_none_or(|at| full_at < at) {
                look_again = Some(full_at);
            }
            is_kept
        });
        self.look_again = look_again;
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The hash of what is a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Shared for KeyedRateLimit {
    const KIND: &'static str = "rate limit per key";

    fn identity(&self) -> &Identity<Self> {
        &self.identity
    }

    fn names() -> &'static Names<Self> {
        &NAMES
    }

    fn is_configured_like(&self, other: &Self) -> bool {
        self.limits == other.limits && self.max_keys == other.max_keys
    }
}

impl Policy for KeyedRateLimit {
    fn kind(&self) -> PolicyKind {
        PolicyKind::RateLimit
    }

    fn name(&self) -> Option<&'static str> {
        self.identity.own_name()
    }

    fn namespace(&self) -> &'static str {
        Self::KIND
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, max_keys = {}", self.limits, self.max_keys)
    }

    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        inner?.checked_add(self.limits.max_wait)
    }

    fn switch(&self) -> Option<&Switch> {
        Some(&self.switch)
    }
}

impl fmt::Debug for KeyedRateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRateLimit")
            .field("name", &self.identity)
            .field("limits", &self.limits)
            .field("max_keys", &self.max_keys)
            .finish_non_exhaustive()
    }
}
