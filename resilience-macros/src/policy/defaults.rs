//! What the runtime does where an option is left out, as far as the rules must know it. A test of
//! the facade compares it with the runtime.

use std::time::Duration;

/// How often a retry attempts a call, the first time included.
pub(crate) const MAX_ATTEMPTS: u32 = 4;
/// The first pause of a retry that is given no backoff.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// What each pause of an exponential backoff is multiplied by to get the next.
pub(crate) const FACTOR: f64 = 2.0;
/// The longest pause of a backoff, unless its first one is longer.
pub(crate) const MAX_PAUSE: Duration = Duration::from_secs(30);
/// The failures in a row that open a circuit breaker without rates.
pub(crate) const FAILURE_THRESHOLD: u32 = 5;
/// How long a circuit breaker stays open.
pub(crate) const OPEN_FOR: Duration = Duration::from_secs(60);
/// The longest time that a circuit breaker whose times grow stays open, unless its first one is
/// longer.
pub(crate) const LONGEST_OPEN: Duration = Duration::from_secs(600);
/// How many calls the window of a circuit breaker with rates holds, and has to hold.
pub(crate) const COUNT_WINDOW: u32 = 100;
/// How many calls a window of time has to hold.
pub(crate) const TIME_WINDOW_MINIMUM: u32 = 20;
/// For how long a key or a lock is granted before it has to be renewed.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// A shorter lease cannot be renewed: it is over before the store has answered twice.
pub(crate) const SHORTEST_LEASE: Duration = Duration::from_millis(100);
/// How long a result is kept.
pub(crate) const TTL: Duration = Duration::from_secs(86_400);
