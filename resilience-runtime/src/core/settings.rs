//! What a runtime can be told about sagas and dead letters.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::BoxFuture;

/// A work of the author's own that failed, handled again: its arguments as JSON; the text of the error when it fails again.
pub(crate) type Handler =
    Arc<dyn Fn(serde_json::Value) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Changes what is kept of arguments and outputs in a dead letter.
pub(crate) type Redaction = Arc<dyn Fn(&mut serde_json::Value) + Send + Sync>;

/// See the methods of [`RuntimeBuilder`](crate::runtime::RuntimeBuilder).
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) poll_interval: Duration,
    pub(crate) worker_lease: Duration,
    /// `None`: kept for ever.
    pub(crate) retention: Option<Duration>,
    pub(crate) max_interruptions: u32,
    pub(crate) forward_attempts: u32,
    pub(crate) dead_letter_limit: u64,
    pub(crate) payload_limit: usize,
    pub(crate) redact: Option<Redaction>,
    pub(crate) handlers: HashMap<&'static str, Handler>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_secs(5),
            worker_lease: Duration::from_secs(30),
            retention: Some(Duration::from_secs(7 * 24 * 3600)),
            max_interruptions: 5,
            forward_attempts: 20,
            dead_letter_limit: 1000,
            payload_limit: 64 << 10,
            redact: None,
            handlers: HashMap::new(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}
