//! A process on PostgreSQL takes a saga over from one that was killed, and is killed itself at every message from the end of
//! its opening on: claims, what is left of the saga, its end, its letter.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use resilience_test_support::proxy::Freeze;
use resilience_test_support::server::say;
use resilience_test_support::wait;

use crate::ground::{Ground, Kind, block_on};
use crate::judge::{Allowed, judge};
use crate::ledger::{Action, Moment, Stop};
use crate::shop::{Order, Plan};
use crate::worker::{Errand, Worker, finish};

/// How many are killed at once, each on a database of its own.
const AT_ONCE: usize = 4;

/// Sagas that processes leave which die at `stop`.
struct Left {
    ground: Ground,
    plan: Plan,
    stop: Stop,
}

impl Left {
    fn new(plan: Plan, stop: Stop) -> Option<Self> {
        let ground = Ground::new(Kind::Postgres)?;
        Some(Self { ground, plan, stop })
    }

    /// A process dies and leaves a saga.
    fn one(&self, id: u64) -> Order {
        let plan = self.plan;
        let order = Order { id, plan };
        let errand = Errand::new(&self.ground, vec![order]);
        let stop = Some(self.stop);
        Worker::start(&Errand { stop, ..errand }).dies();
        block_on(self.ground.bury());
        order
    }

    /// At which messages a process opens, takes the saga over and brings it to its end.
    fn undisturbed(&self) -> (u64, u64) {
        let order = self.one(0);
        let (ledger, (proxy, url)) = (self.ground.ledger(), self.ground.network());
        let worker = Worker::start(&Errand {
            url,
            number: Some(0),
            leaves: true,
            ..Errand::new(&self.ground, vec![order])
        });
        wait::until("a worker", || ledger.is_raised("ready0"));
        let opened = proxy.requests();
        ledger.raise("go0");
        wait::until("an answer", || !ledger.told(0).is_empty());
        let all = proxy.requests();
        worker.end();
        (opened, all)
    }

    /// Kills who takes it over at this message, unless that comes to an end before; whether it was killed.
    fn kill_at(&self, order: Order, message: u64, freeze: Freeze) -> bool {
        let (ledger, (proxy, url)) = (self.ground.ledger(), self.ground.network());
        proxy.freeze_at(message, freeze);
        let worker = Worker::start(&Errand {
            url,
            ..Errand::new(&self.ground, vec![order])
        });
        wait::until("it to be cut off, or to answer", || {
            proxy.is_frozen() || !ledger.told(order.id).is_empty()
        });
        let is_killed = proxy.is_frozen();
        worker.kill9();
        proxy.reset();
        is_killed
    }

    /// A third process brings it to its end.
    async fn finish(&self, order: Order) {
        self.ground.bury().await;
        let runtime = self.ground.open().await;
        finish(&self.ground, &runtime, &[order]).await;
        runtime.shutdown().await;
    }

    /// How many effects were had again.
    async fn judge(&self) -> usize {
        let runtime = self.ground.open().await;
        let allowed = Allowed {
            interruptions: 2,
            ..Allowed::default()
        };
        let verdict = judge(&self.ground, &runtime, allowed).await;
        runtime.shutdown().await;
        verdict.repeated
    }
}

fn kill_at_every_message(plan: Plan, stop: Stop, messages_min: u64) {
    let grounds: Vec<Left> = (0..AT_ONCE).map_while(|_| Left::new(plan, stop)).collect();
    let Some(first) = grounds.first() else {
        return;
    };
    let (opened, all) = first.undisturbed();
    // The round begins while the worker opens.
    let begins = opened.saturating_sub(6);
    // What the server has done is the same before a message, and in it, as after the one before.
    let points: Vec<(u64, Freeze)> = (begins..=all)
        .flat_map(|message| {
            match message % 4 {
                0 => vec![Freeze::Within, Freeze::After],
                _ => vec![Freeze::After],
            }
            .into_iter()
            .map(move |freeze| (message, freeze))
        })
        .collect();
    let (next, killed) = (AtomicUsize::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for left in &grounds {
            scope.spawn(|| {
                loop {
                    let point = next.fetch_add(1, Ordering::Relaxed);
                    let Some((message, moment)) = points.get(point).copied() else {
                        break;
                    };
                    let order = left.one(1 + u64::try_from(point).expect("small"));
                    let is_killed = left.kill_at(order, message, moment);
                    killed.fetch_add(u64::from(is_killed), Ordering::Relaxed);
                    block_on(left.finish(order));
                }
            });
        }
    });
    let repeated = grounds.iter().map(|left| block_on(left.judge()));
    let (killed, repeated) = (killed.into_inner(), repeated.sum::<usize>());
    say(&format!(
        "kills of who takes over: {plan:?}: {killed} processes at messages {begins} to {all}, {repeated} effects had again"
    ));
    assert!(killed >= messages_min, "{killed} processes");
}

#[test]
fn a_takeover_survives_a_kill_at_every_message() {
    let stop = Stop {
        action: Action::Do(2),
        moment: Moment::After,
        kills: true,
    };
    kill_at_every_message(Plan::Succeed, stop, 20);
}

/// Two is written down as in doubt before it begins again.
#[test]
fn a_takeover_in_a_step_in_doubt_survives_a_kill_at_every_message() {
    let stop = Stop {
        action: Action::Do(2),
        moment: Moment::After,
        kills: true,
    };
    kill_at_every_message(Plan::InDoubt, stop, 20);
}

#[test]
fn a_takeover_of_what_is_undone_survives_a_kill_at_every_message() {
    let stop = Stop {
        action: Action::Undo(2),
        moment: Moment::After,
        kills: true,
    };
    kill_at_every_message(Plan::FailForGood, stop, 20);
}
