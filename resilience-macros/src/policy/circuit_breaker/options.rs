//! What a breaker can be told, and the rules between its options.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{LitStr, Path};

use crate::args::{Args, Count, Value};
use crate::diagnostics::Diagnostics;
use crate::duration::{self, Length};
use crate::options::{Decimal, Options};
use crate::policy::defaults;
use crate::policy::retry::growth_factor;

/// A breaker that the attribute itself defines; what is `None` has the runtime's default.
pub(crate) struct CircuitBreakerOptions {
    pub(crate) name: Option<LitStr>,
    pub(crate) failure_threshold: Option<Count>,
    pub(crate) failure_rate: Option<Decimal>,
    pub(crate) window: Option<Window>,
    pub(crate) minimum_calls: Option<Count>,
    pub(crate) slow_call_duration: Option<Length>,
    pub(crate) slow_call_rate: Option<Decimal>,
    pub(crate) open_for: Option<OpenFor>,
    pub(crate) half_open_permits: Option<Count>,
    pub(crate) success_threshold: Option<Count>,
    pub(crate) half_open_success_rate: Option<Decimal>,
    pub(crate) recovery: Option<Decimal>,
    pub(crate) on_cancel: Option<OnCancel>,
    pub(crate) probe: Option<Probe>,
    pub(crate) max_keys: Option<Count>,
}

/// What rates are taken over.
pub(crate) enum Window {
    Count(Count),
    Time(Length),
}

/// How long a breaker stays open.
#[expect(clippy::large_enum_variant, reason = "there is one per function")]
pub(crate) enum OpenFor {
    Fixed(Length),
    /// Longer with each opening in a row.
    Growing {
        first: Length,
        factor: Option<Decimal>,
        max: Option<Length>,
    },
}

/// What a dropped call counts as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnCancel {
    Ignore,
    Failure,
}

/// Asking the dependency while the breaker is open.
pub(crate) struct Probe {
    pub(crate) function: Path,
    pub(crate) every: Option<Length>,
}

impl CircuitBreakerOptions {
    pub(super) fn take(options: &mut Options<'_>, keyed: bool) -> Self {
        let taken = Self {
            name: options.name(),
            failure_threshold: options.count("failure_threshold", 1),
            failure_rate: options.rate("failure_rate"),
            window: Window::take(options),
            minimum_calls: options.count("minimum_calls", 1),
            slow_call_duration: options.length("slow_call_duration"),
            slow_call_rate: options.rate("slow_call_rate"),
            open_for: options.take("open_for", OpenFor::parse),
            half_open_permits: options.count("half_open_permits", 1),
            success_threshold: options.count("success_threshold", 1),
            half_open_success_rate: options.rate("half_open_success_rate"),
            recovery: options.rate("recovery"),
            on_cancel: options.word(
                "on_cancel",
                &[("ignore", OnCancel::Ignore), ("failure", OnCancel::Failure)],
            ),
            probe: Probe::take(options, keyed),
            max_keys: options.count("max_keys", 1),
        };
        if options.is_clean() {
            taken.check_window(options);
            taken.check_slow_calls(options);
            taken.check_half_open(options);
            if let (Some(max_keys), false) = (&taken.max_keys, keyed) {
                options.error(
                    max_keys,
                    "`max_keys` without a key: there is one breaker\nwrite `key = ..` beside it",
                );
            }
        }
        taken
    }

    /// A window is for rates, and must be able to hold what the rates need.
    fn check_window(&self, options: &mut Options<'_>) {
        let has_rate = self.failure_rate.is_some() || self.slow_call_rate.is_some();
        if let (Some(window), false) = (&self.window, has_rate) {
            options.error(
                window.written(),
                "a window without a rate: failures in a row need none\n\
                 write `failure_rate = 0.5` beside it",
            );
        }
        if let (Some(minimum), false) = (&self.minimum_calls, has_rate) {
            options.error(
                minimum,
                "`minimum_calls` without a rate: failures in a row need no minimum\n\
                 write `failure_rate = 0.5` beside it",
            );
        }
        let window = match &self.window {
            Some(Window::Count(window)) => window.known(),
            Some(Window::Time(_)) => None,
            None => has_rate.then_some(defaults::COUNT_WINDOW),
        };
        if let (Some(Count::Known(minimum, written)), Some(window)) = (&self.minimum_calls, window)
            && *minimum > window
        {
            options.error(
                written,
                format!(
                    "`minimum_calls` of {minimum} can never be reached: the window holds {window} calls\n\
                     lower it, or raise `count_window`"
                ),
            );
        }
    }

