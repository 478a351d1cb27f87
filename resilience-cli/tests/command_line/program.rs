//! The code that programs have, and the tool has not: as the attributes expand it, written by hand.

use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::error::Error;
use resilience_runtime::outcome::{Kept, Unkept as _, failures, function, kept, stored};
use resilience_runtime::registry::{CompensationError, JournaledCall, Place, SagaEntry, StepEntry};
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::{Saga, SagaStep};

use crate::stage::Stage;

/// A program that takes up what is asked for.
pub(crate) async fn start(stage: &Stage) -> Runtime {
    let builder = stage.program().poll_interval(Duration::from_millis(100));
    let builder = builder.dead_letter_handler("send", |arguments: serde_json::Value| async move {
        match arguments["works"].as_bool() {
            Some(false) => Err("the mailbox is full again"),
            _ => Ok(()),
        }
    });
    builder.open().await.unwrap()
}

/// `#[saga] async fn greet() -> Result<String, Error>`
async fn greet() -> Result<String, Error> {
    static SAGA: Saga = Saga::named("greet");
    saga(&SAGA, async { Ok("hello".to_owned()) }).await
}

/// `#[saga] async fn linger() -> Result<String, Error>`
pub(crate) async fn linger() -> Result<String, Error> {
    static SAGA: Saga = Saga::named("linger");
    saga(&SAGA, std::future::pending()).await
}

async fn saga(
    saga: &'static Saga,
    body: impl Future<Output = Result<String, Error>> + Send,
) -> Result<String, Error> {
    let function = function::<Result<String, Error>>("program");
    let stored = stored::<Result<String, Error>>();
    let failures = failures::<Result<String, Error>>();
    let kept: Kept<Error> = kept::<Result<String, Error>>().found();
    let (arguments, identity) = (saga.arguments(), saga.anonymous());
    let call = saga.run(arguments, identity, body, function, stored, failures, kept);
    call.await.into_result()
}

const PLACE: Place = Place {
    file: "greet.rs",
    line: 1,
};

const _: () = {
    fn greet_again(_: JournaledCall) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async {
            let _answer = greet().await;
            Ok(())
        })
    }
    fn linger_again(_: JournaledCall) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async {
            let _answer = linger().await;
            Ok(())
        })
    }
    inventory::submit! {
        SagaEntry { saga: Saga::named("greet"), place: PLACE, states: &[], resume: greet_again }
    }
    inventory::submit! {
        SagaEntry { saga: Saga::named("linger"), place: PLACE, states: &[], resume: linger_again }
    }
    inventory::submit! {
        StepEntry {
            step: SagaStep::named("wave").compensate_attempts(1),
            place: PLACE,
            states: &[],
            compensate: Some(|call| Box::pin(async move {
                match call.argument("works", resilience_runtime::arguments::argument::<bool>().found())? {
                    true => Ok(()),
                    false => Err(CompensationError::Failed("nobody looks".to_owned())),
                }
            })),
        }
    }
};
