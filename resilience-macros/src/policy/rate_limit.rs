//! `#[rate_limit(rate = 100, per = 1s, burst = 20)]`, or `#[rate_limit(API)]` for a `static`.

use proc_macro2::Span;
use syn::{Expr, LitStr};

use crate::args::{Args, Count};
use crate::diagnostics::Diagnostics;
use crate::duration::Length;
use crate::options::{Definition, Options};

const OPTIONS: [&str; 7] = [
    "name", "rate", "per", "burst", "max_wait", "key", "max_keys",
];

/// A bound on calls per time.
pub(crate) struct RateLimit {
    pub(crate) span: Span,
    pub(crate) definition: Definition<RateLimitOptions>,
    /// One limit per value of this expression.
    pub(crate) key: Option<Expr>,
}

/// A limit that the attribute itself defines; what is `None` has the runtime's default.
pub(crate) struct RateLimitOptions {
    pub(crate) name: Option<LitStr>,
    pub(crate) rate: Count,
    pub(crate) per: Option<Length>,
    pub(crate) burst: Option<Count>,
    pub(crate) max_wait: Option<Length>,
    pub(crate) max_keys: Option<Count>,
}

impl RateLimit {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let span = options.span();
        let key = options.expression("key");
        let keyed = key.is_some();
        let definition = options.definition("RateLimit", "rate limit", &OPTIONS, |options| {
            RateLimitOptions::take(options, keyed)
        })?;
        Some(Self {
            span,
            definition,
            key,
        })
    }
}

impl RateLimitOptions {
    fn take(options: &mut Options<'_>, keyed: bool) -> Option<Self> {
        let name = options.name();
        let rate = options.count("rate", 1);
        let per = options.length("per");
        let burst = options.count("burst", 1);
        let max_wait = options.length_or_zero("max_wait");
        let max_keys = options.count("max_keys", 1);
        if let (Some(max_keys), false) = (&max_keys, keyed) {
            options.error(
                max_keys,
                "`max_keys` without a key: there is one limit\nwrite `key = ..` beside it",
            );
        }
        // A rate under another name is one mistake, not a missing rate as well.
        if rate.is_none() && options.is_clean() && options.is_empty() {
            options.error_here(
                "#[rate_limit] needs a rate\nwrite `#[rate_limit(rate = 100, per = 1s)]`",
            );
        }
        Some(Self {
            name,
            rate: rate?,
            per,
            burst,
            max_wait,
            max_keys,
        })
    }
}
