//! Sagas that fail.

use std::time::Duration;

use resilience::dead_letters::RetryOutcome;
use resilience::saga::Status;
use resilience::{DeadLetterKind, DeadLetterStatus, Effect, Error, saga, saga_step};
use tokio::time::Instant;

use super::saga::{checkout, take};
use super::{ACTION, Do, ShopError, World, open, policy};

#[tokio::test(start_paused = true)]
async fn when_the_second_step_fails_the_first_is_undone() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("take 2", [Do::Fail]);
    let error = runtime.scope(checkout(&world, 7)).await.unwrap_err();
    assert!(world.is_last_refusal(&error), "{error:?}");
    assert_eq!(world.begun(), ["take 1", "take 2", "give back 1"]);
    // The key is free: it is as if there had been no call.
    assert_eq!(runtime.scope(checkout(&world, 7)).await.unwrap(), 1007);
    assert_eq!(world.begun(), ["take 1", "take 2", "take 3", "pay 7"]);
    let counts = runtime.sagas().counts().await.unwrap();
    assert_eq!(counts.len(), 2, "{counts:?}");
    assert!(counts.contains(&(Status::Compensated, 1)), "{counts:?}");
    assert!(counts.contains(&(Status::Completed, 1)), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn steps_are_undone_newest_first() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("pay 7", [Do::Fail, Do::Fail]);
    let error = runtime.scope(checkout(&world, 7)).await.unwrap_err();
    assert!(world.is_last_refusal(&error), "{error:?}");
    let begun = ["take 1", "take 2", "take 3", "pay 7", "pay 7"];
    let undone = ["give back 3", "give back 2", "give back 1"];
    assert_eq!(world.begun(), [&begun[..], &undone].concat());
}

#[tokio::test(start_paused = true)]
async fn a_compensation_is_tried_five_times() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("take 2", [Do::Fail]);
    world.script("give back 1", [Do::Fail; 4]);
    let start = Instant::now();
    let error = runtime.scope(checkout(&world, 7)).await.unwrap_err();
    assert!(
        matches!(&error, ShopError::Refused(action) if **action == *"take 2"),
        "{error:?}"
    );
    let undone = ["give back 1"; 5];
    assert_eq!(world.begun(), [&["take 1", "take 2"][..], &undone].concat());
    // Half of each pause is random.
    let pauses = Duration::from_millis(200 + 400 + 800 + 1600);
    let took = start.elapsed() - 7 * ACTION;
    assert!((pauses / 2..=pauses).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_compensation_that_hangs_has_failed() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("take 2", [Do::Fail]);
    world.script("give back 1", [Do::Hang]);
    let start = Instant::now();
    let error = runtime.scope(checkout(&world, 7)).await.unwrap_err();
    assert!(world.is_last_refusal(&error), "{error:?}");
    assert_eq!(
        world.begun(),
        ["take 1", "take 2", "give back 1", "give back 1"]
    );
    let pause = start.elapsed() - 3 * ACTION - Duration::from_secs(60);
    let pauses = Duration::from_millis(100)..=Duration::from_millis(200);
    assert!(pauses.contains(&pause), "{pause:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_undone_is_a_dead_letter_until_it_is_retried() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("take 3", [Do::Fail]);
    world.script("give back 2", [Do::Fail; 5]);
    let error = policy(runtime.scope(checkout(&world, 7)).await);
    assert_eq!(error.effect(), Effect::Ran);
    let Error::CompensationFailed {
        saga,
        step,
        cause,
        dead_letter,
        ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((*saga, &**step), ("checkout", "take"));
    assert_eq!(cause, "take 3 was refused");
    let undone = ["give back 2"; 5];
    let begun = ["take 1", "take 2", "take 3"];
    assert_eq!(world.begun(), [&begun[..], &undone].concat());

    let letters = runtime.dead_letters();
    let open = letters.list(DeadLetterStatus::Open, None, 9).await.unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    let (letter, work) = (&open[0], &open[0].work);
    assert_eq!(letter.id.to_string(), *dead_letter);
    assert_eq!(letter.saga_name.as_deref(), Some("checkout"));
    assert_eq!(work.kind, DeadLetterKind::Compensation);
    assert_eq!((&*work.operation, work.attempts), ("take", 5));
    assert_eq!(work.arguments, r#"{"item":2}"#);
    assert_eq!(work.output.as_deref(), Some(r#""item 2""#));
    assert_eq!(work.error, "give back 2 was refused");

    // It blocks the key, whatever its age.
    for _ in 0..2 {
        let error = policy(runtime.scope(checkout(&world, 7)).await);
        assert!(
            matches!(error, Error::CompensationFailed { .. }),
            "{error:?}"
        );
        assert_eq!(
            error.effect(),
            Effect::Ran,
            "in the call that had the key before"
        );
        tokio::time::advance(Duration::from_secs(2 * 3600)).await;
    }
    assert!(world.begun().is_empty());

    let retried = letters.retry(letter.id, "ada").await.unwrap();
    assert!(matches!(retried, RetryOutcome::Settled), "{retried:?}");
    assert_eq!(world.begun(), ["give back 2", "give back 1"]);
    let settled = letters.get(letter.id).await.unwrap().unwrap();
    assert_eq!(settled.status, DeadLetterStatus::Settled);
    assert_eq!(runtime.scope(checkout(&world, 7)).await.unwrap(), 1007);
    assert_eq!(world.begun(), ["take 1", "take 2", "take 3", "pay 7"]);
}

#[saga_step(compensate = let_go, in_doubt = compensate)]
async fn grab(#[state] world: &World, item: u32) -> Result<u32, ShopError> {
    world.act(format!("grab {item}")).await?;
    Ok(item)
}

async fn let_go(world: &World, item: u32, grabbed: Option<&u32>) -> Result<(), ShopError> {
    world.act(format!("let go {item}: {grabbed:?}")).await
}

#[saga]
async fn grab_two(#[state] world: &World) -> Result<(), ShopError> {
    grab(world, 1).await?;
    grab(world, 2).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_step_in_doubt_is_undone_without_its_output() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("grab 2", [Do::Fail]);
    let error = runtime.scope(grab_two(&world)).await.unwrap_err();
    assert!(matches!(&error, ShopError::Refused(_)), "{error:?}");
    let undone = ["let go 2: None", "let go 1: Some(1)"];
    assert_eq!(world.begun(), [["grab 1", "grab 2"], undone].concat());
}

#[saga]
async fn try_another(#[state] world: &World) -> Result<String, ShopError> {
    match take(world, 1).await {
        Err(ShopError::Refused(_)) => take(world, 2).await,
        taken => taken,
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_goes_on_after_a_failed_step_undoes_nothing() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("take 1", [Do::Fail]);
    assert_eq!(runtime.scope(try_another(&world)).await.unwrap(), "item 2");
    assert_eq!(world.begun(), ["take 1", "take 2"]);
}
