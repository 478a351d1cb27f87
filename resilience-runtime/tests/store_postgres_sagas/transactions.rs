//! Steps that commit with their record, and sagas that are started in somebody's transaction.

use std::time::Duration;

use resilience_runtime::error::Effect;
use resilience_runtime::idempotency::SagaKey;
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Journal, NewSaga, SagaId, StartConnection, StartedIn, StepConnection, StepTransaction, Written,
};
use resilience_runtime::store::postgres::PostgresStore;
use resilience_test_support::proxy::{Cut, Proxy};
use sqlx::{Connection as _, PgConnection};

use super::{
    NEVER, asked, at_last, database, execute, known, load, new_saga, open, shell, started, step,
};

const EFFECT: &str = "INSERT INTO effects VALUES (1)";
const EFFECTS: &str = "SELECT count(*)::text FROM effects";

async fn with_effects() -> Option<(String, PostgresStore)> {
    let url = database()?;
    execute(&url, "CREATE TABLE effects (id int)").await;
    let store = open(&url).await;
    Some((url, store))
}

async fn effect(connection: &mut PgConnection) {
    sqlx::raw_sql(EFFECT).execute(connection).await.unwrap();
}

#[tokio::test]
async fn a_step_and_its_record_are_one_commit() {
    let Some((url, store)) = with_effects().await else {
        return;
    };
    let saga = started(&store).await;
    let mut connection = shell(&url).await;
    let mut taken = connection.begin_step().await.unwrap();
    effect(taken.connection()).await;
    assert!(load(&store, &saga).await.steps.is_empty());
    let written = taken.commit(saga.clone(), 1, step(0), true).await;
    assert_eq!(written.unwrap(), Written::YES);
    let record = load(&store, &saga).await;
    assert_eq!((record.steps.len(), record.pivoted), (1, true));
    assert_eq!(asked(&url, EFFECTS).await, "1");
    // The connection is as it was.
    assert!(!sqlx::Connection::is_in_transaction(&connection));
    effect(&mut connection).await;
    assert_eq!(asked(&url, EFFECTS).await, "2");
}

#[tokio::test]
async fn a_step_of_an_owner_who_lost_the_saga_has_no_effect() {
    let Some((url, store)) = with_effects().await else {
        return;
    };
    let saga = started(&store).await;
    let mut connection = shell(&url).await;
    for epoch in [0, 2] {
        let mut taken = connection.begin_step().await.unwrap();
        effect(taken.connection()).await;
        let written = taken.commit(saga.clone(), epoch, step(0), false).await;
        assert_eq!(written.unwrap(), Written::Superseded);
    }
    let nobody = SagaId::generate();
    let mut taken = connection.begin_step().await.unwrap();
    effect(taken.connection()).await;
    let written = taken.commit(nobody, 1, step(0), false).await;
    assert_eq!(written.unwrap(), Written::Superseded);
    assert_eq!(asked(&url, EFFECTS).await, "0");
    assert!(load(&store, &saga).await.steps.is_empty());
}

#[tokio::test]
async fn a_step_that_fails_or_is_dropped_has_no_effect() {
    let Some((url, store)) = with_effects().await else {
        return;
    };
    let saga = started(&store).await;
    let mut connection = shell(&url).await;
    let mut taken = connection.begin_step().await.unwrap();
    effect(taken.connection()).await;
    taken.roll_back().await.unwrap();
    let mut taken = connection.begin_step().await.unwrap();
    effect(taken.connection()).await;
    drop(taken);
    let mut taken = connection.begin_step().await.unwrap();
    let wrong = sqlx::raw_sql("SELECT 1 / 0")
        .execute(taken.connection())
        .await;
    assert!(wrong.is_err());
    let refused = taken
        .commit(saga.clone(), 1, step(0), false)
        .await
        .unwrap_err();
    assert_eq!(refused.effect(), Effect::DidNotRun);
    assert_eq!(asked(&url, EFFECTS).await, "0");
    assert!(load(&store, &saga).await.steps.is_empty());
}

#[tokio::test]
async fn a_step_is_refused_on_a_connection_that_is_in_a_transaction() {
    let Some((url, _store)) = with_effects().await else {
        return;
    };
    let mut connection = shell(&url).await;
    let mut transaction = connection.begin().await.unwrap();
    let refused = transaction.begin_step().await.map(drop).unwrap_err();
    assert_eq!(refused.effect(), Effect::DidNotRun);
}

