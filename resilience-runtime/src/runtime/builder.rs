//! The settings of a runtime.

use std::any::{Any, TypeId};
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use super::background::Background;
use super::open::{self, Opened};
use super::{OpenError, Runtime, SHUTDOWN_TIMEOUT, linked, schema};
use crate::BoxFuture;
use crate::core::{Core, Settings, Stores, install, is_installed};
use crate::lock::store::LockStore;
use crate::registry::States;
use crate::store::risk::{Accepted, Risk};

/// The settings of a runtime, from [`Runtime::builder`].
#[must_use]
pub struct RuntimeBuilder {
    source: Source,
    redis: Option<String>,
    redlock: Option<Vec<String>>,
    locks: Option<Arc<dyn LockStore>>,
    states: States,
    twice: Option<&'static str>,
    scoped: bool,
    recovery: bool,
    existing_only: bool,
    shutdown_timeout: Duration,
    accepted: Accepted,
    settings: Settings,
}

enum Source {
    Url(String),
    Stores(Stores),
}

impl RuntimeBuilder {
    pub(super) fn at(url: String) -> Self {
        Self::from(Source::Url(url))
    }

    pub(super) fn on(stores: Stores) -> Self {
        Self::from(Source::Stores(stores))
    }

    fn from(source: Source) -> Self {
        Self {
            source,
            redis: None,
            redlock: None,
            locks: None,
            states: States::default(),
            twice: None,
            scoped: false,
            recovery: true,
            existing_only: false,
            shutdown_timeout: SHUTDOWN_TIMEOUT,
            accepted: Accepted::default(),
            settings: Settings::default(),
        }
    }

    /// Sets the value that the runtime passes for `#[state]` parameters of type `T` when it makes a call
    /// itself: for resumed sagas and compensations. There is one value per type; if a second one of the
    /// same type is given, [`RuntimeBuilder::open`] fails.
    pub fn state<T: Any + Send + Sync>(mut self, value: T) -> Self {
        match self.states.0.entry(TypeId::of::<T>()) {
            Entry::Vacant(free) => {
                free.insert(Arc::new(value));
            }
            Entry::Occupied(_) => self.twice = Some(std::any::type_name::<T>()),
        }
        self
    }

    /// Does not make this the runtime of the process; it is used through [`Runtime::scope`]. For tests, and
    /// for programs with several stores.
    pub fn scoped(mut self) -> Self {
        self.scoped = true;
        self
    }

    /// Opens the store only to inspect it and to act as an operator: dead letters can be read, resolved
    /// and retried, and sagas counted, while other processes work on the store.
    ///
    /// Such a runtime takes over no sagas, does not become the runtime of the process, and starts
    /// no sagas: a saga function that is called in its scope fails with
    /// [`Error::NoRuntime`](crate::error::Error::NoRuntime). [`state`](Self::state) is needed only for
    /// compensations that are retried here.
    pub fn without_recovery(mut self) -> Self {
        self.recovery = false;
        self
    }

    /// Opens the store only if it exists and has the tables of this version: nothing is created and nothing is migrated. For
    /// tools, which must not change the tables under the programs that use them. Has no effect on a store of your own
    /// ([`Runtime::on_store`]).
    pub fn existing_only(mut self) -> Self {
        self.existing_only = true;
        self
    }

    /// How long [`Runtime::shutdown`] waits for running work. 30 s by default.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Keeps idempotency records and locks in the Redis at `url`; see [`Runtime::open`] for the forms of the URL. Sagas
    /// and dead letters stay in the builder's own store.
    pub fn redis(mut self, url: impl Into<String>) -> Self {
        self.redis = Some(url.into());
        self
    }

    /// Keeps locks on a majority of these independent Redis servers; see [`Redlock`](crate::lock::redlock::Redlock) for
    /// what that promises. Their number must be odd and at least three, and every process must name the same servers in
    /// the same order. Each server is checked when the runtime is opened. A minority may be unreachable at that time: this
    /// is logged as a warning, and they are used unchecked as soon as they can be reached. Everything else stays in the
    /// store where it would be otherwise.
    pub fn redlock<U: Into<String>>(mut self, urls: impl IntoIterator<Item = U>) -> Self {
        self.redlock = Some(urls.into_iter().map(Into::into).collect());
        self
    }

