//! Why a runtime did not open.

use std::error::Error as StdError;
use std::fmt;

use crate::error::StoreError;
use crate::registry::Place;
use crate::store::risk::{Risk, Unopened};
use crate::store::schema::SchemaVersion;

/// Why [`Runtime::open`](super::Runtime::open) did not open a runtime.
///
/// The message shows only the scheme of a URL, because the rest may contain a password.
///
/// `Debug` prints the same text as `Display`, because `unwrap`, and a `main` that returns the error, print `Debug`.
#[non_exhaustive]
pub enum OpenError {
    /// No store has the scheme of the URL.
    UnknownScheme {
        /// What stands before the `:`; empty if there is no `:`.
        scheme: String,
    },
    /// The URL names a store that this build does not include.
    NotBuilt {
        /// The scheme of the URL.
        scheme: &'static str,
        /// The cargo feature that enables the store.
        feature: &'static str,
    },
    /// The URL names no file.
    NoPath {
        /// The scheme of the URL.
        scheme: &'static str,
    },
    /// The store does not know what stands after the `?` of the URL.
    UnknownOption {
        /// The scheme of the URL.
        scheme: &'static str,
    },
    /// The store keeps no sagas, but the program has at least one.
    NoSagas {
        /// The scheme of the URL.
        scheme: &'static str,
        /// The name of the saga.
        name: &'static str,
        /// Where it is written.
        place: Place,
    },
    /// Two functions are registered under one name, so the journal could not tell them apart.
    DuplicateName {
        /// `saga` or `saga step`.
        kind: &'static str,
        /// The name that both have.
        name: &'static str,
        /// Where one of them is written.
        first: Place,
        /// Where the other one is written.
        second: Place,
    },
    /// Registered functions have `#[state]` parameters of types for which no values were given.
    MissingStates {
        /// The types, in the order of their names.
        missing: Vec<MissingState>,
    },
    /// Two values of one type were given as state.
    DuplicateState {
        /// The type.
        type_name: &'static str,
    },
    /// The process already has an open runtime.
    AlreadyOpen,
    /// The server has a setting under which a guarantee does not hold.
    Risky {
        /// The risk, as [`RuntimeBuilder::accept`](super::RuntimeBuilder::accept) takes it.
        risk: Risk,
        /// What was found, and how to change it.
        finding: String,
    },
    /// There is no file at the path of the URL, and none may be created
    /// ([`existing_only`](super::RuntimeBuilder::existing_only)).
    Missing {
        /// The path.
        path: String,
    },
    /// The store has the tables of an older version of this crate, or none, and they may not be changed
    /// ([`existing_only`](super::RuntimeBuilder::existing_only)).
    Outdated(SchemaVersion),
    /// The store could not be opened.
    Store(StoreError),
}

/// The schemes that this build has.
const SCHEMES: &str = match (
    cfg!(feature = "sqlite"),
    cfg!(feature = "postgres"),
    cfg!(feature = "redis"),
) {
    (true, true, true) => {
        "`sqlite://path`, `postgres://host/database`, `redis://host` and `memory:`"
    }
    (true, true, false) => "`sqlite://path`, `postgres://host/database` and `memory:`",
    (true, false, true) => "`sqlite://path`, `redis://host` and `memory:`",
    (true, false, false) => "`sqlite://path` and `memory:`",
    (false, true, true) => {
        "`postgres://host/database`, `redis://host` and `memory:` (the feature `sqlite` is off)"
    }
    (false, true, false) => {
        "`postgres://host/database` and `memory:` (the feature `sqlite` is off)"
    }
    (false, false, true) => "`redis://host` and `memory:` (the feature `sqlite` is off)",
    (false, false, false) => "`memory:` (the feature `sqlite` is off)",
};

/// A type of `#[state]` parameters of which the runtime was given no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingState {
    /// The type.
    pub type_name: &'static str,
    /// What needs it: `saga` or `saga step`.
    pub kind: &'static str,
    /// The name of the function that needs it, the first one by name.
    pub name: &'static str,
    /// Where the function is written.
    pub place: Place,
}

impl fmt::Display for MissingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            type_name,
            kind,
            name,
            place,
        } = self;
        write!(
            f,
            "{kind} `{name}` ({place}) has a `#[state]` parameter of type `{type_name}`"
        )
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownScheme { scheme } => {
                match scheme.as_str() {
                    "" => f.write_str("the URL of the store has no scheme")?,
                    scheme => write!(f, "there is no store for `{scheme}:` URLs")?,
                }
                write!(f, "; this build has {SCHEMES}")
            }
            Self::NotBuilt { scheme, feature } => write!(
                f,
                "`{scheme}:` URLs need the feature `{feature}` of the crate `resilience`, which \
                 is off in this build; write `features = [\"{feature}\"]` beside it in `Cargo.toml`"
            ),
            Self::NoPath { scheme } => write!(
                f,
                "the URL says `{scheme}:` and names no file; write `{scheme}://app.db` or \
                 `{scheme}:///var/lib/app/app.db`"
            ),
            Self::UnknownOption { scheme } => write!(
                f,
                "what stands after the `?` of the `{scheme}:` URL is not known: write `?mode=rw` if the file must exist already, \
                 or `?mode=rwc`, which is the default"
            ),
            Self::NoSagas {
                scheme,
                name,
                place,
            } => write!(
                f,
                "a store at a `{scheme}:` URL keeps no sagas, and this program has the saga `{name}` ({place}): name \
                 a store for sagas, and Redis for the rest: `Runtime::builder(\"sqlite://app.db\").redis(url).open()`"
            ),
            Self::DuplicateName {
                kind,
                name,
                first,
                second,
            } => write!(
                f,
                "two functions are registered as {kind} `{name}`: {first} and {second}; \
                 give one of them another name, because the journal finds them by it"
            ),
            Self::MissingStates { missing } => {
                for (index, state) in missing.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}{state}")?;
                }
                f.write_str(
                    ": the runtime was given no such value, so these functions could not be run again after a crash; \
                     open the runtime with `Runtime::builder(url).state(value).open()`",
                )
            }
            Self::DuplicateState { type_name } => write!(
                f,
                "`.state(..)` was given two values of type `{type_name}`; a runtime holds one per \
                 type: wrap one of them in a type of its own"
            ),
            Self::AlreadyOpen => f.write_str(
                "this process has an open runtime; keep one and clone its handle, shut it down \
                 first, or build a second one with `.scoped()` and use it through \
                 `runtime.scope(..)`",
            ),
            Self::Risky { risk, finding } => write!(
                f,
                "the store was not opened: {finding}; if that is meant, open it with \
                 `.accept(Risk::{risk})`"
            ),
            Self::Missing { path } => write!(
                f,
                "there is no file {path}; it is created by a program that opens it, or by `resilience migrate`"
            ),
            Self::Outdated(SchemaVersion { found: 0, .. }) => f.write_str(
                "the store has no tables of this crate; they are created by a program that opens it, or by `resilience migrate`",
            ),
            Self::Outdated(SchemaVersion { found, known }) => write!(
                f,
                "the store has schema version {found}, and this build works on {known}; it is migrated by a program of this \
                 version that opens it, or by `resilience migrate`"
            ),
            Self::Store(source) => write!(f, "the store could not be opened: {source}"),
        }
    }
}

impl fmt::Debug for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for OpenError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Store(source) => Some(source),
            _ => None,
        }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Unopened> for OpenError {
    fn from(unopened: Unopened) -> Self {
        match unopened {
            Unopened::Risky { risk, finding } => Self::Risky { risk, finding },
            Unopened::Failed(error) => Self::Store(error),
        }
    }
}
