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

    /// Gives the runtime the value of every `#[state]` parameter of type `T`, for calls that it
    /// makes itself: resumed sagas and compensations. One value per type; a second one of the same
    /// type is an error of [`RuntimeBuilder::open`].
    pub fn state<T: Any + Send + Sync>(mut self, value: T) -> Self {
        match self.states.0.entry(TypeId::of::<T>()) {
            Entry::Vacant(free) => {
                free.insert(Arc::new(value));
            }
            Entry::Occupied(_) => self.twice = Some(std::any::type_name::<T>()),
        }
        self
    }

    /// Does not make this the runtime of the process: it is used through [`Runtime::scope`]. What
    /// tests use, and programs with several stores.
    pub fn scoped(mut self) -> Self {
        self.scoped = true;
        self
    }

    /// For looking at a store, and for operators: dead letters can be read, resolved and retried,
    /// and sagas counted, while other processes work on the store.
    ///
    /// Such a runtime takes no sagas over, does not become the runtime of the process, and starts
    /// no sagas: a saga function that is called in its scope answers
    /// [`Error::NoRuntime`](crate::error::Error::NoRuntime). States need not be given, unless a
    /// compensation that is retried here asks for them.
    pub fn without_recovery(mut self) -> Self {
        self.recovery = false;
        self
    }

    /// Opens the store only if it is there and has the tables of this version: nothing is created and nothing is migrated. For
    /// tools, which shall not change the tables under the programs that work on them. Of a store that the builder was
    /// given itself ([`Runtime::on_store`]) nothing is asked.
    pub fn existing_only(mut self) -> Self {
        self.existing_only = true;
        self
    }

    /// How long [`Runtime::shutdown`] waits for running work. 30 s unless set.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Keeps idempotency records and locks on the Redis at `url`: see [`Runtime::open`] for its forms. Sagas and
    /// dead letters stay on the store of the builder.
    pub fn redis(mut self, url: impl Into<String>) -> Self {
        self.redis = Some(url.into());
        self
    }

    /// Keeps locks on a majority of these independent Redis: see [`Redlock`](crate::lock::redlock::Redlock) for what
    /// that promises. At least three, an odd number, and the same ones in the same order in every process. Each is
    /// checked when the runtime is opened, but for a minority that may be missing then: it is a warning, and
    /// they are used, without having been checked, as soon as they are there. Everything else stays where it is.
    pub fn redlock<U: Into<String>>(mut self, urls: impl IntoIterator<Item = U>) -> Self {
        self.redlock = Some(urls.into_iter().map(Into::into).collect());
        self
    }

    /// How often the journal is asked for sagas whose process is gone, for requests of operators and for what may be deleted. 5 s
    /// unless set.
    ///
    /// # Panics
    /// When it is zero.
    #[track_caller]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        assert!(!interval.is_zero(), "the poll interval must not be zero");
        self.settings.poll_interval = interval;
        self
    }

    /// How long this process may be silent on PostgreSQL before it counts as dead and others take over its sagas: it says that it
    /// is alive three times as often. 30 s unless set. On SQLite the death of a process is seen at once.
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

    /// How long sagas that are over are kept, with their steps and dead letters, and works of the author's own that are done.
    /// `None`: for ever. 7 days unless set. A minute at least, so that whoever waits for a saga hears of its end.
    pub fn retention(mut self, retention: impl Into<Option<Duration>>) -> Self {
        self.settings.retention = retention.into();
        self
    }

    /// How often in a row a saga may be interrupted by the death of its process without getting any further: the next time it is
    /// parked, as what may be killing them. 5 unless set; 0 parks what was interrupted once.
    pub fn max_interruptions(mut self, most: u32) -> Self {
        self.settings.max_interruptions = most;
        self
    }

    /// How often a saga that can only go forward is tried in a row without getting any further, before it is parked. 20 unless
    /// set, with pauses of up to a minute.
    ///
    /// # Panics
    /// When it is zero.
    #[track_caller]
    pub fn forward_attempts(mut self, attempts: u32) -> Self {
        assert!(attempts > 0, "there must be one attempt at least");
        self.settings.forward_attempts = attempts;
        self
    }

    /// From how many unresolved dead letters on an error is logged, and again whenever there are twice as many. 1,000 unless set.
    pub fn dead_letter_limit(mut self, limit: u64) -> Self {
        self.settings.dead_letter_limit = limit;
        self
    }

    /// How many bytes of arguments, and of an output, a dead letter of a saga has at most: what is longer is cut in the letter, and
    /// whole in the journal, from where it is retried. Works of the author's own that are longer are refused. 64 KiB
    /// unless set.
    pub fn payload_limit(mut self, bytes: usize) -> Self {
        self.settings.payload_limit = bytes;
        self
    }

    /// Changes what dead letters of sagas show of arguments and outputs: removes secrets, for example. The journal keeps them.
    pub fn redact(
        mut self,
        redact: impl Fn(&mut serde_json::Value) + Send + Sync + 'static,
    ) -> Self {
        self.settings.redact = Some(Arc::new(redact));
        self
    }

    /// How the work `operation` is done when a dead letter that was added for it is retried: see
    /// [`DeadLetters::add`](crate::dlq::DeadLetters::add). The error's text is what the letter keeps.
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

    /// Keeps locks on a store of your own. Everything else stays where it is.
    pub fn locks(mut self, store: Arc<dyn LockStore>) -> Self {
        self.locks = Some(store);
        self
    }

    /// Opens the store although it has this risk: see [`Risk`].
    pub fn accept(mut self, risk: Risk) -> Self {
        self.accepted.accept(risk);
        self
    }

    /// Opens the store and starts the background work. Must be called in a tokio runtime.
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
