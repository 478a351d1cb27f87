//! Two different configurations under one name.

use std::collections::BTreeMap;
use std::fmt;

use super::{Annotated, Policy, PolicyKind};
use crate::policy::retry::RetryBudget;

/// Two policies, or two retry budgets, that have the same name, and so should share their state, but different options.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Conflict {
    /// The kind of both, as in [`Error::NameConflict`](crate::error::Error::NameConflict): for example
    /// `circuit breaker`, `rate limit per key` or `retry budget`.
    pub kind: &'static str,
    /// The name of both.
    pub name: &'static str,
    /// A function under one of them.
    pub first: &'static Annotated,
    /// The options of that one.
    pub first_options: String,
    /// A function under the other one.
    pub second: &'static Annotated,
    /// The options of the other one.
    pub second_options: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            name,
            first,
            first_options,
            second,
            second_options,
        } = self;
        write!(
            f,
            "two different configurations for {kind} `{name}`: `{first_options}` at {}:{} (`{}`), \
             and `{second_options}` at {}:{} (`{}`); make them equal, or give one another name",
            first.file, first.line, first.name, second.file, second.line, second.name
        )
    }
}

/// Each function whose policy or budget differs from the first one of its name, with that first one.
pub(super) fn all_in(functions: &[&'static Annotated]) -> Vec<Conflict> {
    let mut firsts = BTreeMap::new();
    let mut conflicts = Vec::new();
    for &function in functions {
        for (kind, name, options) in function.policies.iter().flat_map(|it| named(*it)) {
            let (first, first_options) = firsts
                .entry((kind, name))
                .or_insert_with(|| (function, options.clone()));
            if *first_options != options {
                conflicts.push(Conflict {
                    kind,
                    name,
                    first,
                    first_options: first_options.clone(),
                    second: function,
                    second_options: options,
                });
            }
        }
    }
    conflicts
}

/// What of a policy has a name to share: itself, and its budget. With the options. Locks are the same by their names and
/// keys alone: how long a call waits, and for how long it takes the lock, is its own affair.
fn named(policy: &dyn Policy) -> impl Iterator<Item = (&'static str, &'static str, String)> {
    let own = policy
        .name()
        .filter(|_| policy.kind() != PolicyKind::Locked)
        .map(|name| (policy.namespace(), name, policy.options().to_string()));
    let budget = policy.budget().and_then(|budget| {
        let name = budget.shared_name()?;
        Some((RetryBudget::KIND, name, budget.options().to_string()))
    });
    own.into_iter().chain(budget)
}
