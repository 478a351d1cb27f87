//! Keys that move between the nodes of a cluster.

use resilience_runtime::idempotency::store::{Completion, IdempotencyStore as _};
use resilience_runtime::store::redis::RedisStore;
use resilience_test_support::server::{Cluster, Redis};

use crate::fixture::digest;
use crate::holders::Asker;
use crate::records::Caller;
use crate::wire::calls;

fn slot(node: &Redis, caller: Caller) -> String {
    let slot = node.ask(&["CLUSTER", "KEYSLOT", &caller.key().to_string()]);
    slot.trim_start_matches(':').to_owned()
}

/// The node that has the slot, and another one.
fn owner(cluster: &Cluster, slot: &str) -> (usize, usize) {
    let slot: u16 = slot.parse().unwrap();
    let owner = usize::from(slot >= 5461) + usize::from(slot >= 10923);
    (owner, (owner + 1) % cluster.nodes().len())
}

#[tokio::test]
async fn a_slot_that_has_moved_or_is_moving_is_followed() {
    let cluster = Cluster::start().unwrap();
    let nodes = cluster.nodes();
    let id = |node: usize| nodes[node].ask(&["CLUSTER", "MYID"]);
    let store = RedisStore::connect(&cluster.url()).await.unwrap();
    // Learns the map.
    Caller::of(1).granted(&store).await;

    let caller = Caller::of(2);
    let moved = slot(&nodes[0], caller);
    let (from, to) = owner(&cluster, &moved);
    for node in [to, from, 3 - from - to] {
        let done = nodes[node].ask(&["CLUSTER", "SETSLOT", &moved, "NODE", &id(to)]);
        assert_eq!(done, "+OK");
    }
    caller.granted(&store).await;
    let there = nodes[to].ask(&["CLUSTER", "COUNTKEYSINSLOT", &moved]);
    assert_eq!(there, ":1");
    assert_eq!(caller.completes(&store, "1").await, Completion::Stored);
    // The one redirection was enough, and nobody had to be asked twice.
    assert_eq!(calls(&nodes[to], "asking"), 0);

    // A key that is not there yet is made where the slot goes to.
    let caller = Caller::of(3);
    let moving = slot(&nodes[0], caller);
    let (from, to) = owner(&cluster, &moving);
    let importing = nodes[to].ask(&["CLUSTER", "SETSLOT", &moving, "IMPORTING", &id(from)]);
    let migrating = nodes[from].ask(&["CLUSTER", "SETSLOT", &moving, "MIGRATING", &id(to)]);
    assert_eq!([importing, migrating], ["+OK", "+OK"]);
    caller.granted(&store).await;
    assert_eq!(caller.completes(&store, "1").await, Completion::Stored);
    assert_eq!(caller.another().record(&store).await, caller.value("1"));
    let there = nodes[to].ask(&["CLUSTER", "COUNTKEYSINSLOT", &moving]);
    assert_eq!(there, ":1");
}

#[tokio::test]
async fn a_lock_with_a_line_is_taken_while_its_slot_is_moving() {
    let cluster = Cluster::start().unwrap();
    let nodes = cluster.nodes();
    let id = |node: usize| nodes[node].ask(&["CLUSTER", "MYID"]);
    let store = RedisStore::connect(&cluster.url()).await.unwrap();
    let (here, new) = (Asker::of(1), Asker::of(2));
    here.granted(&store).await;
    let waiter = here.another().waiting();
    waiter.busy(&store).await;
    for (key, is_there) in [(digest(1), true), (digest(2), false)] {
        let key = key.to_string();
        let slot = nodes[0].ask(&["CLUSTER", "KEYSLOT", &key]);
        let slot = slot.trim_start_matches(':');
        let (from, to) = owner(&cluster, slot);
        let importing = nodes[to].ask(&["CLUSTER", "SETSLOT", slot, "IMPORTING", &id(from)]);
        let migrating = nodes[from].ask(&["CLUSTER", "SETSLOT", slot, "MIGRATING", &id(to)]);
        assert_eq!([importing, migrating], ["+OK", "+OK"]);
        if is_there {
            here.releases(&store).await;
            waiter.granted(&store).await;
            waiter.releases(&store).await;
        } else {
            new.granted(&store).await;
            new.another().waiting().busy(&store).await;
            new.releases(&store).await;
        }
    }
}

#[tokio::test]
async fn who_waits_on_one_node_hears_what_is_published_on_another() {
    let cluster = Cluster::start().unwrap();
    let holder = RedisStore::connect(&cluster.url()).await.unwrap();
    let store = RedisStore::connect(&cluster.url()).await.unwrap();
    for number in 0..10 {
        let caller = Caller::of(number);
        caller.granted(&holder).await;
        let busy = caller.another().busy(&store).await;
        caller.completes(&holder, "1").await;
        let pushed = tokio::time::timeout(crate::fixture::AT_LAST, busy.woken).await;
        assert_eq!(pushed.unwrap(), Some(caller.value("1")));
    }
}

#[tokio::test]
async fn nodes_that_are_gone_are_waited_for_not_for_long_and_found_again() {
    let mut cluster = Cluster::start().unwrap();
    let holder = RedisStore::connect(&cluster.url()).await.unwrap();
    let store = RedisStore::connect(&cluster.url()).await.unwrap();
    Caller::of(1000).granted(&store).await;
    // The one that the store listens at is among them.
    for number in 0..3 {
        cluster.node(number).kill9();
        // Once is enough to see that they fail in time.
        let claims = (0..if number == 0 { 30 } else { 0 }).map(|key| {
            let (caller, store) = (Caller::of(100 * (key + 1)), store.clone());
            tokio::spawn(async move { store.claim(caller.question()).await.map(drop) })
        });
        let claims: Vec<_> = claims.collect();
        let mut failed = 0;
        for claim in claims {
            let claim = tokio::time::timeout(crate::fixture::AT_LAST, claim).await;
            failed += u32::from(claim.unwrap().unwrap().is_err());
        }
        assert_eq!(failed > 0, number == 0);
        cluster.node(number).restart();
        cluster.until_whole();
        let caller = Caller::of(u32::try_from(number).unwrap());
        caller.granted(&holder).await;
        let busy = caller.another().busy(&store).await;
        assert_eq!(caller.completes(&holder, "1").await, Completion::Stored);
        let pushed = tokio::time::timeout(crate::fixture::AT_LAST, busy.woken).await;
        // Woken with nothing, where it has just begun to listen again.
        assert!(
            pushed
                .unwrap()
                .is_none_or(|record| record == caller.value("1"))
        );
    }
}
