//! A process on PostgreSQL takes a saga over from one that was killed, and is killed itself before, in and after every message from
//! the end of its opening on: claims, what is left of the saga, its end, its letter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use resilience_test_support::proxy::{Freeze, Proxy};
use resilience_test_support::server::{Postgres, say};
use resilience_test_support::wait;

use crate::ground::{Ground, LEASE, block_on};
use crate::judge::{Allowed, judge};
use crate::ledger::{Action, Moment, Stop};
use crate::shop::{Order, Plan};
use crate::worker::{Errand, Worker, finish};

/// What a process leaves that dies at `stop`.
struct Left {
    ground: Ground,
    order: Order,
}

impl Left {
    fn by(server: &Postgres, name: &str, plan: Plan, stop: Stop) -> Self {
        let ground = Ground::at(server.create_database(name));
        let order = Order { id: 7, plan };
        let errand = Errand::new(&ground, vec![order]);
        let stop = Some(stop);
        Worker::start(&Errand { stop, ..errand }).dies();
        Self { ground, order }
    }

    /// The worker that takes it over.
    fn errand(&self, proxy: &Proxy) -> Errand {
        Errand {
            url: proxy.in_front_of(&self.ground.url),
            number: Some(1),
            ..Errand::new(&self.ground, vec![self.order])
        }
    }
}

fn kill_at_every_message(plan: Plan, stop: Stop, messages_min: u64) {
    let Some(server) = Postgres::start() else {
        return;
    };
    let count = |name: String| {
        let left = Left::by(&server, &name, plan, stop);
        let (proxy, _) = left.ground.network();
        // The lease of the dead is over, so that the first round finds the saga.
        std::thread::sleep(LEASE + Duration::from_millis(100));
        let ledger = left.ground.ledger();
        let worker = Worker::start(&left.errand(&proxy));
        wait::until("a worker", || ledger.is_raised("ready1"));
        let opened = proxy.requests();
        ledger.raise("go1");
        wait::until("an answer", || !ledger.told(7).is_empty());
        let all = proxy.requests();
        ledger.raise("closed");
        worker.end();
        (opened, all)
    };
    let (opened, all) = count("undisturbed".to_owned());
    // The round begins while the worker opens.
    let first = opened.saturating_sub(6);
    let next = AtomicU64::new(0);
    let (killed, repeated) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let point = next.fetch_add(1, Ordering::Relaxed);
                    let (message, moment) = (first + point / 3, point % 3);
                    if message > all {
                        break;
                    }
                    let freeze = Freeze::ALL[usize::try_from(moment).expect("small")];
                    let name = format!("left{point}");
                    let left = Left::by(&server, &name, plan, stop);
                    killed.fetch_add(u64::from(left.kill_at(message, freeze)), Ordering::Relaxed);
                    let again = left.judge();
                    repeated.fetch_add(again, Ordering::Relaxed);
                }
            });
        }
    });
    let (killed, repeated) = (killed.into_inner(), repeated.into_inner());
    say(&format!(
        "kills of who takes over: {plan:?}: {killed} processes at messages {first} to {all}, {repeated} effects had again"
    ));
    assert!(killed >= 3 * messages_min, "{killed} processes");
}

impl Left {
    /// Kills who takes it over; false if that comes to an end before.
    fn kill_at(&self, message: u64, freeze: Freeze) -> bool {
        let (proxy, _) = self.ground.network();
        std::thread::sleep(LEASE + Duration::from_millis(100));
        proxy.freeze_at(message, freeze);
        let ledger = self.ground.ledger();
        ledger.raise("go1");
        let worker = Worker::start(&self.errand(&proxy));
        wait::until("it to be cut off, or to answer", || {
            proxy.is_frozen() || !ledger.told(7).is_empty()
        });
        let is_killed = proxy.is_frozen();
        worker.kill9();
        proxy.reset();
        is_killed
    }

    /// Finishes it, and judges; how many effects were had again.
    fn judge(&self) -> u64 {
        block_on(async {
            let runtime = self.ground.open().await;
            finish(&self.ground, &runtime, &[self.order]).await;
            let allowed = Allowed {
                interruptions: 2,
                ..Allowed::default()
            };
            let verdict = judge(&self.ground, &runtime, allowed).await;
            runtime.shutdown().await;
            u64::try_from(verdict.repeated).expect("small")
        })
    }
}

#[test]
fn a_takeover_survives_a_kill_at_every_message() {
    let stop = Stop {
        action: Action::Do(2),
        moment: Moment::After,
        kills: true,
    };
    kill_at_every_message(Plan::Succeed, stop, 5);
}

#[test]
fn a_takeover_of_what_is_undone_survives_a_kill_at_every_message() {
    let stop = Stop {
        action: Action::Undo(2),
        moment: Moment::After,
        kills: true,
    };
    kill_at_every_message(Plan::FailForGood, stop, 5);
}
