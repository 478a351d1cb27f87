//! What is refused, and what a user may have set up.

use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::store::risk::{Accepted, Risk, Unopened};

use super::{accepted, database, execute, open, shell};

async fn refusal(url: &str, accepted: &Accepted) -> Unopened {
    match PostgresStore::open(url, accepted).await {
        Ok(_) => panic!("it opened"),
        Err(unopened) => unopened,
    }
}

async fn risk(url: &str) -> Option<Risk> {
    match refusal(url, &accepted()).await {
        Unopened::Risky { risk, .. } => Some(risk),
        Unopened::Failed(_) => None,
    }
}

#[tokio::test]
async fn a_server_that_may_lose_what_it_confirmed_is_refused_unless_that_is_accepted() {
    let Some(url) = database() else { return };
    let text = refusal(&url, &Accepted::default()).await.to_string();
    assert!(text.contains("fsync is off"), "{text}");
    open(&url).await;
}

#[tokio::test]
async fn a_user_who_may_write_nothing_is_told_so() {
    let Some(url) = database() else { return };
    let options = "?options=-c%20default_transaction_read_only%3Don";
    let text = refusal(&format!("{url}{options}"), &accepted()).await;
    let text = text.to_string();
    assert!(text.contains("default_transaction_read_only"), "{text}");
}

#[tokio::test]
async fn many_processes_create_the_tables_at_once() {
    let Some(url) = database() else { return };
    let opening: Vec<_> = (0..5)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { open(&url).await })
        })
        .collect();
    for opening in opening {
        opening.await.unwrap();
    }
}

#[tokio::test]
async fn the_schema_of_the_url_gets_the_tables() {
    let Some(url) = database() else { return };
    execute(&url, "CREATE SCHEMA \"od\"\"d\"").await;
    open(&format!(
        "{url}?options=-c%20search_path%3D\"od\"\"d\",public"
    ))
    .await;
    let mut shell = shell(&url).await;
    let schema: String = sqlx::query_scalar(
        "SELECT schemaname::text FROM pg_tables WHERE tablename = 'resilience_locks'",
    )
    .fetch_one(&mut shell)
    .await
    .unwrap();
    assert_eq!(schema, "od\"d");
    // Also when another schema comes first by now.
    execute(&url, "CREATE SCHEMA first").await;
    open(&format!(
        "{url}?options=-c%20search_path%3Dfirst,\"od\"\"d\""
    ))
    .await;
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'first'")
            .fetch_one(&mut shell)
            .await
            .unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn the_password_is_in_no_error() {
    let Some(url) = database() else { return };
    for wrong in [
        url.replace("postgres@127", "postgres:hunter2@127"),
        "postgres://nobody:hunter2@127.0.0.1:1/x".to_owned(),
        "postgres://nobody:hun/ter2@127.0.0.1:1/x".to_owned(),
        "postgres://nobody:12/hunter2@127.0.0.1:1/x".to_owned(),
        "postgres://nobody:hunter2@127.0.0.1:1/x?sslmode=hunter2".to_owned(),
    ] {
        let text = refusal(&wrong, &Accepted::default()).await.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(!text.contains("ter2"), "{text}");
    }
}

#[tokio::test]
async fn a_schema_of_a_newer_crate_is_refused() {
    let Some(url) = database() else { return };
    open(&url).await;
    execute(&url, "UPDATE resilience_schema SET version = 9000").await;
    let text = refusal(&url, &accepted()).await.to_string();
    assert!(text.contains("9000") && text.contains("upgrade"), "{text}");
    assert_eq!(risk(&url).await, None);
}

/// Results are Unicode: a database that has not all of it would refuse some, after the body has run.
#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let Some(url) = database() else { return };
    execute(
        &url,
        "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
    )
    .await;
    let (server, _) = url.rsplit_once('/').unwrap();
    let text = refusal(&format!("{server}/latin"), &accepted()).await;
    assert!(text.to_string().contains("LATIN1"), "{text}");
}
