//! The results that this process has recorded itself, for a while: a later duplicate does not have to ask the
//! store.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashlink::LruCache;
use tokio::time::Instant;

use crate::idempotency::store::Record;
use crate::key::Digest;

/// How many records.
const RECORDS: usize = 1_024;
/// How many bytes of content a record has at most: together 4 MiB.
const BYTES: usize = 4_096;
/// For how long: so long an operator who deletes a record at the store is not noticed.
const LONGEST: Duration = Duration::from_secs(60);

/// Completed records, the least recently used of which goes first.
pub(crate) struct Remembered(Mutex<LruCache<Digest, Remembrance>>);

struct Remembrance {
    record: Record,
    until: Instant,
}

impl Default for Remembered {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(RECORDS)))
    }
}

impl Remembered {
    /// The record of `key`, if it is still known.
    pub(super) fn get(&self, key: Digest) -> Option<Record> {
        let mut records = self.lock();
        let found = records.get(&key)?;
        if found.until > Instant::now() {
            return Some(found.record.clone());
        }
        records.remove(&key);
        None
    }

    /// Remembers `record`, which the store keeps for `ttl` from some moment after `asked`.
    pub(super) fn remember(&self, key: Digest, record: &Record, ttl: Duration, asked: Instant) {
        let mut records = self.lock();
        if record.content.len() > BYTES {
            // What is there is older.
            records.remove(&key);
            return;
        }
        let until = asked + ttl.min(LONGEST);
        let record = record.clone();
        records.insert(key, Remembrance { record, until });
    }

    /// Forgets `record`, which is not wanted any more.
    pub(super) fn forget(&self, key: Digest, record: &Record) {
        let mut records = self.lock();
        if records.peek(&key).is_some_and(|it| it.record == *record) {
            records.remove(&key);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Digest, Remembrance>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remembered")
    }
}
