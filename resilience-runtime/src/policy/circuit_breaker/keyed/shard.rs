//! Some of the keys, under one lock.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use crate::error::Key;
use crate::policy::circuit_breaker::moment::Moment;
use crate::policy::circuit_breaker::state::{CircuitState, Machine};

/// At most so many keys. Closed ones stand in the order of their use, to be forgotten when there is
/// no room; an open one is forgotten only where no closed one is left, and not before its time is over:
/// else keys that failed once and never came back would leave no room for others.
#[derive(Debug)]
pub(super) struct Shard {
    capacity: usize,
    keys: HashMap<Key, Known, BuildHasherDefault<HashedAlready>>,
    /// The closed ones, by when they were used last.
    closed: BTreeMap<u64, Key>,
    uses: u64,
    /// Of the keys that nothing is known of. It grows when one that had changed its state is
    /// forgotten, so that outcomes from before that are not taken for later ones.
    generation: u64,
}

/// Every key that there is room for is open.
pub(super) struct NoRoom;

#[derive(Debug)]
struct Known {
    machine: Machine,
    /// The generation that it began with.
    born: u64,
    /// Its place among the closed ones, or that it had last.
    used: u64,
}

impl Shard {
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            capacity: capacity as usize,
            keys: HashMap::default(),
            closed: BTreeMap::new(),
            uses: 0,
            generation: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn find(&mut self, key: Key) -> Option<&mut Machine> {
        self.keys.get_mut(&key).map(|known| &mut known.machine)
    }

    /// Begins with a key. [`Shard::used`] is to follow.
    pub(super) fn insert(&mut self, key: Key, now: impl FnOnce() -> Moment) -> Result<(), NoRoom> {
        if self.keys.len() >= self.capacity {
            let oldest = match self.closed.pop_first() {
                Some((_, oldest)) => oldest,
                None => self.open_for_longest(now()).ok_or(NoRoom)?,
            };
            self.forget(oldest);
        }
        let born = self.generation;
        let known = Known {
            machine: Machine::starting_at(born),
            born,
            used: 0,
        };
        self.keys.insert(key, known);
        Ok(())
    }

    /// Of the open ones whose time is over, the one that has waited longest for a call.
    fn open_for_longest(&self, now: Moment) -> Option<Key> {
        let open = self.keys.iter().filter_map(|(key, known)| {
            let is_open = known.machine.state() == CircuitState::Open;
            let until = known.machine.open_until();
            (is_open && until <= now).then_some((until, *key))
        });
        open.min().map(|(_, key)| key)
    }

    /// A key was used: it may have changed its state, and there may be nothing to say of it now.
    pub(super) fn used(&mut self, key: Key) {
        let Some(known) = self.keys.get_mut(&key) else {
            return;
        };
        self.closed.remove(&known.used);
        if known.machine.has_nothing_to_say(known.born) {
            self.forget(key);
        } else if known.machine.state() == CircuitState::Closed {
            self.uses += 1;
            known.used = self.uses;
            self.closed.insert(self.uses, key);
        }
    }

    fn forget(&mut self, key: Key) {
        if let Some(Known { machine, born, .. }) = self.keys.remove(&key)
            && machine.generation() != born
        {
            self.generation = self.generation.max(machine.generation() + 1);
        }
    }
}

/// Takes a part of the key as its hash, because it is one.
#[derive(Debug, Default)]
pub(super) struct HashedAlready(u64);

impl Hasher for HashedAlready {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            // The last part; the first chooses the shard.
            self.0 = u64::from_ne_bytes(word);
        }
    }
    fn write_usize(&mut self, _: usize) {}
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
