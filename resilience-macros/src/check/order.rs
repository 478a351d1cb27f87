//! Which policy stands above which.

use quote::ToTokens;

use super::Subject;
use crate::allowed::Rule;
use crate::policy::{Kind, Policy};

impl Subject<'_> {
    pub(super) fn check_order(&self) {
        self.no_policy_stands_twice();
        self.a_fallback_hides_failures_from_nobody();
        self.a_fallback_is_not_stored();
        self.a_bulkhead_is_not_held_in_pauses();
        self.a_hedge_runs_the_body_twice();
        self.a_hedge_does_not_wait_for_its_first_attempt();
        self.a_hedge_does_not_break_a_lock();
        self.a_replay_does_not_wait_for_a_lock();
        self.attributes_of_others_stand_outside();
    }

    /// Two of a kind would have to be nested, and nobody can say which one a message means. A retry
    /// between two timeouts tells them apart: one is of the whole call, and one of each attempt.
    fn no_policy_stands_twice(&self) {
        for (index, policy) in self.policies.iter().enumerate() {
            let kind = policy.kind();
            let mut above = self.policies.iter().take(index).map(Policy::kind);
            let Some(earlier) = above.rposition(|above| above == kind) else {
                continue;
            };
            let mut between = self.policies.iter().take(index).skip(earlier);
            let name = kind.name();
            let remedy = match kind {
                Kind::Timeout if between.any(|policy| policy.kind() == Kind::Retry) => continue,
                Kind::Timeout => {
                    "keep one, or put #[retry] between them: then one bounds the whole call, and \
                     one each attempt"
                }
                _ => "keep one",
            };
            self.diagnostics.error_at(
                policy.span(),
                format!("#[{name}] stands twice on this function\n{remedy}"),
            );
        }
    }

    /// A fallback that takes every failure leaves none to a policy above it that acts on failures.
    fn a_fallback_hides_failures_from_nobody(&self) {
        let Some(position) = self.position(Kind::Fallback) else {
            return;
        };
        let Some(Policy::Fallback(fallback)) = self.policies.get(position) else {
            return;
        };
        let blinded = self.policies.iter().take(position).find(|policy| {
            matches!(
                policy.kind(),
                Kind::CircuitBreaker | Kind::Retry | Kind::Hedge
            )
        });
        if let (Some(blinded), None) = (blinded, &fallback.on) {
            let name = blinded.kind().name();
            self.diagnostics.error_at(
                fallback.span,
                format!(
                    "#[fallback] hides every failure from the #[{name}] above it\n\
                     move #[fallback] above #[{name}], or say for which errors it is: `on = ..`"
                ),
            );
        }
    }

    /// What stands below `#[idempotent]` answers for the key as long as the record is kept, also when
    /// the dependency is well again.
    fn a_fallback_is_not_stored(&self) {
        if let (Some(idempotent), Some(fallback)) =
            (self.position(Kind::Idempotent), self.find(Kind::Fallback))
            && self
                .position(Kind::Fallback)
                .is_some_and(|position| position > idempotent)
        {
            self.warn_at(
                Rule::IdempotentStoresFallback,
                fallback.span(),
                "#[idempotent] stores the answer of the #[fallback] below it, and repeats it\n\
                 move #[fallback] above #[idempotent]",
            );
        }
    }

    /// A place of a bulkhead is for a call that runs. Above a retry it is also taken by one that waits
    /// for its next attempt.
    fn a_bulkhead_is_not_held_in_pauses(&self) {
        if let (Some(bulkhead), Some(retry)) =
            (self.position(Kind::Bulkhead), self.position(Kind::Retry))
            && bulkhead < retry
            && let Some(policy) = self.policies.get(bulkhead)
        {
            self.warn_at(
                Rule::BulkheadHeldInPauses,
                policy.span(),
                "#[bulkhead] above #[retry] holds its place during the pauses\n\
                 move it below #[retry]",
            );
        }
    }

    /// Two attempts run beside each other, and both may have their effect. `#[idempotent]` above makes
    /// no difference: within the one execution that it allows, the body runs twice.
    fn a_hedge_runs_the_body_twice(&self) {
        // Where the hedge has no place at all, that is said already.
        let is_misplaced = self.find(Kind::Saga).is_some()
            || self.one_at_a_time_below_the_hedge().is_some()
            || self.hedge_stands_in_a_transaction()
            || self.lock_above_the_hedge().is_some() && !self.allowed.uses(Rule::Order);
        let rule = Rule::HedgeWithoutIdempotency;
        if let Some((_, hedge)) = self.hedge()
            && !is_misplaced
            && !self.allowed.uses(rule)
        {
            self.diagnostics.error_at(
                hedge.span,
                format!(
                    "#[hedge] runs the body a second time while the first may still have its effect\n\
                     say that running twice is safe: `allow({rule})`, or remove #[hedge]"
                ),
            );
        }
    }

    /// All attempts have the same key, for which one of them runs and the others wait:
    ///
    /// ```text
    /// #[hedge(delay = 50ms)]
    /// #[idempotent(key = order.id)]
    /// ```
    fn a_hedge_does_not_wait_for_its_first_attempt(&self) {
        if let Some(policy) = self.one_at_a_time_below_the_hedge()
            && !self.hedge_stands_in_a_transaction()
        {
            let name = policy.kind().name();
            self.diagnostics.error_at(
                policy.span(),
                format!(
                    "#[hedge] can never help: the #[{name}] below it makes the second attempt wait \
                     for the first\n\
                     move #[{name}] above #[hedge], or remove #[hedge]"
                ),
            );
        }
    }

    fn one_at_a_time_below_the_hedge(&self) -> Option<&Policy> {
        let (hedge, _) = self.hedge()?;
        let mut below = self.policies.iter().skip(hedge + 1);
        below.find(|policy| {
            matches!(
                policy.kind(),
                Kind::Idempotent | Kind::Locked | Kind::SingleFlight
            )
        })
    }

    /// A lock keeps other calls out, and the hedge of its own call is let in:
    ///
    /// ```text
    /// #[locked(key = document.id)]
    /// #[hedge(delay = 50ms)]
    /// ```
    fn a_hedge_does_not_break_a_lock(&self) {
        if let (Some(_), Some((_, hedge))) = (self.lock_above_the_hedge(), self.hedge()) {
            self.warn_at(
                Rule::Order,
                hedge.span,
                "#[hedge] runs two bodies inside of one #[locked], which is there to have one at a \
                 time\nremove #[hedge]",
            );
        }
    }

    fn lock_above_the_hedge(&self) -> Option<&Policy> {
        let (hedge, _) = self.hedge()?;
        let mut above = self.policies.iter().take(hedge);
        above.find(|policy| policy.kind() == Kind::Locked)
    }

    /// Who gets a stored result needs no lock, and would wait for one that belongs to other work. The
    /// calls of one key are kept apart by `#[idempotent]` itself.
    fn a_replay_does_not_wait_for_a_lock(&self) {
        if let (Some(lock), Some(idempotent)) =
            (self.position(Kind::Locked), self.position(Kind::Idempotent))
            && lock < idempotent
            && let Some(policy) = self.policies.get(lock)
        {
            self.warn_at(
                Rule::Order,
                policy.span(),
                "#[locked] above #[idempotent] makes a stored result wait for the lock\n\
                 move #[locked] below #[idempotent]",
            );
        }
    }

    /// Our attributes are one stack, which the first of them expands. What stands between them ends up
    /// outside of all:
    ///
    /// ```text
    /// #[retry]                       #[tracing::instrument]
    /// #[tracing::instrument]    →    #[retry]
    /// #[timeout(1s)]                 #[timeout(1s)]
    /// ```
    fn attributes_of_others_stand_outside(&self) {
        for separator in self.separators {
            let written = separator
                .path
                .to_token_stream()
                .to_string()
                .replace(' ', "");
            let (above, below) = (separator.above.name(), separator.below.name());
            self.warn(
                Rule::SeparatedAttributes,
                &separator.path,
                &format!(
                    "#[{written}] does not stay between #[{above}] and #[{below}]: it becomes the \
                     outermost\nmove it above #[{above}] or below #[{below}]"
                ),
            );
        }
    }
}
