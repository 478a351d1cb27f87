//! PostgreSQL answers, and the answer is lost; or it is away while sagas are under way. Nobody is undone because of it, and nothing
//! that was done is done again.

use std::time::Duration;

use resilience::Runtime;
use resilience_test_support::proxy::Cut;
use resilience_test_support::server::{Postgres, say};
use resilience_test_support::wait;

use crate::ground::{self, Ground, Kind, block_on};
use crate::judge::{Allowed, judge};
use crate::ledger::{Action, Moment, Stop, Told};
use crate::shop::{Order, Plan};
use crate::worker::{Errand, Worker, finish};

/// Cuts the connection at one message of each saga: the first, the second …, until a saga has none left.
fn cut_at_every_message(plan: Plan, cut: Cut) {
    let Some(mut ground) = Ground::new(Kind::Postgres) else {
        return;
    };
    block_on(async {
        let (proxy, url) = ground.network();
        ground.url = url;
        let runtime = ground.open().await;
        let mut message = 0;
        loop {
            let cuts = proxy.cuts();
            proxy.cut_at(1 + message, cut);
            let order = Order { id: message, plan };
            finish(&ground, &runtime, &[order]).await;
            if proxy.cuts() == cuts {
                break;
            }
            message += 1;
        }
        proxy.cut_nothing();
        judge(&ground, &runtime, Allowed::default()).await;
        runtime.shutdown().await;
        say(&format!("cuts: {plan:?} {cut:?}: {message} messages"));
        assert!(message >= 4, "{message} messages");
    });
}

/// Beside each other: most of the time is spent in the pauses before connections are made again.
fn cut_each(cut: Cut) {
    std::thread::scope(|scope| {
        for plan in [Plan::Succeed, Plan::FailForGood, Plan::FailNested] {
            scope.spawn(move || cut_at_every_message(plan, cut));
        }
    });
}

#[test]
fn an_answer_that_is_lost_is_looked_up() {
    cut_each(Cut::After);
}

#[test]
fn a_message_that_is_lost_is_sent_again() {
    cut_each(Cut::Before);
}

const HELD: Stop = Stop {
    action: Action::Do(2),
    moment: Moment::After,
    kills: false,
};

fn orders() -> Vec<Order> {
    let plans = [
        Plan::Succeed,
        Plan::Fail,
        Plan::FailForGood,
        Plan::Beside,
        Plan::Nested,
        Plan::InDoubt,
    ];
    let order = |(id, plan)| Order { id, plan };
    (0..).zip(plans).map(order).collect()
}

/// Longer than many leases, and than every pause between two tries.
const AWAY: Duration = Duration::from_secs(30);

/// One process alone, and two that have their sagas from each other: both on one server, which is away once.
#[test]
fn a_server_that_is_away_for_half_a_minute_in_the_middle_of_steps_is_waited_for() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let grounds = ["alone", "shared"].map(|name| Ground::on(&server, name));
    let ([alone, shared], orders) = (&grounds, orders());
    let worker = Worker::start(&Errand {
        stop: Some(HELD),
        ..Errand::new(shared, orders.clone())
    });
    block_on(async {
        let stopping = alone.ledger().stopping(Some(HELD));
        let runtime = ground::runtime(&alone.url, &stopping).scoped().open();
        let runtime: Runtime = runtime.await.expect("the store opens");
        let other = shared.open().await;
        let away = async {
            let is_held = |ground: &Ground, order: &Order| {
                ground.ledger().is_raised(&format!("held{}", order.id))
            };
            let are_held = |ground| orders.iter().all(|order| is_held(ground, order));
            while !grounds.iter().all(are_held) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            server.stop_immediately();
            grounds
                .iter()
                .for_each(|ground| ground.ledger().raise("go"));
            tokio::time::sleep(AWAY).await;
            tokio::task::block_in_place(|| server.restart());
        };
        let ended = async { tokio::join!(finish(alone, &runtime, &orders), away) };
        let ended = tokio::time::timeout(AWAY + wait::PATIENCE, ended).await;
        ended.expect("every saga ends");
        let verdict = judge(alone, &runtime, Allowed::default()).await;
        assert_eq!(verdict.repeated, 0);
        runtime.shutdown().await;
        let ended = tokio::time::timeout(wait::PATIENCE, finish(shared, &other, &orders)).await;
        ended.expect("every saga ends");
        judge_two(shared, &other, worker).await;
        other.shutdown().await;
    });
}

/// Each saga was run by one process at a time.
async fn judge_two(ground: &Ground, runtime: &Runtime, worker: Worker) {
    let ledger = ground.ledger();
    ledger.raise("closed");
    let process = worker.id();
    worker.end();
    let allowed = Allowed {
        interruptions: 1,
        zombie: Some(process),
    };
    let verdict = judge(ground, runtime, allowed).await;
    let superseded = orders().into_iter().flat_map(|order| ledger.told(order.id));
    let superseded = superseded.filter(|told| *told == Told::Superseded).count();
    say(&format!(
        "a server that comes back to two processes: {} effects had again, {superseded} superseded",
        verdict.repeated
    ));
}
