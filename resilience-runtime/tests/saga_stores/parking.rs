//! Sagas that an operator parks because no process runs them.

use std::time::Duration;

use resilience_runtime::dlq::{
    DeadLetterId, DeadLetterKind, DeadLetterStatus, RetryAs, RetryOutcome,
};
use resilience_runtime::error::Error;
use resilience_runtime::operator::Operator;
use resilience_runtime::runtime::RuntimeBuilder;
use resilience_runtime::saga::CompensateOutcome;
use resilience_runtime::saga::journal::{ParkOutcome, Parking, SagaId, Status};
use resilience_runtime::saga::start;
use serde_json::json;

use crate::ground::{Ground, Process, at_last, pause};
use crate::trips::trip;
use crate::world::{Ask, Do, World};

on_every_store!(
    a_saga_that_nobody_runs_is_parked_until_its_letter_is_dealt_with,
    a_saga_that_a_process_has_is_left_alone,
    of_many_operators_one_parks,
    a_saga_is_parked_or_taken_over,
    what_was_being_undone_waits_for_its_next_step,
    a_parked_saga_is_undone_with_its_caller,
    what_cannot_be_parked_is_told,
);

const FOR_EVER: Duration = Duration::from_secs(3600);

/// A runtime that runs no sagas, like the tool.
async fn operator(ground: &Ground) -> Process {
    let world = World::default();
    ground
        .open_with(&world, RuntimeBuilder::without_recovery)
        .await
}

/// Sagas with one step each, whose process was shut down.
async fn left(ground: &Ground, world: &World, items: &[u32]) -> Vec<SagaId> {
    let process = ground.open(world).await;
    let mut sagas = Vec::new();
    for item in items {
        world.plan("trip", &[Ask::Take(*item), Ask::Think(FOR_EVER)]);
        let started = process.scope(start(trip(world, *item, 5))).await.unwrap();
        at_last(async {
            while process.saga(started.id()).await.steps.is_empty() {
                pause().await;
            }
        })
        .await;
        sagas.push(started.id().clone());
    }
    assert_eq!(
        process.shutdown().await.left,
        u64::try_from(sagas.len()).unwrap()
    );
    sagas
}

/// Parks it, as somebody who says why.
async fn parked(process: &Process, id: &SagaId) -> DeadLetterId {
    let ada = Operator::named("ada").because("v1 was retired");
    match process.runtime.sagas().park(id, ada).await.unwrap() {
        ParkOutcome::Parked(letter) => letter,
        other => panic!("{other:?}"),
    }
}

async fn is_parked_as_its_letter_says(process: &Process, id: &SagaId, letter: DeadLetterId) {
    let record = process.saga(id).await;
    let found = (record.status, record.parking, record.epoch);
    assert_eq!(found, (Status::Parked, Some(Parking::Operator), 2));
    let letter = process.runtime.dead_letters().get(letter).await.unwrap();
    let work = letter.unwrap().work;
    assert_eq!(work.kind, DeadLetterKind::Saga);
    assert_eq!(work.operation, "trip");
    assert_eq!(work.arguments, record.input);
    assert_eq!(work.error, "parked by ada (v1 was retired)");
    assert_eq!(record.error, Some(work.error));
}

