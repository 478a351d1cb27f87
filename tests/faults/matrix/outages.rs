//! Servers that are slow, cut off, stopped and started again, in the middle of a call.

use std::time::Duration;

use resilience_test_support::proxy::Cut;

use super::effects::{Effects, Point, Told};
use super::ground::{Ground, Kind};
use super::operations::{Operation, warm_up};
use super::process::{answer, call};

super::on_every_server!(
    a_message_or_its_answer_that_is_cut_off_is_sent_again,
    a_slow_server_changes_nothing,
    a_server_that_is_down_refuses_and_the_body_does_not_run,
    a_server_that_comes_back_within_the_lease_has_the_result,
    a_server_that_comes_back_after_the_lease_has_no_result,
    a_body_is_stopped_when_its_lease_cannot_be_renewed,
);

/// What a process answers that has nothing to do with the call that was made.
async fn elsewhere(ground: &Ground, effects: &Effects, operation: Operation, key: u64) -> Told {
    let runtime = ground.open().await;
    let told = answer(call(&runtime, effects, operation, key)).await;
    assert_eq!(runtime.shutdown().await.left, 0);
    told
}

async fn a_message_or_its_answer_that_is_cut_off_is_sent_again(ground: Ground) {
    let (proxy, address) = ground.network();
    let runtime = address.open().await;
    warm_up(&runtime).await;
    let mut key = 0;
    for operation in [Operation::Pay, Operation::Enter] {
        for at in [None, Some(Point::Ended)] {
            for cut in [Cut::Before, Cut::After] {
                key += 1;
                let (effects, cuts) = (ground.effects(), proxy.cuts());
                if at.is_none() {
                    proxy.cut_at(1, cut);
                }
                let cut_off = call(&runtime, &effects.held_at(at), operation, key);
                if let Some(at) = at {
                    effects.wait_for(1, at);
                    proxy.cut_at(1, cut);
                    effects.release(at);
                }
                let first = answer(cut_off).await;
                let case = format!("{operation:?} {at:?} {cut:?}");
                assert!(first.is_ok(), "{case}: {first:?}");
                // A lock is given back behind the caller's back.
                let next = elsewhere(&ground, &effects, operation, key).await;
                let runs = if operation == Operation::Pay { 1 } else { 2 };
                assert_eq!(next == first, runs == 1, "{case}: {next:?}");
                assert_eq!(effects.counts(), (runs, runs), "{case}");
                let run = effects.begun()[0];
                assert_eq!((run.attempt, run.interrupted), (1, false), "{case}");
                assert_eq!(proxy.cuts(), cuts + 1, "{case}");
            }
        }
    }
    assert_eq!(runtime.shutdown().await.left, 0);
}

async fn a_slow_server_changes_nothing(ground: Ground) {
    let (proxy, address) = ground.network();
    let runtimes = [address.open().await, address.open().await];
    proxy.set(|faults| faults.latency = Duration::from_millis(300));
    let effects = ground.effects();
    let of = |operation| {
        runtimes
            .each_ref()
            .map(|runtime| call(runtime, &effects, operation, 1))
    };
    let (pays, enters) = (of(Operation::Pay), of(Operation::Enter));
    let mut results = Vec::new();
    for pay in pays {
        results.push(answer(pay).await);
    }
    results.dedup();
    assert!(matches!(&results[..], [Ok(_)]), "{results:?}");
    for enter in enters {
        assert!(answer(enter).await.is_ok());
    }
    // One for all who paid, and one for each who entered.
    assert_eq!(effects.counts(), (3, 3));
    proxy.heal();
    for runtime in runtimes {
        assert_eq!(runtime.shutdown().await.left, 0);
    }
}

async fn a_server_that_is_down_refuses_and_the_body_does_not_run(mut ground: Ground) {
    let (effects, runtime) = (ground.effects(), ground.open().await);
    ground.stop_server();
    for operation in [Operation::Book, Operation::Visit] {
        let refused = answer(call(&runtime, &effects, operation, 1)).await;
        assert_eq!(refused, Err("Store".to_owned()));
    }
    assert_eq!(effects.counts(), (0, 0));
    for operation in [Operation::BookAnyway, Operation::VisitAnyway] {
        let unprotected = answer(call(&runtime, &effects, operation, 1)).await;
        assert!(unprotected.is_ok(), "{operation:?}: {unprotected:?}");
    }
    assert_eq!(effects.counts(), (2, 2));
    ground.start_server();
    for operation in [Operation::Book, Operation::Visit] {
        let told = answer(call(&runtime, &effects, operation, 1)).await;
        assert!(told.is_ok(), "{operation:?}: {told:?}");
    }
    assert_eq!(effects.counts(), (4, 4));
    let run = effects.begun()[2];
    assert_eq!((run.attempt, run.interrupted), (1, false));
    assert_eq!(runtime.shutdown().await.left, 0);
}

