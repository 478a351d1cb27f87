//! `#[saga]`: what happens at one call of a saga function.

use super::admission::{Admitted, SagaRequest};
use super::answer;
use super::codec::Codec;
use super::context;
use super::drive::{Run, run_body};
use super::identity::Identity;
use super::nested;
use super::options::Saga;
use super::start::Starting;
use super::ticket::Ticket;
use crate::arguments::Arguments;
use crate::outcome::{Answer, Failures, Function, Kept, Outcome, Stored};

impl Saga {
    /// The arguments of a call, to be filled by [`Arguments::with`].
    #[must_use]
    pub fn arguments(&self) -> Arguments {
        Arguments::new()
    }

    /// Runs the saga whose body is `call`; with a key, at most one that is not undone; with an id, at most one.
    ///
    /// With the id of a saga that is there, answers what that one comes to, however it ends. With the key of a saga that was
    /// completed less than the key's `ttl` ago, answers what that one answered, and with the key of a running one waits for
    /// it. In the body of a saga it is a step of that saga, and undone with it, unless an `#[idempotent]` above answers for
    /// it. Under [`start`](super::start()) it does not answer: whoever started it drops the call. Dropped at any point,
    /// the saga goes on without its caller. See [the module](super) for what a crash leaves.
    ///
    /// A panic of the body goes on to the caller, once everything is undone.
    ///
    /// # Errors
    /// In the answer: the body's own error, once everything is undone, or
    ///
    /// - [`Error::NoRuntime`], [`Error::ShuttingDown`], [`Error::Encode`], [`Error::Store`], [`Error::SagaConflict`],
    ///   [`Error::Recursive`]: the body did not run;
    /// - [`Error::StartInDoubt`]: it may run all the same, here or in the next process;
    /// - [`Error::SagaCancelled`], [`Error::SagaTimedOut`]: it is undone;
    /// - [`Error::SagaFailed`]: so it is, and its own error is no longer known;
    /// - [`Error::CompensationFailed`], [`Error::SagaParked`]: it waits in the dead letter queue;
    /// - [`Error::Superseded`], [`Error::NotRecorded`]: somebody else brings it to its end;
    /// - [`Error::Decode`]: its result is of another type than it was.
    ///
    /// [`Error::NoRuntime`]: crate::error::Error::NoRuntime
    /// [`Error::ShuttingDown`]: crate::error::Error::ShuttingDown
    /// [`Error::Encode`]: crate::error::Error::Encode
    /// [`Error::Store`]: crate::error::Error::Store
    /// [`Error::SagaConflict`]: crate::error::Error::SagaConflict
    /// [`Error::Recursive`]: crate::error::Error::Recursive
    /// [`Error::StartInDoubt`]: crate::error::Error::StartInDoubt
    /// [`Error::SagaCancelled`]: crate::error::Error::SagaCancelled
    /// [`Error::SagaTimedOut`]: crate::error::Error::SagaTimedOut
    /// [`Error::SagaFailed`]: crate::error::Error::SagaFailed
    /// [`Error::CompensationFailed`]: crate::error::Error::CompensationFailed
    /// [`Error::SagaParked`]: crate::error::Error::SagaParked
    /// [`Error::Superseded`]: crate::error::Error::Superseded
    /// [`Error::NotRecorded`]: crate::error::Error::NotRecorded
    /// [`Error::Decode`]: crate::error::Error::Decode
    #[allow(
        clippy::too_many_arguments,
        reason = "generated code calls it, which names each"
    )]
    pub fn run<C, O, T, E>(
        &self,
        arguments: Arguments,
        identity: Identity,
        call: C,
        function: Function<Result<T, E>>,
        stored: Stored<T>,
        failures: Failures<E>,
        kept: Kept<E>,
    ) -> impl Future<Output = Answer<T, E>>
    where
        C: Future<Output = O>,
        O: Outcome<Ok = T, Err = E>,
        T: 'static,
        E: 'static,
    {
        // In a box: durable layers nest, and a future that holds the whole of the inner one, once as
        // an argument and once while it is awaited, would double with each.
        let call = Box::pin(call);
        async move {
            let codec = Codec::new(function, stored, kept);
            if let Some(running) = Ticket::take_for(self.name) {
                let run = Run {
                    running,
                    resumes: true,
                };
                return run_body(run, call, codec, failures).await.answer;
            }
            let request = match SagaRequest::new(self, arguments, identity, function.name) {
                Ok(request) => request,
                Err(error) => return codec.refused(error),
            };
            let parent = context::body();
            if let Some(starting) = Starting::take() {
                return match starting.start(request, parent, codec).await {
                    Ok(never) => match never {},
                    Err((error, refusal)) => Answer::refused(error, refusal, &function),
                };
            }
            if let Some(parent) = parent
                && !request.is_keyed()
            {
                return nested::call(&parent, request, call, codec, failures).await;
            }
            match request.admit().await {
                Ok(Admitted::Run(running)) => {
                    let run = Run {
                        running,
                        resumes: false,
                    };
                    run_body(run, call, codec, failures).await.answer
                }
                Ok(Admitted::Over(record)) => {
                    codec.answer(answer::ended(&request.core, self.name, *record).await)
                }
                Err((error, refusal)) => Answer::refused(error, refusal, &function),
            }
        }
    }
}