async fn a_saga_that_nobody_runs_is_parked_until_its_letter_is_dealt_with(ground: Ground) {
    let world = World::default();
    let sagas = left(&ground, &world, &[1, 2, 3, 4]).await;
    let tool = operator(&ground).await;
    assert_eq!(tool.runtime.sagas().orphaned().await.unwrap()[0].count, 4);
    let handle = tool.runtime.sagas().handle::<String, Error>(&sagas[0]);
    let mut letters = Vec::new();
    for id in &sagas {
        letters.push(parked(&tool, id).await);
        is_parked_as_its_letter_says(&tool, id, letters[letters.len() - 1]).await;
    }
    assert_eq!(tool.runtime.sagas().orphaned().await.unwrap(), []);
    let waited = at_last(handle.result()).await.unwrap_err();
    let text = waited.to_string();
    assert!(text.contains("parked by ada (v1 was retired)"), "{text}");

    // Its code comes back, and a person has decided.
    world.plan("trip", &[Ask::Take(1)]);
    let process = ground.open(&world).await;
    at_last(process.runtime.recovered()).await;
    let taken = ["take 1", "take 2", "take 3", "take 4"];
    assert_eq!(world.effects(), taken);
    for id in &sagas {
        assert_eq!(process.saga(id).await.status, Status::Parked);
    }
    let queue = process.runtime.dead_letters();
    let retried = queue.retry(letters[0], "ben").await.unwrap();
    assert_eq!(retried, RetryOutcome::Settled);
    let undone = process.runtime.sagas().compensate(&sagas[1], "ben").await;
    assert_eq!(undone.unwrap(), CompensateOutcome::Undone);
    assert_eq!(world.effects()[4..], ["give back 2"]);
    queue.resolve(letters[2], "by hand", "ben").await.unwrap();
    queue.discard(letters[3], "ben").await.unwrap();
    let expected = [
        (Status::Completed, DeadLetterStatus::Settled),
        (Status::Compensated, DeadLetterStatus::Settled),
        (Status::Resolved, DeadLetterStatus::Resolved),
        (Status::Resolved, DeadLetterStatus::Discarded),
    ];
    for ((id, letter), expected) in sagas.iter().zip(&letters).zip(expected) {
        let letter = queue.get(*letter).await.unwrap().unwrap();
        assert_eq!((process.saga(id).await.status, letter.status), expected);
        let audit = process.runtime.sagas().audit(id).await.unwrap();
        let first = (
            &*audit[0].operator,
            &*audit[0].action,
            audit[0].reason.as_deref(),
        );
        assert_eq!(first, ("ada", "park", Some("v1 was retired")));
        assert_eq!(audit.len(), 2, "{audit:?}");
    }
    assert_eq!(queue.unresolved().await.unwrap(), 0);
    process.shutdown().await;
    tool.shutdown().await;
}

async fn a_saga_that_a_process_has_is_left_alone(ground: Ground) {
    let world = World::default();
    world.plan("trip", &[Ask::Take(1), Ask::Think(FOR_EVER)]);
    let process = ground.open(&world).await;
    let tool = operator(&ground).await;
    let started = process.scope(start(trip(&world, 7, 5))).await.unwrap();
    at_last(world.has("take 1")).await;
    for asks in [&process, &tool] {
        let outcome = asks.runtime.sagas().park(started.id(), "ada").await;
        let outcome = outcome.unwrap();
        assert!(matches!(outcome, ParkOutcome::Owned(_)), "{outcome:?}");
    }
    let record = process.saga(started.id()).await;
    assert_eq!((record.status, record.epoch), (Status::Running, 1));
    assert!(process.letters().await.is_empty());
    // The answer says what to do instead.
    let cancel = tool.runtime.sagas().cancel(started.id(), "ada").await;
    assert!(cancel.unwrap().is_some());
    let record = at_last(process.over(started.id())).await;
    assert_eq!(record.status, Status::Compensated);
    process.shutdown().await;
    tool.shutdown().await;
}

async fn of_many_operators_one_parks(ground: Ground) {
    let world = World::default();
    let id = left(&ground, &world, &[1]).await.remove(0);
    let (one, other) = (operator(&ground).await, operator(&ground).await);
    let park = |process: &Process, by: u32| {
        let (runtime, id) = (process.runtime.clone(), id.clone());
        tokio::spawn(async move { runtime.sagas().park(&id, by.to_string()).await.unwrap() })
    };
    let mut parked = 0;
    let asked: Vec<_> = (0..6)
        .map(|number| park(if number % 2 == 0 { &one } else { &other }, number))
        .collect();
    for outcome in asked {
        match at_last(outcome).await.unwrap() {
            ParkOutcome::Parked(_) => parked += 1,
            other => assert_eq!(other, ParkOutcome::NotUnfinished(Status::Parked)),
        }
    }
    assert_eq!(parked, 1);
    assert_eq!(one.letters().await.len(), 1);
    assert_eq!(one.runtime.sagas().audit(&id).await.unwrap().len(), 1);
    one.shutdown().await;
    other.shutdown().await;
}

