//! Many at once.

use resilience_runtime::idempotency::store::{Claim, IdempotencyStore, Release};

use super::{Caller, told};
use crate::fixture::{Fixture, SHORT, at_once, dies};

/// How many were granted, with attempt and whether interrupted, and how many found the key busy.
fn counted(claims: &[Claim]) -> (Vec<(u32, bool)>, usize) {
    let granted = claims.iter().filter_map(|claim| match claim {
        Claim::Granted(grant) => Some(told(*grant)),
        _ => None,
    });
    let busy = claims.iter().filter(|it| matches!(it, Claim::Busy(_)));
    (granted.collect(), busy.count())
}

pub(crate) async fn one_of_many_gets_the_key(fixture: impl Fixture<Store: IdempotencyStore>) {
    let stores = [fixture.worker().await, fixture.worker().await];
    let claims = at_once(100, |number| {
        let store = stores[usize::from(number.is_multiple_of(2))].clone();
        async move { Ok(Caller::of(1).claims(&store).await) }
    })
    .await;
    assert_eq!(counted(&claims), (vec![(1, false)], 99));
}

pub(crate) async fn one_of_many_takes_the_key_of_a_worker_that_is_gone(
    fixture: impl Fixture<Store: IdempotencyStore>,
) {
    let stores = [fixture.worker().await, fixture.worker().await];
    let crashes = fixture.worker().await;
    Caller::of(1).leased(SHORT).granted(&crashes).await;
    dies(&fixture, crashes, stores[0].ownership()).await;
    let claims = at_once(20, |number| {
        let store = stores[usize::from(number.is_multiple_of(2))].clone();
        async move { Ok(Caller::of(1).claims(&store).await) }
    })
    .await;
    assert_eq!(counted(&claims), (vec![(2, true)], 19));
}

pub(crate) async fn many_keys_at_once_do_not_meet(fixture: impl Fixture<Store: IdempotencyStore>) {
    let stores = [fixture.worker().await, fixture.worker().await];
    let store = |number: u32| stores[usize::from(number.is_multiple_of(2))].clone();
    let ends = at_once(250, |number| {
        let store = store(number);
        async move {
            let caller = Caller::of(number);
            let first = told(caller.granted(&store).await);
            if number % 3 == 0 {
                caller.releases(&store, Release::Failed).await;
            } else {
                caller.completes(&store, &number.to_string()).await;
            }
            Ok(first)
        }
    })
    .await;
    assert_eq!(ends, [(1, false); 250]);
    let claims = at_once(250, |number| {
        let store = store(number + 1);
        async move { Ok(Caller::of(number).claims(&store).await) }
    })
    .await;
    for (number, claim) in (0_u32..).zip(claims) {
        match claim {
            Claim::Granted(grant) if number % 3 == 0 => assert_eq!(told(grant), (2, false)),
            Claim::Completed(record) if number % 3 != 0 => {
                assert_eq!(*record.content, number.to_string());
            }
            other => panic!("{number}: {}", super::word(&other)),
        }
    }
}
