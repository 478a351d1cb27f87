//! Lists of sagas, and what there is of them.

use std::collections::BTreeMap;
use std::time::Duration;

use resilience_runtime::dlq::{Closing, DeadLetterFilter, Queue};
use resilience_runtime::order::Order;
use resilience_runtime::saga::journal::{
    Advance, Event, Journal, NewSaga, Parking, SagaFilter, SagaId, SagaStatistics, SagaSummary,
    Status,
};

use super::{
    Store, Workers, advance, begun, came_to, dead, known, letters, loaded, named, new_saga,
    operator, parked, started, status, step, steps,
};

async fn all(store: &impl Store) -> Vec<SagaSummary> {
    let all = Journal::list(store, SagaFilter::default(), None, u32::MAX).await;
    all.unwrap()
}

async fn statistics(store: &impl Store) -> Vec<SagaStatistics> {
    let mut statistics = Journal::statistics(store).await.unwrap();
    for of_name in &mut statistics {
        of_name.counts.sort();
    }
    statistics
}

pub(crate) async fn sagas_are_listed_oldest_first_in_pages(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let mut expected = Vec::new();
    // Ids that are given are in no order.
    for number in [4, 1, 3, 0, 2, 6, 5] {
        let saga = NewSaga {
            id: SagaId::from(format!("0{number}91a7c0-0000-7000-8000-000000000000")),
            given: true,
            ..new_saga(None)
        };
        expected.push(begun(&store, saga).await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // That they change does not move them.
    advance(&store, &expected[0], status(Status::Completed)).await;
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = Journal::list(&other, SagaFilter::default(), after, 3).await;
        let page = page.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        found.extend(page.into_iter().map(|saga| saga.id));
    }
    assert_eq!(found, expected);
    let none = Journal::list(&other, SagaFilter::default(), None, 0).await;
    assert!(none.unwrap().is_empty());
}

pub(crate) async fn pages_of_sagas_stay_right_whatever_happens(fixture: impl Workers) {
    let store = fixture.worker().await;
    let mut old = Vec::new();
    for _ in 0..9 {
        old.push(started(&store).await);
    }
    let page = async |after| {
        let page = Journal::list(&store, SagaFilter::default(), after, 3).await;
        page.unwrap()
    };
    let ids = |page: &[SagaSummary]| page.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    let first = page(None).await;
    assert_eq!(ids(&first), old[..3]);
    // The last one of the page, one before it, and one behind it, are deleted; one is added.
    for saga in [&old[0], &old[2], &old[4]] {
        advance(&store, saga, status(Status::Completed)).await;
    }
    assert_eq!(store.purge(Duration::ZERO, 9).await.unwrap(), 3);
    let new = started(&store).await;
    let second = page(Some(first[2].cursor())).await;
    assert_eq!(ids(&second), [&old[3], &old[5], &old[6]].map(Clone::clone));
    let third = page(Some(second[2].cursor())).await;
    assert_eq!(ids(&third), [&old[7], &old[8], &new].map(Clone::clone));
    assert_eq!(page(Some(third[2].cursor())).await, []);
}

pub(crate) async fn pages_of_the_newest_sagas_stay_right_whatever_happens(fixture: impl Workers) {
    let store = fixture.worker().await;
    let mut old = Vec::new();
    for _ in 0..9 {
        old.insert(0, started(&store).await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let page = async |after| {
        let newest = SagaFilter {
            order: Order::NewestFirst,
            ..SagaFilter::default()
        };
        Journal::list(&store, newest, after, 3).await.unwrap()
    };
    let ids = |page: &[SagaSummary]| page.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    let first = page(None).await;
    assert_eq!(ids(&first), old[..3]);
    // The last one of the page, one before it, and one behind it, are deleted; one is added.
    for saga in [&old[0], &old[2], &old[4]] {
        advance(&store, saga, status(Status::Completed)).await;
    }
    assert_eq!(store.purge(Duration::ZERO, 9).await.unwrap(), 3);
    let new = started(&store).await;
    let second = page(Some(first[2].cursor())).await;
    assert_eq!(ids(&second), [&old[3], &old[5], &old[6]].map(Clone::clone));
    let third = page(Some(second[2].cursor())).await;
    assert_eq!(ids(&third), old[7..]);
    assert_eq!(page(Some(third[1].cursor())).await, []);
    assert_eq!(page(None).await[0].id, new);
}

pub(crate) async fn a_summary_says_what_the_record_says(fixture: impl Workers) {
    let store = fixture.worker().await;
    let crashes = fixture.worker().await;
    let parent = came_to(&crashes, parked(Parking::Poison)).await;
    let saga = NewSaga {
        version: 3,
        parent: Some(parent.clone()),
        ..named("child")
    };
    let child = begun(&crashes, saga).await;
    let write = Advance {
        undone: Some(1),
        error: Some("no stock".to_owned()),
        ..steps([0, 1, 2].map(step))
    };
    advance(&crashes, &child, write).await;
    let cancel = crashes.cancel(child.clone(), operator()).await.unwrap();
    assert!(cancel.is_some());
    fixture.crash(crashes).await;
    let taken = store.take_over(vec![super::known_as("child", 3)], 9).await;
    assert_eq!(taken.unwrap().len(), 1);
    let listed = all(&store).await;
    assert_eq!(listed.len(), 2);
    let counts: Vec<_> = listed.iter().map(|it| (it.steps, it.undone)).collect();
    assert_eq!(counts, [(0, 0), (3, 1)]);
    assert!(listed[1].cancelled && listed[1].epoch == 2);
    assert_eq!(listed[1].parent, Some(parent));
    for summary in listed {
        let record = loaded(&store, &summary.id).await;
        let expected = SagaSummary {
            id: record.id,
            name: record.name,
            version: record.version,
            status: record.status,
            parking: record.parking,
            steps: summary.steps,
            undone: summary.undone,
            epoch: record.epoch,
            cancelled: record.cancelled,
            error: record.error,
            parent: record.parent,
            started_at: record.started_at,
            updated_at: record.updated_at,
        };
        assert_eq!(summary, expected);
    }
}

pub(crate) async fn sagas_are_counted_by_name_and_status(fixture: impl Workers) {
    let store = fixture.worker().await;
    assert_eq!(Journal::statistics(&store).await.unwrap(), []);
    for (name, end) in [
        ("b", status(Status::Failed)),
        ("a", status(Status::Completed)),
        ("c", status(Status::Running)),
        ("a", status(Status::Completed)),
        ("b", parked(Parking::Stuck)),
        ("a", status(Status::Running)),
    ] {
        let saga = begun(&store, named(name)).await;
        advance(&store, &saga, end).await;
    }
    let found = statistics(&store).await;
    let counts: Vec<_> = found.iter().map(|it| (&*it.name, &*it.counts)).collect();
    let expected: [(&str, &[(Status, u64)]); 3] = [
        ("a", &[(Status::Running, 1), (Status::Completed, 2)]),
        ("b", &[(Status::Failed, 1), (Status::Parked, 1)]),
        ("c", &[(Status::Running, 1)]),
    ];
    assert_eq!(counts, expected);
    let completed: Vec<_> = found.iter().map(|it| it.completed.is_some()).collect();
    assert_eq!(completed, [true, false, false]);
}

pub(crate) async fn durations_are_those_of_the_completed_ones(fixture: impl Workers) {
    let store = fixture.worker().await;
    let mut sagas = Vec::new();
    for _ in 0..40 {
        sagas.push(started(&store).await);
    }
    let of_all = async || statistics(&store).await.remove(0).completed;
    assert_eq!(of_all().await, None);
    advance(&store, &sagas[0], status(Status::Completed)).await;
    let one = of_all().await.unwrap();
    assert_eq!((one.min, one.mean), (one.max, one.max));
    assert_eq!(one.p95, one.max);
    assert_eq!(one.max.subsec_nanos() % 1000, 0, "whole microseconds");
    for (number, saga) in sagas[1..].iter().enumerate() {
        let end = match number % 4 {
            0 => Status::Failed,
            _ => Status::Completed,
        };
        tokio::time::sleep(Duration::from_millis(1)).await;
        advance(&store, saga, status(end)).await;
    }
    let mut took: Vec<_> = all(&store)
        .await
        .into_iter()
        .filter(|saga| saga.status == Status::Completed)
        .map(|saga| saga.updated_at.since(saga.started_at))
        .collect();
    took.sort_unstable();
    assert_eq!(took.len(), 30);
    let found = of_all().await.unwrap();
    // The 95th percentile is the shortest that at least 95 % of them do not exceed: 29 of 30.
    let expected = [
        (found.min, took[0]),
        (found.mean, took.iter().sum::<Duration>() / 30),
        (found.p95, took[28]),
        (found.max, took[29]),
    ];
    for (found, expected) in expected {
        // A store may count in fractions.
        assert!(
            found.abs_diff(expected).as_micros() < 2,
            "{found:?}, {expected:?}"
        );
    }
    // They differ, so that none could stand for another one: each took at least a millisecond longer than the one before.
    assert!(found.min < found.p95 && found.p95 < found.max);
    assert!(found.min < found.mean && found.mean < found.max);
}

/// A random sequence of everything that changes a status.
pub(crate) async fn statistics_equal_the_lists(fixture: impl Workers) {
    let stores = [fixture.worker().await, fixture.worker().await];
    let mut random = fastrand::Rng::with_seed(7);
    let mut sagas: Vec<SagaId> = Vec::new();
    for _ in 0..300 {
        let store = &stores[random.usize(0..2)];
        if sagas.len() < 20 || random.u8(0..10) == 0 {
            let name = ["a", "b", "checkout"][random.usize(0..3)];
            sagas.push(begun(store, named(name)).await);
            continue;
        }
        let saga = sagas[random.usize(0..sagas.len())].clone();
        match random.u8(0..10) {
            0 => drop(store.revive(saga, Event::Resumed, None).await.unwrap()),
            1 => drop(store.revive(saga, Event::Compensate, None).await.unwrap()),
            2 => drop(store.take_over(known(), 9).await.unwrap()),
            3 => {
                let open = letters(store, DeadLetterFilter::default()).await;
                let Some(letter) = random.choice(&open) else {
                    continue;
                };
                let closing = Closing::Discard;
                let closed = Queue::close(store, letter.id, closing, operator()).await;
                closed.unwrap();
            }
            4 => drop(store.purge(Duration::ZERO, 1).await.unwrap()),
            _ => {
                let Some(record) = store.load(saga.clone()).await.unwrap() else {
                    continue;
                };
                let ends = [
                    status(Status::Completed),
                    status(Status::Failed),
                    status(Status::Compensating),
                    status(Status::Compensated),
                    dead(random.u32(0..3)),
                    parked(Parking::Stuck),
                ];
                let end = ends[random.usize(0..ends.len())].clone();
                store.advance(saga, record.epoch, end).await.unwrap();
            }
        }
    }
    let mut expected: BTreeMap<String, BTreeMap<Status, u64>> = BTreeMap::new();
    for saga in all(&stores[0]).await {
        let of_name = expected.entry(saga.name).or_default();
        *of_name.entry(saga.status).or_default() += 1;
    }
    let found = statistics(&stores[1]).await.into_iter();
    let found: Vec<_> = found
        .map(|of_name| (of_name.name, of_name.counts))
        .collect();
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(name, counts)| (name, counts.into_iter().collect::<Vec<_>>()))
        .collect();
    assert_eq!(found, expected);

    let mut counts = BTreeMap::new();
    let listed = letters(&stores[0], DeadLetterFilter::default()).await;
    for letter in &listed {
        *counts.entry(letter.status).or_default() += 1;
    }
    let mut found = Queue::statistics(&stores[1]).await.unwrap().counts;
    found.sort();
    assert_eq!(found, counts.into_iter().collect::<Vec<_>>());
    let unresolved = listed.iter().filter(|letter| letter.status.is_unresolved());
    let unresolved = u64::try_from(unresolved.count()).unwrap();
    assert_eq!(stores[1].unresolved().await.unwrap(), unresolved);
}
