//! Which sagas and letters pass a filter.

use resilience_runtime::dlq::{
    DeadLetterFilter, DeadLetterKind, DeadLetterStatus, NewDeadLetter, Priority, Queue,
};
use resilience_runtime::order::Order;
use resilience_runtime::saga::journal::{Journal, NewSaga, SagaFilter, SagaId, Status};
use resilience_runtime::timestamp::Timestamp;

use super::work::{nonce, requested, work};
use super::{
    Store, Workers, advance, begun, came_to, dead, letter_of, letters, loaded, named, operator,
    started, status,
};

/// So that the next one is written later.
async fn a_moment() {
    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
}

pub(crate) async fn letters_are_filtered(fixture: impl Workers) {
    let store = fixture.worker().await;
    let saga = came_to(&store, dead(0)).await;
    let mut ids = vec![letter_of(&store, &saga).await.id];
    for (operation, dependency, priority) in [
        ("mail", Some("smtp"), Priority::Low),
        ("mail", None, Priority::Normal),
        ("Mail", Some("%"), Priority::Critical),
    ] {
        a_moment().await;
        let letter = NewDeadLetter {
            dependency: dependency.map(str::to_owned),
            priority,
            ..work(operation)
        };
        ids.push(store.add(letter, nonce(), operator()).await.unwrap());
    }
    assert!(requested(&store, ids[2]).await);
    let at = async |id| store.get(id).await.unwrap().unwrap().created_at;
    let (second, third) = (at(ids[1]).await, at(ids[2]).await);
    let open = vec![DeadLetterStatus::Open];
    let both = vec![DeadLetterStatus::Retrying, DeadLetterStatus::Discarded];
    let text = |text: &str| Some(text.to_owned());
    let all = DeadLetterFilter::default;
    #[rustfmt::skip]
    let cases: [(DeadLetterFilter, &[usize]); 21] = [
        (all(), &[0, 1, 2, 3]),
        (DeadLetterFilter { statuses: open.clone(), ..all() }, &[0, 1, 3]),
        (DeadLetterFilter { statuses: both, ..all() }, &[2]),
        (DeadLetterFilter { statuses: vec![DeadLetterStatus::Settled], ..all() }, &[]),
        (DeadLetterFilter { kind: Some(DeadLetterKind::Work), ..all() }, &[1, 2, 3]),
        (DeadLetterFilter { kind: Some(DeadLetterKind::Compensation), ..all() }, &[0]),
        (DeadLetterFilter { kind: Some(DeadLetterKind::Saga), ..all() }, &[]),
        (DeadLetterFilter { operation: text("mail"), ..all() }, &[1, 2]),
        (DeadLetterFilter { operation: text("m%"), ..all() }, &[]),
        (DeadLetterFilter { dependency: text("smtp"), ..all() }, &[1]),
        (DeadLetterFilter { dependency: text("%"), ..all() }, &[3]),
        (DeadLetterFilter { saga: Some(saga), ..all() }, &[0]),
        (DeadLetterFilter { saga: Some(SagaId::generate()), ..all() }, &[]),
        (DeadLetterFilter { priority: Some(Priority::Low), ..all() }, &[0, 1, 2, 3]),
        (DeadLetterFilter { priority: Some(Priority::High), ..all() }, &[0, 3]),
        (DeadLetterFilter { since: Some(second), ..all() }, &[1, 2, 3]),
        (DeadLetterFilter { before: Some(second), ..all() }, &[0]),
        (DeadLetterFilter { since: Some(second), before: Some(third), ..all() }, &[1]),
        (DeadLetterFilter { since: Some(third), before: Some(second), ..all() }, &[]),
        (DeadLetterFilter { since: Some(Timestamp::from_micros(i64::MIN)), ..all() }, &[0, 1, 2, 3]),
        (DeadLetterFilter { statuses: open, kind: Some(DeadLetterKind::Work), operation: text("mail"), dependency: text("smtp"),
            priority: Some(Priority::Low), since: Some(second), before: Some(third), ..all() }, &[1]),
    ];
    for (filter, expected) in cases {
        let shown = format!("{filter:?}");
        let found = letters(&store, filter.clone()).await;
        let found: Vec<_> = found.iter().map(|letter| letter.id).collect();
        let expected: Vec<_> = expected.iter().map(|index| ids[*index]).collect();
        assert_eq!(found, expected, "{shown}");
        // Pages are of what passes.
        if let [first, rest @ ..] = &expected[..] {
            let page = Queue::list(&store, filter.clone(), None, 1).await.unwrap();
            assert_eq!(page[0].id, *first, "{shown}");
            let page = Queue::list(&store, filter.clone(), Some(*first), 9);
            let page = page.await.unwrap();
            let page: Vec<_> = page.iter().map(|letter| letter.id).collect();
            assert_eq!(page, rest, "{shown}");
        }
        let newest = DeadLetterFilter {
            order: Order::NewestFirst,
            ..filter
        };
        let mut found = letters(&store, newest.clone()).await;
        found.reverse();
        let found: Vec<_> = found.iter().map(|letter| letter.id).collect();
        assert_eq!(found, expected, "{shown}");
        if let [rest @ .., last] = &expected[..] {
            let page = Queue::list(&store, newest, Some(*last), 9).await.unwrap();
            let page: Vec<_> = page.iter().rev().map(|letter| letter.id).collect();
            assert_eq!(page, rest, "{shown}");
        }
    }
}

