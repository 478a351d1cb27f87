//! Who has a lock, and how it ends.

use resilience_runtime::lock::store::{LockStore, Ownership};

use super::Asker;
use crate::fixture::{
    EarliestEnd, Fixture, LONG, NEVER, SHORT, at_once, dies, is_over, lease_is_over, until_proven,
};

pub(crate) async fn a_lock_has_one_holder(fixture: impl Fixture<Store: LockStore>) {
    let stores = [fixture.worker().await, fixture.worker().await];
    let lock = Asker::of(1);
    let mut last = None;
    for round in 0..4 {
        let (here, there) = (&stores[round % 2], &stores[(round + 1) % 2]);
        let holder = lock.another();
        let token = holder.granted(here).await;
        assert!(Some(token) > last);
        last = Some(token);
        for store in [here, there] {
            let left = lock.another().busy(store).await.left;
            match here.ownership() {
                Ownership::Process => assert_eq!(left, None),
                // A store of many nodes may not know.
                Ownership::Lease => assert!(left.is_none_or(|left| left <= LONG), "{left:?}"),
            }
        }
        holder.releases(here).await;
    }
}

pub(crate) async fn one_of_many_gets_the_lock(fixture: impl Fixture<Store: LockStore>) {
    let stores = [fixture.worker().await, fixture.worker().await];
    let answers = at_once(100, |number| {
        let store = stores[usize::from(number.is_multiple_of(2))].clone();
        async move { Ok(Asker::of(1).acquires(&store).await.is_ok()) }
    })
    .await;
    assert_eq!(answers.iter().filter(|granted| **granted).count(), 1);
}

pub(crate) async fn asked_again_by_its_holder_it_is_granted_with_the_same_token(
    fixture: impl Fixture<Store: LockStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let holder = Asker::of(1);
    let token = holder.granted(&here).await;
    assert_eq!(holder.granted(&here).await, token);
    assert_eq!(holder.waiting().granted(&here).await, token);
    holder.another().busy(&there).await;
    holder.releases(&here).await;
    holder.another().granted(&there).await;
}

pub(crate) async fn locks_do_not_touch_each_other(fixture: impl Fixture<Store: LockStore>) {
    let store = fixture.worker().await;
    let (first, second) = (Asker::of(1), Asker::of(2));
    first.granted(&store).await;
    second.granted(&store).await;
    first.releases(&store).await;
    second.another().busy(&store).await;
    first.another().granted(&store).await;
}

pub(crate) async fn only_its_holder_releases_a_lock(fixture: impl Fixture<Store: LockStore>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let holder = Asker::of(1);
    // Nobody has it.
    holder.releases(&here).await;
    let token = holder.granted(&here).await;
    for store in [&here, &there] {
        holder.another().releases(store).await;
        holder.another().busy(store).await;
    }
    assert_eq!(holder.granted(&here).await, token);
    holder.releases(&here).await;
    let next = holder.another();
    next.granted(&there).await;
    // The answer to the first release was lost.
    holder.releases(&here).await;
    holder.another().busy(&here).await;
}

pub(crate) async fn tokens_grow_however_a_lock_ends(fixture: impl Fixture<Store: LockStore>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let lock = Asker::of(1);
    let mut last = None;
    for round in 0..30_u32 {
        let store = [&here, &there][usize::from(round % 3 == 0)];
        let holder = lock.another();
        let token = holder.granted(store).await;
        assert!(Some(token) > last, "{round}: {last:?}, {token:?}");
        last = Some(token);
        holder.releases(store).await;
    }
    for _ in 0..2 {
        let crashes = fixture.worker().await;
        let token = lock.another().leased(SHORT).granted(&crashes).await;
        assert!(Some(token) > last);
        last = Some(token);
        dies(&fixture, crashes, here.ownership()).await;
    }
    assert!(Some(lock.granted(&here).await) > last);
}

pub(crate) async fn a_lock_ends_as_the_ownership_says(fixture: impl Fixture<Store: LockStore>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let holder = Asker::of(1);
    holder.granted(&here).await;
    let next = holder.another();
    next.busy(&there).await;
    holder.ends_soon(&here).await;
    lease_is_over().await;
    if here.ownership() == Ownership::Process {
        // Slow is not gone.
        next.busy(&there).await;
        holder.releases(&here).await;
        next.granted(&there).await;
        return;
    }
    let token = next.granted(&there).await;
    // Who comes back has nothing any more.
    assert!(!holder.renews(&here, LONG).await);
    holder.releases(&here).await;
    holder.busy(&here).await;
    assert_eq!(next.granted(&there).await, token);
}

