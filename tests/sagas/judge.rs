//! What must hold, whatever happened in between: judged from the ledger, and from what the store says at the end.

mod lists;
mod one;

use std::collections::BTreeMap;

use resilience::Runtime;
use resilience::saga::{SagaId, Status};

use crate::entries::Entries;
use crate::ground::Ground;
use crate::ledger::{Effect, Entry, Told};
use crate::shop::{Order, Plan};

/// What may have happened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Allowed {
    /// How often processes were interrupted: kills, stops, and stores that went away.
    pub(crate) interruptions: usize,
    /// A process that stood still while its sagas were taken over.
    pub(crate) zombie: Option<u32>,
}

/// Judges every order of the ledger.
pub(crate) async fn judge(ground: &Ground, runtime: &Runtime, allowed: Allowed) -> Verdict {
    let entries = ground.ledger().read();
    let table = Entries::at(&ground.url);
    let mut verdict = Verdict::default();
    let acknowledged: BTreeMap<Order, String> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Acknowledged { order, saga } => Some((*order, saga.clone())),
            _ => None,
        })
        .collect();
    for (order, id) in &acknowledged {
        let saga = runtime.sagas().get(&SagaId::from(id.clone())).await;
        let saga = saga.expect("the store answers");
        let saga = saga.unwrap_or_else(|| panic!("{order:?} was acknowledged and is lost"));
        let effects: Vec<&Effect> = entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Effect(effect) if effect.order == order.id => Some(effect),
                _ => None,
            })
            .collect();
        one::judge(*order, &saga, &effects, allowed);
        if order.plan == Plan::Transaction {
            assert_eq!(table.count(order.id).await, 1, "{order:?}: {effects:#?}");
        }
        verdict.repeated += one::repetitions(&effects);
        let told = entries.iter().filter_map(|entry| match entry {
            Entry::Answered { order: of, told } if *of == order.id => Some(told),
            _ => None,
        });
        answers(*order, saga.status, &told.collect::<Vec<_>>(), allowed);
        *verdict.ends.entry(saga.status).or_insert(0) += 1;
    }
    // One that was started and killed before it could tell is joined by the next start of its order.
    let unknown = entries.iter().find(|entry| match entry {
        Entry::Effect(effect) => !acknowledged.keys().any(|order| order.id == effect.order),
        _ => false,
    });
    assert_eq!(unknown, None, "an effect of an order that nobody started");
    assert!(
        allowed.interruptions > 0 || verdict.repeated == 0,
        "{} effects were repeated without an interruption",
        verdict.repeated
    );
    lists::judge(runtime).await;
    table.close().await;
    verdict
}

/// What there was in the end.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// How many sagas ended how.
    pub(crate) ends: BTreeMap<Status, u64>,
    /// How many effects were had again.
    pub(crate) repeated: usize,
}

/// One answer for all callers, and a true one.
fn answers(order: Order, status: Status, told: &[&Told], allowed: Allowed) {
    assert!(!told.is_empty(), "{order:?}: nobody was told");
    let right = order.plan.answer();
    for told in told {
        let is_zombies = allowed.zombie.is_some() && **told == Told::Superseded;
        assert!(
            is_zombies || **told == right,
            "{order:?}, which is {status:?}: {told:?}"
        );
    }
}