    /// Slow calls need to be told from fast ones, and to be counted.
    fn check_slow_calls(&self, options: &mut Options<'_>) {
        match (&self.slow_call_duration, &self.slow_call_rate) {
            (Some(duration), None) => options.error(
                duration.written(),
                "`slow_call_duration` without a rate: slow calls would open nothing\n\
                 write `slow_call_rate = 0.5` beside it",
            ),
            (None, Some(rate)) => options.error(
                rate,
                "`slow_call_rate` without a duration: nothing says which calls are slow\n\
                 write `slow_call_duration = 2s` beside it",
            ),
            _ => {}
        }
    }

    /// A half-open breaker must be able to close. Where an option is not given, its default follows
    /// the others.
    fn check_half_open(&self, options: &mut Options<'_>) {
        if let (Some(Count::Known(successes, written)), Some(permits)) = (
            &self.success_threshold,
            self.half_open_permits.as_ref().and_then(Count::known),
        ) && *successes > permits
        {
            options.error(
                written,
                format!(
                    "`success_threshold` of {successes} can never be reached: \
                     half-open admits {permits} calls\n\
                     lower it, or raise `half_open_permits`"
                ),
            );
        }
        if let (Some(rate), Some(_), None) = (
            &self.half_open_success_rate,
            &self.success_threshold,
            &self.recovery,
        ) {
            options.error(
                rate,
                "`half_open_success_rate` and `success_threshold` are two rules for the same\n\
                 keep one",
            );
        }
        if let Some(recovery) = self
            .recovery
            .as_ref()
            .filter(|rate| rate.known() == Some(1.0))
        {
            options.error(
                recovery,
                "`recovery` of 1 lets all calls through at once\n\
                 leave it out, or start with fewer: `recovery = 0.5`",
            );
        }
    }
}

impl Window {
    fn take(options: &mut Options<'_>) -> Option<Self> {
        let count = options.count("count_window", 1);
        let time = options.length("time_window");
        match (count, time) {
            (Some(_), Some(time)) => {
                options.error(
                    time.written(),
                    "a breaker has one window: of calls or of time\n\
                     keep `count_window` or `time_window`",
                );
                None
            }
            (Some(count), None) => Some(Self::Count(count)),
            (None, time) => time.map(Self::Time),
        }
    }

    fn written(&self) -> TokenStream {
        match self {
            Self::Count(count) => count.to_token_stream(),
            Self::Time(time) => time.written(),
        }
    }
}

impl OpenFor {
    fn parse(value: &Value, diagnostics: &Diagnostics) -> Option<Self> {
        let Some((name, Some(group))) = value.as_call() else {
            return duration::parse("open_for", value, diagnostics).map(Self::Fixed);
        };
        if name != "exponential" {
            // A call of some other function is an expression.
            return duration::parse("open_for", value, diagnostics).map(Self::Fixed);
        }
        let args = Args::parse(
            "`exponential(..)`",
            group.span(),
            group.stream(),
            diagnostics,
        );
        let mut options = Options::new(args, diagnostics);
        let first = options
            .positional(|value, diagnostics| duration::parse("open_for", value, diagnostics));
        let factor = options.take("factor", |value, diagnostics| {
            growth_factor("times", value, diagnostics)
        });
        let max = options.length("max");
        if first.is_none() && options.is_clean() && options.is_empty() {
            options.error_here(
                "`exponential(..)` needs a first time\nwrite `exponential(30s, max = 10m)`",
            );
        }
        if let (Some(from), Some(to), Some(max)) = (
            first.as_ref().and_then(Length::known),
            max.as_ref().and_then(Length::known),
            &max,
        ) && to < from
        {
            options.error(
                max.written(),
                format!("`max` is below the first time of {from:?}\nraise it, or start lower"),
            );
        }
        options.finish(&["factor", "max"])?;
        Some(Self::Growing {
            first: first?,
            factor,
            max,
        })
    }

    /// The shortest time that it stays open.
    pub(crate) fn first(&self) -> &Length {
        match self {
            Self::Fixed(first) | Self::Growing { first, .. } => first,
        }
    }
}

impl Probe {
    fn take(options: &mut Options<'_>, keyed: bool) -> Option<Self> {
        let function = options.take("probe", |value, diagnostics| {
            value.parse_path(
                "write the path of an async function that answers with `bool`",
                diagnostics,
            )
        });
        let every = options.length("probe_every");
        match (function, every) {
            (Some(function), _) if keyed => {
                options.error(
                    function,
                    "a probe does not know the key\nleave `probe` out, or `key`",
                );
                None
            }
            (Some(function), every) => Some(Self { function, every }),
            (None, Some(every)) if options.is_clean() => {
                options.error(
                    every.written(),
                    "`probe_every` without a probe\nwrite `probe = is_up` beside it",
                );
                None
            }
            (None, _) => None,
        }
    }
}
