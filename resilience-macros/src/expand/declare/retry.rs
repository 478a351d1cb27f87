//! Further attempts: after a failure, and beside a slow one.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Declared, at, item, setter, shared};
use crate::expand::Annotated;
use crate::options::Definition;
use crate::paths::Paths;
use crate::policy::{
    Backoff, Budget, Hedge, HedgeOptions, HedgeStart, Jitter, Kind, Retry, RetryOptions, dependency,
};

impl Annotated {
    // Output: static __RETRY: Retry = Retry::max_attempts(4).backoff(..);
    pub(super) fn declare_retry(&self, policy: &Retry) -> Declared {
        let ty = self.paths.public("Retry");
        let options = match &policy.definition {
            Definition::Shared(path) => return shared("retry", "__RETRY", &ty, path),
            Definition::Here(options) => options,
        };
        let RetryOptions {
            max_attempts,
            backoff,
            jitter,
            deadline,
            budget,
        } = options;
        let max_attempts = match max_attempts {
            Some(count) => quote!(#count),
            None => quote!(#ty::DEFAULT_MAX_ATTEMPTS),
        };
        // A constant that is refused is reported where the user wrote it.
        let constructor = at(&max_attempts, quote!(#ty::max_attempts(#max_attempts)));
        let backoff = backoff
            .as_ref()
            .map(|backoff| backoff_value(backoff, &self.paths));
        let backoff = setter("backoff", backoff.as_ref());
        let jitter = jitter
            .as_ref()
            .map(|jitter| jitter_value(jitter, &self.paths));
        let jitter = setter("jitter", jitter.as_ref());
        let deadline = setter("deadline", deadline.as_ref());
        let budget = self.budget(budget.as_ref());
        item(
            "retry",
            "__RETRY",
            &ty,
            &quote!(#constructor #backoff #jitter #deadline #budget),
        )
    }

    // Output: static __HEDGE: Hedge = Hedge::after(Duration::from_millis(50));
    pub(super) fn declare_hedge(&self, policy: &Hedge) -> Declared {
        let ty = self.paths.public("Hedge");
        let options = match &policy.definition {
            Definition::Shared(path) => return shared("hedge", "__HEDGE", &ty, path),
            Definition::Here(options) => options,
        };
        let HedgeOptions {
            start,
            max_hedges,
            budget,
        } = options;
        let constructor = match start {
            HedgeStart::After(delay) => at(&delay.written(), quote!(#ty::after(#delay))),
            HedgeStart::Quantile {
                quantile,
                initially,
            } => quote!(#ty::quantile(#quantile, #initially)),
        };
        let max_hedges = setter("max_hedges", max_hedges.as_ref());
        let budget = self.budget(budget.as_ref());
        item(
            "hedge",
            "__HEDGE",
            &ty,
            &quote!(#constructor #max_hedges #budget),
        )
    }

    // Output: .budget(RetryBudget::named("warehouse"))
    /// The budget that was asked for. Where none was, calls of one dependency share one.
    fn budget(&self, budget: Option<&Budget>) -> TokenStream {
        let ty = self.paths.public("RetryBudget");
        match budget {
            Some(Budget::None) => quote!(.without_budget()),
            Some(Budget::Shared(path)) => quote!(.shared_budget(&#path)),
            Some(Budget::Named(name)) => quote!(.budget(#ty::named(#name))),
            None => match dependency(&self.policies) {
                Some(name) => quote!(.budget(#ty::named(#name))),
                // A hedge and a retry of one function pay from one budget: they add load together.
                None if self.find(Kind::Hedge).is_some() && self.find(Kind::Retry).is_some() => {
                    let name = self.full_name();
                    quote!(.budget(#ty::named(#name)))
                }
                None => TokenStream::new(),
            },
        }
    }
}

// Output: Backoff::exponential(Duration::from_secs(1)).factor(2.0).max(Duration::from_secs(30))
pub(in crate::expand) fn backoff_value(backoff: &Backoff, paths: &Paths) -> TokenStream {
    let ty = paths.public("Backoff");
    match backoff {
        Backoff::Fixed(pause) => quote!(#ty::fixed(#pause)),
        Backoff::Linear { first, step, max } => {
            let (step, max) = (setter("step", step.as_ref()), setter("max", max.as_ref()));
            quote!(#ty::linear(#first) #step #max)
        }
        Backoff::Exponential { first, factor, max } => {
            let factor = setter("factor", factor.as_ref());
            let max = setter("max", max.as_ref());
            quote!(#ty::exponential(#first) #factor #max)
        }
        Backoff::Decorrelated { first, max } => {
            let max = setter("max", max.as_ref());
            quote!(#ty::decorrelated(#first) #max)
        }
        Backoff::Custom { function, max } => {
            let max = setter("max", max.as_ref());
            quote!(#ty::custom(#function) #max)
        }
    }
}

pub(in crate::expand) fn jitter_value(jitter: &Jitter, paths: &Paths) -> TokenStream {
    let ty = paths.public("Jitter");
    match jitter {
        Jitter::Full => quote!(#ty::Full),
        Jitter::Equal => quote!(#ty::Equal),
        Jitter::None => quote!(#ty::None),
        Jitter::UpTo(most) => quote!(#ty::UpTo(#most)),
    }
}
