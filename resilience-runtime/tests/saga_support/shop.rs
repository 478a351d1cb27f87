//! Sagas and steps as the attributes expand them, written by hand, and the world that they act on.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::arguments::argument;
use resilience_runtime::error::Error;
use resilience_runtime::idempotency::{Digest, SagaKey};
use resilience_runtime::outcome::output;
use resilience_runtime::outcome::{Kept, Unkept as _, failures, function, kept, stored};
use resilience_runtime::registry::{
    CompensationError, JournaledCall, Place, SagaEntry, StateType, StepEntry,
};
use resilience_runtime::saga::{Saga, SagaStep};

#[derive(Debug)]
pub(crate) enum ShopError {
    Refused(String),
    Policy(Error),
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(what) => write!(f, "refused: {what}"),
            Self::Policy(error) => error.fmt(f),
        }
    }
}

impl From<Error> for ShopError {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

/// How an action goes, when not well.
#[derive(Clone, Copy)]
pub(crate) enum Do {
    Fail,
    Panic,
    Hang,
}

/// What the sagas act on: a ledger of effects, and a script of failures.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Inside>);

#[derive(Default)]
struct Inside {
    effects: Mutex<Vec<String>>,
    script: Mutex<HashMap<String, VecDeque<Do>>>,
    plan: Mutex<Vec<Ask>>,
}

/// A step that the saga `order` asks for.
#[derive(Clone, Copy)]
pub(crate) enum Ask {
    Reserve(u32),
    Charge(u32),
    Note(u32),
    /// Both at once.
    Both(u32, u32),
    /// The body returns an error.
    Fail,
    /// A step that calls `reserve` itself.
    Package(u32),
    /// Another saga.
    Hurried,
    /// Begun, and dropped while it waits for its turn.
    Dropped(u32),
    /// The first is begun and then not polled while the second runs.
    Held(u32, u32),
}

impl World {
    /// The code of the saga `order`: what it asks for.
    pub(crate) fn plan(&self, plan: &[Ask]) {
        *self.0.plan.lock().unwrap() = plan.to_vec();
    }

    /// The next times that `action` is done, it goes like this.
    pub(crate) fn script(&self, action: &str, goes: &[Do]) {
        let mut script = self.0.script.lock().unwrap();
        script.insert(action.to_owned(), goes.iter().copied().collect());
    }

    pub(crate) fn effects(&self) -> Vec<String> {
        self.0.effects.lock().unwrap().clone()
    }

    pub(crate) fn times(&self, action: &str) -> usize {
        self.effects()
            .iter()
            .filter(|effect| *effect == action)
            .count()
    }

    fn next(&self, action: &str) -> Option<Do> {
        let mut script = self.0.script.lock().unwrap();
        script.get_mut(action).and_then(VecDeque::pop_front)
    }

