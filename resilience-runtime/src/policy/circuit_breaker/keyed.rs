//! A breaker for every key.

mod shard;
mod store;

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

use super::CircuitBreaker;
use super::gate::{Admission, Gate, Refused, decide};
use super::guard::{ByClass, Guarded};
use super::moment::Moment;
use super::rules::Rules;
use super::state::{CircuitState, Machine, Ticket, Verdict};
use super::statistics::CircuitStatistics;
use crate::catalog::{Policy, PolicyKind};
use crate::error::{Key, Opened, Opening};
use crate::outcome::{Errors, Function, Judgement, Outcome};
use crate::policy::names::Names;
use crate::policy::switch::{PolicyMode, Switch};
use store::Store;

/// A [`CircuitBreaker`] for every key, for example a tenant, a host or a shard.
///
/// ```
/// # use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, KeyedCircuitBreaker};
/// static HOSTS: KeyedCircuitBreaker = CircuitBreaker::named("hosts").per_key(10_000);
/// # fn host() -> &'static str { "db1" }
/// let breaker = HOSTS.of(host());
/// ```
///
/// Keys are distinguished by a 128-bit hash that differs from process to process. Only keys for
/// which there is something to record are remembered: if failures in a row decide, a key whose last
/// call succeeded and that was never open takes no memory and no lock. When `max_keys` keys are
/// remembered and another one fails, the closed key that was used longest ago is forgotten; open
/// keys never are. When all are open, calls of further keys run unwatched, and an event says so
/// once.
///
/// When a key that was open before is forgotten, calls that began before that no longer count if
/// their key is not remembered.
///
/// Metrics and events have the name, not the key. Named keyed breakers share their state like
/// [`CircuitBreaker`]s; the two kinds do not share state with each other.
pub struct KeyedCircuitBreaker {
    breaker: CircuitBreaker,
    max_keys: u32,
    shared: OnceLock<&'static Shared>,
}

/// The state of all keyed breakers of one name, and the one that was used first.
struct Shared {
    home: &'static KeyedCircuitBreaker,
    store: Store,
}

/// The keyed breaker that was used first, for every name.
static NAMES: Names<KeyedCircuitBreaker> = Names::new();

/// The breaker of one key.
#[derive(Clone, Copy)]
pub struct OfKey {
    keyed: &'static KeyedCircuitBreaker,
    /// Valid once resolved; hashes differ between the states of different names.
    key: Key,
}

impl KeyedCircuitBreaker {
    pub(super) const fn new(breaker: CircuitBreaker, max_keys: u32) -> Self {
        Self {
            breaker,
            max_keys,
            shared: OnceLock::new(),
        }
    }

    /// The name, or the path of the function.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.breaker.name
    }

    /// The breaker of `key`, for calls and for operators.
    #[must_use]
    pub fn of<K: Hash + ?Sized>(&'static self, key: &K) -> OfKey {
        OfKey {
            keyed: self,
            key: self.home().store.hash(key),
        }
    }

    /// Makes it do nothing for any key until it is [`enforced`](Self::enforce) again.
    pub fn disable(&'static self) {
        self.home().home.breaker.switch.set(PolicyMode::Disabled);
    }

    /// Makes it count and change states but reject nothing until it is [`enforced`](Self::enforce)
    /// again.
    pub fn metrics_only(&'static self) {
        self.home().home.breaker.switch.set(PolicyMode::Shadow);
    }

    /// Makes it reject calls again while it is open, which is the default.
    pub fn enforce(&'static self) {
        self.home().home.breaker.switch.set(PolicyMode::Enforced);
    }

    /// The number of keys that are currently remembered.
    #[must_use]
    pub fn remembered(&'static self) -> usize {
        self.home().store.len()
    }

    #[inline]
    fn home(&'static self) -> &'static Shared {
        match self.shared.get() {
            Some(shared) => shared,
            None => self.resolve(),
        }
    }

    #[cold]
    fn resolve(&'static self) -> &'static Shared {
        let first = match self.breaker.named_at {
            Some(_) => NAMES.first(self.breaker.name, self),
            None => self,
        };
        self.shared.get_or_init(|| {
            if std::ptr::eq(first, self) {
                // Breakers are `static`: so is what belongs to them.
                return Box::leak(Box::new(Shared {
                    home: self,
                    store: Store::new(self.max_keys),
                }));
            }
            let shared = first.resolve();
            // What was set before it was known who is meant.
            if self.breaker.switch.mode() != PolicyMode::Enforced {
                shared.home.breaker.switch.set(self.breaker.switch.mode());
            }
            shared
        })
    }
}

impl OfKey {
    /// Runs `call` under the breaker of this key, or rejects it, like [`CircuitBreaker::guard`].
    #[inline]
    pub fn guard<F, T, E>(
        self,
        call: F,
        function: Function<Result<T, E>>,
        errors: Errors<Result<T, E>>,
    ) -> Guarded<F, T, E, ByClass, Self>
    where
        F: Future<Output: Outcome<Ok = T, Err = E>>,
    {
        Guarded::new(self, call, function, errors, ByClass)
    }

    /// Runs `call` under the breaker of this key, or rejects it, like [`CircuitBreaker::guard_if`].
    #[inline]
    pub fn guard_if<F, T, E, J>(
        self,
        call: F,
        function: Function<Result<T, E>>,
        errors: Errors<Result<T, E>>,
        judge: J,
    ) -> Guarded<F, T, E, J, Self>
    where
        F: Future<Output: Outcome<Ok = T, Err = E>>,
        J: Fn(&E) -> Judgement,
    {
        Guarded::new(self, call, function, errors, judge)
    }

    /// The state of this key.
    #[must_use]
    pub fn state(self) -> CircuitState {
        let state = |machine: &mut Machine| machine.state();
        self.store()
            .look(self.key, state)
            .unwrap_or(CircuitState::Closed)
    }

    /// What is known about this key.
    #[must_use]
    pub fn statistics(self) -> CircuitStatistics {
        let now = Moment::now();
        let statistics = |machine: &mut Machine| CircuitStatistics::of(machine, now, self.rules());
        self.store()
            .look(self.key, statistics)
            .unwrap_or(CircuitStatistics::NEW)
    }

    /// Rejects every call of this key until [`OfKey::reset`], like [`CircuitBreaker::force_open`].
    pub fn force_open(self) {
        self.by_hand(Machine::hold_open);
    }

    /// Lets every call of this key run until [`OfKey::reset`], like
    /// [`CircuitBreaker::force_closed`].
    pub fn force_closed(self) {
        self.by_hand(Machine::hold_closed);
    }

    /// Rejects every call of this key until `at`, like [`CircuitBreaker::open_until`].
    pub fn open_until(self, at: Instant) {
        self.by_hand(|machine| machine.open_by_hand(Moment::at(at)));
    }

    /// Closes it, forgets all counts, and lets it decide by itself again.
    pub fn reset(self) {
        self.by_hand(Machine::close);
    }

    fn by_hand(self, change: impl FnOnce(&mut Machine)) {
        self.store()
            .change(self.key, self.keyed.breaker.name, self.rules(), change);
    }

    fn store(self) -> &'static Store {
        &self.keyed.home().store
    }
}

