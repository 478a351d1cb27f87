//! Futures that are dropped at each of their awaits: what they were to do is done, with its line in the audit, or is not, and
//! can be done then.

use std::cell::Cell;
use std::time::Duration;

use resilience_runtime::dlq::{
    DeadLetterError, DeadLetterFilter, DeadLetterId, DeadLetterStatus, RetryAll, RetryAs,
    RetryOutcome,
};
use resilience_runtime::runtime::RuntimeBuilder;
use resilience_runtime::saga::journal::Status;
use resilience_runtime::saga::{CompensateOutcome, start};
use resilience_test_support::cancel::{Run, at_every_await};

use crate::ground::{Ground, Process, at_last};
use crate::trips::trip;
use crate::world::{Ask, World};

on_every_store!(
    adding_a_letter,
    acting_on_a_letter,
    retrying_a_work,
    retrying_many,
    retrying_and_undoing_a_dead_saga,
    waiting_for_a_saga_and_cancelling_it,
);

/// Hands out one after the other.
struct Next<T>(Vec<T>, Cell<usize>);

impl<T: Clone> Next<T> {
    fn of(all: Vec<T>) -> Self {
        Self(all, Cell::new(0))
    }

    fn next(&self) -> T {
        self.1.set(self.1.get() + 1);
        self.last()
    }

    /// The one that was handed out last.
    fn last(&self) -> T {
        self.0[self.1.get() - 1].clone()
    }
}

/// More than any future here has awaits, in both ways.
const MANY: u32 = 60;

async fn works(process: &Process) -> Next<DeadLetterId> {
    let letters = process.runtime.dead_letters();
    let mut ids = Vec::new();
    for number in 0..MANY {
        ids.push(letters.add("send", &number, "full").await.unwrap());
    }
    Next::of(ids)
}

/// Who did what to a letter.
async fn actions(process: &Process, id: DeadLetterId) -> Vec<String> {
    let audit = process.runtime.dead_letters().audit(id).await.unwrap();
    audit.into_iter().map(|line| line.action).collect()
}

/// What is told to who asks for a retry after somebody who went away, and whose own request may be on the way.
fn settles(second: Result<RetryOutcome, DeadLetterError>) {
    match second {
        Ok(outcome) => assert_eq!(outcome, RetryOutcome::Settled),
        Err(error) => assert!(matches!(error, DeadLetterError::NotOpen(..)), "{error}"),
    }
}

async fn adding_a_letter(ground: Ground) {
    let world = World::default();
    let process = ground.open(&world).await;
    let letters = process.runtime.dead_letters();
    let number = Cell::new(0);
    at_every_await(
        || {
            number.set(number.get() + 1);
            letters.add("send", &number.get(), "full").into_future()
        },
        |run: Run| {
            let (process, number) = (&process, number.get());
            async move {
                // What was handed to the store is written, whoever waits for it.
                tokio::time::sleep(Duration::from_millis(20)).await;
                let mut all = process.letters().await;
                all.retain(|letter| letter.work.arguments == number.to_string());
                assert!(
                    all.len() <= 1 && (all.len() == 1 || !run.completed),
                    "{run:?}"
                );
                for letter in all {
                    assert_eq!(actions(process, letter.id).await, ["add"]);
                }
            }
        },
    )
    .await;
    process.shutdown().await;
}

async fn acting_on_a_letter(ground: Ground) {
    let world = World::default();
    // Nobody takes up what is asked for.
    let process = ground
        .open_with(&world, RuntimeBuilder::without_recovery)
        .await;
    let letters = process.runtime.dead_letters();
    for (action, status) in [
        ("retry", DeadLetterStatus::Retrying),
        ("resolve", DeadLetterStatus::Resolved),
        ("discard", DeadLetterStatus::Discarded),
    ] {
        let works = works(&process).await;
        let summary = at_every_await(
            || {
                let (id, letters) = (works.next(), &letters);
                async move {
                    match action {
                        "retry" => letters.request_retry(id, RetryAs::Itself, "ada").await,
                        "resolve" => letters.resolve(id, "by hand", "ada").await,
                        _ => letters.discard(id, "ada").await,
                    }
                }
            },
            |run: Run| {
                let (id, letters, process) = (works.last(), &letters, &process);
                async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    let letter = letters.get(id).await.unwrap().unwrap();
                    if letter.status == status {
                        assert_eq!(actions(process, id).await, ["add", action], "{run:?}");
                        return;
                    }
                    assert!(letter.status == DeadLetterStatus::Open && !run.completed);
                    // The first one may be on the way.
                    let closed = letters.resolve(id, "by hand", "bob").await;
                    let actions = actions(process, id).await;
                    let expected: &[&str] = match closed {
                        Ok(()) if actions.len() == 3 => &["add", "retry", "resolve"],
                        Ok(()) => &["add", "resolve"],
                        Err(_) => &["add", action],
                    };
                    assert_eq!(actions, expected, "{run:?}");
                }
            },
        )
        .await;
        assert!(summary.completed > 0);
    }
    process.shutdown().await;
}