    async fn act(&self, action: String) -> Result<String, ShopError> {
        tokio::task::yield_now().await;
        let goes = self.next(&action);
        self.0.effects.lock().unwrap().push(action.clone());
        tokio::task::yield_now().await;
        match goes {
            None => Ok(format!("did {action}")),
            Some(Do::Fail) => Err(ShopError::Refused(action)),
            Some(Do::Panic) => panic!("{action} panicked"),
            Some(Do::Hang) => std::future::pending().await,
        }
    }
}

/// `#[saga] async fn order(#[state] world: &World, customer: u32) -> Result<String, ShopError>`
pub(crate) async fn order(world: &World, customer: u32) -> Result<String, ShopError> {
    order_under(world, customer, None).await
}

/// The same under `#[idempotent(key = customer)]`.
pub(crate) async fn order_once(world: &World, customer: u8) -> Result<String, ShopError> {
    let key = SagaKey {
        digest: Digest::from_bytes([customer; 32]),
        ttl: Duration::from_secs(24 * 3600),
    };
    order_under(world, u32::from(customer), Some(key)).await
}

async fn order_under(
    world: &World,
    customer: u32,
    key: Option<SagaKey>,
) -> Result<String, ShopError> {
    let saga = {
        static SAGA: Saga = Saga::named("order");
        &SAGA
    };
    let function = function::<Result<String, ShopError>>("shop::order");
    let stored = stored::<Result<String, ShopError>>();
    let failures = failures::<Result<String, ShopError>>();
    let arguments = saga.arguments().with("customer", &customer);
    let call = async move {
        if let Some(never) = function.never() {
            return never;
        }
        let plan = world.0.plan.lock().unwrap().clone();
        for ask in plan {
            match ask {
                Ask::Reserve(item) => drop(reserve(world, &item).await?),
                Ask::Charge(amount) => drop(charge(world, &amount).await?),
                Ask::Note(text) => drop(note(world, text).await?),
                Ask::Both(one, other) => {
                    let (one, other) = tokio::join!(reserve(world, &one), reserve(world, &other));
                    drop((one?, other?));
                }
                Ask::Fail => return Err(ShopError::Refused("order".to_owned())),
                Ask::Package(item) => drop(package(world, &item).await?),
                Ask::Hurried => hurried(world).await?,
                Ask::Dropped(item) => {
                    let mut dropped = Box::pin(reserve(world, &item));
                    let poll =
                        std::future::poll_fn(|context| Poll::Ready(dropped.as_mut().poll(context)));
                    assert!(poll.await.is_pending());
                }
                Ask::Held(one, other) => {
                    let mut held = Box::pin(reserve(world, &one));
                    let poll =
                        std::future::poll_fn(|context| Poll::Ready(held.as_mut().poll(context)));
                    assert!(poll.await.is_pending());
                    reserve(world, &other).await?;
                    drop(held);
                }
            }
        }
        Ok(format!("order of {customer}"))
    };
    let identity = match key {
        Some(key) => saga.keyed(key),
        None => saga.anonymous(),
    };
    let kept = unkept::<String>();
    let call = saga.run(arguments, identity, call, function, stored, failures, kept);
    call.await.into_result()
}

const _: () = {
    fn resume(call: JournaledCall) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            let world = call.state::<World>()?;
            let customer = call.argument("customer", argument::<u32>().found())?;
            let _outcome = order(&world, customer).await;
            Ok(())
        })
    }
    inventory::submit! {
        SagaEntry { saga: Saga::named("order"), place: PLACE, states: STATES, resume }
    }
};

/// `#[timeout(1s)] #[saga] async fn hurried(#[state] world: &World) -> Result<(), ShopError>`
pub(crate) async fn hurried(world: &World) -> Result<(), ShopError> {
    static SAGA: Saga = Saga::named("hurried");
    if world.next("before hurried").is_some() {
        // A policy above the saga that refuses.
        return Err(ShopError::Refused("hurried".to_owned()));
    }
    let function = function::<Result<(), ShopError>>("shop::hurried");
    let stored = stored::<Result<(), ShopError>>();
    let failures = failures::<Result<(), ShopError>>();
    let call = async { reserve(world, &1).await.map(drop) };
    let (arguments, identity) = (SAGA.arguments(), SAGA.anonymous());
    let kept = unkept::<()>();
    let call = SAGA.run(arguments, identity, call, function, stored, failures, kept);
    match tokio::time::timeout(Duration::from_secs(1), call).await {
        Ok(answer) => answer.into_result(),
        Err(_) => Err(ShopError::Refused("hurried".to_owned())),
    }
}

const _: () = {
    fn resume(call: JournaledCall) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            let world = call.state::<World>()?;
            let _outcome = hurried(&world).await;
            Ok(())
        })
    }
    inventory::submit! {
        SagaEntry { saga: Saga::named("hurried"), place: PLACE, states: STATES, resume }
    }
};

/// `#[saga_step(compensate = release)]`
pub(crate) async fn reserve(world: &World, item: &u32) -> Result<String, ShopError> {
    let step = {
        static STEP: SagaStep = SagaStep::named("reserve").compensated_by("release");
        &STEP
    };
    let function = function::<Result<String, ShopError>>("shop::reserve");
    let stored = stored::<Result<String, ShopError>>();
    let arguments = step.arguments().with("item", item);
    let call = async {
        if let Some(never) = function.never() {
            return never;
        }
        world.act(format!("reserve {item}")).await
    };
    let call = step.run(arguments, call, function, stored, unkept::<String>());
    call.await.into_result()
}

async fn release(world: &World, item: &u32, reserved: &str) -> Result<(), ShopError> {
    assert_eq!(reserved, format!("did reserve {item}"));
    world.act(format!("release {item}")).await.map(drop)
}