async fn a_saga_is_parked_or_taken_over(ground: Ground) {
    let tool = operator(&ground).await;
    for item in 0..8 {
        let world = World::default();
        let id = left(&ground, &world, &[item]).await.remove(0);
        world.plan("trip", &[Ask::Take(item), Ask::Take(100)]);
        let park = async {
            // In some rounds before the other process has taken the saga over, in some after.
            tokio::time::sleep(Duration::from_millis(3 * u64::from(item))).await;
            tool.runtime.sagas().park(&id, "ada").await.unwrap()
        };
        let open = async {
            let process = ground.open(&world).await;
            at_last(process.runtime.recovered()).await;
            process
        };
        let (outcome, process) = tokio::join!(park, open);
        let record = process.saga(&id).await;
        let letters = tool.letters().await.into_iter();
        let letters = letters.filter(|it| it.saga.as_ref() == Some(&id)).count();
        let is_parked = matches!(outcome, ParkOutcome::Parked(_));
        let expected = match outcome {
            ParkOutcome::Parked(_) => Status::Parked,
            ParkOutcome::Owned(_) | ParkOutcome::NotUnfinished(Status::Completed) => {
                Status::Completed
            }
            other => panic!("{other:?}"),
        };
        assert_eq!((record.status, record.epoch), (expected, 2), "{outcome:?}");
        assert_eq!(letters, usize::from(is_parked));
        assert_eq!(world.times("take 100"), usize::from(!is_parked));
        process.shutdown().await;
    }
    tool.shutdown().await;
}

async fn what_was_being_undone_waits_for_its_next_step(ground: Ground) {
    let world = World::default();
    world.plan("trip", &[Ask::Take(1), Ask::Take(2), Ask::Fail]);
    world.script("give back 2", &[Do::Hang]);
    let process = ground.open(&world).await;
    let started = process.scope(start(trip(&world, 7, 5))).await.unwrap();
    at_last(world.has("give back 2")).await;
    process.shutdown().await;
    let tool = operator(&ground).await;
    let id = started.id();
    assert_eq!(tool.saga(id).await.status, Status::Compensating);
    let letter = parked(&tool, id).await;
    let record = tool.saga(id).await;
    let found = (record.status, record.parking, record.error.as_deref());
    let cause = Some("refused: trip");
    assert_eq!(found, (Status::CompensationFailed, None, cause));
    let its = tool.runtime.dead_letters().get(letter).await.unwrap();
    let its = its.unwrap().work;
    let found = (its.kind, &*its.operation, its.position);
    assert_eq!(found, (DeadLetterKind::Compensation, "take", Some(1)));
    assert_eq!(its.arguments, record.steps[1].arguments);
    assert_eq!(its.output, record.steps[1].output);
    assert_eq!(its.error, "parked by ada (v1 was retired)");

    // It is retried, and left once more: it has its letter.
    world.script("give back 2", &[Do::Hang]);
    let process = ground.open(&world).await;
    let queue = tool.runtime.dead_letters();
    let requested = queue.request_retry(letter, RetryAs::Itself, "ben").await;
    requested.unwrap();
    at_last(async {
        while world.times("give back 2") < 2 {
            pause().await;
        }
    })
    .await;
    process.shutdown().await;
    assert_eq!(tool.saga(id).await.status, Status::Compensating);
    assert_eq!(parked(&tool, id).await, letter);
    let letters = tool.letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].status, DeadLetterStatus::Open);

    let process = ground.open(&world).await;
    at_last(process.runtime.recovered()).await;
    let retried = process.runtime.dead_letters().retry(letter, "ben").await;
    assert_eq!(retried.unwrap(), RetryOutcome::Settled);
    assert_eq!(process.saga(id).await.status, Status::Compensated);
    assert_eq!(world.times("give back 1"), 1);
    process.shutdown().await;
    tool.shutdown().await;
}

