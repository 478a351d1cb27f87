//! `#[locked(key = document.id, lease = 30s, wait = 5s)]`, or `#[locked(local)]`.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Expr, LitStr};

use super::idempotent::WhenUnavailable;
use crate::args::{Args, Count};
use crate::diagnostics::Diagnostics;
use crate::duration::{Length, lease};
use crate::options::Options;

const OPTIONS: [&str; 6] = [
    "key",
    "name",
    "lease",
    "wait",
    "replicas",
    "when_unavailable",
];

/// One call at a time per key.
pub(crate) struct Locked {
    pub(crate) span: Span,
    /// `None`: one lock for all calls.
    pub(crate) key: Option<Expr>,
    pub(crate) name: Option<LitStr>,
    pub(crate) wait: Option<Length>,
    pub(crate) reach: Reach,
}

/// Between which calls the lock stands.
#[expect(
    clippy::large_enum_variant,
    reason = "there is a handful of them per function"
)]
pub(crate) enum Reach {
    /// Those of this process.
    Local,
    /// Those of every process on the store.
    Store {
        lease: Option<Length>,
        replicas: Option<Count>,
        when_unavailable: Option<WhenUnavailable>,
    },
}

impl Locked {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let parsed = Self {
            span: options.span(),
            key: options.expression("key"),
            name: options.name(),
            wait: options.length_or_zero("wait"),
            reach: Reach::take(&mut options),
        };
        options.finish_with_flags(&OPTIONS, &["local"])?;
        Some(parsed)
    }
}

impl Reach {
    fn take(options: &mut Options<'_>) -> Self {
        let local = options.flag("local");
        let lease = options.take("lease", lease);
        let replicas = options.count("replicas", 1);
        let unavailable = options.written("when_unavailable");
        let when_unavailable = WhenUnavailable::take(options);
        if local.is_none() {
            return Self::Store {
                lease,
                replicas,
                when_unavailable,
            };
        }
        let of_stores = [
            ("lease", lease.map(|lease| lease.written())),
            (
                "replicas",
                replicas.map(|replicas| replicas.to_token_stream()),
            ),
            ("when_unavailable", unavailable.map(|value| value.tokens)),
        ];
        for (name, written) in of_stores {
            if let Some(written) = written {
                options.error(
                    written,
                    format!("`local` asks no store, and `{name}` is about one\nremove one of them"),
                );
            }
        }
        Self::Local
    }
}
