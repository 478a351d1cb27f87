//! Sagas and steps as the attributes expand them, written by hand, and the world that they act on.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::arguments::argument;
use resilience_runtime::catalog::{Annotated, Entry};
use resilience_runtime::error::Error;
use resilience_runtime::invocation::{attempt, fencing_token, interrupted};
use resilience_runtime::outcome::output;
use resilience_runtime::outcome::{Unkept as _, errors, failures, function, kept, stored};
use resilience_runtime::policy::circuit_breaker::CircuitBreaker;
use resilience_runtime::registry::{
    CompensationError, JournaledCall, Place, SagaEntry, StateType, StepEntry,
};
use resilience_runtime::saga::{OnDead, Recover, Saga, SagaStep};
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) enum Oops {
    Refused(String),
    Policy(Error),
}

impl fmt::Display for Oops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(what) => write!(f, "refused: {what}"),
            Self::Policy(error) => error.fmt(f),
        }
    }
}

impl From<Error> for Oops {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

/// How an action goes, when not well.
#[derive(Clone, Copy)]
pub(crate) enum Do {
    Well,
    Fail,
    Panic,
    Hang,
    /// It takes so many seconds.
    Take(u64),
}

/// What the sagas act on: a ledger of effects, a script of failures, and what the sagas ask for.
#[derive(Clone)]
pub(crate) struct World(Arc<Inside>);

struct Inside {
    began: Instant,
    effects: Mutex<Vec<(String, Duration)>>,
    script: Mutex<HashMap<String, VecDeque<Do>>>,
    plans: Mutex<HashMap<&'static str, Vec<(&'static str, u32)>>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inside {
            began: Instant::now(),
            effects: Mutex::default(),
            script: Mutex::default(),
            plans: Mutex::default(),
        }))
    }

    /// The code of the saga `name`: the steps that it asks for; the step `fail` is its own error.
    pub(crate) fn plan(&self, name: &'static str, plan: &[(&'static str, u32)]) {
        let mut plans = self.0.plans.lock().unwrap();
        plans.insert(name, plan.to_vec());
    }

    /// The next times that `action` is done, it goes like this.
    pub(crate) fn script(&self, action: &str, goes: impl IntoIterator<Item = Do>) {
        let mut script = self.0.script.lock().unwrap();
        script.insert(action.to_owned(), goes.into_iter().collect());
    }

    pub(crate) fn effects(&self) -> Vec<String> {
        let effects = self.0.effects.lock().unwrap();
        effects.iter().map(|(effect, _)| effect.clone()).collect()
    }

    pub(crate) fn times(&self, action: &str) -> usize {
        self.when(action).len()
    }

    /// When it was done, since the world began.
    pub(crate) fn when(&self, action: &str) -> Vec<Duration> {
        let effects = self.0.effects.lock().unwrap();
        let effects = effects.iter().filter(|(effect, _)| effect == action);
        effects.map(|(_, at)| *at).collect()
    }

    async fn act(&self, action: String) -> Result<String, Oops> {
        tokio::task::yield_now().await;
        let goes = {
            let mut script = self.0.script.lock().unwrap();
            script.get_mut(&action).and_then(VecDeque::pop_front)
        };
        let at = self.0.began.elapsed();
        self.0.effects.lock().unwrap().push((action.clone(), at));
        match goes.unwrap_or(Do::Well) {
            Do::Well => {}
            Do::Fail => return Err(Oops::Refused(action)),
            Do::Panic => panic!("{action} panicked"),
            Do::Hang => std::future::pending().await,
            Do::Take(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        }
        Ok(format!("did {action}"))
    }
}

/// Asks for what is planned.
async fn body(world: &World, name: &'static str) -> Result<String, Oops> {
    let plan = world.0.plans.lock().unwrap().get(name).cloned();
    for (step, item) in plan.unwrap_or_default() {
        match step {
            "take" => take(world, item).await,
            "wire" => wire(world, item).await,
            "commit" => commit(world, item).await,
            "ship" => ship(world, item).await,
            "slow" => slow(world, item).await,
            "guarded" => guarded(world, item).await,
            "note" => note(world, item).await,
            "wary" => wary(world, item).await,
            "call" => call(world, item).await,
            _ => Err(Oops::Refused(name.to_owned())),
        }?;
    }
    Ok(format!("{name} done"))
}

/// A saga in a saga.
fn call(world: &World, number: u32) -> BoxFuture<'_, Result<String, Oops>> {
    Box::pin(flood(world, number))
}

const PLACE: Place = Place {
    file: file!(),
    line: line!(),
};
const STATES: &[StateType] = &[StateType::of::<World>()];

/// `#[saga(..)] async fn name(#[state] world: &World, number: u32) -> Result<String, Oops>`
macro_rules! sagas {
    ($($name:ident = $saga:expr;)*) => {$(
        pub(crate) async fn $name(world: &World, number: u32) -> Result<String, Oops> {
            static SAGA: Saga = $saga;
            type Answer = Result<String, Oops>;
            let call = async { body(world, SAGA.name()).await };
            let arguments = SAGA.arguments().with("number", &number);
            let (function, stored) = (function::<Answer>(SAGA.name()), stored::<Answer>());
            let (failures, kept) = (failures::<Answer>(), kept::<Answer>().found());
            let identity = SAGA.anonymous();
            let call = SAGA.run(arguments, identity, call, function, stored, failures, kept);
            call.await.into_result()
        }

        const _: () = {
            fn resume(call: JournaledCall) -> BoxFuture<'static, Result<(), Error>> {
                Box::pin(async move {
                    let world = call.state::<World>()?;
                    let number = call.argument("number", argument::<u32>().found())?;
                    let _outcome = $name(&world, number).await;
                    Ok(())
                })
            }
            inventory::submit! { SagaEntry { saga: $saga, place: PLACE, states: STATES, resume } }
        };
    )*};
}

