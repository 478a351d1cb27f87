//! What an answer says about all attempts together, and what a switched policy does.

use std::time::Duration;

use super::*;
use crate::error::Effect;
use crate::outcome::{Origin, Refusal, errors, returns};
use crate::policy::switch::PolicyMode;

type Reply = Answer<(), &'static str>;

const CUT_OFF: Origin = Origin::new(Some(Refusal::TimedOut), Effect::MayHaveRun);
const FINAL: Origin = Origin::new(Some(Refusal::Final), Effect::DidNotRun);

fn hedge(mode: PolicyMode) -> &'static Hedge {
    let hedge: &'static Hedge = Box::leak(Box::new(Hedge::after(Duration::from_millis(10))));
    hedge.switch.set(mode);
    hedge
}

/// The answer of attempts that each take so many milliseconds and end like this, and how many
/// there were.
async fn race(
    hedge: &'static Hedge,
    plans: &[(u64, Result<(), &'static str>, Origin)],
) -> (Reply, usize) {
    let mut started = 0;
    let attempt = || {
        let (millis, result, origin) = plans[started];
        started += 1;
        async move {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Answer { result, origin }
        }
    };
    let function = returns::<Result<(), &'static str>>("shop::price");
    let answer = hedge.race(attempt, function, errors()).await;
    (answer, started)
}

#[tokio::test(start_paused = true)]
async fn failed_attempts_add_up_and_a_success_is_its_own() {
    let enforced = || hedge(PolicyMode::Enforced);
    let (answer, _) = race(
        enforced(),
        &[(1, Err("one"), CUT_OFF), (1, Err("two"), Origin::BODY)],
    )
    .await;
    assert_eq!(answer.result, Err("two"));
    assert_eq!(answer.origin.effect(), Effect::MayHaveRun);
    let (answer, _) = race(
        enforced(),
        &[(99, Ok(()), Origin::BODY), (1, Ok(()), Origin::BODY)],
    )
    .await;
    assert_eq!(answer.origin, Origin::BODY);
    // A record answered the hedge, while the first attempt ran.
    let (answer, _) = race(
        enforced(),
        &[(99, Ok(()), Origin::BODY), (1, Ok(()), Origin::RECORD)],
    )
    .await;
    assert_eq!(answer.origin.effect(), Effect::MayHaveRun);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_good_starts_nothing() {
    let (answer, started) = race(hedge(PolicyMode::Enforced), &[(1, Err("no"), FINAL)]).await;
    assert_eq!((answer.result, started), (Err("no"), 1));
}

#[tokio::test(start_paused = true)]
async fn a_hedge_that_is_off_or_in_the_shadow_starts_nothing() {
    for (mode, counted) in [
        (PolicyMode::Disabled, [0, 0, 0]),
        (PolicyMode::Shadow, [0, 1, 2]),
    ] {
        let hedge = hedge(mode);
        let plans = [
            (5, Ok(()), Origin::BODY),
            // Slow, and then failed: counted once.
            (50, Err("late"), Origin::BODY),
            (5, Err("soon"), Origin::BODY),
        ];
        for (plan, counted) in plans.into_iter().zip(counted) {
            let (answer, started) = race(hedge, &[plan]).await;
            assert_eq!((answer.result, started), (plan.1, 1));
            assert_eq!(hedge.switch.would_have_acted(), counted, "{mode:?}");
        }
    }
}
