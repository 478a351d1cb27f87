//! Retrying many.

use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::{DeadLetterFilter, DeadLetterId, DeadLetterStatus, RetryAllError, RetryAs};
use crate::core::Core;
use crate::error::StoreError;
use crate::operator::Operator;

/// How many letters are looked at with one question.
const PAGE: u32 = 100;

/// The options of [`DeadLetters::retry_all`](super::DeadLetters::retry_all).
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct RetryAll {
    per_second: u32,
    how: RetryAs,
    limit: u64,
    after: Option<DeadLetterId>,
}

impl RetryAll {
    /// The defaults: all letters, ten a second, each with [`RetryAs::Itself`].
    pub const fn new() -> Self {
        Self {
            per_second: 10,
            how: RetryAs::Itself,
            limit: u64::MAX,
            after: None,
        }
    }

    /// How many retries are requested per second. 10 by default.
    ///
    /// # Panics
    /// When it is zero.
    #[track_caller]
    pub const fn per_second(mut self, retries: u32) -> Self {
        assert!(retries > 0, "none in a second would never end");
        self.per_second = retries;
        self
    }

    /// What the retries do. [`RetryAs::Itself`] by default.
    pub const fn how(mut self, how: RetryAs) -> Self {
        self.how = how;
        self
    }

    /// The maximum number of retries to request. No limit by default.
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// Begins after this letter, where another call ended ([`RetryProgress::last`]). By default it begins with the first
    /// letter in the filter's order.
    pub const fn after(mut self, last: Option<DeadLetterId>) -> Self {
        self.after = last;
        self
    }
}

impl Default for RetryAll {
    fn default() -> Self {
        Self::new()
    }
}

/// How far [`DeadLetters::retry_all`](super::DeadLetters::retry_all) got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RetryProgress {
    /// The number of letters for which this call requested a retry.
    pub requested: u64,
    /// The number of letters that were no longer open when their turn came: somebody else was first, or they are retried
    /// together with another letter of their saga.
    pub passed: u64,
    /// The last letter that was looked at, from where another call can continue.
    pub last: Option<DeadLetterId>,
    /// Whether every matching letter was looked at.
    pub finished: bool,
}

pub(super) async fn retry_all(
    core: &Core,
    mut filter: DeadLetterFilter,
    all: RetryAll,
    by: Operator,
) -> Result<RetryProgress, RetryAllError> {
    filter.statuses = vec![DeadLetterStatus::Open];
    let mut progress = RetryProgress {
        last: all.after,
        ..RetryProgress::default()
    };
    match run(core, &filter, all, &by, &mut progress).await {
        Ok(()) => Ok(progress),
        Err(source) => Err(RetryAllError { progress, source }),
    }
}

async fn run(
    core: &Core,
    filter: &DeadLetterFilter,
    all: RetryAll,
    by: &Operator,
    progress: &mut RetryProgress,
) -> Result<(), StoreError> {
    let queue = &core.stores.queue;
    let pause = Duration::from_secs(1) / all.per_second;
    let mut next = Instant::now();
    // Where a retry has failed again already, its saga has another letter, which would be retried for ever.
    let mut requested = HashSet::new();
    loop {
        let page = queue.list(filter.clone(), progress.last, PAGE).await?;
        if page.is_empty() {
            progress.finished = true;
            return Ok(());
        }
        for letter in page {
            if progress.requested >= all.limit || !core.gate.is_open() {
                return Ok(());
            }
            let again = letter.saga.is_some_and(|saga| !requested.insert(saga));
            if !again {
                tokio::time::sleep_until(next).await;
            }
            let is_open = match again {
                true => false,
                // What somebody else has asked for since the page was read is his.
                false => queue
                    .get(letter.id)
                    .await?
                    .is_some_and(|it| it.status == DeadLetterStatus::Open),
            };
            if is_open && queue.request_retry(letter.id, all.how, by.clone()).await? {
                progress.requested += 1;
                // A store that is slow is not made up for.
                next = (next + pause).max(Instant::now());
            } else {
                progress.passed += 1;
            }
            progress.last = Some(letter.id);
        }
    }
}
