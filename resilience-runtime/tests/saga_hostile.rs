//! Sagas of authors and callers who do what nobody expects.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::arguments::argument;
use resilience_runtime::dlq::{DeadLetterStatus, RetryAs};
use resilience_runtime::error::Error;
use resilience_runtime::outcome::{failures, function, kept, stored};
use resilience_runtime::registry::{
    CompensationError, JournaledCall, Place, SagaEntry, StateType, StepEntry,
};
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::{Parking, SagaFilter, Status};
use resilience_runtime::saga::{self, Saga, SagaStep, start};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

type Answer = Result<Odd, OddError>;

/// A value that panics where it is told to.
#[derive(Debug, PartialEq, Eq)]
struct Odd(String);

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(self.0 != "panic in Serialize", "Serialize panicked");
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        assert!(text != UNREADABLE.get(), "Deserialize panicked");
        Ok(Self(text))
    }
}

thread_local! {
    /// The [`Odd`] that panics when it is read back.
    static UNREADABLE: Cell<&'static str> = const { Cell::new("none") };
}

#[derive(Debug, Serialize, Deserialize)]
struct OddError(String);

impl fmt::Display for OddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        assert!(self.0 != "panic in Display", "Display panicked");
        f.write_str(&self.0)
    }
}

impl From<Error> for OddError {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

const PLACE: Place = Place {
    file: file!(),
    line: line!(),
};
const STATES: &[StateType] = &[];
const ODD: Saga = Saga::named("odd").timeout(Duration::MAX);
const NOTE: SagaStep = SagaStep::named("note")
    .compensated_by("undo")
    .compensate_timeout(Duration::MAX);

static UNDONE: AtomicUsize = AtomicUsize::new(0);

/// `#[saga(id = id, timeout = ..)] async fn odd(id: String, what: String) -> Result<Odd, OddError>`
async fn odd(id: String, what: String) -> Answer {
    static SAGA: Saga = ODD;
    let arguments = SAGA
        .arguments()
        .with("id", &Odd(id.clone()))
        .with("what", &what);
    let identity = SAGA.id(&id);
    let call = async move {
        match what.as_str() {
            "many" => {
                let mut all: Vec<_> = (0..500)
                    .map(|number| Some(Box::pin(note(number))))
                    .collect();
                std::future::poll_fn(|context| {
                    for one in &mut all {
                        let polled = one.as_mut().map(|call| call.as_mut().poll(context));
                        if polled.is_some_and(|polled| polled.is_ready()) {
                            *one = None;
                        }
                    }
                    match all.iter().all(Option::is_none) {
                        true => std::task::Poll::Ready(()),
                        false => std::task::Poll::Pending,
                    }
                })
                .await;
            }
            "sleep" => saga::sleep(Duration::MAX).await,
            "select" => {
                tokio::select! {
                    biased;
                    first = note(1) => drop(first?),
                    second = note(2) => drop(second?),
                }
                note(3).await?;
            }
            "hang" => {
                note(0).await?;
                std::future::pending::<()>().await;
            }
            _ => {
                note(0).await?;
            }
        }
        match what.as_str() {
            "panic in Display" => Err(OddError(what)),
            _ => Ok(Odd(what)),
        }
    };
    let (function, stored) = (function::<Answer>("odd"), stored::<Answer>());
    let (failures, kept) = (failures::<Answer>(), kept::<Answer>().found());
    let call = SAGA.run(arguments, identity, call, function, stored, failures, kept);
    call.await.into_result()
}

/// `#[saga_step(compensate = undo, ..)] async fn note(number: u32) -> Result<Odd, OddError>`
async fn note(number: u32) -> Answer {
    static STEP: SagaStep = NOTE;
    let arguments = STEP.arguments().with("number", &number);
    let call = async move {
        tokio::task::yield_now().await;
        Ok(Odd(number.to_string()))
    };
    let (function, stored) = (function::<Answer>("note"), stored::<Answer>());
    let kept = kept::<Answer>().found();
    let call = STEP.run(arguments, call, function, stored, kept);
    call.await.into_result()
}

fn resume(call: JournaledCall) -> BoxFuture<'static, Result<(), Error>> {
    Box::pin(async move {
        let Odd(id) = call.argument("id", argument::<Odd>().found())?;
        let what = call.argument("what", argument::<String>().found())?;
        let _outcome = odd(id, what).await;
        Ok(())
    })
}

fn undo(_call: JournaledCall) -> BoxFuture<'static, Result<(), CompensationError>> {
    Box::pin(async {
        UNDONE.fetch_add(1, Ordering::Relaxed);
        Ok(())
    })
}

inventory::submit! { SagaEntry { saga: ODD, place: PLACE, states: STATES, resume } }
inventory::submit! { StepEntry { step: NOTE, place: PLACE, states: STATES, compensate: Some(undo) } }

async fn runtime() -> Runtime {
    Runtime::builder("memory:").scoped().open().await.unwrap()
}

