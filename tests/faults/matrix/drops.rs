//! Callers who go away at any await: what they held is free at once.

use std::cell::Cell;
use std::time::Duration;

use resilience_test_support::cancel::{Run, at_every_await};
use resilience_test_support::server::say;
use resilience_test_support::wait;

use super::ground::{Ground, Kind};
use super::operations::Operation;
use super::process::{answer, call};

super::on_every_store!(
    a_call_that_is_dropped_frees_its_key,
    a_call_that_is_dropped_frees_its_lock,
);

async fn a_call_that_is_dropped_frees_its_key(ground: Ground) {
    free(ground, Operation::Pay).await;
}

async fn a_call_that_is_dropped_frees_its_lock(ground: Ground) {
    free(ground, Operation::Enter).await;
}

/// The leases of these operations are longer than the test: what comes back is given back.
async fn free(ground: Ground, operation: Operation) {
    let effects = ground.effects().taking(Duration::from_millis(1));
    let network = (ground.kind != Kind::Sqlite).then(|| ground.network());
    let here = match &network {
        Some((proxy, address)) => {
            // Else an answer may be there before it is waited for, and there is nothing to drop.
            proxy.set(|faults| faults.latency = Duration::from_millis(1));
            address.open().await
        }
        None => ground.open().await,
    };
    let there = ground.open().await;
    let key = Cell::new(0);
    let replays = Cell::new(0);
    let summary = at_every_await(
        || {
            key.set(key.get() + 1);
            let (here, effects, key) = (here.clone(), effects.clone(), key.get());
            async move { here.scope(operation.call(&effects, key)).await }
        },
        |run: Run| {
            let (begun, _) = effects.counts();
            let (there, effects, replays) = (&there, &effects, &replays);
            let key = key.get();
            async move {
                let next = answer(call(there, effects, operation, key)).await;
                assert!(next.is_ok(), "{run:?}: {next:?}");
                let (now, _) = effects.counts();
                if operation == Operation::Enter || !run.completed && now > begun {
                    assert_eq!(now, begun + 1, "{run:?}");
                } else {
                    assert_eq!(now, begun, "{run:?}");
                    replays.set(replays.get() + 1);
                }
            }
        },
    )
    .await;
    say(&format!(
        "drops: {operation:?} {:?}: {summary:?}",
        ground.kind
    ));
    // Before it begins, in the claim, in the body and in what comes after it, each of them asleep and woken.
    assert!(summary.dropped >= 6, "{summary:?}");
    if operation == Operation::Pay {
        // A result that was on its way arrives, although nobody waits for it.
        assert!(
            replays.get() >= summary.completed,
            "{replays:?} {summary:?}"
        );
    }
    for runtime in [here, there] {
        let ended = tokio::time::timeout(wait::PATIENCE, runtime.shutdown());
        assert_eq!(ended.await.expect("nothing is held").left, 0);
    }
}
