//! The options of `#[saga]` and `#[saga_step]`.

use std::fmt;
use std::time::Duration;

use crate::catalog::{Policy, PolicyKind};

/// The options of a saga, with the name that it has in the journal.
#[derive(Debug, Clone, Copy)]
pub struct Saga {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) timeout: Option<Duration>,
    pub(crate) recover: Recover,
    pub(crate) on_dead: OnDead,
    pub(crate) max_concurrent: Option<u32>,
}

/// What happens to a running saga whose process is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recover {
    /// It continues where its journal ends.
    Resume,
    /// It is undone, unless it is past a pivot.
    Compensate,
}

/// What happens to the remaining steps when a compensation has failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDead {
    /// They wait for an operator, because the step that could not be undone may depend on what they did.
    Stop,
    /// They are undone all the same.
    Continue,
}

impl Policy for Saga {
    fn kind(&self) -> PolicyKind {
        PolicyKind::Saga
    }

    fn name(&self) -> Option<&'static str> {
        Some(self.name)
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut option = |f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>| {
            write!(f, "{separator}{text}")?;
            separator = ", ";
            Ok(())
        };
        if self.version != 1 {
            option(f, format_args!("version = {}", self.version))?;
        }
        if let Some(timeout) = self.timeout {
            option(f, format_args!("timeout = {timeout:?}"))?;
        }
        if self.recover == Recover::Compensate {
            option(f, format_args!("recover = compensate"))?;
        }
        if self.on_dead == OnDead::Continue {
            option(f, format_args!("on_dead = continue"))?;
        }
        if let Some(most) = self.max_concurrent {
            option(f, format_args!("max_concurrent = {most}"))?;
        }
        Ok(())
    }

    /// What has to be undone is tried again and again.
    fn worst_case(&self, _: Option<Duration>) -> Option<Duration> {
        None
    }
}

impl Saga {
    /// The saga `name`. A program has one function for a name and a version.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            version: 1,
            timeout: None,
            recover: Recover::Resume,
            on_dead: OnDead::Stop,
            max_concurrent: None,
        }
    }

    /// The version of the code; 1 by default. A saga continues with the version that it was started with.
    ///
    /// # Panics
    /// When it is zero; in a `const`, this is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn version(mut self, version: u32) -> Self {
        assert!(version > 0, "`version` must be 1 at least");
        self.version = version;
        self
    }

    /// How long the saga may run, counted from its start by the store's clock. When the time is over, it is undone, unless
    /// it is past a pivot.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// What happens to the saga when its process is gone; [`Recover::Resume`] by default.
    #[must_use]
    pub const fn recover(mut self, recover: Recover) -> Self {
        self.recover = recover;
        self
    }

    /// What happens to the steps before one that cannot be undone; [`OnDead::Stop`] by default.
    #[must_use]
    pub const fn on_dead(mut self, on_dead: OnDead) -> Self {
        self.on_dead = on_dead;
        self
    }

    /// How many sagas of this name and version run their bodies at once in this process. The others wait; their start is
    /// already durable. No limit by default.
    ///
    /// # Panics
    /// When it is zero; in a `const`, this is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn max_concurrent(mut self, most: u32) -> Self {
        assert!(most > 0, "`max_concurrent` must be 1 at least");
        self.max_concurrent = Some(most);
        self
    }
}

/// The options of a step of a saga, with the name that it has in the journal.
#[derive(Debug, Clone, Copy)]
pub struct SagaStep {
    pub(crate) name: &'static str,
    pub(crate) compensation: Option<&'static str>,
    pub(crate) compensates_in_doubt: bool,
    pub(crate) pivot: bool,
    pub(crate) retriable: bool,
    pub(crate) attempts: u32,
    pub(crate) limit: Duration,
}

/// How often a compensation is tried, unless told otherwise.
const ATTEMPTS: u32 = 5;
/// How long one attempt of a compensation may take, unless told otherwise. One that hangs would keep its saga, and
/// everybody who waits for it, for ever.
const LIMIT: Duration = Duration::from_secs(60);

impl Policy for SagaStep {
    fn kind(&self) -> PolicyKind {
        PolicyKind::SagaStep
    }

    fn name(&self) -> Option<&'static str> {
        Some(self.name)
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("compensate = ")?;
        f.write_str(self.compensation.unwrap_or("none"))?;
        let flags = [
            (self.compensates_in_doubt, ", in_doubt = compensate"),
            (self.pivot, ", pivot"),
            (self.retriable, ", retriable"),
        ];
        for (_, text) in flags.iter().filter(|(is_set, _)| *is_set) {
            f.write_str(text)?;
        }
        if self.compensation.is_some() && self.attempts != ATTEMPTS {
            write!(f, ", compensate_attempts = {}", self.attempts)?;
        }
        if self.compensation.is_some() && self.limit != LIMIT {
            write!(f, ", compensate_timeout = {:?}", self.limit)?;
        }
        Ok(())
    }
}

impl SagaStep {
    /// The step `name`, without a compensation. Names are unique in a program.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            compensation: None,
            compensates_in_doubt: false,
            pivot: false,
            retriable: false,
            attempts: ATTEMPTS,
            limit: LIMIT,
        }
    }

    /// Sets the path of the compensation, which the journal shows to people.
    #[must_use]
    pub const fn compensated_by(mut self, path: &'static str) -> Self {
        self.compensation = Some(path);
        self
    }

    /// Calls the compensation, without an output, also for a step that failed or was cut off and may have
    /// had its effect.
    #[must_use]
    pub const fn compensates_in_doubt(mut self) -> Self {
        self.compensates_in_doubt = true;
        self
    }

    /// Makes the step a pivot. Once it is done, there is no way back: what follows is tried again until it is done, too.
    #[must_use]
    pub const fn pivot(mut self) -> Self {
        self.pivot = true;
        self
    }

    /// Makes the step retriable: if it fails, the saga is not undone but tries this step again later.
    #[must_use]
    pub const fn retriable(mut self) -> Self {
        self.retriable = true;
        self
    }

    /// How many times the compensation is tried before it is given up; 5 by default.
    ///
    /// # Panics
    /// When it is zero; in a `const`, this is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn compensate_attempts(mut self, attempts: u32) -> Self {
        assert!(attempts > 0, "`compensate_attempts` must be 1 at least");
        self.attempts = attempts;
        self
    }

    /// How long one attempt of the compensation may take; 60 s by default.
    #[must_use]
    pub const fn compensate_timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}
