//! Results that are large, and results that end.

use std::time::Duration;

use resilience::idempotent;

use super::effects::{Effects, Point};
use super::ground::Ground;
use super::operations::{Failure, Operation, name};
use super::process::{answer, call};

super::on_every_store!(
    a_result_of_ten_megabytes_is_kept_or_remembered_as_lost,
    a_result_that_ends_is_made_again_and_a_claim_does_not_end_with_it,
);

const LARGE: usize = 10 << 20;

async fn large(effects: &Effects, key: u64) -> Vec<String> {
    let run = effects.act(key).await;
    // Not all of one letter, which a network or a disk could shorten.
    let line = |number: usize| format!("{number:07} {run}");
    let length = line(0).len();
    (0..LARGE / length).map(line).collect()
}

#[idempotent(key = key)]
async fn report(#[state] effects: &Effects, key: u64) -> Result<Vec<String>, Failure> {
    Ok(large(effects, key).await)
}

#[idempotent(key = key, max_result = 16mb)]
async fn archive(#[state] effects: &Effects, key: u64) -> Result<Vec<String>, Failure> {
    Ok(large(effects, key).await)
}

async fn a_result_of_ten_megabytes_is_kept_or_remembered_as_lost(ground: Ground) {
    let effects = ground.effects();
    let runtimes = [ground.open().await, ground.open().await];
    let first = runtimes[0].scope(report(&effects, 1)).await;
    assert!(first.unwrap().concat().len() > LARGE / 2);
    for runtime in &runtimes {
        let Err(Failure(lost)) = runtime.scope(report(&effects, 1)).await else {
            panic!("a result that was not kept came back");
        };
        assert_eq!(name(&lost), "ResultLost");
        assert_eq!(lost.effect(), resilience::Effect::Ran);
    }
    assert_eq!(effects.counts(), (1, 1));

    let first = runtimes[0].scope(archive(&effects, 2)).await.unwrap();
    for runtime in &runtimes {
        let again = runtime.scope(archive(&effects, 2)).await.unwrap();
        assert!(resilience::replayed() && again == first);
    }
    assert_eq!(effects.counts(), (2, 2));
    for runtime in runtimes {
        assert_eq!(runtime.shutdown().await.left, 0);
    }
}

async fn a_result_that_ends_is_made_again_and_a_claim_does_not_end_with_it(ground: Ground) {
    const BOOK: Operation = Operation::BookForASecond;
    let effects = ground.effects();
    let (here, there) = (ground.open().await, ground.open().await);
    // It takes longer than the result is kept, and than anybody waits.
    let first = call(&here, &effects.held_at(Point::Ended), BOOK, 1);
    effects.wait_for(1, Point::Ended);
    // This wait ends with the time to live of a result, of which there is none.
    let early = answer(call(&there, &effects, BOOK, 1)).await;
    assert_eq!(early, Err("InProgress".to_owned()));
    // And this one begins before the result is there, and has it.
    let late = call(&there, &effects, BOOK, 1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    effects.release(Point::Ended);
    let (first, late) = (answer(first).await, answer(late).await);
    assert!(first.is_ok() && first == late, "{first:?} {late:?}");
    assert_eq!(effects.counts(), (1, 1));
    // It ends while two callers come, and they share the next one.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let next = effects.taking(Duration::from_millis(800));
    let [one, two] = [&here, &there].map(|runtime| call(runtime, &next, BOOK, 1));
    let (one, two) = (answer(one).await, answer(two).await);
    assert!(one.is_ok() && one == two && one != first, "{one:?} {two:?}");
    assert_eq!(effects.counts(), (2, 2));
    // The first is over and not undone.
    let run = effects.begun()[1];
    assert_eq!((run.attempt, run.interrupted), (1, false));
    for runtime in [here, there] {
        assert_eq!(runtime.shutdown().await.left, 0);
    }
}
