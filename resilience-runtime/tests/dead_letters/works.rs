//! Work of the author's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience_runtime::dlq::{
    DeadLetterError, DeadLetterFilter, DeadLetterKind, DeadLetterStatus, Priority, RetryAs,
    RetryOutcome,
};
use resilience_runtime::operator::Operator;
use resilience_runtime::runtime::{Runtime, RuntimeBuilder};
use resilience_runtime::store::memory::MemoryStore;
use serde_json::{Value, json};

use crate::dead_sagas::Counts;
use crate::{builder, on};

/// Sends invoices; the first `failures` times it does not.
fn sender(builder: RuntimeBuilder, failures: u32, sent: &Arc<AtomicU32>) -> RuntimeBuilder {
    let sent = Arc::clone(sent);
    builder.dead_letter_handler("send", move |arguments: Value| {
        let count = sent.fetch_add(1, Ordering::Relaxed);
        assert_ne!(arguments["invoice"], json!(14), "unlucky at once");
        async move {
            assert_ne!(arguments["invoice"], json!(13), "unlucky");
            match count < failures {
                true => Err(format!("no room for {}", arguments["invoice"])),
                false => Ok(()),
            }
        }
    })
}

async fn with_sender(failures: u32) -> (Runtime, Arc<AtomicU32>) {
    let sent = Arc::<AtomicU32>::default();
    let runtime = sender(builder(), failures, &sent).open().await.unwrap();
    (runtime, sent)
}

