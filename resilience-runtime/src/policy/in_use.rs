//! What there is for each key, for as long as somebody uses it.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

/// Keys are spread over several locks.
const SHARDS: usize = 16;
/// How much of a key stands in an error.
const WORDS: usize = 100;
/// The room that a shard keeps when it empties.
const ROOM: usize = 64;

/// With a random seed, so that nobody can choose keys that collide.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A value for each key that is in use: made for the first user, gone with the last.
pub(super) struct InUse<K, V>(OnceLock<Arc<Shards<K, V>>>);

type Shards<K, V> = [Mutex<Shard<K, V>>; SHARDS];
type Shard<K, V> = HashMap<K, Entry<V>, RandomState>;

struct Entry<V> {
    value: Arc<V>,
    users: usize,
}

/// One use of a key.
pub(super) struct Use<K: Eq + Hash, V> {
    all: Arc<Shards<K, V>>,
    key: K,
    value: Arc<V>,
}

impl<K, V> InUse<K, V> {
    pub(super) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// How many keys are in use.
    pub(super) fn len(&self) -> usize {
        let Some(all) = self.0.get() else { return 0 };
        all.iter().map(|shard| lock(shard).len()).sum()
    }
}

impl<K, V> Clone for InUse<K, V> {
    /// Another handle to the same keys.
    fn clone(&self) -> Self {
        Self(OnceLock::from(Arc::clone(self.all())))
    }
}

impl<K, V> InUse<K, V> {
    fn all(&self) -> &Arc<Shards<K, V>> {
        self.0.get_or_init(|| {
            Arc::new(std::array::from_fn(|_| {
                Mutex::new(HashMap::with_hasher(HASHER.clone()))
            }))
        })
    }
}

impl<K: Clone + Eq + Hash, V> InUse<K, V> {
    /// Uses what there is for `key`, or what `make` makes, and says how many use it besides.
    pub(super) fn enter(&self, key: K, make: impl FnOnce() -> V) -> (Use<K, V>, usize) {
        let all = self.all();
        let mut shard = lock(shard_of(all, &key));
        let (value, others) = if let Some(entry) = shard.get_mut(&key) {
            entry.users += 1;
            (Arc::clone(&entry.value), entry.users - 1)
        } else {
            let value = Arc::new(make());
            let entry = Entry {
                value: Arc::clone(&value),
                users: 1,
            };
            shard.insert(key.clone(), entry);
            (value, 0)
        };
        drop(shard);
        let all = Arc::clone(all);
        (Use { all, key, value }, others)
    }
}

impl<K: Eq + Hash, V> Use<K, V> {
    pub(super) fn key(&self) -> &K {
        &self.key
    }

    pub(super) fn value(&self) -> &Arc<V> {
        &self.value
    }

    /// Takes the value out: from now on the key begins again. Says how many use what was taken besides.
    pub(super) fn retire(&self) -> usize {
        self.remove_if(|_| true).map_or(0, |users| users - 1)
    }

    /// Removes the entry where it is the one of this use and `condition` holds for it. Says how many used it.
    fn remove_if(&self, condition: impl FnOnce(&mut Entry<V>) -> bool) -> Option<usize> {
        let mut shard = lock(shard_of(&self.all, &self.key));
        let entry = shard.get_mut(&self.key)?;
        if !Arc::ptr_eq(&entry.value, &self.value) || !condition(entry) {
            return None;
        }
        let removed = shard.remove_entry(&self.key);
        if shard.capacity() > ROOM && shard.len() < shard.capacity() / 4 {
            let room = ROOM.max(shard.len() * 2);
            shard.shrink_to(room);
        }
        // What the user's key does when it is dropped is not done under the lock.
        drop(shard);
        removed.map(|(_, entry)| entry.users)
    }
}

impl<K: Eq + Hash, V> Drop for Use<K, V> {
    fn drop(&mut self) {
        self.remove_if(|entry| {
            entry.users -= 1;
            entry.users == 0
        });
    }
}

/// The beginning of a key, for an error.
pub(super) fn words(key: &impl fmt::Debug) -> String {
    let text = format!("{key:?}");
    match text.char_indices().nth(WORDS) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn shard_of<'a, K: Hash, V>(all: &'a Shards<K, V>, key: &K) -> &'a Mutex<Shard<K, V>> {
    // The map takes the low bits and the highest seven of the same hash.
    let index = (HASHER.hash_one(key) >> 32) as usize % SHARDS;
    &all[index]
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