/// What it did by itself is there, and nobody can say any more that it is one with the record.
#[tokio::test]
async fn a_body_that_ends_the_transaction_is_found_out() {
    let Some((url, store)) = with_effects().await else {
        return;
    };
    let saga = started(&store).await;
    let mut connection = shell(&url).await;
    let mut taken = connection.begin_step().await.unwrap();
    effect(taken.connection()).await;
    sqlx::raw_sql("COMMIT; BEGIN")
        .execute(taken.connection())
        .await
        .unwrap();
    let error = taken
        .commit(saga.clone(), 1, step(0), false)
        .await
        .unwrap_err();
    assert_eq!(error.effect(), Effect::Ran);
    assert!(load(&store, &saga).await.steps.is_empty());
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_in_doubt_and_can_be_looked_for() {
    for (cut, is_there) in [(Cut::After, true), (Cut::Before, false)] {
        let Some((url, store)) = with_effects().await else {
            return;
        };
        let saga = started(&store).await;
        let (_, rest) = url.rsplit_once(':').unwrap();
        let proxy = Proxy::start(rest.split_once('/').unwrap().0.parse().unwrap());
        let mut connection = shell(&proxy.in_front_of(&url)).await;
        // What is sent for one step, the last of it being the commit.
        let before = proxy.requests();
        let mut taken = connection.begin_step().await.unwrap();
        effect(taken.connection()).await;
        let nobody = SagaId::generate();
        let other = started(&store).await;
        drop(nobody);
        let written = taken.commit(other, 1, step(0), false).await;
        assert_eq!(written.unwrap(), Written::YES);
        let mut taken = connection.begin_step().await.unwrap();
        effect(taken.connection()).await;
        assert!(proxy.requests() > before);
        proxy.cut_at(2, cut);
        let error = taken
            .commit(saga.clone(), 1, step(0), false)
            .await
            .unwrap_err();
        assert_eq!(error.effect(), Effect::MayHaveRun, "{error}");
        let expected = if is_there { "2" } else { "1" };
        assert_eq!(asked(&url, EFFECTS).await, expected);
        assert_eq!(load(&store, &saga).await.steps.len(), usize::from(is_there));
    }
}

#[tokio::test]
async fn a_saga_starts_with_the_commit_of_a_transaction_and_not_without_it() {
    let Some((url, store)) = with_effects().await else {
        return;
    };
    let mut connection = shell(&url).await;
    let mut transaction = connection.begin().await.unwrap();
    assert_eq!(
        transaction.start_saga(new_saga()).await.unwrap(),
        StartedIn::New
    );
    transaction.rollback().await.unwrap();
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());

    let saga = new_saga();
    let changed = store.changed();
    let mut transaction = connection.begin().await.unwrap();
    assert_eq!(
        transaction.start_saga(saga.clone()).await.unwrap(),
        StartedIn::New
    );
    let mut changed = std::pin::pin!(changed);
    assert!(tokio::time::timeout(NEVER, &mut changed).await.is_err());
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
    transaction.commit().await.unwrap();
    at_last(changed).await;
    let taken = store.take_over(known(), 9).await.unwrap();
    assert_eq!(
        (&taken[0].id, taken[0].epoch, taken[0].interruptions),
        (&saga.id, 1, 0)
    );
    assert!(store.take_over(known(), 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn one_of_several_transactions_starts_a_saga_with_a_key() {
    let Some((url, store)) = with_effects().await else {
        return;
    };
    let keyed = || NewSaga {
        key: Some(SagaKey {
            digest: resilience_runtime::idempotency::Digest::from_bytes([7; 32]),
            ttl: Duration::from_secs(3600),
        }),
        ..new_saga()
    };
    let mut connection = shell(&url).await;
    let mut transaction = connection.begin().await.unwrap();
    let first = keyed();
    assert_eq!(
        transaction.start_saga(first.clone()).await.unwrap(),
        StartedIn::New
    );
    let other = tokio::spawn(async move {
        let mut connection = shell(&url).await;
        connection.start_saga(keyed()).await.unwrap()
    });
    tokio::time::sleep(NEVER).await;
    transaction.commit().await.unwrap();
    let StartedIn::Present { id, name, input } = other.await.unwrap() else {
        panic!("started twice");
    };
    assert_eq!((id, name, input), (first.id, first.name, first.input));
    let by = Operator::named("anna");
    assert!(
        store
            .cancel(SagaId::generate(), by)
            .await
            .unwrap()
            .is_none()
    );
}
