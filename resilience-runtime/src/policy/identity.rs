//! What a policy with a state is called, and with which others it shares that state.

use std::fmt;
use std::panic::Location;
use std::sync::OnceLock;

use super::names::Names;
use crate::error::Error;

/// The name of a policy of type `T`, and the first policy of that name once it was looked for.
pub(crate) struct Identity<T: 'static> {
    name: &'static str,
    /// Where it was named, for a policy that shares its state with others of its name.
    named_at: Option<&'static Location<'static>>,
    /// The first of its name; an error when that one is configured differently.
    first: OnceLock<Result<&'static T, Conflict>>,
}

/// A policy of the same name and kind was configured differently, and used earlier.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conflict {
    first: Option<&'static Location<'static>>,
    second: Option<&'static Location<'static>>,
}

/// A policy that may share its state with others of its name.
pub(crate) trait Shared: Sized + 'static {
    /// As an error message calls it.
    const KIND: &'static str;

    fn identity(&self) -> &Identity<Self>;

    /// The first policy of this kind, for every name.
    fn names() -> &'static Names<Self>;

    fn is_configured_like(&self, other: &Self) -> bool;
}

impl<T: Shared> Identity<T> {
    /// A policy that shares its state with all others of this name.
    #[track_caller]
    pub(crate) const fn named(name: &'static str) -> Self {
        Self {
            name,
            named_at: Some(Location::caller()),
            first: OnceLock::new(),
        }
    }

    /// A policy of one function, which shares its state with none: two functions can have one path,
    /// methods of two `impl` blocks.
    pub(crate) const fn for_function(path: &'static str) -> Self {
        Self {
            name: path,
            named_at: None,
            first: OnceLock::new(),
        }
    }

    /// The same name at the same place, for another kind of policy.
    pub(crate) const fn carried_over<U: Shared>(&self) -> Identity<U> {
        Identity {
            name: self.name,
            named_at: self.named_at,
            first: OnceLock::new(),
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// The name, where it is one of its own and not the path of a function.
    pub(crate) fn own_name(&self) -> Option<&'static str> {
        self.named_at.map(|_| self.name)
    }
}

/// The policy whose state `policy` uses: the first that was used under its name.
#[inline]
pub(crate) fn first<T: Shared>(policy: &'static T) -> Result<&'static T, Conflict> {
    let identity = policy.identity();
    if identity.named_at.is_none() {
        return Ok(policy);
    }
    match identity.first.get() {
        Some(first) => *first,
        None => look_for_first(policy),
    }
}

#[cold]
fn look_for_first<T: Shared>(policy: &'static T) -> Result<&'static T, Conflict> {
    let identity = policy.identity();
    *identity.first.get_or_init(|| {
        let first = T::names().first(identity.name, policy);
        if std::ptr::eq(first, policy) || first.is_configured_like(policy) {
            return Ok(first);
        }
        Err(Conflict {
            first: first.identity().named_at,
            second: identity.named_at,
        })
    })
}

impl Conflict {
    pub(crate) fn error<T: Shared>(self, policy: &T) -> Error {
        let place = |place: Option<&'static Location<'static>>| {
            place
                .map(|place| format!("{}:{}", place.file(), place.line()))
                .unwrap_or_default()
        };
        Error::NameConflict {
            kind: T::KIND,
            name: policy.identity().name,
            first: place(self.first),
            second: place(self.second),
        }
    }
}

impl<T> fmt::Debug for Identity<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
