//! Sagas and steps as the attributes expand them, written by hand.

use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::arguments::argument;
use resilience_runtime::error::Error;
use resilience_runtime::idempotency::{Digest, SagaKey};
use resilience_runtime::outcome::output;
use resilience_runtime::outcome::{Unkept as _, failures, function, kept, stored};
use resilience_runtime::registry::{
    CompensationError, JournaledCall, Place, SagaEntry, StateType, StepEntry,
};
use resilience_runtime::saga::{Identity, Saga, SagaStep, sleep, start};

use super::world::{Ask, Do, TripError, World};

type Answer = Result<String, TripError>;

const PLACE: Place = Place {
    file: file!(),
    line: line!(),
};
const STATES: &[StateType] = &[StateType::of::<World>()];

/// `#[saga] async fn $name(#[state] world: &World, order: u32, amount: u32) -> Result<String, TripError>`
macro_rules! sagas {
    ($($name:ident: $saga:expr, $identity:expr;)+) => {
        $(
            #[allow(dead_code, reason = "not every test calls each")]
            pub(crate) async fn $name(world: &World, order: u32, amount: u32) -> Answer {
                static SAGA: Saga = $saga;
                let identity: fn(&'static Saga, u32) -> Identity = $identity;
                run(world, &SAGA, identity(&SAGA, order), order, amount).await
            }

            const _: () = {
                fn resume(call: JournaledCall) -> BoxFuture<'static, Result<(), Error>> {
                    Box::pin(async move {
                        let world = call.state::<World>()?;
                        let order = call.argument("order", argument::<u32>().found())?;
                        let amount = call.argument("amount", argument::<u32>().found())?;
                        let _outcome = $name(&world, order, amount).await;
                        Ok(())
                    })
                }
                inventory::submit! {
                    SagaEntry { saga: $saga, place: PLACE, states: STATES, resume }
                }
            };
        )+

        fn call<'a>(world: &'a World, name: &str, order: u32) -> BoxFuture<'a, Answer> {
            match name {
                $(stringify!($name) => Box::pin($name(world, order, 5)),)+
                _ => panic!("no saga {name}"),
            }
        }
    };
}

sagas! {
    trip: Saga::named("trip"), |saga, _| saga.anonymous();
    by_id: Saga::named("by_id"), |saga, order| saga.id(&format!("order-{order}"));
    by_key: Saga::named("by_key"), |saga, order| saga.key(&order);
    other_by_id: Saga::named("other_by_id"), |saga, order| saga.id(&format!("order-{order}"));
    once: Saga::named("once"), |saga, order| saga.keyed(key(order));
    hasty: Saga::named("hasty").timeout(Duration::from_secs(10)), |saga, _| saga.anonymous();
    hasty_by_id: Saga::named("hasty_by_id").timeout(Duration::from_secs(10)), |saga, order| saga.id(&order);
    narrow: Saga::named("narrow").max_concurrent(2).timeout(Duration::from_secs(60)), |saga, _| saga.anonymous();
    single: Saga::named("single").max_concurrent(1), |saga, _| saga.anonymous();
    mutual: Saga::named("mutual").max_concurrent(1), |saga, _| saga.anonymous();
    insistent: Saga::named("insistent").timeout(Duration::from_secs(3600)), |saga, _| saga.anonymous();
    inner: Saga::named("inner"), |saga, _| saga.anonymous();
    second: Saga::named("second").version(2), |saga, _| saga.anonymous();
    inner_by_id: Saga::named("inner_by_id"), |saga, order| saga.id(&format!("inner-{order}"));
}

fn key(order: u32) -> SagaKey {
    SagaKey {
        digest: Digest::from_bytes([u8::try_from(order).unwrap(); 32]),
        ttl: Duration::from_secs(3600),
    }
}

