//! A process on PostgreSQL is killed before, in and after a renewal of its lease, with sagas under way.

use std::time::Duration;

use resilience_test_support::proxy::Freeze;
use resilience_test_support::wait;
use sqlx::Connection as _;

use crate::ground::{Ground, Kind, block_on};
use crate::judge::{Allowed, judge};
use crate::ledger::{Action, Moment, Stop};
use crate::shop::{Order, Plan};
use crate::worker::{Errand, Worker, finish};

const LEASE: Duration = Duration::from_millis(1_500);

/// The worker that is in the table alone, and when its lease ends, in microseconds.
async fn lease(ground: &Ground) -> (String, i64) {
    const LEASES: &str = "SELECT id::text, (extract(epoch FROM lease_end) * 1000000)::bigint FROM resilience_workers";
    let connection = sqlx::PgConnection::connect(&ground.url).await;
    let mut connection = connection.expect("a server");
    let mut leases = sqlx::query_as(LEASES)
        .fetch_all(&mut connection)
        .await
        .expect("leases");
    connection.close().await.expect("it closes");
    assert_eq!(leases.len(), 1);
    leases.remove(0)
}

/// What every renewal of the lease of `worker` has in it, and of all messages after the store was opened no other: two values, the
/// worker and the length of the lease.
fn renewal(worker: &str) -> Vec<u8> {
    let micros = i64::try_from(LEASE.as_micros()).expect("small");
    [
        &2_i16.to_be_bytes()[..],
        &36_i32.to_be_bytes(),
        worker.as_bytes(),
        &8_i32.to_be_bytes(),
        &micros.to_be_bytes(),
    ]
    .concat()
}

/// Kills it while its sagas are held there.
fn kill_at(freeze: Freeze, action: Action, plans: [Plan; 3]) {
    let Some(ground) = Ground::new(Kind::Postgres) else {
        return;
    };
    let ledger = ground.ledger();
    let order = |(id, plan)| Order { id, plan };
    let orders: Vec<Order> = (0..).zip(plans).map(order).collect();
    let (proxy, url) = ground.network();
    let worker = Worker::start(&Errand {
        url,
        lease: LEASE,
        stop: Some(Stop {
            action,
            moment: Moment::After,
            kills: false,
        }),
        ..Errand::new(&ground, orders.clone())
    });
    wait::until("all to be held", || {
        let mut orders = orders.iter();
        orders.all(|order| ledger.is_raised(&format!("held{}", order.id)))
    });
    block_on(async {
        let (worker_id, _) = lease(&ground).await;
        proxy.hold_at_content(renewal(&worker_id));
        tokio::task::block_in_place(|| wait::until("a renewal", || proxy.holds()));
        // That of the one before it.
        let before = lease(&ground).await;
        proxy.freeze(freeze);
        tokio::task::block_in_place(|| wait::until("its moment", || proxy.is_frozen()));
        let after = lease(&ground).await;
        let is_done = after.1 > before.1;
        assert_eq!(is_done, freeze == Freeze::After, "{before:?} {after:?}");
        worker.kill9();
        proxy.reset();
        // The lease ends by itself.
        let runtime = ground.open().await;
        finish(&ground, &runtime, &orders).await;
        let allowed = Allowed {
            interruptions: 1,
            ..Allowed::default()
        };
        let verdict = judge(&ground, &runtime, allowed).await;
        // What it was held behind was had, and is in no journal.
        assert_eq!(verdict.repeated, 3, "{freeze:?} {action:?}");
        runtime.shutdown().await;
    });
}

/// Beside each other: all of them wait for leases.
#[test]
fn a_kill_at_a_renewal_loses_no_saga() {
    let steps = [Plan::Succeed, Plan::Fail, Plan::Nested];
    let undone = [Plan::Fail, Plan::FailForGood, Plan::InDoubt];
    std::thread::scope(|scope| {
        for freeze in Freeze::ALL {
            scope.spawn(move || kill_at(freeze, Action::Do(2), steps));
            scope.spawn(move || kill_at(freeze, Action::Undo(2), undone));
        }
    });
}
