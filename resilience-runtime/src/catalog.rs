//! Every annotated function of the process, known before its first call.

mod conflict;
mod display;
mod kind;
mod near;
mod switchboard;

use std::fmt;
use std::time::Duration;

use crate::policy::retry::RetryBudget;
use crate::policy::switch::{Mode, Switch};

pub use conflict::Conflict;
pub use kind::PolicyKind;
pub use switchboard::{Switchboard, Switched, UnknownPolicy, switchboard};

/// Every annotated function of the process, by name.
///
/// The functions register when the program is linked: one that was never called is listed, too. One
/// in a crate that nothing refers to is not linked, and is not there.
#[must_use]
pub fn catalog() -> Catalog {
    let mut functions: Vec<_> = inventory::iter::<Entry>().map(|entry| entry.0).collect();
    functions.sort_unstable_by_key(|function| (function.name, function.file, function.line));
    Catalog { functions }
}

/// The annotated functions, by name; two of one name by their places. It prints as a tree:
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
    /// The functions, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static Annotated> + '_ {
        self.functions.iter().copied()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.functions.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty()
    }

    /// The function with this path. Methods of two `impl` blocks can have one path: the first of them.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static Annotated> {
        self.iter().find(|function| function.name == name)
    }

    /// The names that two policies, or two retry budgets, share with different options: calls through
    /// one of them fail with [`Error::NameConflict`](crate::error::Error::NameConflict). Ask at the
    /// start of the program, or in a test, to hear of it before the first call.
    ///
    /// Two breakers that differ in what their probes ask, and in nothing else, are not found.
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

/// What the catalog and the switchboard know of a policy. Implemented by the types that the
/// attributes declare as statics; not meant for others.
pub trait Policy: Sync {
    /// Which attribute it is of.
    fn kind(&self) -> PolicyKind;

    /// Its own name; `None` when it goes by the name of its function.
    fn name(&self) -> Option<&'static str> {
        None
    }

    /// Among which policies its [`name`](Self::name) is one: those that have both in common share a
    /// state. It is what messages call them; by itself the kind.
    fn namespace(&self) -> &'static str {
        self.kind().name()
    }

    /// The options in force, without the name, as the attribute would have them:
    /// `max_attempts = 4, jitter = full`. Two policies of one namespace and one name conflict when
    /// this differs.
    ///
    /// # Errors
    /// Those of the formatter.
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// How long a call may take at most when what stands below takes at most `inner`. `None` is
    /// without a bound.
    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        inner
    }

    /// The budget that its further attempts are paid from, where it has one.
    fn budget(&self) -> Option<&RetryBudget> {
        None
    }

    /// For how long it will reject every call, whatever it is about, from now on; `None` where it may let one through.
    fn rejects_for(&self) -> Option<Duration> {
        None
    }

    /// The switch, where the policy can be turned off. Policies that share a state can have one each:
    /// the [switchboard](switchboard()) sets them together.
    fn switch(&self) -> Option<&Switch> {
        None
    }
}

impl dyn Policy + '_ {
    /// What [`Policy::describe`] writes.
    pub fn options(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| self.describe(f))
    }
}

/// An annotated function: what the attributes on it declare, as one `static`.
pub struct Annotated {
    /// The path of the function.
    pub name: &'static str,
    /// The file it stands in, as the compiler names it.
    pub file: &'static str,
    /// The line of its first attribute.
    pub line: u32,
    /// Its policies, outermost first.
    pub policies: &'static [&'static dyn Policy],
}

impl Annotated {
    /// How long a call may take at most, by the policies that are enforced at this moment; `None` is
    /// without a bound. What a body does without awaiting is not bounded by anything.
    #[must_use]
    pub fn worst_case(&self) -> Option<Duration> {
        let is_enforced = |policy: &&&'static dyn Policy| {
            policy
                .switch()
                .is_none_or(|switch| switch.mode() == Mode::Enforced)
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

/// What an annotated function submits at link time.
#[derive(Debug, Clone, Copy)]
pub struct Entry(pub &'static Annotated);

inventory::collect!(Entry);