async fn begun_later(store: &impl Store, saga: NewSaga) -> SagaId {
    a_moment().await;
    begun(store, saga).await
}

pub(crate) async fn sagas_are_filtered(fixture: impl Workers) {
    let store = fixture.worker().await;
    let mut ids = vec![started(&store).await];
    let child = NewSaga {
        parent: Some(ids[0].clone()),
        ..named("child")
    };
    for saga in [child, named("CHECKOUT"), named("checkout")] {
        ids.push(begun_later(&store, saga).await);
    }
    advance(&store, &ids[1], status(Status::Completed)).await;
    advance(&store, &ids[3], dead(0)).await;
    let second = loaded(&store, &ids[1]).await.started_at;
    let third = loaded(&store, &ids[2]).await.started_at;
    let text = |text: &str| Some(text.to_owned());
    let all = SagaFilter::default;
    #[rustfmt::skip]
    let cases: [(SagaFilter, &[usize]); 18] = [
        (all(), &[0, 1, 2, 3]),
        (SagaFilter { name: text("checkout"), ..all() }, &[0, 3]),
        (SagaFilter { name: text("check%"), ..all() }, &[]),
        (SagaFilter { statuses: vec![Status::Running], ..all() }, &[0, 2]),
        (SagaFilter { statuses: vec![Status::Completed, Status::CompensationFailed], ..all() }, &[1, 3]),
        (SagaFilter { statuses: vec![Status::Parked], ..all() }, &[]),
        (SagaFilter { since: Some(second), ..all() }, &[1, 2, 3]),
        (SagaFilter { before: Some(second), ..all() }, &[0]),
        (SagaFilter { since: Some(second), before: Some(third), ..all() }, &[1]),
        (SagaFilter { since: Some(Timestamp::from_micros(i64::MIN)), ..all() }, &[0, 1, 2, 3]),
        (SagaFilter { parent: Some(ids[0].clone()), ..all() }, &[1]),
        (SagaFilter { parent: Some(ids[1].clone()), ..all() }, &[]),
        (SagaFilter { name: text("child"), parent: Some(ids[0].clone()), statuses: vec![Status::Completed], ..all() }, &[1]),
        (SagaFilter { name: text("checkout"), statuses: vec![Status::Completed], ..all() }, &[]),
        (SagaFilter { id_prefix: text(""), ..all() }, &[0, 1, 2, 3]),
        (SagaFilter { id_prefix: text(ids[2].as_str()), ..all() }, &[2]),
        (SagaFilter { id_prefix: text(ids[2].as_str()), name: text("child"), ..all() }, &[]),
        (SagaFilter { id_prefix: text("%"), ..all() }, &[]),
    ];
    for (filter, expected) in cases {
        let shown = format!("{filter:?}");
        let found = Journal::list(&store, filter.clone(), None, 9)
            .await
            .unwrap();
        let listed: Vec<_> = found.iter().map(|saga| saga.id.clone()).collect();
        let expected: Vec<_> = expected.iter().map(|index| ids[*index].clone()).collect();
        assert_eq!(listed, expected, "{shown}");
        if let [first, ..] = &found[..] {
            let after = Some(first.cursor());
            let page = Journal::list(&store, filter.clone(), after, 9);
            assert_eq!(page.await.unwrap(), found[1..], "{shown}");
        }
        let newest = SagaFilter {
            order: Order::NewestFirst,
            ..filter
        };
        let mut page = Journal::list(&store, newest.clone(), None, 9)
            .await
            .unwrap();
        page.reverse();
        assert_eq!(page, found, "{shown}");
        if let [rest @ .., last] = &found[..] {
            let after = Some(last.cursor());
            let mut page = Journal::list(&store, newest, after, 9).await.unwrap();
            page.reverse();
            assert_eq!(page, rest, "{shown}");
        }
    }
}

