//! The store's own lists.

use std::collections::{BTreeMap, BTreeSet};

use resilience::saga::{SagaFilter, SagaId, Status};
use resilience::{DeadLetterFilter, DeadLetterStatus, Runtime};

/// The statistics equal the lists, and the queue has an open letter for each saga that waits for an operator.
pub(super) async fn judge(runtime: &Runtime) {
    let sagas = runtime.sagas();
    let mut listed: BTreeMap<(String, Status), u64> = BTreeMap::new();
    let mut dead = BTreeSet::new();
    let mut after = None;
    loop {
        let page = sagas.list(SagaFilter::default(), after, 37).await;
        let page = page.expect("a page");
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        for saga in page {
            assert!(!saga.status.is_unfinished(), "{saga:?}");
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
    let open = DeadLetterFilter {
        statuses: vec![DeadLetterStatus::Open],
        ..DeadLetterFilter::default()
    };
    let page = letters.list(open, None, 1_000).await;
    let page = page.expect("the letters");
    let of: BTreeSet<SagaId> = page
        .iter()
        .filter_map(|letter| letter.saga.clone())
        .collect();
    assert_eq!(of, dead);
    assert_eq!(page.len(), dead.len());
}
