//! Sagas that are started without being waited for.

use std::any::Any;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::admission::{Denied, Found, SagaRequest};
use super::codec::Codec;
use super::execution::Execution;
use super::handle::SagaHandle;
use super::journal::{NewSaga, SagaId, SagaRecord, StartConnection, Started, StartedIn};
use super::nested::derived;
use super::recovery::proceed;
use super::reruns::Reruns;
use super::step_name;
use crate::core::{Core, Permit};
use crate::error::Error;
use crate::outcome::{Storable, TakesRefusals};
use crate::pauses::Pauses;

/// Between two looks for a saga that was written in a transaction which may not have ended.
const PAUSES: Pauses = Pauses::new(Duration::from_millis(10), Duration::from_secs(1));
/// How long it is looked for. One that is committed later is found by recovery.
const WATCHED: Duration = Duration::from_secs(60);

/// Starts the saga that `future` calls, without waiting for its end.
///
/// When this returns, the saga is in the journal, and the runtime brings it to its end, in this process or another one.
///
/// `future` is the call of a function or method under `#[saga]`, with any attributes that stand above the saga. It is
/// polled until the saga is durable, and then dropped: the body runs in the background, with the arguments and the `#[state]`
/// that it would have after a crash. If there already is a saga with the same `id` or `key`, the handle is to that saga,
/// whatever its status. In the body of a saga, this starts an independent saga, which is not undone with the saga around it;
/// when the body is run again, it finds the same one.
///
/// # Cancellation
/// If the future is dropped, the saga may have been started or not. A saga with an `id` or a `key` can be started again to
/// find out.
///
/// # Errors
/// The errors that `future` returns before it starts its saga: refusals by policies above the saga, [`Error::SagaConflict`],
/// failures of the store. [`Error::NoSagaStarted`] if it ends without starting a saga.
///
/// ```
/// # use resilience_runtime::saga::{start, SagaHandle};
/// # use resilience_runtime::error::Error;
/// # async fn checkout(order: u64) -> Result<String, Error> { Ok(format!("receipt of {order}")) }
/// # async fn call() -> Result<(), Error> {
/// let handle = start(checkout(17)).await?;
/// println!("started saga {}", handle.id());
/// let receipt = handle.result().await?;
/// # Ok(())
/// # }
/// ```
pub async fn start<F, T, E>(future: F) -> Result<SagaHandle<T, E>, E>
where
    F: Future<Output = Result<T, E>>,
    T: Storable + 'static,
    E: TakesRefusals + 'static,
{
    let started = first_saga(future, Mode::Now).await?;
    Ok(started.handle(None))
}

/// Starts the saga that `future` calls in the caller's own transaction: the saga runs once the transaction is committed, and
/// leaves no trace if it is rolled back.
///
/// `connection` is a connection to the database of the runtime's store. If it leads to another database that has these tables,
/// too, the saga is started there, and this runtime does not run it. For `future`, see [`start`]. After the commit the
/// saga is run by the first process that sees it: this process looks for it for a minute, and the recovery of any process
/// finds it. Until the commit, [`SagaHandle::status`] answers `None`, and [`SagaHandle::result`] waits for up to a minute.
///
/// # Errors
/// Those of [`start`], and [`Error::Store`] if the connection cannot write the saga. The transaction is then in the state in
/// which the database leaves it after an error.
///
/// ```
/// # use resilience_runtime::saga::start_in;
/// # use resilience_runtime::saga::journal::StartConnection;
/// # use resilience_runtime::error::Error;
/// # async fn ship(order: u64) -> Result<(), Error> { println!("{order} is sent"); Ok(()) }
/// # async fn call<C: StartConnection>(mut transaction: C) -> Result<(), Error> {
/// // insert the order, and:
/// let handle = start_in(&mut transaction, ship(17)).await?;
/// // commit
/// # Ok(())
/// # }
/// ```
pub async fn start_in<C, F, T, E>(connection: &mut C, future: F) -> Result<SagaHandle<T, E>, E>
where
    C: StartConnection + ?Sized,
    F: Future<Output = Result<T, E>>,
    T: Storable + 'static,
    E: TakesRefusals + 'static,
{
    let started = first_saga(future, Mode::InTransaction).await?;
    let Some((request, new)) = started.unwritten else {
        return Err(E::take(Error::NoSagaStarted));
    };
    let refused = |(error, _): Denied| E::take(error);
    let Some(permit) = request.core.enter() else {
        return Err(refused(request.shutting_down()));
    };
    let written = connection.start_saga(new.clone()).await;
    let (id, appears_by) = match written.map_err(|source| refused(request.rejected(source)))? {
        StartedIn::New => {
            let until = Instant::now() + WATCHED;
            tokio::spawn(watch(Arc::downgrade(&request.core), new.clone(), until));
            (new.id, Some(until))
        }
        StartedIn::Present { id, name, input } => {
            if new.given {
                request.compare(&id, &name, &input).map_err(E::take)?;
            }
            (id, None)
        }
    };
    drop(permit);
    let found = FirstSaga {
        core: request.core,
        id,
        codec: started.codec,
        unwritten: None,
    };
    Ok(found.handle(appears_by))
}

/// What the first saga of a future is to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Be started.
    Now,
    /// Say what is to be written.
    InTransaction,
}

