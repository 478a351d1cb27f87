//! What must hold, whatever happened in between: judged from the ledger, and from what the store says at the end.

use std::collections::{BTreeMap, BTreeSet};

use resilience::saga::{SagaFilter, SagaId, SagaRecord, Status};
use resilience::{LetterFilter, Runtime};

use crate::ledger::{Action, Effect, Entry, Ledger, Told};
use crate::shop::Plan;

/// Judges every order of the ledger. `again` is how often an effect may have been interrupted before its record was durable: kills
/// and stops.
pub(crate) async fn judge(runtime: &Runtime, ledger: &Ledger, again: usize) -> Verdict {
    let entries = ledger.read();
    let mut verdict = Verdict::default();
    let acknowledged: BTreeMap<u64, String> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Acknowledged { order, saga } => Some((*order, saga.clone())),
            _ => None,
        })
        .collect();
    let mut repeated = 0;
    for (order, id) in &acknowledged {
        let saga = runtime.sagas().get(&SagaId::from_stored(id.clone())).await;
        let saga = saga.expect("the store answers");
        let saga = saga.unwrap_or_else(|| panic!("order {order} was acknowledged and is lost"));
        let effects: Vec<&Effect> = entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Effect(effect) if effect.order == *order => Some(effect),
                _ => None,
            })
            .collect();
        judge_saga(*order, &saga, &effects);
        repeated += repetitions(&effects);
        let told = entries.iter().filter_map(|entry| match entry {
            Entry::Answered { order: of, told } if of == order => Some(told),
            _ => None,
        });
        judge_answers(*order, saga.status, &told.collect::<Vec<_>>());
        *verdict.ends.entry(saga.status).or_insert(0) += 1;
    }
    let unknown = entries.iter().find(|entry| match entry {
        Entry::Effect(effect) => !acknowledged.contains_key(&effect.order),
        _ => false,
    });
    // One that was started and killed before it could tell is joined by the next start of its order.
    assert_eq!(unknown, None, "an effect of an order that nobody started");
    verdict.repeated = repeated;
    // Several effects may be under way at each interruption.
    assert!(
        again > 0 || repeated == 0,
        "{repeated} effects were repeated without an interruption"
    );
    judge_lists(runtime).await;
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

fn repetitions(effects: &[&Effect]) -> usize {
    let distinct: BTreeSet<Action> = effects.iter().map(|effect| effect.action).collect();
    effects.len() - distinct.len()
}

fn judge_saga(order: u64, saga: &SagaRecord, effects: &[&Effect]) {
    let plan = Plan::of(order);
    let story = format!("order {order}, {plan:?}, {:?}: {effects:#?}", saga.status);
    let expected = match plan {
        Plan::Succeed | Plan::Beside => Status::Completed,
        Plan::Fail | Plan::FailBeside => Status::Compensated,
        Plan::FailForGood => Status::CompensationFailed,
    };
    assert_eq!(saga.status, expected, "{story}");

    // Never two executors: who has a later epoch has the saga, and nobody of an earlier one does anything any more.
    assert!(
        effects.is_sorted_by_key(|effect| effect.token),
        "two executors: {story}"
    );
    for pair in effects.windows(2) {
        let same = pair[0].token == pair[1].token;
        assert!(
            !same || pair[0].process == pair[1].process,
            "two executors: {story}"
        );
    }

    // Stable keys: one for a step, another one for its compensation.
    let mut keys: BTreeMap<Action, &str> = BTreeMap::new();
    for effect in effects {
        let key = keys.entry(effect.action).or_insert(&effect.key);
        assert_eq!(*key, effect.key, "{story}");
    }
    let distinct: BTreeSet<&str> = keys.values().copied().collect();
    assert_eq!(distinct.len(), keys.len(), "{story}");

    // A step that is durable never runs again: nothing is done again after what follows it was begun.
    let mut once: Vec<Action> = Vec::new();
    for effect in effects {
        if once.contains(&effect.action) {
            let follows = |later: &&Action| comes_after(plan, **later, effect.action);
            assert!(
                !once.iter().any(|later| follows(&later)),
                "{:?} again: {story}",
                effect.action
            );
            assert!(
                effect.attempt > 1,
                "{:?} does not know that it is tried again: {story}",
                effect.action
            );
        } else {
            once.push(effect.action);
        }
    }

    // Everything was done, and undone in reverse.
    let (one, two, three, four) = (Action::Do(1), Action::Do(2), Action::Do(3), Action::Do(4));
    let (undo_one, undo_two) = (Action::Undo(1), Action::Undo(2));
    let orders: &[&[Action]] = match plan {
        Plan::Succeed => &[&[one, two, three]],
        Plan::Fail => &[&[one, two, undo_two, undo_one]],
        Plan::Beside => &[&[one, two, three, four], &[one, three, two, four]],
        // Two has always come out: it settles before three's failure decides.
        Plan::FailBeside => &[&[one, two, undo_two, undo_one]],
        Plan::FailForGood => &[&[one, two, undo_two]],
    };
    assert!(orders.contains(&once.as_slice()), "{once:?}: {story}");
}

/// Whether `later` begins only when `earlier` is durable.
fn comes_after(plan: Plan, later: Action, earlier: Action) -> bool {
    match (later, earlier) {
        (Action::Do(3), Action::Do(2)) | (Action::Do(2), Action::Do(3)) => {
            plan == Plan::Succeed && later > earlier
        }
        (Action::Do(later), Action::Do(earlier)) => later > earlier,
        (Action::Undo(_), Action::Do(_)) => true,
        (Action::Undo(later), Action::Undo(earlier)) => later < earlier,
        (Action::Do(_), Action::Undo(_)) => false,
    }
}

/// One answer for all callers, and a true one.
fn judge_answers(order: u64, status: Status, told: &[&Told]) {
    let right = match Plan::of(order) {
        Plan::Succeed => Told::Success(123),
        Plan::Beside => Told::Success(25),
        Plan::Fail | Plan::FailBeside => Told::Refused,
        Plan::FailForGood => Told::Stuck,
    };
    assert!(!told.is_empty(), "order {order}: nobody was told");
    for told in told {
        assert_eq!(**told, right, "order {order}, which is {status:?}");
    }
}

/// The statistics equal the lists, and the queue has a letter for each saga that waits for an operator.
async fn judge_lists(runtime: &Runtime) {
    let sagas = runtime.sagas();
    let mut listed: BTreeMap<(String, Status), u64> = BTreeMap::new();
    let mut dead = BTreeSet::new();
    let mut after = None;
    loop {
        let page = sagas
            .list(SagaFilter::default(), after, 37)
            .await
            .expect("a page");
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        for saga in page {
            if saga.status.is_dead() {
                dead.insert(saga.id.clone());
            }
            *listed.entry((saga.name, saga.status)).or_insert(0) += 1;
        }
    }
    let statistics = sagas.statistics().await.expect("statistics");
    let counted = statistics.into_iter().flat_map(|of| {
        let name = of.name;
        of.counts
            .into_iter()
            .map(move |(status, count)| ((name.clone(), status), count))
    });
    assert_eq!(counted.collect::<BTreeMap<_, _>>(), listed);
    let letters = runtime.dead_letters();
    let page = letters.list(LetterFilter::default(), None, 1_000).await;
    let page = page.expect("the letters");
    let of: BTreeSet<SagaId> = page
        .iter()
        .filter_map(|letter| letter.saga.clone())
        .collect();
    assert_eq!(of, dead);
    assert_eq!(page.len(), dead.len());
}