impl Gate for OfKey {
    #[inline]
    fn name(self) -> &'static str {
        self.keyed.breaker.name
    }

    #[inline]
    fn rules(self) -> &'static Rules {
        &self.keyed.breaker.rules
    }

    #[inline]
    fn admit_quickly(self) -> Option<Ticket> {
        let home = self.keyed.home();
        let asked_here = std::ptr::eq(home.home, self.keyed);
        if !asked_here || home.home.breaker.switch.mode() != PolicyMode::Enforced {
            return None;
        }
        home.store.admit_unknown(self.key)
    }

    #[inline]
    fn reject_quickly(self) -> Option<u64> {
        None
    }

    fn admit_slowly(&mut self) -> Result<Admission, Refused> {
        let shared = self.keyed.home();
        let (first, asked) = (&shared.home.breaker, &self.keyed.breaker);
        let agree = first.rules == asked.rules && shared.home.max_keys == self.keyed.max_keys;
        if !agree {
            return Err(Refused::NameConflict([first.named_at, asked.named_at]));
        }
        self.keyed = shared.home;
        let key = self.key;
        decide(first.name, &first.switch, || {
            shared.store.admit(key, first.name, &first.rules)
        })
    }

    #[inline]
    fn succeed_quickly(self, ticket: Ticket) -> bool {
        !self.rules().has_window() && self.store().admit_unknown(self.key) == Some(ticket)
    }

    #[inline(never)]
    fn settle_slowly(
        self,
        ticket: Ticket,
        verdict: Verdict,
        cause: impl FnOnce() -> Option<String>,
    ) {
        let (name, rules) = (self.name(), self.rules());
        self.store()
            .settle(self.key, ticket, verdict, name, rules, cause);
    }

    #[inline]
    fn opening(self) -> Opening {
        Opening::of(self.keyed, self.key)
    }
}

impl Opened for KeyedCircuitBreaker {
    fn cause(&'static self, key: Key) -> Option<Arc<str>> {
        let cause = |machine: &mut Machine| machine.cause.clone();
        self.home().store.look(key, cause).flatten()
    }
}

impl Policy for KeyedCircuitBreaker {
    fn kind(&self) -> PolicyKind {
        PolicyKind::CircuitBreaker
    }

    fn name(&self) -> Option<&'static str> {
        self.breaker.named_at.map(|_| self.breaker.name)
    }

    fn namespace(&self) -> &'static str {
        "circuit breaker per key"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.breaker.rules.describe(f)?;
        write!(f, ", max_keys = {}", self.max_keys)
    }

    fn switch(&self) -> Option<&Switch> {
        Some(match self.shared.get() {
            Some(shared) => &shared.home.breaker.switch,
            None => &self.breaker.switch,
        })
    }
}

impl fmt::Debug for KeyedCircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedCircuitBreaker")
            .field("breaker", &self.breaker)
            .field("max_keys", &self.max_keys)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OfKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfKey")
            .field("breaker", &self.keyed.breaker.name)
            .finish_non_exhaustive()
    }
}
