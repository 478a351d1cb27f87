//! Writes of several sagas that share a commit.

use resilience_runtime::saga::journal::{Advance, Journal, SagaId, Started, Status, Written};
use resilience_runtime::store::postgres::PostgresStore;
use resilience_test_support::proxy::{Cut, Proxy};
use sqlx::Connection as _;
use tokio::task::JoinSet;

use super::{database, load, new_saga, open, shell, started, step, write_to};

const SAGAS: usize = 64;

/// Three steps, and what the store has of them then.
async fn life(store: PostgresStore) -> SagaId {
    let saga = new_saga();
    let id = saga.id.clone();
    assert!(matches!(store.start(saga).await.unwrap(), Started::New(_)));
    for position in 0..3 {
        let write = Advance {
            steps: vec![step(position)],
            status: (position == 2).then_some(Status::Completed),
            output: (position == 2).then(|| "\"a\0🦀\"".to_owned()),
            ..Advance::default()
        };
        assert_eq!(write_to(&store, &id, 1, write).await, Written::YES);
    }
    id
}

async fn lives(store: &PostgresStore) {
    let lives: JoinSet<_> = (0..SAGAS).map(|_| life(store.clone())).collect();
    for saga in lives.join_all().await {
        let record = load(store, &saga).await;
        assert_eq!(record.status, Status::Completed);
        assert_eq!(record.output.as_deref(), Some("\"a\u{2400}🦀\""));
        let mut steps = record.steps;
        for step in &mut steps {
            assert!(step.written_at.take().is_some());
        }
        assert_eq!(steps, [step(0), step(1), step(2)]);
    }
}

/// Each write would be a transaction of its own otherwise.
#[tokio::test]
async fn sagas_that_run_at_the_same_time_share_commits() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    let proxy = in_front_of(&url);
    let shared = open(&proxy.in_front_of(&url)).await;
    lives(&store).await;
    let before = proxy.requests();
    let lives: JoinSet<_> = (0..SAGAS).map(|_| life(shared.clone())).collect();
    assert_eq!(lives.join_all().await.len(), SAGAS);
    let requests = usize::try_from(proxy.requests() - before).unwrap();
    assert!(requests < SAGAS * 4 / 2, "{requests}");
}

#[tokio::test]
async fn a_write_that_cannot_be_made_does_not_make_others_fail() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    let mut writes = JoinSet::new();
    let mut expected = Vec::new();
    for number in 0..SAGAS {
        let saga = started(&store).await;
        let first = Advance {
            steps: vec![step(0)],
            ..Advance::default()
        };
        assert_eq!(write_to(&store, &saga, 1, first).await, Written::YES);
        expected.push(number % 4);
        let store = store.clone();
        writes.spawn(async move {
            let mut wrong = step(1);
            wrong.position = 0;
            let (epoch, step) = match number % 4 {
                // Another step is at its place.
                0 => (1, wrong),
                // Another owner has the saga.
                1 => (7, step(1)),
                _ => (1, step(1)),
            };
            let write = Advance {
                steps: vec![step],
                ..Advance::default()
            };
            let written = store.advance(saga.clone(), epoch, write).await;
            (number, saga, written)
        });
    }
    while let Some(Ok((number, saga, written))) = writes.join_next().await {
        let steps = load(&store, &saga).await.steps.len();
        match number % 4 {
            0 => assert!(written.is_err() && steps == 1, "{written:?}"),
            1 => assert!(matches!(written, Ok(Written::Superseded)) && steps == 1),
            _ => assert!(
                matches!(written, Ok(Written::YES)) && steps == 2,
                "{written:?}"
            ),
        }
    }
}

/// A row that somebody holds, in psql for instance, is waited for by nobody but its own writes.
#[tokio::test]
async fn a_saga_that_is_locked_holds_no_other_up() {
    let Some(url) = database() else { return };
    let store = open(&url).await;
    let saga = started(&store).await;
    let mut shell = shell(&url).await;
    let mut transaction = shell.begin().await.unwrap();
    sqlx::raw_sql("SELECT FROM resilience_sagas FOR UPDATE")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let write = Advance {
        status: Some(Status::Completed),
        ..Advance::default()
    };
    // It may be alone on its way, or with others.
    let held = tokio::spawn({
        let (store, saga) = (store.clone(), saga.clone());
        async move { store.advance(saga, 1, write).await.unwrap() }
    });
    lives(&store).await;
    assert!(!held.is_finished());
    transaction.rollback().await.unwrap();
    assert_eq!(held.await.unwrap(), Written::YES);
}

#[tokio::test]
async fn answers_that_are_lost_are_found_again() {
    let Some(url) = database() else { return };
    let proxy = in_front_of(&url);
    for cut in [Cut::After, Cut::Before] {
        for message in 1..9 {
            let store = open(&proxy.in_front_of(&url)).await;
            // Connected by then: what is cut is a statement.
            lives(&store).await;
            proxy.cut_at(message, cut);
            lives(&store).await;
            proxy.cut_nothing();
        }
    }
    assert!(proxy.cuts() >= 12, "{}", proxy.cuts());
}

fn in_front_of(url: &str) -> Proxy {
    let (_, rest) = url.rsplit_once(':').unwrap();
    Proxy::start(rest.split_once('/').unwrap().0.parse().unwrap())
}