sagas! {
    order = Saga::named("order");
    flood = Saga::named("flood");
    undone = Saga::named("undone").recover(Recover::Compensate);
    brief = Saga::named("brief").timeout(Duration::from_secs(60));
    steady = Saga::named("steady").on_dead(OnDead::Continue);
}

trait Name {
    fn name(&self) -> &'static str;
}

impl Name for Saga {
    fn name(&self) -> &'static str {
        resilience_runtime::catalog::Policy::name(self).unwrap()
    }
}

impl Name for SagaStep {
    fn name(&self) -> &'static str {
        resilience_runtime::catalog::Policy::name(self).unwrap()
    }
}

/// `#[saga_step(..)] async fn name(#[state] world: &World, item: u32) -> Result<String, Oops>`
macro_rules! steps {
    ($($name:ident = $step:expr, $undo:expr;)*) => {$(
        async fn $name(world: &World, item: u32) -> Result<String, Oops> {
            static STEP: SagaStep = $step;
            let call = async { world.act(format!("{} {item}", STEP.name())).await };
            run(&STEP, item, call).await
        }

        inventory::submit! {
            StepEntry { step: $step, place: PLACE, states: STATES, compensate: $undo }
        }
    )*};
}

async fn run<O>(step: &SagaStep, item: u32, call: impl Future<Output = O>) -> Result<String, Oops>
where
    O: resilience_runtime::outcome::Outcome<Ok = String, Err = Oops>,
{
    type Answer = Result<String, Oops>;
    let arguments = step.arguments().with("item", &item);
    let (function, stored) = (function::<Answer>(step.name()), stored::<Answer>());
    let kept = kept::<Answer>().found();
    step.run(arguments, call, function, stored, kept)
        .await
        .into_result()
}

/// `async fn undo(#[state] world: &World, item: u32, output: ..) -> Result<(), Oops>`
fn undo(call: JournaledCall) -> BoxFuture<'static, Result<(), CompensationError>> {
    Box::pin(async move {
        let not_called = CompensationError::NotCalled;
        let world = call.state::<World>().map_err(not_called)?;
        let item = call
            .argument("item", argument::<u32>().found())
            .map_err(not_called)?;
        let output = call.output_if_known(output::<Result<String, Oops>>().found());
        let known = match output.map_err(not_called)? {
            Some(_) => "",
            None => " in doubt",
        };
        let undone = world.act(format!("undo {item}{known}")).await;
        {
            let again = if interrupted() { " again" } else { "" };
            let run = format!(
                "run {item}{again}: {} {:?}",
                attempt(),
                fencing_token().unwrap()
            );
            world.0.effects.lock().unwrap().push((run, Duration::ZERO));
        }
        let failed = |error: Oops| CompensationError::Failed(error.to_string());
        undone.map(drop).map_err(failed)
    })
}

steps! {
    take = SagaStep::named("take").compensated_by("undo"), Some(undo);
    wire = SagaStep::named("wire").compensated_by("undo").compensates_in_doubt(), Some(undo);
    commit = SagaStep::named("commit").pivot(), None;
    ship = SagaStep::named("ship").retriable(), None;
    note = SagaStep::named("note"), None;
    slow = SagaStep::named("slow").compensated_by("undo").compensate_attempts(2)
        .compensate_timeout(Duration::from_secs(2)), Some(undo);
}

/// The breaker of [`guarded`].
pub(crate) static GATEWAY: CircuitBreaker = CircuitBreaker::named("gateway")
    .failure_threshold(1)
    .open_for(Duration::from_secs(30));
static GUARDED: SagaStep = SagaStep::named("guarded")
    .compensated_by("undo")
    .compensate_attempts(2);
static GUARDED_FUNCTION: Annotated = Annotated {
    name: "shop::guarded",
    file: file!(),
    line: line!(),
    policies: &[&GUARDED, &GATEWAY],
};

/// `#[saga_step(compensate = undo)] #[circuit_breaker(name = "gateway")]`
async fn guarded(world: &World, item: u32) -> Result<String, Oops> {
    type Answer = Result<String, Oops>;
    let function = function::<Answer>("shop::guarded");
    let call = Box::pin(async move { world.act(format!("guarded {item}")).await });
    let errors = errors::<Answer>();
    run(&GUARDED, item, GATEWAY.guard(call, function, errors)).await
}

static WARY: SagaStep = SagaStep::named("wary")
    .compensated_by("undo")
    .compensates_in_doubt();

/// `#[saga_step(compensate = undo, in_doubt = compensate)]` with a breaker that somebody has opened.
async fn wary(world: &World, item: u32) -> Result<String, Oops> {
    static SHUT: CircuitBreaker = CircuitBreaker::named("shut");
    SHUT.force_open();
    let function = function::<Result<String, Oops>>("shop::wary");
    let call = Box::pin(async move { world.act(format!("wary {item}")).await });
    let errors = errors::<Result<String, Oops>>();
    run(&WARY, item, SHUT.guard(call, function, errors)).await
}

inventory::submit! {
    StepEntry { step: SagaStep::named("wary").compensated_by("undo").compensates_in_doubt(),
        place: PLACE, states: STATES, compensate: Some(undo) }
}

/// The same, outside of a saga.
pub(crate) async fn guarded_alone(world: &World, item: u32) -> Result<String, Oops> {
    guarded(world, item).await
}

inventory::submit! { Entry(&GUARDED_FUNCTION) }
inventory::submit! {
    StepEntry { step: SagaStep::named("guarded").compensated_by("undo").compensate_attempts(2),
        place: PLACE, states: STATES, compensate: Some(undo) }
}