async fn run(
    world: &World,
    saga: &'static Saga,
    identity: Identity,
    order: u32,
    amount: u32,
) -> Answer {
    let function = function::<Answer>("trips::saga");
    let (stored, failures) = (stored::<Answer>(), failures::<Answer>());
    let kept = kept::<Answer>().found();
    let arguments = saga
        .arguments()
        .with("order", &order)
        .with("amount", &amount);
    let name = format!("{saga:?}");
    let name = name.split('"').nth(1).unwrap().to_owned();
    let call = async move {
        if let Some(never) = function.never() {
            return never;
        }
        for ask in world.plan_of(&name) {
            match ask {
                Ask::Take(item) => drop(take(world, item).await?),
                Ask::Doubt(item) => drop(doubt(world, item).await?),
                Ask::Again(item) => drop(again(world, item).await?),
                Ask::Pivot(item) => drop(pivot(world, item).await?),
                Ask::Both(one, other) => {
                    drop(tokio::try_join!(take(world, one), take(world, other))?);
                }
                Ask::Call(name) => drop(call(world, name, order).await?),
                Ask::CallDeeper(name) if order < 100 => {
                    drop(call(world, name, order + 100).await?);
                }
                Ask::CallDeeper(_) => {}
                Ask::Try(name) => drop(call(world, name, order).await),
                Ask::Start(name) => drop(start(call(world, name, order)).await?),
                Ask::Think(time) => tokio::time::sleep(time).await,
                Ask::Sleep(time) => sleep(time).await,
                Ask::Fail => return Err(TripError::Refused(name)),
                Ask::Panic => panic!("{name} panicked"),
            }
        }
        Ok(format!("{name} of {order}"))
    };
    let call = saga.run(arguments, identity, call, function, stored, failures, kept);
    call.await.into_result()
}

/// `#[saga] async fn blunt(#[state] world: &World) -> Result<(), Blunt>`, whose error has no JSON form.
pub(crate) async fn blunt(_world: &World, order: u32) -> Result<(), Blunt> {
    static SAGA: Saga = Saga::named("blunt");
    let function = function::<Result<(), Blunt>>("trips::blunt");
    let (stored, failures) = (
        stored::<Result<(), Blunt>>(),
        failures::<Result<(), Blunt>>(),
    );
    let kept = kept::<Result<(), Blunt>>().found();
    let call = async move { Err(Blunt("no".to_owned(), None)) };
    let (arguments, identity) = (SAGA.arguments(), SAGA.id(&format!("blunt-{order}")));
    let call = SAGA.run(arguments, identity, call, function, stored, failures, kept);
    call.await.into_result()
}

#[derive(Debug)]
pub(crate) struct Blunt(pub(crate) String, pub(crate) Option<Error>);

impl std::fmt::Display for Blunt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Blunt {
    fn from(error: Error) -> Self {
        Self(error.to_string(), Some(error))
    }
}

const _: () = {
    fn resume(call: JournaledCall) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            let world = call.state::<World>()?;
            // Of any order: the saga is in the journal.
            let _outcome = blunt(&world, 0).await;
            Ok(())
        })
    }
    inventory::submit! {
        SagaEntry { saga: Saga::named("blunt"), place: PLACE, states: STATES, resume }
    }
};

/// `#[saga_step(compensate = give_back, ..)] async fn $name(#[state] world: &World, item: u32)`
macro_rules! steps {
    ($($name:ident: $step:expr;)+) => {
        $(
            pub(crate) async fn $name(world: &World, item: u32) -> Answer {
                static STEP: SagaStep = $step;
                let function = function::<Answer>(concat!("trips::", stringify!($name)));
                let arguments = STEP.arguments().with("item", &item);
                let call = world.act(format!("{} {item}", stringify!($name)));
                let (stored, kept) = (stored::<Answer>(), kept::<Answer>().found());
                let call = STEP.run(arguments, call, function, stored, kept);
                call.await.into_result()
            }

            const _: () = {
                fn compensate(call: JournaledCall) -> BoxFuture<'static, Result<(), CompensationError>> {
                    Box::pin(async move {
                        let world = call.state::<World>()?;
                        let item = call.argument("item", argument::<u32>().found())?;
                        let output = call.output_if_known(output::<Answer>().found())?;
                        let known = if output.is_some() { "" } else { " in doubt" };
                        let undone = world.act(format!("give back {item}{known}")).await;
                        undone.map(drop).map_err(|error| CompensationError::Failed(error.to_string()))
                    })
                }
                inventory::submit! {
                    StepEntry { step: $step, place: PLACE, states: STATES, compensate: Some(compensate) }
                }
            };
        )+
    };
}

steps! {
    take: SagaStep::named("take").compensated_by("give_back").compensate_attempts(2);
    doubt: SagaStep::named("doubt").compensated_by("give_back").compensates_in_doubt();
    pivot: SagaStep::named("pivot").compensated_by("give_back").pivot();
    again: SagaStep::named("again").compensated_by("give_back").retriable();
}

/// The compensation of `item` fails for good.
pub(crate) fn cannot_give_back(world: &World, item: u32) {
    world.script(&format!("give back {item}"), &[Do::Fail, Do::Fail]);
}
