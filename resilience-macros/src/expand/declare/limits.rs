//! What limits calls: bulkheads and rate limits; and what answers for them: fallbacks.

use quote::{ToTokens, quote};

use super::{Declared, item, setter, shared};
use crate::expand::Annotated;
use crate::options::Definition;
use crate::policy::{Bulkhead, BulkheadOptions, Fallback, RateLimit, RateLimitOptions};

impl Annotated {
    // Output: static __BULKHEAD: Bulkhead = Bulkhead::named("reports").max_concurrent(10);
    pub(super) fn declare_bulkhead(&self, policy: &Bulkhead) -> Declared {
        let ty = self.paths.public("Bulkhead");
        let options = match &policy.definition {
            Definition::Shared(path) => return shared("bulkhead", "__BULKHEAD", &ty, path),
            Definition::Here(options) => options,
        };
        let BulkheadOptions {
            name,
            max_concurrent,
            max_queue,
            max_wait,
        } = options;
        let constructor = self.constructor(name.as_ref());
        let max_concurrent = setter("max_concurrent", max_concurrent.as_ref());
        let max_queue = setter("max_queue", max_queue.as_ref());
        let max_wait = setter("max_wait", max_wait.as_ref());
        item(
            "bulkhead",
            "__BULKHEAD",
            &ty,
            &quote!(#ty::#constructor #max_concurrent #max_queue #max_wait),
        )
    }

    // Output: static __LIMIT: RateLimit = RateLimit::named("api").rate(100, Duration::from_secs(1));
    pub(super) fn declare_rate_limit(&self, policy: &RateLimit) -> Declared {
        let one = self.paths.public("RateLimit");
        let ty = match policy.key {
            Some(_) => self.paths.public("KeyedRateLimit"),
            None => one.clone(),
        };
        let options = match &policy.definition {
            Definition::Shared(path) => return shared("limit", "__LIMIT", &ty, path),
            Definition::Here(options) => options,
        };
        let RateLimitOptions {
            name,
            rate,
            per,
            burst,
            max_wait,
            max_keys,
        } = options;
        let constructor = self.constructor(name.as_ref());
        let per = match per {
            Some(per) => per.to_token_stream(),
            None => quote!(::core::time::Duration::from_secs(1)),
        };
        let rate = super::at(&rate.to_token_stream(), quote!(.rate(#rate, #per)));
        let burst = setter("burst", burst.as_ref());
        let max_wait = setter("max_wait", max_wait.as_ref());
        let per_key = policy.key.as_ref().map(|_| match max_keys {
            Some(max_keys) => super::at(&max_keys.to_token_stream(), quote!(.per_key(#max_keys))),
            None => quote!(.per_key(#one::DEFAULT_MAX_KEYS)),
        });
        item(
            "limit",
            "__LIMIT",
            &ty,
            &quote!(#one::#constructor #rate #burst #max_wait #per_key),
        )
    }

    // Output: static __FALLBACK: Fallback = Fallback::for_function("shop::quote");
    pub(super) fn declare_fallback(&self, policy: &Fallback) -> Declared {
        let ty = self.paths.public("Fallback");
        let mut constructor = self.constructor(None);
        if policy.function().is_none() {
            constructor.extend(quote!(.with_value()));
        }
        item("fallback", "__FALLBACK", &ty, &quote!(#ty::#constructor))
    }
}
