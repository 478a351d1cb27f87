//! What holds a key or a lock for longer than it is granted, or waits for longer than it may.

use std::time::Duration;

use proc_macro2::Span;

use super::pauses::Pauses;
use super::{Question, Subject};
use crate::allowed::Rule;
use crate::args::Count;
use crate::duration::Length;
use crate::policy::{Kind, Policy, Reach, RetryOptions, Run, defaults};

/// A policy that holds something by a lease, and waits for it.
struct Holder<'a> {
    kind: Kind,
    span: Span,
    /// None where nothing runs out.
    lease: Option<Option<&'a Length>>,
    wait: Option<&'a Length>,
}

impl<'a> Holder<'a> {
    fn of(policy: &'a Policy) -> Option<Self> {
        let (lease, wait) = match policy {
            Policy::Idempotent(policy) => {
                let lease = match &policy.run {
                    Run::Leased(leased) => Some(leased.lease.as_ref()),
                    Run::Transaction(_) => None,
                };
                (lease, policy.wait())
            }
            Policy::Locked(policy) => {
                let lease = match &policy.reach {
                    Reach::Store { lease, .. } => Some(lease.as_ref()),
                    Reach::Local => None,
                };
                (lease, policy.wait.as_ref())
            }
            _ => return None,
        };
        Some(Self {
            kind: policy.kind(),
            span: policy.span(),
            lease,
            wait,
        })
    }
}

impl<'a> Subject<'a> {
    pub(super) fn check_leases(&self) {
        self.results_outlive_who_waits_for_them();
        for (position, policy) in self.policies.iter().enumerate() {
            let Some(holder) = Holder::of(policy) else {
                continue;
            };
            self.the_wait_ends_in_time(position, &holder);
            if let Some((retry, policy)) = self.retry()
                && retry > position
                && let (Some(lease), Some(options)) = (holder.lease, policy.definition.here())
            {
                self.the_lease_covers_all_attempts(&holder, lease, retry, options);
            }
        }
    }

    /// A duplicate that waits for longer than a result is kept: the two were taken for each other.
    fn results_outlive_who_waits_for_them(&self) {
        let Some(Policy::Idempotent(policy)) = self.find(Kind::Idempotent) else {
            return;
        };
        let Some(wait) = policy.wait() else { return };
        let ttl = policy.ttl.as_ref();
        let (Some(wait_is), Some(ttl_is)) =
            (wait.known(), ttl.map_or(Some(defaults::TTL), Length::known))
        else {
            return self.ask(Question::ResultOutlivesWait {
                wait: wait.clone(),
                ttl: ttl.cloned(),
            });
        };
        if wait_is > ttl_is {
            self.diagnostics.error(
                wait.written(),
                format!(
                    "`wait` of {wait_is:?} is longer than the result is kept: `ttl` is {ttl_is:?}\n\
                     lower `wait`, or keep results for longer"
                ),
            );
        }
    }

    /// A call that the timeout above ends does not wait any longer:
    ///
    /// ```text
    /// #[timeout(2s)]
    /// #[locked(wait = 5s)]
    /// ```
    fn the_wait_ends_in_time(&self, position: usize, holder: &Holder<'_>) {
        let (Some(wait), Some(timeout)) = (holder.wait, self.timeout_above(position)) else {
            return;
        };
        match (wait.known(), timeout.after.known()) {
            (Some(wait_is), Some(timeout_is)) if wait_is > timeout_is => self.diagnostics.error(
                wait.written(),
                format!(
                    "`wait` of {wait_is:?} is never over: the timeout above is {timeout_is:?}\n\
                     lower it, or leave it out"
                ),
            ),
            (Some(_), Some(_)) => {}
            _ => self.ask(Question::WaitEnds {
                wait: wait.clone(),
                timeout: timeout.after.clone(),
            }),
        }
    }

    /// A lease is renewed while the body runs, as long as the store can be reached. Where attempts and
    /// pauses go on for longer than one lease, a store that is away for a while ends them in their
    /// middle:
    ///
    /// ```text
    /// #[locked(lease = 10s)]
    /// #[retry(max_attempts = 4)]    4 × 2s + 7s of pauses = 15s
    /// #[timeout(2s)]
    /// ```
    fn the_lease_covers_all_attempts(
        &self,
        holder: &Holder<'_>,
        lease: Option<&'a Length>,
        retry: usize,
        options: &'a RetryOptions,
    ) {
        let each = self.timeout_below(retry).map(|timeout| &timeout.after);
        let timeout = self.timeout_above(retry).map(|timeout| &timeout.after);
        let limits = [timeout, options.deadline.as_ref()];
        let attempts = options.max_attempts.as_ref();
        let backoff = options.backoff.as_ref();
        let ask = || {
            self.ask(Question::LeaseLasts {
                attempts: attempts.cloned(),
                each: each.cloned(),
                backoff: backoff.cloned(),
                limits: limits.into_iter().flatten().cloned().collect(),
                lease: lease.cloned(),
            });
        };
        let pauses = Pauses::of(backoff);
        let has_constants = [each, timeout, options.deadline.as_ref(), lease]
            .into_iter()
            .flatten()
            .any(|length| length.known().is_none());
        let number = attempts.map_or(Some(defaults::MAX_ATTEMPTS), Count::known);
        let (Some(number), false) = (number, has_constants) else {
            return ask();
        };
        let pauses = match pauses {
            Pauses::Written(pauses) => pauses.longest_total(number),
            Pauses::Constant => return ask(),
            Pauses::Function => Duration::ZERO,
        };
        let each = each.and_then(Length::known).unwrap_or_default();
        let all = each.saturating_mul(number).saturating_add(pauses);
        let limit = limits.into_iter().flatten().filter_map(Length::known).min();
        let longest = limit.map_or(all, |limit| all.min(limit));
        let lease_is = lease.and_then(Length::known).unwrap_or(defaults::LEASE);
        if longest <= lease_is {
            return;
        }
        let name = holder.kind.name();
        let message = format!(
            "the attempts of #[retry] take up to {longest:?}, and the lease of #[{name}] is \
             {lease_is:?}: a store that fails for that long ends them in their middle\n\
             lengthen `lease`, or make fewer attempts"
        );
        match lease {
            Some(lease) => self.warn(Rule::OutlastsLease, lease.written(), &message),
            None => self.warn_at(Rule::OutlastsLease, holder.span, &message),
        }
    }
}