    /// How often the runtime checks the journal for sagas whose process is gone, for operators' requests, and for sagas whose
    /// retention is over. 5 s by default.
    ///
    /// # Panics
    /// When it is zero.
    #[track_caller]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        assert!(!interval.is_zero(), "the poll interval must not be zero");
        self.settings.poll_interval = interval;
        self
    }

    /// How long this process may miss its heartbeats on PostgreSQL before it counts as dead and others take over its sagas. It
    /// sends a heartbeat every third of that time. 30 s by default. On SQLite the death of a process is noticed at once.
    ///
    /// # Panics
    /// When it is shorter than a second.
    #[track_caller]
    pub fn worker_lease(mut self, lease: Duration) -> Self {
        assert!(
            lease >= Duration::from_secs(1),
            "a lease must be a second long at least"
        );
        self.settings.worker_lease = lease;
        self
    }

    /// How long sagas that have ended are kept, with their steps and dead letters, as well as settled dead letters that the
    /// program itself added. `None` keeps them for ever. 7 days by default. Less than a minute counts as a minute, so that
    /// whoever waits for a saga learns of its end.
    pub fn retention(mut self, retention: impl Into<Option<Duration>>) -> Self {
        self.settings.retention = retention.into();
        self
    }

    /// How many times in a row a saga may be interrupted by the death of its process without making progress. At the next
    /// interruption it is parked, because it may be what kills the processes. 5 by default; with 0, the first interruption
    /// parks it.
    pub fn max_interruptions(mut self, most: u32) -> Self {
        self.settings.max_interruptions = most;
        self
    }

    /// How many times in a row a saga that can only go forward is tried without making progress before it is parked. 20 by
    /// default, with pauses of up to a minute between the attempts.
    ///
    /// # Panics
    /// When it is zero.
    #[track_caller]
    pub fn forward_attempts(mut self, attempts: u32) -> Self {
        assert!(attempts > 0, "there must be one attempt at least");
        self.settings.forward_attempts = attempts;
        self
    }

    /// The number of unresolved dead letters from which on an error is logged, and again each time the number has doubled.
    /// 1,000 by default.
    pub fn dead_letter_limit(mut self, limit: u64) -> Self {
        self.settings.dead_letter_limit = limit;
        self
    }

    /// The maximum size in bytes of the arguments, and of the output, in a dead letter. 64 KiB by default. In the letter of a
    /// saga, longer values are truncated; the journal has them in full, and a retry uses those. A letter of your own
    /// ([`DeadLetters::add`](crate::dlq::DeadLetters::add)) with longer arguments is refused.
    pub fn payload_limit(mut self, bytes: usize) -> Self {
        self.settings.payload_limit = bytes;
        self
    }

    /// Edits the arguments and outputs that dead letters of sagas show, for example to remove secrets. The journal keeps the
    /// original values. If another program, such as the command line tool, [parks](crate::saga::Sagas::park) a saga, its
    /// letter is not redacted.
    pub fn redact(
        mut self,
        redact: impl Fn(&mut serde_json::Value) + Send + Sync + 'static,
    ) -> Self {
        self.settings.redact = Some(Arc::new(redact));
        self
    }

    /// Sets the handler that does the work `operation` when a dead letter of that operation is retried: see
    /// [`DeadLetters::add`](crate::dlq::DeadLetters::add). If the handler fails, the letter keeps the text of its error.
    pub fn dead_letter_handler<F, H, E>(mut self, operation: &'static str, handler: H) -> Self
    where
        H: Fn(serde_json::Value) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display,
    {
        let handler = Arc::new(handler);
        let handler = Arc::new(move |arguments| -> BoxFuture<'static, Result<(), String>> {
            let handler = Arc::clone(&handler);
            // It may panic before it has a future, too.
            Box::pin(async move { handler(arguments).await.map_err(|error| error.to_string()) })
        });
        self.settings.handlers.insert(operation, handler);
        self
    }

    /// Keeps locks in a store of your own. Everything else stays in the store where it would be otherwise.
    pub fn locks(mut self, store: Arc<dyn LockStore>) -> Self {
        self.locks = Some(store);
        self
    }

    /// Accepts a risk, so that the store is opened although it has it: see [`Risk`].
    pub fn accept(mut self, risk: Risk) -> Self {
        self.accepted.accept(risk);
        self
    }

    /// Opens the store and starts the background work. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(self) -> Result<Runtime, OpenError> {
        if let Some(type_name) = self.twice {
            return Err(OpenError::DuplicateState { type_name });
        }
        let catalog = linked::collect()?;
        if self.recovery {
            linked::check_states(&catalog, &self.states)?;
        }
        if cfg!(feature = "redis")
            && let Source::Url(url) = &self.source
            && let Some(scheme) = open::redis_scheme(url)
        {
            linked::check_none(&catalog, scheme)?;
        }
        let installs = self.recovery && !self.scoped;
        if installs && is_installed() {
            return Err(OpenError::AlreadyOpen);
        }
        if let Source::Url(url) = &self.source
            && (open::says_existing(url)? || self.existing_only)
        {
            schema::check_existing(url).await?;
        }
        // First, because it needs no closing.
        let redis = match &self.redis {
            Some(url) => Some(open::redis(url, &self.accepted).await?),
            None => None,
        };
        let locks = match &self.redlock {
            Some(urls) => Some(open::redlock(urls, &self.accepted).await?),
            None => None,
        };
        let Opened { mut stores, close } = match self.source {
            Source::Url(url) => {
                open::open(&url, &self.accepted, self.settings.worker_lease).await?
            }
            Source::Stores(stores) => Opened::unclosed(stores),
        };
        if let Some(redis) = redis {
            redis.replace(&mut stores);
        }
        if let Some(locks) = self.locks.or(locks) {
            stores.locks = locks;
        }
        let (core, abandoned) =
            Core::new(stores, self.states, catalog, self.settings, !self.recovery);
        if installs && !install(&core) {
            close().await;
            return Err(OpenError::AlreadyOpen);
        }
        let background = Background::start(&core, abandoned, close, self.shutdown_timeout);
        Ok(Runtime {
            core,
            background: Arc::new(background),
        })
    }
}
