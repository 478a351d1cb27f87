//! A limit on how many retries a dependency has to bear.

mod allowance;
mod bucket;

use std::fmt;
use std::panic::Location;
use std::sync::OnceLock;

use tokio::time::Instant;

use crate::policy::names::Names;
use bucket::{Bucket, Rates, thousandths};

pub(in crate::policy) use allowance::Allowance;

static NAMES: Names<RetryBudget> = Names::new();

/// A limit on retries relative to the calls that succeed, so that the load on a dependency does not
/// multiply while it is down.
///
/// ```
/// # use resilience_runtime::policy::retry::RetryBudget;
/// static GATEWAY: RetryBudget = RetryBudget::named("gateway")
///     .ratio(0.1)
///     .per_second(5)
///     .burst(50);
/// ```
///
/// It is a bucket of tokens that starts full. A retry or a hedge takes one token, and is not made if
/// there is none. It does not give the token back, even if the call is dropped. A call that succeeds
/// gives back `ratio` of a token, and every second gives back `per_second` tokens. The bucket never
/// holds more than `burst`.
///
/// | | default |
/// |---|---|
/// | `ratio` | 0.2: one retry for five successes |
/// | `per_second` | 10, so that a function that is seldom called may retry, too |
/// | `burst` | 100 |
///
/// # Names
///
/// All budgets of one process that are made with [`RetryBudget::named`] and the same name are one
/// budget. If their configurations differ, the one that was used first is in force, and nothing is
/// retried through the others. A call that would have been retried then fails with
/// [`Error::RetryBudgetExhausted`](crate::error::Error::RetryBudgetExhausted), whose source is
/// [`Error::NameConflict`](crate::error::Error::NameConflict), if the function's error type can
/// carry that. In any case there is a `warn` event.
///
/// A success costs one relaxed load while the budget is full, and one write while it is not. The
/// clock is read when a token is taken.
pub struct RetryBudget {
    /// The tokens, of a budget that has no name to share.
    bucket: Bucket,
    /// The tokens of all budgets of its name, in the first of them. All others look for them, which
    /// `bucket` makes them do.
    shared: Bucket,
    rates: Rates,
    /// `None` for the private budget of one policy.
    name: Option<&'static str>,
    /// Where it was named, for a budget that is shared with others of its name.
    named_at: Option<&'static Location<'static>>,
    /// The first budget of its name.
    first: OnceLock<&'static RetryBudget>,
}

impl RetryBudget {
    /// As messages call it.
    pub(crate) const KIND: &'static str = "retry budget";

    /// The private budget of one policy.
    pub(in crate::policy) const fn private() -> Self {
        Self {
            bucket: Bucket::full(),
            shared: Bucket::full(),
            rates: Rates::DEFAULT,
            name: None,
            named_at: None,
            first: OnceLock::new(),
        }
    }

    /// What stands in the place of a budget that is another.
    const fn elsewhere() -> Self {
        let mut budget = Self::private();
        budget.bucket = Bucket::elsewhere();
        budget
    }

    /// A budget that is shared with all others of this name.
    #[must_use]
    #[track_caller]
    pub const fn named(name: &'static str) -> Self {
        let mut budget = Self::elsewhere();
        budget.name = Some(name);
        budget.named_at = Some(Location::caller());
        budget
    }

    /// A budget of one function, with the function's path as its name. It is shared with no other.
    #[must_use]
    pub const fn for_function(path: &'static str) -> Self {
        let mut budget = Self::private();
        budget.name = Some(path);
        budget
    }

    /// The number of tokens that a success gives back, in steps of a thousandth. Default: 0.2.
    ///
    /// # Panics
    /// When it is not a number between 0 and 1,000, is less than a thousandth and not 0, or neither
    /// successes nor the time give anything back. In a `const` or `static` item that is a compile
    /// error.
    #[must_use]
    #[track_caller]
    pub const fn ratio(mut self, tokens: f64) -> Self {
        assert!(
            tokens >= 0.0 && tokens <= 1_000.0,
            "`ratio` is what one success gives back: a number of tokens from 0 to 1,000"
        );
        self.rates.per_success = thousandths(tokens);
        assert!(
            tokens == 0.0 || self.rates.per_success > 0,
            "`ratio` is kept in thousandths of a token: give at least 0.001, or 0"
        );
        self.assert_fills();
        self
    }

