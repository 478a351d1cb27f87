//! Every annotated function of the process, known before its first call.

mod conflict;
mod display;
mod kind;
mod near;
mod switchboard;

use std::fmt;
use std::time::Duration;

use crate::policy::retry::RetryBudget;
use crate::policy::switch::{PolicyMode, Switch};

pub use conflict::Conflict;
pub use kind::PolicyKind;
pub use switchboard::{Switchboard, Switched, UnknownPolicy, switchboard};

/// Returns every annotated function of the process, sorted by name.
///
/// Functions are registered when the program is linked, so functions that were never called are listed,
/// too. Functions in a crate that nothing refers to are not linked, and are missing.
#[must_use]
pub fn catalog() -> Catalog {
    let mut functions: Vec<_> = inventory::iter::<Entry>().map(|entry| entry.0).collect();
    functions.sort_unstable_by_key(|function| (function.name, function.file, function.line));
    Catalog { functions }
}

/// The annotated functions, sorted by name, and by place if names are equal. `Display` prints them as a tree:
///
/// ```text
/// shop::charge  src/shop.rs:12  worst case 2.6s
/// ├─ retry            max_attempts = 3, backoff = fixed(100ms), jitter = full, budget = none
/// ├─ circuit_breaker  `gateway` failure_threshold = 5, open_for = 30s, half_open_permits = 3, success_threshold = 3  [shadow]
/// └─ timeout          after = 800ms
/// ```
#[derive(Debug, Clone)]
pub struct Catalog {
    functions: Vec<&'static Annotated>,
}

impl Catalog {
    /// Iterates over the functions in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static Annotated> + '_ {
        self.functions.iter().copied()
    }

    /// The number of functions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.functions.len()
    }

    /// Whether there are no functions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty()
    }

    /// Returns the function with this path. Methods of two `impl` blocks can have the same path; then it returns the first.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static Annotated> {
        self.iter().find(|function| function.name == name)
    }

    /// Returns the names that two policies, or two retry budgets, share although their options differ.
    ///
    /// Calls through one of the two fail with [`Error::NameConflict`](crate::error::Error::NameConflict).
    /// Call this at the start of the program, or in a test, to find conflicts before the first call.
    ///
    /// Two breakers that differ only in their probes are not found.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        conflict::all_in(&self.functions)
    }
}

impl IntoIterator for Catalog {
    type Item = &'static Annotated;
    type IntoIter = std::vec::IntoIter<&'static Annotated>;

    fn into_iter(self) -> Self::IntoIter {
        self.functions.into_iter()
    }
}

impl<'a> IntoIterator for &'a Catalog {
    type Item = &'static Annotated;
    type IntoIter = std::iter::Copied<std::slice::Iter<'a, &'static Annotated>>;

    fn into_iter(self) -> Self::IntoIter {
        self.functions.iter().copied()
    }
}

/// What the catalog and the switchboard know about a policy. Implemented by the types that the
/// attributes declare as statics, and not meant to be implemented by others.
pub trait Policy: Sync {
    /// The attribute to which it belongs.
    fn kind(&self) -> PolicyKind;

    /// Its own name; `None` if it is known by the path of its function.
    fn name(&self) -> Option<&'static str> {
        None
    }

    /// The namespace of its [`name`](Self::name): policies with the same namespace and name share their
    /// state. Messages use it, too. By default it is the name of the kind.
    fn namespace(&self) -> &'static str {
        self.kind().name()
    }

    /// Writes the options in force, without the name, as they would stand in the attribute:
    /// `max_attempts = 4, jitter = full`. Two policies with the same namespace and name conflict if
    /// this text differs.
    ///
    /// # Errors
    /// Those of the formatter.
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// The longest time that a call may take if everything below this policy takes at most `inner`. `None`
    /// means that there is no limit.
    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        inner
    }

    /// The retry budget from which its further attempts take tokens, if it has one.
    fn budget(&self) -> Option<&RetryBudget> {
        None
    }

    /// How long from now it will reject every call, whatever its key; `None` if it may let one through.
    fn rejects_for(&self) -> Option<Duration> {
        None
    }

    /// The switch, if the policy can be turned off. Policies that share their state can have a switch each;
    /// the [switchboard](switchboard()) sets them together.
    fn switch(&self) -> Option<&Switch> {
        None
    }
}

impl dyn Policy + '_ {
    /// The options, as [`Policy::describe`] writes them.
    pub fn options(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| self.describe(f))
    }
}

/// An annotated function and its policies, as one `static`.
pub struct Annotated {
    /// The path of the function.
    pub name: &'static str,
    /// The source file, as the compiler names it.
    pub file: &'static str,
    /// The line of its first attribute.
    pub line: u32,
    /// Its policies, outermost first.
    pub policies: &'static [&'static dyn Policy],
}

impl Annotated {
    /// The longest time that a call may take under the policies that are enforced at this moment. `None`
    /// means that there is no limit. Nothing limits the time that a body spends without awaiting.
    #[must_use]
    pub fn worst_case(&self) -> Option<Duration> {
        let is_enforced = |policy: &&&'static dyn Policy| {
            policy
                .switch()
                .is_none_or(|switch| switch.mode() == PolicyMode::Enforced)
        };
        let innermost_first = self.policies.iter().rev().filter(is_enforced);
        innermost_first.fold(None, |inner, policy| policy.worst_case(inner))
    }
}

impl fmt::Debug for Annotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Annotated")
            .field("name", &self.name)
            .field("file", &self.file)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// The entry that an annotated function submits at link time.
#[derive(Debug, Clone, Copy)]
pub struct Entry(pub &'static Annotated);

inventory::collect!(Entry);