/// Every kind of store that needs no server, each new.
async fn runtimes(folder: &std::path::Path) -> Vec<Runtime> {
    let mut all = vec![runtime().await];
    if cfg!(feature = "sqlite") {
        let url = format!("sqlite:{}", folder.join("sagas.db").display());
        all.push(Runtime::builder(&url).scoped().open().await.unwrap());
    }
    all
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[tokio::test]
async fn a_result_or_an_error_that_panics_ends_its_saga() {
    for what in ["panic in Serialize", "panic in Display"] {
        let runtime = runtime().await;
        let call = tokio::spawn({
            let runtime = runtime.clone();
            async move { runtime.scope(odd(text("a"), text(what))).await }
        });
        assert!(call.await.unwrap_err().is_panic(), "{what}");
        let record = runtime.sagas().list(SagaFilter::default(), None, 9).await;
        assert_eq!(record.unwrap()[0].status, Status::Compensated, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_panics_when_it_is_read_back_parks_its_saga() {
    for (unreadable, says) in [
        ("a", "could not be called again"),
        ("0", "the output of step `note`"),
    ] {
        let runtime = runtime().await;
        let call = runtime.scope(odd(text("a"), text("hang")));
        let left = tokio::time::timeout(Duration::from_secs(1), call).await;
        assert!(left.is_err());
        UNREADABLE.set(unreadable);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let all = runtime.sagas().list(SagaFilter::default(), None, 9).await;
        let saga = all.unwrap().remove(0);
        UNREADABLE.set("none");
        assert_eq!(saga.parking, Some(Parking::Mismatch), "{:?}", saga.error);
        let error = saga.error.unwrap();
        assert!(
            error.contains(says) && error.contains("panicked"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn ids_can_be_any_text_that_a_store_can_keep() {
    let folder = tempfile::tempdir().unwrap();
    for runtime in runtimes(folder.path()).await {
        let longest = "\u{1F980}".repeat(256);
        for id in [
            "",
            " ",
            "'; DROP TABLE resilience_sagas; --",
            "\"}{",
            "saga::call odd",
            "$1 ?1 %s \\u0000",
            "\u{202e}\u{2400}\u{FFFD}",
            &longest,
        ] {
            for _ in 0..2 {
                let answer = runtime.scope(odd(text(id), text("b"))).await;
                assert_eq!(answer.unwrap(), Odd(text("b")), "{id}");
            }
            let other = runtime.scope(odd(text(id), text("c"))).await;
            let error = other.unwrap_err().0;
            assert!(error.contains("what"), "{id}: {error}");
        }
        for id in ["a\0b".to_owned(), format!("{longest}a")] {
            let error = runtime.scope(odd(id, text("b"))).await.unwrap_err().0;
            assert!(error.contains("the id of the saga"), "{error}");
        }
        let all = runtime.sagas().list(SagaFilter::default(), None, 99).await;
        assert_eq!(all.unwrap().len(), 8);
        runtime.shutdown().await;
    }
}

#[tokio::test]
async fn five_hundred_steps_beside_each_other_are_one_of_them_each() {
    let folder = tempfile::tempdir().unwrap();
    for runtime in runtimes(folder.path()).await {
        runtime.scope(odd(text("a"), text("many"))).await.unwrap();
        let all = runtime.sagas().list(SagaFilter::default(), None, 9).await;
        assert_eq!(all.unwrap()[0].steps, 500);
        runtime.shutdown().await;
    }
}

#[tokio::test]
async fn of_two_steps_one_can_be_dropped_by_the_other() {
    let runtime = runtime().await;
    let answer = runtime.scope(odd(text("a"), text("select"))).await;
    assert_eq!(answer.unwrap(), Odd(text("select")));
}

#[tokio::test(start_paused = true)]
async fn who_sleeps_for_ever_can_be_cancelled() {
    let runtime = runtime().await;
    let handle = runtime
        .scope(start(odd(text("a"), text("sleep"))))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(handle.status().await.unwrap(), Some(Status::Running));
    handle.cancel("ann").await.unwrap();
    assert!(handle.result().await.unwrap_err().0.contains("cancelled"));
    assert_eq!(handle.status().await.unwrap(), Some(Status::Failed));
}

#[tokio::test(start_paused = true)]
async fn who_looks_after_sagas_but_once_hears_of_what_changes_all_the_same() {
    let builder = Runtime::builder("memory:").poll_interval(Duration::MAX);
    let builder = builder.dead_letter_handler("send", |_| async { Ok::<(), String>(()) });
    let runtime = builder.scoped().open().await.unwrap();
    runtime.recovered().await;
    let letters = runtime.dead_letters();
    let id = letters.add("send", "", "full").await.unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    letters
        .request_retry(id, RetryAs::Itself, "ann")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let letter = letters.get(id).await.unwrap().unwrap();
    assert_eq!(letter.status, DeadLetterStatus::Settled);
}