async fn a_parked_saga_is_undone_with_its_caller(ground: Ground) {
    let world = World::default();
    world.plan("trip", &[Ask::Take(1), Ask::Call("inner")]);
    world.plan("inner", &[Ask::Take(5), Ask::Think(FOR_EVER)]);
    let process = ground.open(&world).await;
    let caller = process.scope(start(trip(&world, 7, 5))).await.unwrap();
    let inner = at_last(async {
        loop {
            let sagas = process.sagas().await;
            let inner = sagas.into_iter().find(|it| it.name == "inner");
            if let Some(inner) = inner.filter(|it| it.steps == 1) {
                return inner.id;
            }
            pause().await;
        }
    })
    .await;
    process.shutdown().await;
    let tool = operator(&ground).await;
    parked(&tool, &inner).await;
    // Its caller is another one.
    assert_eq!(tool.saga(caller.id()).await.status, Status::Running);
    let process = ground.open(&world).await;
    at_last(process.runtime.recovered()).await;
    let record = process.over(caller.id()).await;
    assert_eq!(record.status, Status::Compensated);
    assert!(record.error.unwrap().contains("parked by ada"));
    assert_eq!(process.saga(&inner).await.status, Status::Compensated);
    let effects = ["take 1", "take 5", "give back 5", "give back 1"];
    assert_eq!(world.effects(), effects);
    let letters = process.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].status, DeadLetterStatus::Settled);
    process.shutdown().await;
    tool.shutdown().await;
}

async fn what_cannot_be_parked_is_told(ground: Ground) {
    let world = World::default();
    let process = ground.open(&world).await;
    let done = process.scope(start(trip(&world, 7, 5))).await.unwrap();
    assert_eq!(at_last(done.result()).await.unwrap(), "trip of 7");
    let sagas = process.runtime.sagas();
    let outcome = sagas.park(done.id(), "ada").await.unwrap();
    assert_eq!(outcome, ParkOutcome::NotUnfinished(Status::Completed));
    for id in [
        "",
        "gone",
        "📦 語",
        "'; DROP TABLE resilience_sagas; --",
        &"x".repeat(1 << 20),
    ] {
        let outcome = sagas.park(&SagaId::from(id), "ada").await.unwrap();
        assert_eq!(outcome, ParkOutcome::NotFound);
    }
    // No saga has such an id; what a store says to that, it says to everybody.
    let nul = SagaId::from("a\0b");
    let asked = sagas.park(&nul, "ada").await.map_err(|it| it.to_string());
    match sagas.get(&nul).await {
        Ok(found) => assert_eq!((found.is_none(), asked), (true, Ok(ParkOutcome::NotFound))),
        Err(error) => assert_eq!(asked.unwrap_err(), error.to_string()),
    }
    assert!(process.letters().await.is_empty());
    process.shutdown().await;

    // An operator without a name, and with a long reason.
    let id = left(&ground, &world, &[1]).await.remove(0);
    let tool = operator(&ground).await;
    let reason = "📦 why\0 ".repeat(100_000);
    let by = Operator::named("").because(reason.clone());
    let outcome = tool.runtime.sagas().park(&id, by).await.unwrap();
    assert!(matches!(outcome, ParkOutcome::Parked(_)));
    let shown = |text: &str| text.replace('\0', "\u{2400}");
    let error = tool.saga(&id).await.error.unwrap();
    assert_eq!(shown(&error), format!("parked by  ({})", shown(&reason)));
    let input: serde_json::Value = serde_json::from_str(&tool.saga(&id).await.input).unwrap();
    assert_eq!(input, json!({ "order": 1, "amount": 5 }));
    tool.shutdown().await;
}
