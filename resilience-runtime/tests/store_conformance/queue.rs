//! The dead letter queue as a whole.

use resilience_runtime::dlq::{
    Closing, DeadLetterFilter, DeadLetterStatistics, DeadLetterStatus, NewDeadLetter, Priority,
    Queue,
};
use resilience_runtime::order::Order;
use resilience_runtime::saga::journal::{Advance, Status};

use super::work::{added, nonce, requested, work};
use super::{Workers, came_to, dead, letter, letters, operator, status};

pub(crate) async fn letters_are_listed_oldest_first_in_pages(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let mut expected = Vec::new();
    for number in 0..5 {
        expected.push(Some(came_to(&store, dead(number)).await));
        added(&other, "mail").await;
        expected.push(None);
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = Queue::list(&store, DeadLetterFilter::default(), after, 3).await;
        let page = page.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        assert!(page.is_sorted_by(|a, b| a.id < b.id));
        after = Some(last.id);
        found.extend(page.into_iter().map(|letter| letter.saga));
    }
    assert_eq!(found, expected);
    let none = Queue::list(&store, DeadLetterFilter::default(), None, 0).await;
    assert!(none.unwrap().is_empty());
    let all = Queue::list(&store, DeadLetterFilter::default(), Some(-1), u32::MAX);
    assert_eq!(all.await.unwrap().len(), 10);
    let none = Queue::list(&store, DeadLetterFilter::default(), Some(i64::MAX), 9);
    assert!(none.await.unwrap().is_empty());
}

pub(crate) async fn pages_of_letters_stay_right_whatever_happens(fixture: impl Workers) {
    let store = fixture.worker().await;
    let mut old = Vec::new();
    for _ in 0..9 {
        old.push(added(&store, "mail").await);
    }
    let page = async |after| {
        let page = Queue::list(&store, DeadLetterFilter::default(), after, 3).await;
        let ids = page.unwrap().into_iter().map(|letter| letter.id);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, old[..3]);
    // The last one of the page, one before it, and one behind it, are deleted; one is added.
    for id in [old[0], old[2], old[4]] {
        let closed = Queue::close(&store, id, Closing::Discard, operator()).await;
        assert!(closed.unwrap());
    }
    let purged = store.purge_letters(std::time::Duration::ZERO, 9).await;
    assert_eq!(purged.unwrap(), 3);
    let new = added(&store, "mail").await;
    assert!(!old.contains(&new));
    assert_eq!(page(Some(old[2])).await, [old[3], old[5], old[6]]);
    assert_eq!(page(Some(old[6])).await, [old[7], old[8], new]);
    assert!(page(Some(new)).await.is_empty());
}

pub(crate) async fn pages_of_the_newest_letters_stay_right_whatever_happens(fixture: impl Workers) {
    let store = fixture.worker().await;
    let mut old = Vec::new();
    for _ in 0..9 {
        old.insert(0, added(&store, "mail").await);
    }
    let page = async |after| {
        let newest = DeadLetterFilter {
            order: Order::NewestFirst,
            ..DeadLetterFilter::default()
        };
        let page = Queue::list(&store, newest, after, 3).await;
        let ids = page.unwrap().into_iter().map(|letter| letter.id);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, old[..3]);
    // The last one of the page, one before it, and one behind it, are deleted; one is added.
    for id in [old[0], old[2], old[4]] {
        let closed = Queue::close(&store, id, Closing::Discard, operator()).await;
        assert!(closed.unwrap());
    }
    let purged = store.purge_letters(std::time::Duration::ZERO, 9).await;
    assert_eq!(purged.unwrap(), 3);
    let new = added(&store, "mail").await;
    assert_eq!(page(Some(old[2])).await, [old[3], old[5], old[6]]);
    assert_eq!(page(Some(old[6])).await, old[7..]);
    assert!(page(Some(old[8])).await.is_empty());
    assert_eq!(page(None).await[0], new);
    assert_eq!(page(Some(i64::MAX)).await[0], new);
}

pub(crate) async fn letters_are_counted(fixture: impl Workers) {
    let (store, other) = (fixture.worker().await, fixture.worker().await);
    let add = async |operation: &str, dependency: Option<&str>, priority| {
        let letter = NewDeadLetter {
            dependency: dependency.map(str::to_owned),
            priority,
            ..work(operation)
        };
        other.add(letter, nonce(), operator()).await.unwrap()
    };
    let closed = add("mail", Some("smtp"), Priority::Critical).await;
    let oldest = add("mail", Some("smtp"), Priority::Low).await;
    let retried = add("mail", None, Priority::Normal).await;
    add("fax", Some("smtp"), Priority::Normal).await;
    came_to(&store, dead(0)).await;
    let settled = Advance {
        dead_letter: Some(letter(1)),
        ..status(Status::Compensated)
    };
    came_to(&store, settled).await;
    let close = Queue::close(&store, closed, Closing::Discard, operator());
    assert!(close.await.unwrap());
    assert!(requested(&store, retried).await);

    let mut found = Queue::statistics(&store).await.unwrap();
    found.counts.sort();
    found.by_priority.sort();
    let first = store.get(oldest).await.unwrap().unwrap().created_at;
    assert_eq!(found.oldest, Some(first));
    let counts = [
        (DeadLetterStatus::Open, 4),
        (DeadLetterStatus::Retrying, 1),
        (DeadLetterStatus::Discarded, 1),
    ];
    assert_eq!(found.counts, counts);
    let priorities = [
        (Priority::Low, 1),
        (Priority::Normal, 2),
        (Priority::High, 2),
    ];
    assert_eq!(found.by_priority, priorities);
    // The most first.
    let count = |name: &str, count| (name.to_owned(), count);
    assert_eq!(found.by_operation[0], count("mail", 2));
    found.by_operation.sort();
    let operations = [("fax", 1), ("mail", 2), ("step-0", 1), ("step-1", 1)];
    assert_eq!(
        found.by_operation,
        operations.map(|(name, of)| count(name, of))
    );
    found.by_dependency.sort();
    let dependencies = [count("smtp", 2), count("warehouse", 2)];
    assert_eq!(found.by_dependency, dependencies);
    assert_eq!(store.unresolved().await.unwrap(), 5);
    // They are what the lists have.
    for (status, count) in found.counts {
        let filter = DeadLetterFilter {
            statuses: vec![status],
            ..DeadLetterFilter::default()
        };
        let listed = letters(&store, filter).await.len();
        assert_eq!(u64::try_from(listed).unwrap(), count);
    }

    // At most 100 of each are listed.
    for number in 0..101 {
        let name = format!("operation {number}");
        add(&name, Some(&name), Priority::Low).await;
    }
    let found = Queue::statistics(&store).await.unwrap();
    assert_eq!(found.by_operation.len(), 100);
    assert_eq!(found.by_operation[0], count("mail", 2));
    assert_eq!(found.by_dependency.len(), 100);
    assert!(found.by_dependency.is_sorted_by(|a, b| a.1 >= b.1));
}

pub(crate) async fn an_empty_queue_is_counted(fixture: impl Workers) {
    let store = fixture.worker().await;
    came_to(&store, status(Status::Completed)).await;
    let found = Queue::statistics(&store).await.unwrap();
    assert_eq!(found, DeadLetterStatistics::default());
    assert_eq!(store.unresolved().await.unwrap(), 0);
    assert_eq!(store.audit(1).await.unwrap(), []);
    assert!(
        letters(&store, DeadLetterFilter::default())
            .await
            .is_empty()
    );
}
