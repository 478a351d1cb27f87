//! Which policy stands above which.

use quote::ToTokens;

use super::{Rule, Subject};
use crate::policy::{Kind, Policy};

impl Subject<'_> {
    pub(super) fn check_order(&self) {
        self.no_policy_stands_twice();
        self.a_fallback_hides_failures_from_nobody();
        self.a_fallback_is_not_stored();
        self.a_bulkhead_is_not_held_in_pauses();
        self.a_hedged_function_is_idempotent();
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
            self.judge_at(
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
            self.judge_at(
                Rule::BulkheadHeldInPauses,
                policy.span(),
                "#[bulkhead] above #[retry] holds its place during the pauses\n\
                 move it below #[retry]",
            );
        }
    }

    /// Two attempts run beside each other, and both may have their effect.
    fn a_hedged_function_is_idempotent(&self) {
        if let (Some((_, hedge)), None) = (self.hedge(), self.find(Kind::Idempotent)) {
            self.judge_at(
                Rule::HedgeWithoutIdempotency,
                hedge.span,
                "#[hedge] runs the body a second time while it may still have its effect\n\
                 put #[idempotent(key = ..)] below it",
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
            self.judge(
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