async fn a_server_that_comes_back_within_the_lease_has_the_result(mut ground: Ground) {
    const SHORT: Duration = Duration::from_millis(200);
    /// Longer than a store waits for its server before it fails.
    const LONG: Duration = Duration::from_millis(1500);
    let runtime = ground.open().await;
    // Stopped before the body ends, or after it.
    let cases = [
        (Point::Begun, Operation::Pay, SHORT),
        (Point::Ended, Operation::Pay, LONG),
        (Point::Begun, Operation::Enter, SHORT),
        (Point::Ended, Operation::Enter, LONG),
    ];
    for (key, (at, operation, lasts)) in (0..).zip(cases) {
        let effects = ground.effects();
        let held = call(&runtime, &effects.held_at(at), operation, key);
        effects.wait_for(1, at);
        ground.stop_server();
        effects.release(at);
        tokio::time::sleep(lasts).await;
        ground.start_server();
        let first = answer(held).await;
        assert!(first.is_ok(), "{at:?} {operation:?}: {first:?}");
        let next = elsewhere(&ground, &effects, operation, key).await;
        let runs = if operation == Operation::Pay { 1 } else { 2 };
        assert_eq!(next == first, runs == 1, "{at:?} {operation:?}: {next:?}");
        assert_eq!(effects.counts(), (runs, runs), "{at:?} {operation:?}");
    }
    assert_eq!(runtime.shutdown().await.left, 0);
}

async fn a_server_that_comes_back_after_the_lease_has_no_result(mut ground: Ground) {
    let (effects, runtime) = (ground.effects(), ground.open().await);
    let held = call(&runtime, &effects.held_at(Point::Ended), Operation::Book, 1);
    effects.wait_for(1, Point::Ended);
    ground.stop_server();
    effects.release(Point::Ended);
    let not = Err("NotRecorded".to_owned());
    assert_eq!(answer(held).await, not);
    assert_eq!(effects.counts(), (1, 1));
    ground.start_server();
    let next = elsewhere(&ground, &effects, Operation::Book, 1).await;
    assert!(next.is_ok(), "{next:?}");
    assert_eq!(effects.counts(), (2, 2));
    let [first, second] = effects.begun()[..] else {
        panic!("two have run");
    };
    assert_eq!((second.attempt, second.interrupted), (2, true));
    assert!(first.token < second.token);
    assert_eq!(
        answer(call(&runtime, &effects, Operation::Book, 1)).await,
        next
    );
    assert_eq!(runtime.shutdown().await.left, 0);
}

async fn a_body_is_stopped_when_its_lease_cannot_be_renewed(mut ground: Ground) {
    let runtime = ground.open().await;
    let effects = [ground.effects(), ground.effects()];
    let operations = [Operation::Book, Operation::Visit];
    let calls = [0, 1].map(|number| {
        let effects = effects[number].held_at(Point::Begun);
        call(&runtime, &effects, operations[number], 1)
    });
    effects
        .iter()
        .for_each(|effects| effects.wait_for(1, Point::Begun));
    ground.stop_server();
    for call in calls {
        assert_eq!(answer(call).await, Err("LeaseLost".to_owned()));
    }
    for (effects, operation) in effects.iter().zip(operations) {
        effects.release(Point::Begun);
        assert_eq!(effects.counts(), (1, 0), "{operation:?}");
    }
    ground.start_server();
    for (effects, operation) in effects.iter().zip(operations) {
        let next = elsewhere(&ground, effects, operation, 1).await;
        assert!(next.is_ok(), "{operation:?}: {next:?}");
        assert_eq!(effects.counts(), (2, 1), "{operation:?}");
        let run = effects.begun()[1];
        let is_key = operation == Operation::Book;
        assert_eq!((run.attempt == 2, run.interrupted), (is_key, is_key));
    }
    assert_eq!(runtime.shutdown().await.left, 0);
}

mod sessions {
    use super::sessions_that_are_terminated_are_replaced;
    super::super::on! { postgres: Postgres, new: sessions_that_are_terminated_are_replaced }
}

async fn sessions_that_are_terminated_are_replaced(ground: Ground) {
    const TERMINATE: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert_eq!(ground.kind, Kind::Postgres);
    let (here, there) = (ground.open().await, ground.open().await);
    for (key, operation) in [(1, Operation::Book), (2, Operation::Visit)] {
        let effects = ground.effects();
        let held = call(&here, &effects.held_at(Point::Begun), operation, key);
        effects.wait_for(1, Point::Begun);
        let waits = call(&there, &effects, operation, key);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(ground.ask(TERMINATE).await > 0);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!waits.is_finished());
        effects.release(Point::Begun);
        let (first, second) = (answer(held).await, answer(waits).await);
        assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
        let runs = if operation == Operation::Book { 1 } else { 2 };
        assert_eq!(first == second, runs == 1);
        assert_eq!(effects.counts(), (runs, runs));
    }
    for runtime in [here, there] {
        assert_eq!(runtime.shutdown().await.left, 0);
    }
}
