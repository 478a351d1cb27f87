//! A saga whose body is a closure, its steps, and the process that runs it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::arguments::argument;
use resilience_runtime::error::Error;
use resilience_runtime::outcome::output;
use resilience_runtime::outcome::{Kept, Unkept as _, failures, function, kept, stored};
use resilience_runtime::registry::{
    CompensationError, JournaledCall, Place, SagaEntry, StateType, StepEntry,
};
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::{SagaRecord, Status};
use resilience_runtime::saga::{Saga, SagaStep};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::disk::Disk;
use crate::store::{Store, Trouble};

/// An error with a JSON form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failed(pub(crate) String);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(format!("policy: {error}"))
    }
}

/// An error without one.
#[derive(Debug)]
pub(crate) struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("gone")
    }
}

impl From<Error> for Gone {
    fn from(_: Error) -> Self {
        Self
    }
}

impl From<Gone> for Failed {
    fn from(gone: Gone) -> Self {
        Self(gone.to_string())
    }
}

/// How a step goes, when not well.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goes {
    Fail,
    Hang,
    /// Well, after so many milliseconds.
    Slow(u64),
    /// It fails after so many milliseconds.
    SlowFail(u64),
}

pub(crate) type Body =
    Arc<dyn Fn(World) -> BoxFuture<'static, Result<String, Failed>> + Send + Sync>;

/// What the steps act on, and what the body is.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Inside>);

#[derive(Default)]
struct Inside {
    effects: Mutex<Vec<String>>,
    goes: Mutex<HashMap<String, VecDeque<Goes>>>,
    body: Mutex<Option<Body>>,
    notes: Mutex<Vec<String>>,
    acted: Notify,
    tokens: Mutex<Vec<Option<u64>>>,
}

impl World {
    pub(crate) fn body<F, R>(&self, body: F)
    where
        F: Fn(World) -> R + Send + Sync + 'static,
        R: Future<Output = Result<String, Failed>> + Send + 'static,
    {
        *self.0.body.lock().unwrap() = Some(Arc::new(move |world| Box::pin(body(world))));
    }

    /// The next times that `action` is done, it goes like this.
    pub(crate) fn goes(&self, action: &str, goes: &[Goes]) {
        let mut all = self.0.goes.lock().unwrap();
        all.insert(action.to_owned(), goes.iter().copied().collect());
    }

    pub(crate) fn effects(&self) -> Vec<String> {
        self.0.effects.lock().unwrap().clone()
    }

    pub(crate) fn forget_effects(&self) {
        self.0.effects.lock().unwrap().clear();
    }

    /// Resolves at once when `action` was done so often.
    pub(crate) async fn done(&self, action: &str, times: usize) {
        loop {
            let mut acted = std::pin::pin!(self.0.acted.notified());
            acted.as_mut().enable();
            if self.times(action) >= times {
                return;
            }
            acted.await;
        }
    }

    pub(crate) fn times(&self, action: &str) -> usize {
        let effects = self.effects();
        effects.iter().filter(|effect| *effect == action).count()
    }

    /// The fencing tokens of the steps.
    pub(crate) fn tokens(&self) -> Vec<Option<u64>> {
        self.0.tokens.lock().unwrap().clone()
    }

    /// Something that a test wants to know of a body or a step.
    pub(crate) fn note(&self, note: impl Into<String>) {
        self.0.notes.lock().unwrap().push(note.into());
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.0.notes.lock().unwrap())
    }

    pub(crate) async fn act(&self, action: String) -> Result<String, String> {
        tokio::task::yield_now().await;
        let goes = self.0.goes.lock().unwrap();
        let goes = { goes }.get_mut(&action).and_then(VecDeque::pop_front);
        if let Some(Goes::Slow(millis) | Goes::SlowFail(millis)) = goes {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        self.0.effects.lock().unwrap().push(action.clone());
        self.0.acted.notify_waiters();
        tokio::task::yield_now().await;
        match goes {
            None | Some(Goes::Slow(_)) => Ok(format!("did {action}")),
            Some(Goes::Fail | Goes::SlowFail(_)) => Err(format!("failed {action}")),
            Some(Goes::Hang) => std::future::pending().await,
        }
    }
}

pub(crate) const PLACE: Place = Place {
    file: file!(),
    line: line!(),
};
pub(crate) const STATES: &[StateType] = &[StateType::of::<World>()];

async fn undo(call: JournaledCall, name: &str) -> Result<(), CompensationError> {
    let world = call.state::<World>()?;
    let item = call.argument("item", argument::<u32>().found())?;
    let output = call.output_if_known(output::<Result<String, Failed>>().found())?;
    let known = if output.is_some() { "" } else { " in doubt" };
    let key = resilience_runtime::saga::idempotency_key().unwrap();
    let saga = resilience_runtime::saga::current().unwrap();
    world.note(format!("undo {name} {item}: {key} of {saga}"));
    let done = world.act(format!("undo {name} {item}{known}")).await;
    done.map(drop).map_err(CompensationError::Failed)
}