async fn retrying_a_work(ground: Ground) {
    let world = World::default();
    let process = ground.open(&world).await;
    let (letters, works) = (process.runtime.dead_letters(), works(&process).await);
    at_every_await(
        || letters.retry(works.next(), "ada"),
        |run: Run| {
            let (id, letters, process) = (works.last(), &letters, &process);
            let number = works.1.get() - 1;
            async move {
                let mut status = DeadLetterStatus::Open;
                // It may be about to be asked for.
                at_last(async {
                    for _ in 0..4 {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        process.quiet().await;
                        status = letters.get(id).await.unwrap().unwrap().status;
                    }
                })
                .await;
                if status != DeadLetterStatus::Settled {
                    assert!(status == DeadLetterStatus::Open && !run.completed);
                    // The first one may be on the way.
                    settles(letters.retry(id, "bob").await);
                    process.quiet().await;
                }
                let letter = letters.get(id).await.unwrap().unwrap();
                assert_eq!(letter.status, DeadLetterStatus::Settled, "{run:?}");
                assert_eq!(actions(process, id).await, ["add", "retry"], "{run:?}");
                assert_eq!(process.world.times(&format!("send {number}")), 1);
            }
        },
    )
    .await;
    process.shutdown().await;
}

async fn retrying_many(ground: Ground) {
    let world = World::default();
    let process = ground.open(&world).await;
    let letters = process.runtime.dead_letters();
    let dropped = Cell::new(0);
    at_every_await(
        || {
            let letters = &letters;
            async move {
                for number in 0..3 {
                    letters.add("send", &number, "full").await.unwrap();
                }
                let all = RetryAll::new().per_second(1_000_000);
                letters
                    .retry_all(DeadLetterFilter::default(), all, "ada")
                    .await
            }
        },
        |run: Run| {
            let (process, letters, dropped) = (&process, &letters, &dropped);
            async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                process.quiet().await;
                for letter in process.letters().await {
                    if letter.status == DeadLetterStatus::Open {
                        assert!(!run.completed, "{run:?}");
                        dropped.set(dropped.get() + 1);
                        // Unless it is asked for this moment.
                        let _ = letters.discard(letter.id, "bob").await;
                    } else if letter.status == DeadLetterStatus::Settled {
                        assert_eq!(actions(process, letter.id).await, ["add", "retry"]);
                    }
                }
            }
        },
    )
    .await;
    assert!(dropped.get() > 0);
    process.shutdown().await;
}

async fn retrying_and_undoing_a_dead_saga(ground: Ground) {
    let world = World::default();
    let process = ground.open(&world).await;
    let dead = Next::of(process.dead_sagas(MANY).await);
    let (letters, sagas) = (process.runtime.dead_letters(), process.runtime.sagas());
    for retries in [true, false] {
        at_every_await(
            || {
                let ((_, saga, id), letters, sagas) = (dead.next(), &letters, &sagas);
                async move {
                    match retries {
                        true => drop(letters.retry(id, "ada").await.unwrap()),
                        false => drop(sagas.compensate(&saga, "ada").await.unwrap()),
                    }
                }
            },
            |run: Run| {
                let ((item, saga, id), letters) = (dead.last(), &letters);
                let (process, sagas) = (&process, &sagas);
                async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    let record = process.over(&saga).await;
                    if record.status == Status::CompensationFailed {
                        assert!(!run.completed, "{run:?}");
                        // The first one may be on the way.
                        if retries {
                            settles(letters.retry(id, "bob").await);
                        } else {
                            let second = sagas.compensate(&saga, "bob").await.unwrap();
                            let refused = matches!(second, CompensateOutcome::NotDead(_));
                            assert!(refused || second == CompensateOutcome::Undone, "{second:?}");
                        }
                    }
                    let record = process.over(&saga).await;
                    assert_eq!(record.status, Status::Compensated, "{run:?}");
                    let letter = letters.get(id).await.unwrap().unwrap();
                    assert_eq!(letter.status, DeadLetterStatus::Settled);
                    assert_eq!(actions(process, id).await.len(), 1);
                    let times = process.world.times(&format!("give back {item}"));
                    assert_eq!(times, 3, "{run:?}");
                }
            },
        )
        .await;
    }
    process.shutdown().await;
}

async fn waiting_for_a_saga_and_cancelling_it(ground: Ground) {
    let world = World::default();
    let process = ground.open(&world).await;
    process.runtime.recovered().await;
    let mut handles = Vec::new();
    for item in 0..MANY {
        let plan = [Ask::Take(item), Ask::Think(Duration::from_secs(3600))];
        world.plan("trip", &plan);
        handles.push(process.scope(start(trip(&world, 7, 5))).await.unwrap());
        at_last(world.has(&format!("take {item}"))).await;
    }
    let handles = Next::of(handles);
    at_every_await(
        || {
            let handle = handles.next();
            async move {
                // It does not end before it is cancelled.
                let result = handle.result();
                drop(tokio::time::timeout(Duration::from_millis(2), result).await);
                handle.cancel("ada").await
            }
        },
        |run: Run| {
            let (handle, process) = (handles.last(), &process);
            async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let sagas = process.runtime.sagas();
                let audit = sagas.audit(handle.id()).await.unwrap();
                let again = audit.is_empty();
                if again {
                    assert!(!run.completed, "{run:?}");
                    handle.cancel("bob").await.unwrap();
                }
                at_last(handle.result()).await.unwrap_err();
                let record = process.saga(handle.id()).await;
                assert_eq!(record.status, Status::Compensated, "{run:?}");
                // The first one may have been on the way.
                let lines = sagas.audit(handle.id()).await.unwrap().len();
                assert!(lines == 1 || (again && lines == 2), "{run:?}: {lines}");
            }
        },
    )
    .await;
    while handles.1.get() < handles.0.len() {
        handles.next().cancel("ada").await.unwrap();
    }
    process.quiet().await;
    assert_eq!(process.shutdown().await.left, 0);
}
