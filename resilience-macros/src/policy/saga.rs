//! `#[saga(version = 2, key = order.id, timeout = 1h, recover = compensate, on_dead = continue)]`

use proc_macro2::Span;
use syn::{Expr, LitStr};

use super::Owner;
use crate::args::{Args, Count};
use crate::diagnostics::Diagnostics;
use crate::duration::Length;
use crate::options::Options;

const OPTIONS: [&str; 8] = [
    "name",
    "version",
    "id",
    "key",
    "timeout",
    "recover",
    "on_dead",
    "max_concurrent",
];

/// The steps called in the body are journaled, and undone when it fails.
pub(crate) struct Saga {
    pub(crate) span: Span,
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<Count>,
    /// `None`: every call is a saga of its own, or that of the `#[idempotent]` above.
    pub(crate) identity: Option<Identity>,
    pub(crate) timeout: Option<Length>,
    pub(crate) recover: Option<Recover>,
    pub(crate) on_dead: Option<OnDead>,
    pub(crate) max_concurrent: Option<Count>,
    pub(crate) owner: Option<Owner>,
}

/// Which saga a call asks for, for good.
pub(crate) enum Identity {
    /// The one with this id.
    Id(Expr),
    /// The one of this key among those of its name.
    Key(Expr),
}

/// What becomes of a saga whose process is gone.
#[derive(Clone, Copy)]
pub(crate) enum Recover {
    Resume,
    Compensate,
}

/// What becomes of the steps before one that cannot be undone.
#[derive(Clone, Copy)]
pub(crate) enum OnDead {
    Stop,
    Continue,
}

impl Saga {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let recover = [
            ("resume", Recover::Resume),
            ("compensate", Recover::Compensate),
        ];
        let on_dead = [("stop", OnDead::Stop), ("continue", OnDead::Continue)];
        let identity = Identity::take(&mut options);
        let parsed = Self {
            span: options.span(),
            name: options.journal_name(),
            version: options.count("version", 1),
            identity,
            timeout: options.length("timeout"),
            recover: options.word("recover", &recover),
            on_dead: options.word("on_dead", &on_dead),
            max_concurrent: options.count("max_concurrent", 1),
            owner: Owner::take(&mut options),
        };
        options.finish(&OPTIONS)?;
        Some(parsed)
    }
}

impl Identity {
    fn take(options: &mut Options<'_>) -> Option<Self> {
        let id = options.expression("id");
        let key = options.expression("key");
        if let (Some(_), Some(key)) = (&id, &key) {
            options.error(
                key,
                "`id` and `key` both say which saga a call asks for\n\
                 keep `id` if the value is unique in the whole journal, or else `key`",
            );
        }
        id.map(Self::Id).or_else(|| key.map(Self::Key))
    }

    /// The option, and its value.
    pub(crate) fn written(&self) -> (&'static str, &Expr) {
        match self {
            Self::Id(expression) => ("id", expression),
            Self::Key(expression) => ("key", expression),
        }
    }
}
