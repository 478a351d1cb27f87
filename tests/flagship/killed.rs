//! Two workers on PostgreSQL and Redis while a fifth of all calls of stores go wrong. One of them is killed in the middle and
//! does not come back: the other one finishes everything.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;

use resilience_test_support::server::{Persistence, Postgres, Redis};
use resilience_test_support::wait;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection as _, PgConnection};

use crate::command::{ALL_IS_WELL, NOT_ALL, Said, ingest, pages, run};
use crate::ledger;
use crate::library::Library;

const NAME: &str = "killed::the_other_worker_finishes_what_a_killed_one_began";
const DOCUMENTS: usize = 40;

#[test]
fn the_other_worker_finishes_what_a_killed_one_began() {
    if let Some(command_line) = resilience_test_support::child::role(NAME) {
        run(&command_line);
    }
    let (Some(postgres), Some(redis)) = (
        Postgres::start_syncing(),
        Redis::start_with(Persistence::Always, &[]),
    ) else {
        return;
    };
    let folder = resilience_test_support::scratch::folder("flagship");
    let documents = folder.path().join("documents");
    let names = pages(&documents, DOCUMENTS);
    let data = folder.path().join("data");
    let (store, redis) = (postgres.url(), redis.url());
    let ingest = |words: &[&str]| {
        let shared = ["--data", data.to_str().unwrap(), "--lease", "1"];
        let servers = ["--store", &store, "--redis", &redis];
        ingest(NAME, [words, &shared, &servers].concat())
    };
    let said = |words: &[&str]| Said::of(ingest(words).output().unwrap());
    let path = documents.to_str().unwrap();
    let worker = |seed| {
        let words = [path, "--chaos", "0.2", "--jobs", "8", "--seed", seed];
        ingest(&words).spawn().unwrap()
    };

    let mut journal = Journal::of(&store);
    let mut victim = worker("1");
    let who = journal.until("a worker", "SELECT id::text FROM resilience_workers", 1);
    let survivor = worker("2");
    let halves = kill_in_the_middle(&mut victim, &mut journal, &who[0]);
    let survivor = wait_for(survivor);

    // Every document has its end, also those that the dead worker had begun and nobody else.
    assert!(
        [ALL_IS_WELL, NOT_ALL].contains(&survivor.status.unwrap()),
        "{survivor:?}"
    );
    let stored = survivor.figure("stored") + survivor.figure("replayed");
    let dead = survivor.figure("dead-lettered");
    let ended = stored + survivor.figure("compensated") + dead;
    assert_eq!(ended, DOCUMENTS, "{survivor:?}");
    assert_eq!(survivor.figure("unsettled"), 0, "{survivor:?}");
    assert_eq!(journal.ask(UNFINISHED), [""; 0]);
    for half in &halves {
        let epoch =
            format!("SELECT epoch::text FROM resilience_sagas WHERE id = '{half}' AND epoch > 1");
        assert_eq!(journal.ask(&epoch).len(), 1, "nobody took {half} over");
    }

    // What could not be undone is in the queue, and nothing else is.
    let queue = said(&["dlq", "list"]);
    assert_eq!(
        queue.text.contains("the dead letter queue is empty"),
        dead == 0,
        "{queue:?}"
    );
    let named = names.iter().filter(|name| queue.text.contains(*name));
    assert_eq!(named.count(), dead, "{queue:?}");
    let retried = said(&["dlq", "retry", "--all"]);
    assert_eq!(retried.status, Some(ALL_IS_WELL), "{retried:?}");
    let verified = said(&["verify"]);
    assert_eq!(verified.status, Some(ALL_IS_WELL), "{verified:?}");
    let count = format!(
        "rows {stored} · index {stored} · graph {stored} · cache {stored}: the four stores agree"
    );
    assert!(verified.text.contains(&count), "{verified:?}");

    // What was undone can be stored, and nothing is stored twice.
    let again = said(&[path]);
    assert_eq!(again.status, Some(ALL_IS_WELL), "{again:?}");
    assert_eq!(again.figure("replayed"), stored, "{again:?}");
    assert_eq!(said(&["verify"]).status, Some(ALL_IS_WELL));
    let counts = async {
        let library = Library::open_existing(&data).await.unwrap();
        ledger::counts(&data, &library).await
    };
    for (store, documents) in journal.runtime.block_on(counts) {
        assert_eq!(documents, u64::try_from(DOCUMENTS).unwrap(), "{store}");
    }
}

const UNFINISHED: &str =
    "SELECT id FROM resilience_sagas WHERE status IN ('running', 'compensating')";

/// SIGKILL while both workers are in the middle of documents. Answers with the sagas that the dead one was at.
fn kill_in_the_middle(victim: &mut Child, journal: &mut Journal, who: &str) -> Vec<String> {
    journal.until(
        "documents",
        "SELECT id FROM resilience_sagas WHERE status = 'completed'",
        DOCUMENTS / 4,
    );
    let of_the_other = format!("{UNFINISHED} AND owner::text <> '{who}'");
    journal.until("a saga of the other worker", &of_the_other, 1);
    let own = format!("{UNFINISHED} AND owner::text = '{who}'");
    let pid = Pid::from_child(victim);
    // It stands still while it is looked at.
    wait::until("a moment at which it has sagas under way", || {
        kill_process(pid, Signal::STOP).unwrap();
        let some = journal.ask(&own).len() > 1;
        if !some {
            kill_process(pid, Signal::CONT).unwrap();
        }
        some
    });
    victim.kill().unwrap();
    assert_eq!(victim.wait().unwrap().signal(), Some(9));
    let halves = journal.ask(&own);
    assert_ne!(halves, [""; 0]);
    halves
}

/// It has to end by itself.
fn wait_for(mut worker: Child) -> Said {
    let ended = wait::holds_within(4 * wait::PATIENCE, || worker.try_wait().unwrap().is_some());
    if !ended {
        worker.kill().unwrap();
    }
    let said = Said::of(worker.wait_with_output().unwrap());
    assert!(ended, "the other worker does not come to an end: {said:?}");
    said
}

/// The runtime's records, read behind its back.
struct Journal {
    runtime: tokio::runtime::Runtime,
    connection: PgConnection,
}

impl Journal {
    fn of(url: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let connection = runtime.block_on(PgConnection::connect(url)).unwrap();
        Self {
            runtime,
            connection,
        }
    }

    /// The answers to a question with one column; none while there are no tables yet.
    fn ask(&mut self, question: &str) -> Vec<String> {
        let question = sqlx::query_scalar(sqlx::AssertSqlSafe(question.to_owned()));
        let answers = question.fetch_all(&mut self.connection);
        match self.runtime.block_on(answers) {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01") => vec![],
            answers => answers.unwrap(),
        }
    }

    /// The answers as soon as there are `count` of them.
    fn until(&mut self, what: &str, question: &str, count: usize) -> Vec<String> {
        let mut answers = Vec::new();
        // Calls that hang take a second each.
        let there = wait::holds_within(4 * wait::PATIENCE, || {
            answers = self.ask(question);
            answers.len() >= count
        });
        assert!(there, "waited in vain for {what}: {answers:?}");
        answers
    }
}
