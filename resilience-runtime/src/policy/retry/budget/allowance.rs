//! Where a policy has its budget from.

use std::fmt;

use super::{Refused, RetryBudget};

/// The budget of a policy.
#[derive(Debug)]
pub(in crate::policy) struct Allowance {
    /// Always full where there is no limit, and never where the budget is another: a success looks
    /// at nothing else.
    own: RetryBudget,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Own,
    Shared(&'static RetryBudget),
    Unlimited,
}

impl Allowance {
    /// A budget that nobody else has, with the defaults.
    pub(in crate::policy) const fn private() -> Self {
        Self::own(RetryBudget::private())
    }

    pub(in crate::policy) const fn unlimited() -> Self {
        Self {
            own: RetryBudget::private(),
            kind: Kind::Unlimited,
        }
    }

    pub(in crate::policy) const fn own(own: RetryBudget) -> Self {
        let kind = Kind::Own;
        Self { own, kind }
    }

    pub(in crate::policy) const fn shared(budget: &'static RetryBudget) -> Self {
        Self {
            own: RetryBudget::elsewhere(),
            kind: Kind::Shared(budget),
        }
    }

    /// Puts `self` in the place of `other`. In a `const` nothing can be dropped, and there is
    /// nothing to drop: a budget that was not used yet owns nothing.
    pub(in crate::policy) const fn replace(self, other: &mut Self) {
        std::mem::forget(std::mem::replace(other, self));
    }

    /// Whether a success has nothing to give back, as far as can be seen at once.
    #[inline(always)]
    pub(in crate::policy) fn is_full(&self) -> bool {
        self.own.is_full()
    }

    /// A call succeeded.
    #[inline(never)]
    pub(in crate::policy) fn give_back(&'static self) {
        match self.kind {
            Kind::Own => self.own.give_back(),
            Kind::Shared(budget) => budget.give_back(),
            Kind::Unlimited => {}
        }
    }

    /// Where the tokens come from; `None` where there is no limit.
    pub(in crate::policy) const fn budget(&self) -> Option<&RetryBudget> {
        match self.kind {
            Kind::Own => Some(&self.own),
            Kind::Shared(budget) => Some(budget),
            Kind::Unlimited => None,
        }
    }

    /// A token for one more attempt.
    pub(in crate::policy) fn take(&'static self) -> Result<(), Refused> {
        match self.kind {
            Kind::Own => self.own.take(),
            Kind::Shared(budget) => budget.take(),
            Kind::Unlimited => Ok(()),
        }
    }
}

/// As an attribute has it, behind its other options: nothing, for a budget that no attribute chose.
impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Own if self.own.is_default() => Ok(()),
            Kind::Own => write!(f, ", budget = {}", self.own),
            Kind::Shared(budget) => write!(f, ", budget = {budget}"),
            Kind::Unlimited => f.write_str(", budget = none"),
        }
    }
}