/// What the first saga of a future said.
struct FirstSaga {
    core: Arc<Core>,
    id: SagaId,
    /// How its answer is told: [`Codec`].
    codec: Box<dyn Any + Send>,
    /// What is to be written of it.
    unwritten: Option<(SagaRequest, NewSaga)>,
}

impl FirstSaga {
    fn handle<T, E>(self, appears_by: Option<Instant>) -> SagaHandle<T, E>
    where
        T: Storable + 'static,
        E: TakesRefusals + 'static,
    {
        // Where the future changes the answer of the saga, it is told as the future has it, as far as that goes.
        let codec = self.codec.downcast::<Codec<T, E>>();
        let codec = codec.map_or_else(|_| Codec::of_types(), |codec| *codec);
        SagaHandle::new(self.core, self.id, codec, appears_by)
    }
}

tokio::task_local! {
    static STARTING: Starting;
}

/// Where the first saga of a future says that it is there.
#[derive(Clone)]
pub(super) struct Starting(Arc<Slot>);

struct Slot {
    mode: Mode,
    state: Mutex<State>,
}

enum State {
    Waiting,
    /// A saga is being started.
    Taken,
    There(Box<FirstSaga>),
}

/// Polls `future` until its first saga has said that it is there.
async fn first_saga<F, T, E>(future: F, mode: Mode) -> Result<FirstSaga, E>
where
    F: Future<Output = Result<T, E>>,
    E: TakesRefusals,
{
    let starting = Starting(Arc::new(Slot {
        mode,
        state: Mutex::new(State::Waiting),
    }));
    let mut future = pin!(STARTING.scope(starting.clone(), future));
    let ended = poll_fn(|context| {
        let poll = future.as_mut().poll(context).map(Some);
        match poll.is_pending() && matches!(*starting.state(), State::There(_)) {
            true => Poll::Ready(None),
            false => poll,
        }
    });
    if let Some(Err(error)) = ended.await {
        return Err(error);
    }
    let state = std::mem::replace(&mut *starting.state(), State::Taken);
    match state {
        State::There(saga) => Ok(*saga),
        State::Waiting | State::Taken => Err(E::take(Error::NoSagaStarted)),
    }
}

impl Starting {
    /// The start that the current saga is the first one of.
    pub(super) fn take() -> Option<Self> {
        let starting = STARTING.try_with(Self::clone).ok()?;
        let mut state = starting.state();
        let is_first = matches!(*state, State::Waiting);
        if is_first {
            *state = State::Taken;
        }
        drop(state);
        is_first.then_some(starting)
    }

    /// Starts the saga that `request` is for, or says what is to be written of it. Does not answer then: whoever asked drops the
    /// call. `parent` is the saga in whose body it is started.
    pub(super) async fn start<T: 'static, E: 'static>(
        self,
        mut request: SagaRequest,
        parent: Option<Arc<Execution>>,
        codec: Codec<T, E>,
    ) -> Result<Infallible, Denied> {
        if let Some(parent) = parent
            && request.id.is_none()
            && !request.is_keyed()
        {
            let occurrence = request
                .core
                .running
                .count_start(&parent.id, request.saga.name);
            let name = step_name::of_start(request.saga.name);
            request.id = Some(derived(&parent.id, &name, &request.input, occurrence));
        }
        let core = Arc::clone(&request.core);
        let (id, unwritten) = match self.0.mode {
            Mode::Now => (found(&request, request.look().await?), None),
            Mode::InTransaction => {
                let new = request.new_saga();
                (new.id.clone(), Some((request, new)))
            }
        };
        let saga = FirstSaga {
            core,
            id,
            codec: Box::new(codec),
            unwritten,
        };
        *self.state() = State::There(Box::new(saga));
        std::future::pending().await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id of what was found. One that is new is handed to the runtime.
fn found(request: &SagaRequest, found: Found) -> SagaId {
    match found {
        Found::Working(id) => id,
        Found::Over(record) => record.id,
        Found::New(running) => {
            let id = running.id();
            if let Some((execution, permit)) = running.into_parts() {
                let record = request.record(&execution);
                hand_over(&request.core, record, permit);
            }
            id
        }
    }
}

/// The runtime goes on with the saga.
fn hand_over(core: &Arc<Core>, record: SagaRecord, permit: Permit) {
    let work = proceed::here(Arc::clone(core), record, permit, Reruns::default());
    core.supervise(Box::pin(work));
}

/// Looks for a saga that was written in a transaction, until `until`, and takes it up once it is committed.
async fn watch(core: Weak<Core>, new: NewSaga, until: Instant) {
    let mut pauses = PAUSES;
    while Instant::now() < until {
        tokio::time::sleep(pauses.next()).await;
        let Some(core) = core.upgrade().filter(|core| core.gate.is_open()) else {
            return;
        };
        let Ok(Some(record)) = core.stores.journal.load(new.id.clone()).await else {
            continue;
        };
        if record.status.is_unfinished() && record.epoch == 0 {
            take_up(core, new).await;
        }
        return;
    }
}

/// Becomes the owner of a saga that is in the journal and that nobody owns. If that fails, recovery does it.
async fn take_up(core: Arc<Core>, new: NewSaga) {
    let Some(permit) = core.enter() else {
        return;
    };
    let new = NewSaga { given: true, ..new };
    if let Ok(Started::TakenOver(record)) = core.stores.journal.start(new).await {
        hand_over(&core, record, permit);
    }
}
