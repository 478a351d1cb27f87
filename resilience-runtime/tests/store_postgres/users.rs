//! Users with few rights, and with a search path that others have put something in.

use resilience_runtime::idempotency::store::Completion;
use resilience_runtime::lock::store::LockStore;
use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::store::risk::{Risk, Unopened};

use super::records::Caller;
use super::wire::{acquire, lock};
use super::{accepted, database, execute, open};

/// Everything once.
async fn works(store: &PostgresStore) {
    let caller = Caller::of(1);
    caller.granted(store).await;
    assert_eq!(caller.completes(store, "1").await, Completion::Stored);
    assert_eq!(caller.another().record(store).await, caller.value("1"));
    let lock = lock(1);
    assert!(acquire(store, lock).await);
    LockStore::release(store, lock.key, lock.nonce)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_user_who_may_create_nothing_works_with_tables_that_are_there() {
    let Some(url) = database() else { return };
    execute(
        &url,
        "DROP ROLE IF EXISTS clerk; CREATE ROLE clerk LOGIN;
         REVOKE CREATE ON SCHEMA public FROM public",
    )
    .await;
    let as_clerk = url.replace("postgres@", "clerk@");
    let text = match PostgresStore::open(&as_clerk, &accepted()).await {
        Err(Unopened::Failed(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(text.contains("may not create them"), "{text}");
    open(&url).await;
    execute(
        &url,
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk",
    )
    .await;
    works(&open(&as_clerk).await).await;
}

/// A schema whose functions, operators and tables are not what they seem.
const TRAPS: &str = "
CREATE SCHEMA traps;
CREATE FUNCTION traps.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''epoch''::timestamptz';
CREATE FUNCTION traps.clock_timestamp() RETURNS timestamptz LANGUAGE sql
    AS 'SELECT ''epoch''::timestamptz';
CREATE FUNCTION traps.pg_notify(text, text) RETURNS void LANGUAGE plpgsql
    AS 'BEGIN RAISE ''trapped''; END';
CREATE FUNCTION traps.never(bytea, bytea) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR traps.= (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = traps.never);
CREATE TABLE traps.pg_tables (tablename text, schemaname text)";

#[tokio::test]
async fn a_search_path_with_traps_in_it_changes_nothing() {
    for path in ["traps,pg_catalog,public", "pg_catalog,traps", "traps"] {
        let Some(url) = database() else { return };
        execute(&url, TRAPS).await;
        let url = format!("{url}?options=-c%20search_path%3D{path}");
        let (here, there) = (open(&url).await, open(&url).await);
        works(&here).await;
        let caller = Caller::of(7);
        caller.granted(&here).await;
        let busy = caller.another().busy(&there).await;
        caller.completes(&here, "1").await;
        assert_eq!(busy.woken.await, Some(caller.value("1")));
    }
}

#[tokio::test]
async fn settings_of_the_user_change_nothing() {
    let Some(url) = database() else { return };
    execute(
        &url,
        "DROP ROLE IF EXISTS odd; CREATE ROLE odd LOGIN SUPERUSER;
         ALTER ROLE odd SET default_transaction_isolation = 'serializable';
         ALTER ROLE odd SET standard_conforming_strings = off;
         ALTER ROLE odd SET bytea_output = 'escape';
         ALTER ROLE odd SET DateStyle = 'SQL, DMY';
         ALTER ROLE odd SET jit_above_cost = 0",
    )
    .await;
    works(&open(&url.replace("postgres@", "odd@")).await).await;
}

#[tokio::test]
async fn a_user_whose_commits_do_not_wait_for_the_disk_is_at_risk() {
    let Some(url) = database() else { return };
    let url = format!("{url}?options=-c%20synchronous_commit%3Doff");
    let refused = PostgresStore::open(&url, &Default::default()).await;
    let Err(Unopened::Risky { risk, .. }) = refused else {
        panic!("it opened");
    };
    assert_eq!(risk, Risk::NotDurable);
}
