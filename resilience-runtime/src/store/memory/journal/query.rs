//! Looking at many sagas.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::super::sagas::{Saga, Sagas};
use super::size;
use crate::saga::journal::{
    Durations, OrphanedSagas, SagaCursor, SagaFilter, SagaStatistics, SagaSummary, SagaVersion,
    Status,
};
use crate::timestamp::Timestamp;

/// How many of the completed ones of a name durations are told of.
const LAST: usize = 10_000;

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
            /// When, and after how long.
            completed: Vec<(Timestamp, Duration)>,
        }
        let mut names: BTreeMap<&str, Counted> = BTreeMap::new();
        for saga in self.iter() {
            let record = &saga.record;
            let counted = names.entry(&record.name).or_default();
            *counted.counts.entry(record.status).or_default() += 1;
            if record.status == Status::Completed {
                let took = record.updated_at.since(record.started_at);
                counted.completed.push((record.updated_at, took));
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

fn durations(mut completed: Vec<(Timestamp, Duration)>) -> Option<Durations> {
    completed.sort_unstable_by_key(|(at, _)| Reverse(*at));
    let last = completed.iter().take(LAST).map(|(_, took)| *took);
    let mut took: Vec<_> = last.collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_the_last_ten_thousand() {
        let ended = |at: i64| {
            let took = Duration::from_micros(at.unsigned_abs());
            (Timestamp::from_micros(at), took)
        };
        let completed: Vec<_> = (1..=20_000).map(ended).collect();
        let found = durations(completed).unwrap();
        let found = [found.min, found.p95, found.max].map(|took| took.as_micros());
        assert_eq!(found, [10_001, 19_500, 20_000]);
    }
}
