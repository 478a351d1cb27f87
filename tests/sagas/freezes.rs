//! A process on PostgreSQL is killed before, in and after every message to its server: starts, steps, the decision, compensations,
//! ends and letters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use resilience::Runtime;
use resilience::saga::{SagaFilter, SagaId, Status};
use resilience_test_support::proxy::Freeze;
use resilience_test_support::server::say;
use resilience_test_support::wait;

use crate::ground::{Ground, Kind, block_on};
use crate::judge::{Allowed, judge};
use crate::shop::{Order, Plan};
use crate::worker::{Errand, Worker, finish};

/// How many processes are killed at once: most of their time they wait.
const AT_ONCE: usize = 6;

/// Where the killed process has left its saga: its status, how many steps are recorded, and how many of them are undone.
type Stage = Option<(Status, usize, usize)>;

/// A process that runs one saga through a network that stands still at the `message`-th message from the start on; `None` when it
/// comes to its end before.
fn kill_at(ground: &Ground, order: Order, message: u64, freeze: Freeze) -> Option<()> {
    let ledger = ground.ledger();
    let (proxy, url) = ground.network();
    let mut worker = Worker::start(&Errand {
        url,
        // It does not renew it meanwhile: all that it says is about its saga.
        lease: Duration::from_secs(3600),
        alone: true,
        number: Some(order.id),
        leaves: true,
        ..Errand::new(ground, vec![order])
    });
    wait::until("a worker", || {
        ledger.is_raised(&format!("ready{}", order.id))
    });
    proxy.freeze_at(message, freeze);
    ledger.raise(&format!("go{}", order.id));
    wait::until("it to be cut off, or to end", || {
        proxy.is_frozen() || worker.has_ended()
    });
    if proxy.is_frozen() {
        worker.kill9();
        // What did not arrive until now never does.
        proxy.reset();
        return Some(());
    }
    worker.end();
    None
}

/// Looks sagas up by their orders, each row once.
struct Stages {
    observer: Runtime,
    known: Mutex<BTreeMap<u64, SagaId>>,
}

impl Stages {
    async fn of(&self, order: Order) -> Stage {
        let sagas = self.observer.sagas();
        let all = sagas.list(SagaFilter::default(), None, 1_000).await;
        for saga in all.expect("a list") {
            if self.known().values().any(|known| *known == saga.id) {
                continue;
            }
            let saga = sagas
                .get(&saga.id)
                .await
                .expect("an answer")
                .expect("it is there");
            let input: serde_json::Value = serde_json::from_str(&saga.input).expect("JSON");
            let id = input["order"]["id"].as_u64().expect("a number");
            self.known().insert(id, saga.id);
        }
        let id = self.known().get(&order.id)?.clone();
        let saga = sagas.get(&id).await.expect("an answer")?;
        let undone = saga.steps.iter().filter(|step| step.undone).count();
        Some((saga.status, saga.steps.len(), undone))
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<u64, SagaId>> {
        self.known.lock().expect("whole")
    }
}

/// Kills at every message; the stages at which a saga of this plan was left.
fn kill_at_every_message(plan: Plan, stages: &[Stage], messages_min: u64) {
    let Some(ground) = Ground::new(Kind::Postgres) else {
        return;
    };
    block_on(async {
        let stages_of = Stages {
            observer: ground.observe().await,
            known: Mutex::default(),
        };
        let seen = Mutex::new(BTreeSet::new());
        let orders = Mutex::new(Vec::new());
        let (next, past, ids) = (
            AtomicU64::new(0),
            AtomicU64::new(u64::MAX),
            AtomicU64::new(0),
        );
        let handle = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                for _ in 0..AT_ONCE {
                    scope.spawn(|| {
                        loop {
                            let point = next.fetch_add(1, Ordering::Relaxed);
                            let (message, moment) = (1 + point / 3, point % 3);
                            // A process may ask its server once more or less than another one, and end a message earlier.
                            if message > past.load(Ordering::Relaxed).saturating_add(1) {
                                break;
                            }
                            let moment = usize::try_from(moment).expect("small");
                            let id = ids.fetch_add(1, Ordering::Relaxed);
                            let order = Order { id, plan };
                            orders.lock().expect("whole").push(order);
                            if kill_at(&ground, order, message, Freeze::ALL[moment]).is_none() {
                                past.fetch_min(message, Ordering::Relaxed);
                                continue;
                            }
                            let stage = handle.block_on(stages_of.of(order));
                            seen.lock().expect("whole").insert(stage);
                        }
                    });
                }
            });
        });
        let (seen, orders) = (seen.into_inner().unwrap(), orders.into_inner().unwrap());
        ground.bury().await;
        let messages = past.load(Ordering::Relaxed) - 1;
        let runtime = ground.open().await;
        finish(&ground, &runtime, &orders).await;
        let allowed = Allowed {
            interruptions: 1,
            ..Allowed::default()
        };
        let verdict = judge(&ground, &runtime, allowed).await;
        say(&format!(
            "kills at messages: {plan:?}: {messages} messages, {} processes, {} effects had again, stages {seen:?}",
            orders.len(),
            verdict.repeated
        ));
        for stage in stages {
            assert!(
                seen.contains(stage),
                "nobody was killed at {stage:?}: {seen:?}"
            );
        }
        assert!(messages >= messages_min, "{messages} messages");
        assert!(verdict.repeated > 0);
        runtime.shutdown().await;
        stages_of.observer.shutdown().await;
    });
}

const STARTED: [Stage; 4] = [
    None,
    Some((Status::Running, 0, 0)),
    Some((Status::Running, 1, 0)),
    Some((Status::Running, 2, 0)),
];

#[test]
fn a_saga_that_succeeds_survives_a_kill_at_every_message() {
    let mut stages = STARTED.to_vec();
    stages.push(Some((Status::Completed, 3, 0)));
    kill_at_every_message(Plan::Succeed, &stages, 4);
}

#[test]
fn a_saga_that_is_undone_survives_a_kill_at_every_message() {
    let mut stages = STARTED.to_vec();
    stages.push(Some((Status::Compensating, 2, 0)));
    stages.push(Some((Status::Compensating, 2, 1)));
    stages.push(Some((Status::Compensated, 2, 2)));
    kill_at_every_message(Plan::Fail, &stages, 6);
}

#[test]
fn a_saga_all_of_whose_steps_are_undone_survives_a_kill_at_every_message() {
    let mut stages = STARTED.to_vec();
    stages.push(Some((Status::Running, 3, 0)));
    stages.extend((0..3).map(|undone| Some((Status::Compensating, 3, undone))));
    stages.push(Some((Status::Compensated, 3, 3)));
    kill_at_every_message(Plan::FailLate, &stages, 8);
}

#[test]
fn a_saga_that_cannot_be_undone_survives_a_kill_at_every_message() {
    let mut stages = STARTED.to_vec();
    stages.push(Some((Status::Compensating, 2, 0)));
    stages.push(Some((Status::Compensating, 2, 1)));
    stages.push(Some((Status::CompensationFailed, 2, 1)));
    kill_at_every_message(Plan::FailForGood, &stages, 6);
}

#[test]
fn a_step_in_a_transaction_survives_a_kill_at_every_message() {
    let stages = [
        None,
        Some((Status::Running, 0, 0)),
        Some((Status::Running, 1, 0)),
        Some((Status::Running, 2, 0)),
        Some((Status::Completed, 3, 0)),
    ];
    kill_at_every_message(Plan::Transaction, &stages, 6);
}
