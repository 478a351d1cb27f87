//! `#[idempotent(key = order.id, ttl = 24h, wait = 5s, lease = 30s)]`, with `detach` in a task of its
//! own, or with `tx = conn` in a transaction.

use proc_macro2::Span;
use syn::{Expr, Ident, LitStr, Pat};

use crate::args::{Args, Count, Value};
use crate::diagnostics::Diagnostics;
use crate::duration::{Length, lease};
use crate::options::Options;
use crate::size::Size;

const OPTIONS: [&str; 13] = [
    "key",
    "scope",
    "ttl",
    "wait",
    "lease",
    "name",
    "version",
    "key_version",
    "on_schema_change",
    "store_errors",
    "max_result",
    "when_unavailable",
    "tx",
];

/// One execution per key, its result replayed.
pub(crate) struct Idempotent {
    pub(crate) span: Span,
    /// `None`: all arguments that are not `#[state]`.
    pub(crate) key: Option<Expr>,
    /// Whose key it is.
    pub(crate) scope: Option<Expr>,
    pub(crate) ttl: Option<Length>,
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<Count>,
    pub(crate) key_version: Option<Count>,
    pub(crate) on_schema_change: Option<OnSchemaChange>,
    /// The errors that are answers, and stored.
    pub(crate) store_errors: Option<Pat>,
    pub(crate) max_result: Option<Size>,
    pub(crate) run: Run,
}

/// How the body runs.
pub(crate) enum Run {
    /// In the task of the caller, or, detached, in one of its own.
    Leased(Box<Leased>),
    /// In the transaction of the connection that this parameter is.
    Transaction(Ident),
}

/// For how long the key is granted and waited for, and what else holds outside of a transaction.
pub(crate) struct Leased {
    pub(crate) lease: Option<Length>,
    /// How long a duplicate waits.
    pub(crate) wait: Option<Length>,
    pub(crate) when_unavailable: Option<WhenUnavailable>,
    /// The word `detach`.
    pub(crate) detach: Option<Value>,
}

/// What happens where the stored result is of another type.
#[derive(Clone, Copy)]
pub(crate) enum OnSchemaChange {
    Error,
    RunAgain,
}

/// What happens where the store cannot be asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhenUnavailable {
    Refuse,
    Run,
}

impl WhenUnavailable {
    pub(super) fn take(options: &mut Options<'_>) -> Option<Self> {
        let words = [("run", Self::Run), ("refuse", Self::Refuse)];
        options.word("when_unavailable", &words)
    }
}

impl Idempotent {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let changes = [
            ("error", OnSchemaChange::Error),
            ("run_again", OnSchemaChange::RunAgain),
        ];
        let run = Run::take(&mut options);
        let parsed = Self {
            span: options.span(),
            key: options.expression("key"),
            scope: options.expression("scope"),
            ttl: options.length("ttl"),
            name: options.name(),
            version: options.count("version", 0),
            key_version: options.count("key_version", 0),
            on_schema_change: options.word("on_schema_change", &changes),
            store_errors: options.pattern("store_errors"),
            max_result: options.take("max_result", Size::parse),
            run,
        };
        options.finish_with_flags(&OPTIONS, &["detach"])?;
        Some(parsed)
    }

    /// The word `detach`, where it is written.
    pub(crate) fn detach(&self) -> Option<&Value> {
        match &self.run {
            Run::Leased(leased) => leased.detach.as_ref(),
            Run::Transaction(_) => None,
        }
    }

    /// How long a duplicate waits, where it is written.
    pub(crate) fn wait(&self) -> Option<&Length> {
        match &self.run {
            Run::Leased(leased) => leased.wait.as_ref(),
            Run::Transaction(_) => None,
        }
    }

    /// The parameter that is the connection, where it runs in a transaction.
    pub(crate) fn transaction(&self) -> Option<&Ident> {
        match &self.run {
            Run::Transaction(connection) => Some(connection),
            Run::Leased(_) => None,
        }
    }
}

impl Run {
    fn take(options: &mut Options<'_>) -> Self {
        let lease = options.take("lease", lease);
        let wait = options.length_or_zero("wait");
        let unavailable = options.written("when_unavailable");
        let when_unavailable = WhenUnavailable::take(options);
        let detach = options.flag("detach");
        let connection = options.parameter("tx");
        let Some(connection) = connection else {
            return Self::Leased(Box::new(Leased {
                lease,
                wait,
                when_unavailable,
                detach,
            }));
        };
        if let Some(lease) = lease {
            options.error(
                lease.written(),
                "there is no lease in a transaction: the database holds the key until it ends\n\
                 remove `lease`",
            );
        }
        if let Some(wait) = wait {
            options.error(
                wait.written(),
                "`wait` means nothing with `tx`: a duplicate waits in the database, as long as that lets it\n\
                 remove `wait`, and set `lock_timeout` (PostgreSQL) or `busy_timeout` (SQLite)",
            );
        }
        if let Some(detach) = detach {
            options.error(
                detach,
                "`detach` and `tx` exclude each other: a transaction belongs to its caller\n\
                 remove `detach`",
            );
        }
        if let Some(unavailable) = unavailable {
            options.error(
                unavailable,
                "`when_unavailable` means nothing with `tx`: without its database the transaction \
                 cannot run\nremove `when_unavailable`",
            );
        }
        Self::Transaction(connection)
    }
}
