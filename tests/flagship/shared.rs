//! Two processes ingest one directory at the same time, with their records on PostgreSQL and Redis.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use resilience::saga::Status;
use resilience_test_support::server::{Persistence, Postgres, Redis};
use tokio::task::JoinSet;

use crate::chaos::Chaos;
use crate::intake::{Outcome, take_in};
use crate::library::Library;
use crate::{in_processes, ledger, runtime};

const NAME: &str = "shared::two_processes_do_each_document_once";
const DOCUMENTS: usize = 24;

/// What the parent tells its children: the servers, and the folder.
const SERVERS: [&str; 3] = ["TEST_STORE", "TEST_REDIS", "TEST_FOLDER"];

#[test]
fn two_processes_do_each_document_once() {
    if resilience_test_support::child::role(NAME).is_some() {
        // The closure is for the children alone.
        return in_processes(NAME, &[], async |_| one_process().await);
    }
    let (Some(postgres), Some(redis)) = (
        Postgres::start_syncing(),
        Redis::start_with(Persistence::Always, &[]),
    ) else {
        return;
    };
    let folder = resilience_test_support::scratch::folder("flagship");
    let documents = folder.path().join("documents");
    fs::create_dir(&documents).unwrap();
    for number in 0..DOCUMENTS {
        let next = (number + 1) % DOCUMENTS;
        let text = format!("# Page {number}\n\nSee [the next]({next}.md).\n");
        fs::write(documents.join(format!("{number}.md")), text).unwrap();
    }
    let values = [
        postgres.url(),
        redis.url(),
        folder.path().display().to_string(),
    ];
    let mut children = Vec::new();
    for number in ["0", "1"] {
        let mut command = resilience_test_support::child::again(NAME, number);
        let command = command.envs(SERVERS.into_iter().zip(&values));
        children.push(
            command
                .stderr(std::process::Stdio::inherit())
                .spawn()
                .unwrap(),
        );
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(agree(folder.path(), servers(&values)));
}

fn servers(values: &[String]) -> runtime::Servers {
    runtime::Servers {
        store: Some(values[0].clone()),
        redis: Some(values[1].clone()),
        lease: None,
    }
}

/// All documents, several at a time, in the order that this process likes best.
async fn one_process() {
    let values = SERVERS.map(|name| std::env::var(name).unwrap());
    let folder = Path::new(&values[2]);
    let data = folder.join("data");
    let library = Library::open(&data, Chaos::none()).await.unwrap();
    library.graph.share();
    let runtime = runtime::open(&servers(&values), &data, &library)
        .await
        .unwrap();
    let mut tasks = JoinSet::new();
    for entry in fs::read_dir(folder.join("documents")).unwrap() {
        let (library, file) = (library.clone(), entry.unwrap().path());
        tasks.spawn(async move { take_in(&library, &file).await });
    }
    for outcome in tasks.join_all().await {
        let served = matches!(
            outcome,
            Outcome::Stored { left: None, .. } | Outcome::Replayed
        );
        assert!(served, "{outcome:?}");
    }
    assert_eq!(runtime.shutdown().await.left, 0);
}

/// One saga for each document, none of them twice, and the same documents everywhere.
async fn agree(folder: &Path, servers: runtime::Servers) {
    let data = folder.join("data");
    let runtime = runtime::inspect(&servers, &data).await.unwrap();
    let completed = u64::try_from(DOCUMENTS).unwrap();
    assert_eq!(
        ledger::sagas(&runtime).await,
        BTreeMap::from([(format!("{:?}", Status::Completed), completed)])
    );
    runtime.shutdown().await;
    let library = Library::open_existing(&data).await.unwrap();
    assert_eq!(ledger::ids(&library).await.len(), DOCUMENTS);
    for (store, documents) in ledger::counts(&data, &library).await {
        assert_eq!(documents, completed, "{store}");
    }
}
