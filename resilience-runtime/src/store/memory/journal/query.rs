//! Looking at many sagas.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::sagas::{Saga, Sagas};
use super::size;
use crate::saga::journal::{
    Durations, OrphanedSagas, SagaCursor, SagaFilter, SagaStatistics, SagaSummary, SagaVersion,
    Status,
};

impl Sagas {
    pub(super) fn list(
        &self,
        filter: &SagaFilter,
        after: Option<SagaCursor>,
        limit: u32,
    ) -> Vec<SagaSummary> {
        let page = self.after(after, filter.order);
        let found = page.filter(|saga| passes(filter, saga));
        found.take(size(limit)).map(Saga::summary).collect()
    }

    pub(super) fn statistics(&self) -> Vec<SagaStatistics> {
        #[derive(Default)]
        struct Counted {
            counts: BTreeMap<Status, u64>,
            completed: Vec<Duration>,
        }
        let mut names: BTreeMap<&str, Counted> = BTreeMap::new();
        for saga in self.iter() {
            let record = &saga.record;
            let counted = names.entry(&record.name).or_default();
            *counted.counts.entry(record.status).or_default() += 1;
            if record.status == Status::Completed {
                let took = record.updated_at.since(record.started_at);
                counted.completed.push(took);
            }
        }
        let statistics = names.into_iter().map(|(name, counted)| SagaStatistics {
            name: name.to_owned(),
            counts: counted.counts.into_iter().collect(),
            completed: durations(counted.completed),
        });
        statistics.collect()
    }

    pub(super) fn orphaned(&self, known: &[SagaVersion]) -> Vec<OrphanedSagas> {
        let mut counts: BTreeMap<(&str, u32), u64> = BTreeMap::new();
        for saga in self.iter() {
            if saga.is_left_behind() && !saga.is_known(known) {
                let record = &saga.record;
                *counts.entry((&record.name, record.version)).or_default() += 1;
            }
        }
        let orphaned = counts
            .into_iter()
            .map(|((name, version), count)| OrphanedSagas {
                name: name.to_owned(),
                version,
                count,
            });
        orphaned.collect()
    }
}

fn passes(filter: &SagaFilter, saga: &Saga) -> bool {
    let record = &saga.record;
    filter.name.as_ref().is_none_or(|name| *name == record.name)
        && (filter.statuses.is_empty() || filter.statuses.contains(&record.status))
        && filter.since.is_none_or(|since| since <= record.started_at)
        && filter
            .before
            .is_none_or(|before| record.started_at < before)
        && (filter.parent.is_none() || filter.parent == record.parent)
        && filter
            .id_prefix
            .as_ref()
            .is_none_or(|prefix| record.id.as_str().starts_with(prefix))
}

/// Of all that there are: there are fewer in a test than would be left out.
fn durations(mut took: Vec<Duration>) -> Option<Durations> {
    took.sort_unstable();
    let count = u32::try_from(took.len()).ok()?;
    let rank = (took.len() * 95).div_ceil(100);
    Some(Durations {
        min: *took.first()?,
        mean: took.iter().sum::<Duration>() / count,
        p95: *took.get(rank.checked_sub(1)?)?,
        max: *took.last()?,
    })
}
