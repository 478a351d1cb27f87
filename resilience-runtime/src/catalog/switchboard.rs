//! The switches of all policies of the process.

use std::error::Error as StdError;
use std::fmt;

use super::display::mode_name;
use super::near::near;
use super::{Annotated, Entry, Policy, PolicyKind};
use crate::policy::switch::{PolicyMode, Switch};

/// Returns the switches of all policies of the process, for operators who have to turn a policy off.
///
/// A policy is known by its own name if it has one, and otherwise by the path of its function. Policies of
/// the same kind and name share their state, and are one policy here, even before their first call: they are
/// set together and counted together. Policies with a `key` do not share their state with those without a
/// `key`, and are separate. Calls that have already begun may end under the previous mode. Modes are not
/// stored: after a restart every policy is [enforced](PolicyMode::Enforced) again.
#[must_use]
pub const fn switchboard() -> Switchboard {
    Switchboard(())
}

/// The switches of all policies of the process, from [`switchboard()`].
#[derive(Debug, Clone, Copy)]
pub struct Switchboard(());

/// The current state of the switch of one policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Switched {
    /// The kind of the policy.
    pub kind: PolicyKind,
    /// The name by which it is switched.
    pub name: &'static str,
    /// The function that it is on; if several functions share it, the first by name.
    pub function: &'static str,
    /// Its current mode.
    pub mode: PolicyMode,
    /// How often it would have acted while it was in [`PolicyMode::Shadow`], over all functions that share
    /// it.
    pub would_have_acted: u32,
}

/// The error that there is no switch of this kind and name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownPolicy {
    /// The kind that was asked for.
    pub kind: PolicyKind,
    /// The name that was asked for; `None` if all policies of the kind were.
    pub name: Option<String>,
    /// Similar names that may have been meant, the most similar first.
    pub near: Vec<&'static str>,
}

impl Switchboard {
    /// Sets the mode of every policy of this kind and name, and returns how many there are: one, unless some
    /// have a `key` and some do not, or methods of two `impl` blocks have the same path. Each change is
    /// logged as a warning.
    ///
    /// # Errors
    /// [`UnknownPolicy`] if there is none, or if policies of this kind keep records and so cannot be
    /// turned off.
    pub fn set(
        &self,
        kind: PolicyKind,
        name: &str,
        mode: PolicyMode,
    ) -> Result<usize, UnknownPolicy> {
        let all = Row::all_of(kind, Some(name))?;
        let meant: Vec<_> = all.iter().filter(|row| row.name == name).collect();
        if meant.is_empty() {
            // A function whose policy goes by a name of its own is near, too.
            let of_function = all.iter().filter(|row| row.function == name);
            let mut names: Vec<_> = of_function.map(|row| row.name).collect();
            if names.is_empty() {
                names = near(name, all.iter().map(|row| row.name));
            }
            return Err(UnknownPolicy {
                kind,
                name: Some(name.to_owned()),
                near: names,
            });
        }
        for row in &meant {
            row.set(mode);
        }
        Ok(meant.len())
    }

    /// Sets the mode of every policy of this kind, and returns how many there are; there may be none.
    ///
    /// # Errors
    /// [`UnknownPolicy`] if policies of this kind keep records and so cannot be turned off.
    pub fn set_all(&self, kind: PolicyKind, mode: PolicyMode) -> Result<usize, UnknownPolicy> {
        let all = Row::all_of(kind, None)?;
        for row in &all {
            row.set(mode);
        }
        Ok(all.len())
    }

    /// Returns every switch, sorted by kind and name.
    #[must_use]
    pub fn list(&self) -> Vec<Switched> {
        let mut list: Vec<_> = Row::all().iter().map(Row::now).collect();
        list.sort_unstable_by_key(|row| (row.kind, row.name, row.function));
        list
    }
}

/// A policy that can be switched: what functions share, as far as it has a name to share it by.
struct Row {
    kind: PolicyKind,
    name: &'static str,
    /// `None` where the name is that of the function, and shared with nobody.
    namespace: Option<&'static str>,
    function: &'static str,
    switch: &'static Switch,
    /// Those of the other policies of its name, each once.
    others: Vec<&'static Switch>,
}

impl Row {
    /// Every policy, once: functions can share one. By the name of the function.
    fn all() -> Vec<Self> {
        let mut functions: Vec<_> = inventory::iter::<Entry>().map(|entry| entry.0).collect();
        functions.sort_unstable_by_key(|function| function.name);
        let mut rows: Vec<Self> = Vec::new();
        for function in functions {
            for policy in function.policies {
                let Some(row) = Self::of(function, *policy) else {
                    continue;
                };
                match rows.iter_mut().find(|known| known.is_shared_with(&row)) {
                    Some(known) => known.add(row.switch),
                    None => rows.push(row),
                }
            }
        }
        rows
    }

    /// Every switch of this kind.
    fn all_of(kind: PolicyKind, name: Option<&str>) -> Result<Vec<Self>, UnknownPolicy> {
        if kind.keeps_records() {
            return Err(UnknownPolicy {
                kind,
                name: name.map(str::to_owned),
                near: Vec::new(),
            });
        }
        let mut rows = Self::all();
        rows.retain(|row| row.kind == kind);
        Ok(rows)
    }

    fn of(function: &'static Annotated, policy: &'static dyn Policy) -> Option<Self> {
        let kind = policy.kind();
        if kind.keeps_records() {
            return None;
        }
        Some(Self {
            kind,
            name: policy.name().unwrap_or(function.name),
            namespace: policy.name().map(|_| policy.namespace()),
            function: function.name,
            switch: policy.switch()?,
            others: Vec::new(),
        })
    }

    /// Whether both are one policy: by their name, or because it is one `static`.
    fn is_shared_with(&self, other: &Self) -> bool {
        match self.namespace {
            Some(_) => {
                (self.kind, self.namespace, self.name) == (other.kind, other.namespace, other.name)
            }
            None => std::ptr::eq(self.switch, other.switch),
        }
    }

    fn add(&mut self, switch: &'static Switch) {
        if !self.switches().any(|known| std::ptr::eq(known, switch)) {
            self.others.push(switch);
        }
    }

    fn switches(&self) -> impl Iterator<Item = &'static Switch> {
        std::iter::once(self.switch).chain(self.others.iter().copied())
    }

    fn set(&self, to: PolicyMode) {
        let from = self.switch.mode();
        for switch in self.switches() {
            switch.set(to);
        }
        if from != to {
            tracing::warn!(target: "resilience", policy = self.kind.name(),
                name = self.name,
                function = self.function,
                from = mode_name(from),
                to = mode_name(to),
                "policy switched"
            );
        }
    }

    fn now(&self) -> Switched {
        Switched {
            kind: self.kind,
            name: self.name,
            function: self.function,
            mode: self.switch.mode(),
            would_have_acted: self
                .switches()
                .map(Switch::would_have_acted)
                .fold(0, u32::wrapping_add),
        }
    }
}

impl fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, near } = self;
        if kind.keeps_records() {
            return write!(
                f,
                "`#[{kind}]` has no switch: it keeps records, and a call that is not in them would \
                 not be replayed, resumed or undone"
            );
        }
        let name = name.as_deref().unwrap_or_default();
        write!(f, "there is no `#[{kind}]` called `{name}`")?;
        match near.as_slice() {
            [] => f.write_str("; `switchboard().list()` has all names"),
            [first, others @ ..] => {
                write!(f, "; did you mean `{first}`")?;
                for other in others {
                    write!(f, " or `{other}`")?;
                }
                f.write_str("?")
            }
        }
    }
}

impl StdError for UnknownPolicy {}