pub(crate) async fn the_lock_of_a_worker_that_is_gone_is_free(
    fixture: impl Fixture<Store: LockStore>,
) {
    let stores = [fixture.worker().await, fixture.worker().await];
    let crashes = fixture.worker().await;
    let lock = Asker::of(1);
    lock.granted(&crashes).await;
    lock.another().busy(&stores[0]).await;
    lock.ends_soon(&crashes).await;
    dies(&fixture, crashes, stores[0].ownership()).await;
    let answers = at_once(20, |number| {
        let store = stores[usize::from(number.is_multiple_of(2))].clone();
        async move { Ok(lock.another().acquires(&store).await.is_ok()) }
    })
    .await;
    assert_eq!(answers.iter().filter(|granted| **granted).count(), 1);
}

pub(crate) async fn a_lease_that_is_renewed_does_not_end(fixture: impl Fixture<Store: LockStore>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    if here.ownership() == Ownership::Process {
        return;
    }
    until_proven(async |key, short| {
        let holder = Asker::of(key).leased(short);
        let mut end = EarliestEnd::of(short);
        let token = holder.granted(&here).await;
        // The last time for longer than a lease.
        for lease in [short, short, short, LONG] {
            tokio::time::sleep(short / 3).await;
            let next = EarliestEnd::of(lease);
            let is_renewed = holder.renews(&here, lease).await;
            end.must_be_ahead()?;
            assert!(is_renewed);
            end = next;
            let other = holder.another().acquires(&there).await;
            end.must_be_ahead()?;
            assert!(other.is_err());
        }
        is_over(short).await;
        holder.another().busy(&there).await;
        assert_eq!(holder.granted(&here).await, token);
        Ok(())
    })
    .await;
}

pub(crate) async fn a_lease_is_renewed_by_its_holder_alone(
    fixture: impl Fixture<Store: LockStore>,
) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    if here.ownership() == Ownership::Process {
        return;
    }
    let holder = Asker::of(1);
    assert!(!holder.renews(&here, LONG).await, "nobody has it");
    holder.granted(&here).await;
    assert!(!holder.another().renews(&there, LONG).await, "another's");
    assert!(holder.renews(&there, LONG).await, "wherever it asks");
    holder.releases(&here).await;
    assert!(!holder.renews(&here, LONG).await, "released");
    holder.another().granted(&there).await;

    let holder = Asker::of(2).leased(SHORT);
    holder.granted(&here).await;
    lease_is_over().await;
    assert!(
        !holder.renews(&here, LONG).await,
        "over, though nobody took it"
    );
    holder.another().granted(&there).await;
}

/// The holder counts its lease from before the question that was answered.
pub(crate) async fn asked_again_a_lease_begins_again(fixture: impl Fixture<Store: LockStore>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    until_proven(async |key, short| {
        let holder = Asker::of(key).leased(short);
        let end = EarliestEnd::of(short);
        let token = holder.granted(&here).await;
        let again = holder.leased(LONG).granted(&here).await;
        end.must_be_ahead()?;
        assert_eq!(again, token);
        is_over(short).await;
        holder.another().busy(&there).await;
        Ok(())
    })
    .await;
}

pub(crate) async fn who_does_not_wait_is_not_woken(fixture: impl Fixture<Store: LockStore>) {
    let (here, there) = (fixture.worker().await, fixture.worker().await);
    let holder = Asker::of(1);
    holder.granted(&here).await;
    let tries = [
        holder.another().busy(&here).await,
        holder.another().busy(&there).await,
    ];
    holder.releases(&here).await;
    for tried in tries {
        let woken = tokio::time::timeout(NEVER, tried.woken).await;
        assert!(woken.is_err());
    }
    // Nor did it get a place in any line.
    let next = holder.another();
    next.granted(&there).await;
    next.releases(&there).await;
    let last = holder.another().waiting();
    // Not every node of a store of many may have heard of the release yet.
    while let Err(taken) = last.acquires(&here).await {
        drop(tokio::time::timeout(NEVER, taken.woken).await);
    }
}
