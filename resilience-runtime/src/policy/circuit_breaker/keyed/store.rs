//! The keys that there is something to say of, spread over a few locks.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::shard::{NoRoom, Shard};
use crate::error::Key;
use crate::policy::circuit_breaker::announce::announce;
use crate::policy::circuit_breaker::core::Change;
use crate::policy::circuit_breaker::moment::Moment;
use crate::policy::circuit_breaker::rules::Rules;
use crate::policy::circuit_breaker::state::{CircuitState, Machine, Ticket, Verdict};

/// From this many keys to a lock on there is another lock.
const KEYS_PER_SHARD: u32 = 64;
const MOST_SHARDS: u32 = 16;

pub(super) struct Store {
    hashers: [RandomState; 2],
    shards: Box<[Guard]>,
    /// Whether it was told that there is no room.
    told: AtomicBool,
}

struct Guard {
    /// The generation that unknown keys are in, if no key is known; else [`KNOWN`].
    glance: AtomicU64,
    shard: Mutex<Shard>,
}

/// Some keys are known.
const KNOWN: u64 = u64::MAX;

impl Store {
    pub(super) fn new(max_keys: u32) -> Self {
        let shards = (max_keys / KEYS_PER_SHARD).clamp(1, MOST_SHARDS);
        let guard = |number| Guard {
            glance: AtomicU64::new(0),
            // Together they hold exactly as many as were asked for.
            shard: Mutex::new(Shard::new(
                max_keys / shards + u32::from(number < max_keys % shards),
            )),
        };
        Self {
            hashers: [RandomState::new(), RandomState::new()],
            shards: (0..shards).map(guard).collect(),
            told: AtomicBool::new(false),
        }
    }

    pub(super) fn hash<K: Hash + ?Sized>(&self, key: &K) -> Key {
        [self.hashers[0].hash_one(key), self.hashers[1].hash_one(key)]
    }

    pub(super) fn len(&self) -> usize {
        let len = |guard: &Guard| guard.lock(|shard| shard.len());
        self.shards.iter().map(len).sum()
    }

    /// The ticket of a key in whose shard no key is known.
    #[inline]
    pub(super) fn admit_unknown(&self, key: Key) -> Option<Ticket> {
        match self.guard(key).glance.load(Ordering::Acquire) {
            KNOWN => None,
            generation => Some(Ticket::of(generation)),
        }
    }

    pub(super) fn admit(
        &self,
        key: Key,
        name: &'static str,
        rules: &Rules,
    ) -> Result<Ticket, Duration> {
        let (answer, change) = self.guard(key).lock(|shard| {
            let Some(machine) = shard.find(key) else {
                return (Ok(Ticket::of(shard.generation())), None);
            };
            let (answer, change) =
                watch(machine, rules, |machine| machine.admit(Moment::now, rules));
            shard.used(key);
            (answer, change)
        });
        if let Some(change) = change {
            announce(name, change, None);
        }
        answer
    }

    pub(super) fn settle(
        &self,
        key: Key,
        ticket: Ticket,
        verdict: Verdict,
        name: &'static str,
        rules: &Rules,
        cause: impl FnOnce() -> Option<String>,
    ) {
        let change = self.locked(key, name, |shard| {
            let mut ticket = ticket;
            if shard.find(key).is_none() {
                let says_nothing = match verdict {
                    Verdict::Success { .. } => !rules.has_window(),
                    Verdict::Failure { .. } => false,
                    Verdict::Withdrawn => true,
                };
                // Another generation: the key may have been open and forgotten since.
                if says_nothing || ticket.generation != shard.generation() {
                    return Ok(None);
                }
                shard.insert(key, Moment::now)?;
                // To make room may have begun a new generation.
                ticket = Ticket::of(shard.generation());
            }
            let Some(machine) = shard.find(key) else {
                return Ok(None);
            };
            let settle = |machine: &mut Machine| {
                machine.settle(ticket, verdict, Moment::now, rules);
            };
            let ((), change) = watch(machine, rules, settle);
            shard.used(key);
            Ok(change)
        });
        if let Some(change) = change {
            self.changed(key, change, name, cause);
        }
    }

    /// What `look` says of a key; `None` when nothing is known of it.
    pub(super) fn look<R>(&self, key: Key, look: impl FnOnce(&mut Machine) -> R) -> Option<R> {
        self.guard(key).lock(|shard| shard.find(key).map(look))
    }

    /// Changes a key by hand.
    pub(super) fn change(
        &self,
        key: Key,
        name: &'static str,
        rules: &Rules,
        work: impl FnOnce(&mut Machine),
    ) {
        let change = self.locked(key, name, |shard| {
            if shard.find(key).is_none() {
                shard.insert(key, Moment::now)?;
            }
            let Some(machine) = shard.find(key) else {
                return Ok(None);
            };
            let ((), change) = watch(machine, rules, work);
            shard.used(key);
            Ok(change)
        });
        if let Some(change) = change {
            announce(name, change, None);
        }
    }

    /// Works on the keys beside `key`. That there is no room is told when the lock is released: who
    /// listens may ask the breaker.
    fn locked(
        &self,
        key: Key,
        name: &'static str,
        work: impl FnOnce(&mut Shard) -> Result<Option<Change>, NoRoom>,
    ) -> Option<Change> {
        match self.guard(key).lock(work) {
            Ok(change) => change,
            Err(NoRoom) => {
                self.tell_once(name);
                None
            }
        }
    }

    fn changed(
        &self,
        key: Key,
        change: Change,
        name: &'static str,
        cause: impl FnOnce() -> Option<String>,
    ) {
        let mut text = None;
        if change.to == CircuitState::Open {
            // The text is the caller's code: it runs without the lock.
            text = cause().map(Arc::<str>::from);
            self.look(key, |machine| {
                if machine.openings() == change.openings {
                    machine.cause.clone_from(&text);
                }
            });
        }
        announce(name, change, text.as_deref());
    }

    fn tell_once(&self, breaker: &'static str) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(target: "resilience", breaker,
                "every key that there is room for is open: calls of further keys are not watched"
            );
        }
    }

    #[inline]
    fn guard(&self, [first, _]: Key) -> &Guard {
        let shards = self.shards.len() as u64;
        let place = usize::try_from(first % shards).unwrap_or(0);
        &self.shards[place]
    }
}

impl Guard {
    fn lock<R>(&self, work: impl FnOnce(&mut Shard) -> R) -> R {
        let mut shard = self.shard.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut shard);
        let glance = match shard.len() {
            0 => shard.generation(),
            _ => KNOWN,
        };
        if self.glance.load(Ordering::Relaxed) != glance {
            self.glance.store(glance, Ordering::Release);
        }
        result
    }
}

/// Works on the machine of a key, and says what changed.
fn watch<R>(
    machine: &mut Machine,
    rules: &Rules,
    work: impl FnOnce(&mut Machine) -> R,
) -> (R, Option<Change>) {
    let generation = machine.generation();
    let result = work(machine);
    (result, Change::since(generation, machine, rules))
}