#[tokio::test(start_paused = true)]
async fn what_was_added_is_there_as_it_was_given() {
    let (runtime, _) = with_sender(0).await;
    let letters = runtime.dead_letters();
    let plain = letters.add("send", &json!({"invoice": 1}), "full").await;
    let plain = letters.get(plain.unwrap()).await.unwrap().unwrap();
    assert_eq!(plain.work.kind, DeadLetterKind::Work);
    assert_eq!((plain.work.attempts, &plain.saga), (1, &None));
    assert_eq!(plain.work.priority, Priority::Normal);
    let text = "NUL \0, a line\nand a 📦";
    let id = letters
        .add("send", text, text)
        .dependency("smtp")
        .priority(Priority::Critical)
        .attempts(7)
        .by(Operator::named("mailer").because("tired"))
        .await
        .unwrap();
    let letter = letters.get(id).await.unwrap().unwrap();
    assert_eq!(
        serde_json::from_str::<String>(&letter.work.arguments).unwrap(),
        text
    );
    assert_eq!(letter.work.error, text);
    assert_eq!(letter.work.dependency.as_deref(), Some("smtp"));
    assert_eq!(letter.work.attempts, 7);
    let of_smtp = DeadLetterFilter {
        dependency: Some("smtp".to_owned()),
        ..DeadLetterFilter::default()
    };
    assert_eq!(letters.list(of_smtp, None, 9).await.unwrap(), [letter]);
    let audit = letters.audit(id).await.unwrap();
    assert_eq!(audit.len(), 1);
    assert_eq!(
        (audit[0].operator.as_str(), audit[0].action.as_str()),
        ("mailer", "add")
    );
    assert_eq!(letters.unresolved().await.unwrap(), 2);
    let statistics = letters.statistics().await.unwrap();
    assert_eq!(statistics.counts, [(DeadLetterStatus::Open, 2)]);
    assert_eq!(statistics.by_dependency, [("smtp".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn arguments_that_are_too_long_or_not_json_are_refused() {
    let runtime = builder().payload_limit(10).open().await.unwrap();
    let letters = runtime.dead_letters();
    letters.add("send", "12345678", "full").await.unwrap();
    let error = letters.add("send", "123456789", "full").await.unwrap_err();
    assert!(matches!(
        error,
        DeadLetterError::TooLarge {
            bytes: 11,
            limit: 10
        }
    ));
    assert!(error.to_string().contains("payload_limit"), "{error}");
    let keys = std::collections::HashMap::from([(vec![1], 1)]);
    let error = letters.add("send", &keys, "full").await.unwrap_err();
    assert!(matches!(error, DeadLetterError::Encode(_)), "{error}");
    assert_eq!(letters.unresolved().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_retry_hands_the_work_to_its_handler() {
    let (runtime, sent) = with_sender(1).await;
    let letters = runtime.dead_letters();
    let invoice = json!({"invoice": 1});
    let id = letters.add("send", &invoice, "full").await.unwrap();
    let again = letters.retry(id, "ada").await.unwrap();
    let RetryOutcome::FailedAgain { operation, error } = again else {
        panic!("{again:?}");
    };
    assert_eq!(
        (operation.as_str(), error.as_str()),
        ("send", "no room for 1")
    );
    let letter = letters.get(id).await.unwrap().unwrap();
    assert_eq!(
        (letter.status, letter.work.attempts),
        (DeadLetterStatus::Open, 2)
    );
    assert_eq!(
        letters.retry(id, "ada").await.unwrap(),
        RetryOutcome::Settled
    );
    assert_eq!(sent.load(Ordering::Relaxed), 2);
    assert_eq!(letters.unresolved().await.unwrap(), 0);
    let error = letters.retry(id, "ada").await.unwrap_err();
    assert!(
        matches!(error, DeadLetterError::NotOpen(it, _) if it == id),
        "{error}"
    );
    let error = letters.retry(id + 1, "ada").await.unwrap_err();
    assert!(matches!(error, DeadLetterError::NotFound(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_has_failed() {
    let (runtime, _) = with_sender(0).await;
    let letters = runtime.dead_letters();
    for unlucky in [13, 14] {
        let unlucky = json!({ "invoice": unlucky });
        let id = letters.add("send", &unlucky, "full").await.unwrap();
        let again = letters.retry(id, "ada").await.unwrap();
        let RetryOutcome::FailedAgain { error, .. } = again else {
            panic!("{again:?}");
        };
        assert!(error.contains("unlucky"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_when_nobody_waits_any_more_is_called_again() {
    let builder = builder().dead_letter_handler("send", |_| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Err::<(), _>("what it needs was shut down, too")
    });
    let runtime = builder.open().await.unwrap();
    let letters = runtime.dead_letters();
    let id = letters.add("send", "", "full").await.unwrap();
    let retry = tokio::spawn({
        let letters = runtime.dead_letters();
        async move { letters.retry(id, "ada").await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    runtime.shutdown().await;
    let answer = retry.await.unwrap();
    assert!(
        matches!(answer, Err(DeadLetterError::LeftBehind(_))),
        "{answer:?}"
    );
    let letter = letters.get(id).await.unwrap().unwrap();
    assert_eq!(letter.status, DeadLetterStatus::Retrying);
}

#[tokio::test(start_paused = true)]
async fn without_a_handler_nothing_is_done_and_it_is_said_what_to_do() {
    let (runtime, _) = with_sender(0).await;
    let letters = runtime.dead_letters();
    let id = letters.add("print", "", "jammed").await.unwrap();
    let error = letters.retry(id, "ada").await.unwrap_err();
    assert!(matches!(error, DeadLetterError::NoCode { .. }));
    let text = error.to_string();
    assert!(
        text.contains("`print`") && text.contains("request_retry"),
        "{text}"
    );
    let letter = letters.get(id).await.unwrap().unwrap();
    assert_eq!(letter.status, DeadLetterStatus::Open);
    letters
        .request_retry(id, RetryAs::Itself, "ada")
        .await
        .unwrap();
    let letter = letters.get(id).await.unwrap().unwrap();
    assert_eq!(letter.status, DeadLetterStatus::Retrying);
}

#[tokio::test(start_paused = true)]
async fn of_two_who_act_at_once_one_does_it() {
    let (runtime, sent) = with_sender(0).await;
    let letters = runtime.dead_letters();
    let id = letters.add("send", &json!({}), "full").await.unwrap();
    let (one, two) = tokio::join!(letters.retry(id, "ada"), letters.retry(id, "bob"));
    // The other one waited for him, or was told that somebody is at it.
    assert!(one.is_ok() || two.is_ok(), "{one:?} {two:?}");
    assert_eq!(sent.load(Ordering::Relaxed), 1);
    let id = letters.add("send", &json!({}), "full").await.unwrap();
    let (one, two) = tokio::join!(
        letters.resolve(id, "by mail", "ada"),
        letters.discard(id, "bob")
    );
    assert!(one.is_ok());
    assert!(matches!(two.unwrap_err(), DeadLetterError::NotOpen(..)));
    let audit = letters.audit(id).await.unwrap();
    let done: Vec<_> = audit.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(done, ["add", "resolve"]);
    let letter = letters.get(id).await.unwrap().unwrap();
    assert_eq!(letter.note.as_deref(), Some("by mail"));
    let none = letters.discard(id + 1, "bob").await.unwrap_err();
    assert!(matches!(none, DeadLetterError::NotFound(_)));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_has_the_code_takes_up_what_another_one_asked_for() {
    let store = MemoryStore::new();
    let sent = Arc::<AtomicU32>::default();
    let worker = on(Arc::new(store.another_worker()), &Counts::default());
    let worker = sender(worker, 1, &sent).open().await.unwrap();
    let tool = Runtime::on_store(Arc::new(store)).without_recovery();
    let tool = tool.open().await.unwrap();
    let letters = tool.dead_letters();
    let id = letters.add("send", &json!({}), "full").await.unwrap();
    for (status, attempts) in [(DeadLetterStatus::Open, 2), (DeadLetterStatus::Settled, 2)] {
        letters
            .request_retry(id, RetryAs::Itself, "ada")
            .await
            .unwrap();
        // Nobody has taken it up yet.
        letters
            .request_retry(id, RetryAs::Itself, "bob")
            .await
            .unwrap();
        // A poll interval of the worker.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let letter = letters.get(id).await.unwrap().unwrap();
        assert_eq!((letter.status, letter.work.attempts), (status, attempts));
    }
    assert_eq!(sent.load(Ordering::Relaxed), 2);
    worker.shutdown().await;
}