    /// The number of tokens that come back every second. Default: 10.
    ///
    /// # Panics
    /// When neither successes nor the time give anything back, which in a `const` or `static` item
    /// is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn per_second(mut self, tokens: u32) -> Self {
        self.rates.per_second = tokens;
        self.assert_fills();
        self
    }

    /// The maximum number of tokens, which is also the number at the start. Default: 100.
    ///
    /// # Panics
    /// When it is 0 or over 1,000,000, which in a `const` or `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn burst(mut self, tokens: u32) -> Self {
        assert!(
            tokens > 0,
            "`burst` must be at least 1: a budget that holds nothing allows no retry"
        );
        assert!(
            tokens <= Rates::MOST,
            "`burst` must not be over 1,000,000: leave the budget out instead"
        );
        self.rates.burst = tokens;
        self
    }

    #[track_caller]
    const fn assert_fills(&self) {
        assert!(
            self.rates.per_success > 0 || self.rates.per_second > 0,
            "a budget whose `ratio` and `per_second` are both 0 never fills again"
        );
    }

    /// The name, or the path of the function; `None` for the private budget of one policy.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Whether a success has nothing to give to it, as far as can be seen at once.
    #[inline(always)]
    fn is_full(&self) -> bool {
        self.bucket.is_full()
    }

    /// A call succeeded.
    fn give_back(&'static self) {
        if let Ok(bucket) = self.bucket()
            && !bucket.is_full()
        {
            bucket.give_back(self.rates);
        }
    }

    /// A token for a retry.
    fn take(&'static self) -> Result<(), Refused> {
        match self.bucket() {
            Ok(bucket) if bucket.take(Instant::now(), self.rates) => Ok(()),
            Ok(_) => Err(Refused::Empty { budget: self.name }),
            Err(first) => {
                let (first, second) = (first.place(), self.place());
                let budget = self.name.unwrap_or_default();
                tracing::warn!(target: "resilience", budget,
                    first,
                    second,
                    "retry budget has one name and two configurations"
                );
                Err(Refused::NameConflict {
                    budget,
                    first,
                    second,
                })
            }
        }
    }

    /// The tokens, or the first budget of the name, which is configured differently.
    fn bucket(&'static self) -> Result<&'static Bucket, &'static Self> {
        if self.named_at.is_none() {
            return Ok(&self.bucket);
        }
        let first = *self
            .first
            .get_or_init(|| NAMES.first(self.name.unwrap_or_default(), self));
        if first.rates == self.rates {
            Ok(&first.shared)
        } else {
            Err(first)
        }
    }

    /// The name by which it is shared with others.
    pub(crate) fn shared_name(&self) -> Option<&'static str> {
        self.named_at.and(self.name)
    }

    /// The rates in force, as text.
    pub(crate) fn options(&self) -> impl fmt::Display {
        self.rates
    }

    /// Whether it is what a policy has where none is chosen.
    fn is_default(&self) -> bool {
        self.named_at.is_none() && self.rates == Rates::DEFAULT
    }

    fn place(&self) -> String {
        self.named_at
            .map(|place| format!("{}:{}", place.file(), place.line()))
            .unwrap_or_default()
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBudget")
            .field("name", &self.name)
            .field("rates", &self.rates)
            .finish_non_exhaustive()
    }
}

/// As the attribute has it, with the rates that only a `static` can have behind it.
impl fmt::Display for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shared_name() {
            Some(name) => write!(f, "{name:?}")?,
            None => f.write_str("..")?,
        }
        if self.rates == Rates::DEFAULT {
            return Ok(());
        }
        write!(f, " ({})", self.rates)
    }
}

/// Why there was no token.
#[derive(Debug)]
pub(in crate::policy) enum Refused {
    Empty {
        budget: Option<&'static str>,
    },
    NameConflict {
        budget: &'static str,
        first: String,
        second: String,
    },
}