const _: () = {
    fn compensate(call: JournaledCall) -> BoxFuture<'static, Result<(), CompensationError>> {
        Box::pin(async move {
            let world = call
                .state::<World>()
                .map_err(CompensationError::NotCalled)?;
            let item = call
                .argument("item", argument::<u32>().found())
                .map_err(CompensationError::NotCalled)?;
            let output = call
                .output(output::<Result<String, ShopError>>().found())
                .map_err(CompensationError::NotCalled)?;
            release(&world, &item, &output)
                .await
                .map_err(|error| CompensationError::Failed(error.to_string()))
        })
    }
    inventory::submit! {
        StepEntry { step: SagaStep::named("reserve").compensated_by("compensate").compensate_attempts(3), place: PLACE, states: STATES, compensate: Some(compensate) }
    }
};

/// `#[saga_step(compensate = refund, in_doubt = compensate)]`
pub(crate) async fn charge(world: &World, amount: &u32) -> Result<String, ShopError> {
    let step = {
        static STEP: SagaStep = SagaStep::named("charge")
            .compensated_by("refund")
            .compensates_in_doubt();
        &STEP
    };
    let function = function::<Result<String, ShopError>>("shop::charge");
    let stored = stored::<Result<String, ShopError>>();
    let arguments = step.arguments().with("amount", amount);
    let call = async { world.act(format!("charge {amount}")).await };
    let call = step.run(arguments, call, function, stored, unkept::<String>());
    call.await.into_result()
}

async fn refund(world: &World, amount: &u32, receipt: Option<&String>) -> Result<(), ShopError> {
    let known = if receipt.is_some() {
        "known"
    } else {
        "in doubt"
    };
    world
        .act(format!("refund {amount} {known}"))
        .await
        .map(drop)
}

const _: () = {
    fn compensate(call: JournaledCall) -> BoxFuture<'static, Result<(), CompensationError>> {
        Box::pin(async move {
            let world = call
                .state::<World>()
                .map_err(CompensationError::NotCalled)?;
            let amount = call
                .argument("amount", argument::<u32>().found())
                .map_err(CompensationError::NotCalled)?;
            let output = call
                .output_if_known(output::<Result<String, ShopError>>().found())
                .map_err(CompensationError::NotCalled)?;
            refund(&world, &amount, output.as_ref())
                .await
                .map_err(|error| CompensationError::Failed(error.to_string()))
        })
    }
    inventory::submit! {
        StepEntry { step: SagaStep::named("charge").compensated_by("compensate").compensates_in_doubt().compensate_attempts(3), place: PLACE, states: STATES, compensate: Some(compensate) }
    }
};

/// `#[saga_step(compensate = unpack)]`, a step that calls a step.
pub(crate) async fn package(world: &World, item: &u32) -> Result<String, ShopError> {
    static STEP: SagaStep = SagaStep::named("package").compensated_by("unpack");
    let function = function::<Result<String, ShopError>>("shop::package");
    let stored = stored::<Result<String, ShopError>>();
    let arguments = STEP.arguments().with("item", item);
    let call = STEP.run(
        arguments,
        reserve(world, item),
        function,
        stored,
        unkept::<String>(),
    );
    call.await.into_result()
}

const _: () = {
    fn compensate(call: JournaledCall) -> BoxFuture<'static, Result<(), CompensationError>> {
        Box::pin(async move {
            let world = call
                .state::<World>()
                .map_err(CompensationError::NotCalled)?;
            world
                .act("unpack".to_owned())
                .await
                .map(drop)
                .map_err(|error| CompensationError::Failed(error.to_string()))
        })
    }
    inventory::submit! {
        StepEntry { step: SagaStep::named("package").compensated_by("compensate").compensate_attempts(3), place: PLACE, states: STATES, compensate: Some(compensate) }
    }
};

/// `#[saga_step(compensate = none)]`
pub(crate) async fn note(world: &World, text: u32) -> Result<String, ShopError> {
    let step = {
        static STEP: SagaStep = SagaStep::named("note");
        &STEP
    };
    let function = function::<Result<String, ShopError>>("shop::note");
    let stored = stored::<Result<String, ShopError>>();
    let arguments = step.arguments().with("text", &text);
    let call = async { world.act(format!("note {text}")).await };
    let call = step.run(arguments, call, function, stored, unkept::<String>());
    call.await.into_result()
}

inventory::submit! {
    StepEntry { step: SagaStep::named("note"), place: PLACE, states: STATES, compensate: None }
}

/// The shop's errors have no JSON form.
fn unkept<T>() -> Kept<ShopError> {
    kept::<Result<T, ShopError>>().found()
}

const PLACE: Place = Place {
    file: file!(),
    line: line!(),
};
const STATES: &[StateType] = &[StateType::of::<World>()];