/// Ids that authors choose: letters of any size, some of which mean something to a pattern.
pub(crate) async fn sagas_are_found_by_how_their_ids_begin(fixture: impl Workers) {
    let store = fixture.worker().await;
    for id in [
        "order-1",
        "Order-1",
        "order-",
        "order-10",
        "order",
        "orders",
        "order-%",
        "order-2\u{10FFFF}",
        "order-1\u{10FFFF}7",
        "örder-1",
    ] {
        let saga = NewSaga {
            id: SagaId::from(id.to_owned()),
            given: true,
            ..named("checkout")
        };
        begun(&store, saga).await;
        a_moment().await;
    }
    let page = async |prefix: &str, order, after, limit| {
        let alike = SagaFilter {
            id_prefix: Some(prefix.to_owned()),
            order,
            ..SagaFilter::default()
        };
        Journal::list(&store, alike, after, limit).await.unwrap()
    };
    let cases: [(&str, &[&str]); 8] = [
        ("order-1", &["order-1", "order-10", "order-1\u{10FFFF}7"]),
        ("order-1\u{10FFFF}", &["order-1\u{10FFFF}7"]),
        ("order-10", &["order-10"]),
        ("order-%", &["order-%"]),
        ("O", &["Order-1"]),
        ("orders", &["orders"]),
        ("ö", &["örder-1"]),
        ("\u{10FFFF}", &[]),
    ];
    for (prefix, expected) in cases {
        let found = page(prefix, Order::OldestFirst, None, 9).await;
        let ids: Vec<_> = found.iter().map(|saga| saga.id.as_str()).collect();
        assert_eq!(ids, expected, "{prefix}");
        let mut after = None;
        let mut one_by_one = Vec::new();
        while let Some(saga) = page(prefix, Order::NewestFirst, after, 1).await.pop() {
            after = Some(saga.cursor());
            one_by_one.insert(0, saga);
        }
        assert_eq!(one_by_one, found, "{prefix}");
    }
}

pub(crate) async fn a_store_says_what_time_it_is(fixture: impl Workers) {
    let store = fixture.worker().await;
    let before = Journal::now(&store).await.unwrap();
    a_moment().await;
    let saga = loaded(&store, &started(&store).await).await;
    a_moment().await;
    let after = Journal::now(&store).await.unwrap();
    assert!(before < saga.started_at && saga.started_at < after);
    assert!(after.since(before) < std::time::Duration::from_secs(60));
}