macro_rules! steps {
    ($($function:ident: $error:ident = $step:expr;)*) => {$(
        pub(crate) async fn $function(world: &World, item: u32) -> Result<String, $error> {
            static STEP: SagaStep = $step;
            let function = function::<Result<String, $error>>(stringify!($function));
            let stored = stored::<Result<String, $error>>();
            let kept: Kept<$error> = kept::<Result<String, $error>>().found();
            let arguments = STEP.arguments().with("item", &item);
            let call = async {
                let run = resilience_runtime::invocation::attempt();
                let key = resilience_runtime::saga::idempotency_key().unwrap_or_default();
                let token = resilience_runtime::invocation::fencing_token();
                world.0.tokens.lock().unwrap().push(token.map(|token| token.as_u64()));
                world.note(format!("{} {item}: attempt {run}, {key}", stringify!($function)));
                let done = world.act(format!("{} {item}", stringify!($function))).await;
                done.map_err(|error| $error::of(error))
            };
            STEP.run(arguments, call, function, stored, kept).await.into_result()
        }

        const _: () = {
            fn compensate(call: JournaledCall) -> BoxFuture<'static, Result<(), CompensationError>> {
                Box::pin(undo(call, stringify!($function)))
            }
            resilience_runtime::private::submit! {
                StepEntry { step: $step, place: PLACE, states: STATES, compensate: Some(compensate) }
            }
        };
    )*};
}

impl Failed {
    fn of(error: String) -> Self {
        Self(error)
    }
}

impl Gone {
    fn of(_: String) -> Self {
        Self
    }
}

steps! {
    a: Failed = SagaStep::named("a").compensated_by("undo");
    b: Failed = SagaStep::named("b").compensated_by("undo");
    c: Failed = SagaStep::named("c").compensated_by("undo");
    // Its errors have no JSON form.
    lost: Gone = SagaStep::named("lost").compensated_by("undo");
    doubtful: Failed = SagaStep::named("doubtful").compensated_by("undo").compensates_in_doubt();
    pivot: Failed = SagaStep::named("pivot").compensated_by("undo").pivot();
    retriable: Failed = SagaStep::named("retriable").compensated_by("undo").retriable();
}

/// The saga: its body is what the world says.
pub(crate) async fn saga(world: &World) -> Result<String, Failed> {
    static SAGA: Saga = Saga::named("closure");
    let function = function::<Result<String, Failed>>("closure");
    let stored = stored::<Result<String, Failed>>();
    let failures = failures::<Result<String, Failed>>();
    let kept: Kept<Failed> = kept::<Result<String, Failed>>().found();
    let body = world.0.body.lock().unwrap().clone().expect("a body");
    let call = body(world.clone());
    let arguments = SAGA.arguments();
    let call = SAGA.run(
        arguments,
        SAGA.anonymous(),
        call,
        function,
        stored,
        failures,
        kept,
    );
    call.await.into_result()
}

const _: () = {
    fn resume(call: JournaledCall) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            let world = call.state::<World>()?;
            let _outcome = saga(&world).await;
            Ok(())
        })
    }
    resilience_runtime::private::submit! {
        SagaEntry { saga: Saga::named("closure"), place: PLACE, states: STATES, resume }
    }
};

/// A process with a runtime, a view of the disk, and the world.
pub(crate) struct Process {
    pub(crate) runtime: Runtime,
    pub(crate) store: Arc<Store>,
    pub(crate) world: World,
}

impl Process {
    pub(crate) async fn first() -> Self {
        Self::on(&Arc::<Disk>::default(), World::default(), Trouble::None).await
    }

    async fn on(disk: &Arc<Disk>, world: World, trouble: Trouble) -> Self {
        let store = Store::new(disk);
        store.expect(trouble);
        let runtime = Runtime::on_store(Arc::clone(&store)).state(world.clone());
        let runtime = runtime.scoped().open().await.unwrap();
        Self {
            runtime,
            store,
            world,
        }
    }

    /// The process after this one, which is killed.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(Trouble::None).await
    }

    pub(crate) async fn restart_with(self, trouble: Trouble) -> Self {
        let Self {
            runtime,
            store,
            world,
        } = self;
        store.bury();
        drop(runtime);
        Self::on(&store.disk, world, trouble).await
    }

    pub(crate) async fn run(&self) -> Result<String, Failed> {
        self.runtime.scope(saga(&self.world)).await
    }

    /// Runs the saga until the process dies of `trouble`.
    pub(crate) async fn die(&self, trouble: Trouble) {
        self.store.expect(trouble);
        tokio::select! {
            biased;
            () = self.store.died() => {}
            answer = self.run() => panic!("{trouble:?}: it survived, with {answer:?}"),
        }
    }

    /// Runs the saga until it has had an effect so often, and kills the process.
    pub(crate) async fn die_in(&self, effect: &str, times: usize) {
        tokio::select! {
            biased;
            () = self.world.done(effect, times) => {}
            answer = self.run() => panic!("{effect}: it survived, with {answer:?}"),
        }
        self.store.bury();
    }

    pub(crate) fn saga(&self) -> SagaRecord {
        self.store.disk.saga()
    }

    pub(crate) fn status(&self) -> Status {
        self.saga().status
    }

    pub(crate) fn writes(&self) -> Vec<String> {
        self.store.disk.data().writes.clone()
    }

    /// Why the saga is parked.
    pub(crate) fn difference(&self) -> String {
        let saga = self.saga();
        assert_eq!(saga.status, Status::Parked, "{:?}", saga.error);
        saga.error.unwrap()
    }
}
