//! One connection to one server.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, PushKind, RedisError, Value};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::super::script::Call;
use super::failure::{Failure, Next, Worth};
use super::{Limits, Origin};
use crate::pauses::Pauses;

/// The pauses between two tries to connect.
const RECONNECTS: Pauses = Pauses::new(Duration::from_millis(10), Duration::from_millis(500));

/// A connection that is made again, for ever, when it breaks.
pub(super) struct Link {
    shared: Arc<Shared>,
    driver: JoinHandle<()>,
}

struct Shared {
    origin: Origin,
    limits: Limits,
    status: watch::Sender<Status>,
}

#[derive(Default)]
struct Status {
    live: Option<Live>,
    /// How many tries failed.
    failures: u64,
    error: Option<RedisError>,
}

#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    ended: Arc<Notify>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Link {
    pub(super) fn start(origin: Origin, limits: Limits) -> Self {
        let shared = Arc::new(Shared {
            origin,
            limits,
            status: watch::Sender::default(),
        });
        let driver = tokio::spawn(drive(Arc::clone(&shared)));
        Self { shared, driver }
    }

    /// Whether it is connected.
    pub(super) fn is_up(&self) -> bool {
        self.shared.status.borrow().live.is_some()
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.shared.origin
    }

    /// Runs a script, by its hash if the server knows it.
    pub(super) async fn run(
        &self,
        call: &Call<'_>,
        and: Option<&Cmd>,
        until: Instant,
    ) -> Result<Value, Failure> {
        let mut answer = self.send_both(call.by_hash(), and, until).await;
        if needs(&answer, &Next::Text) {
            answer = self.send_both(call.by_text(), and, until).await;
        }
        if needs(&answer, &Next::TextWithoutFlags) {
            answer = self
                .send_both(call.by_text_without_flags(), and, until)
                .await;
        }
        answer
    }

    /// Two commands in one round trip, where there are two.
    async fn send_both(
        &self,
        command: Cmd,
        and: Option<&Cmd>,
        until: Instant,
    ) -> Result<Value, Failure> {
        let Some(and) = and else {
            return self.send(&command, until).await;
        };
        let live = self.live(until).await?;
        let mut connection = live.connection.clone();
        let mut both = redis::pipe();
        both.add_command(command).add_command(and.clone());
        let answers = both.query_async::<Vec<Value>>(&mut connection).await;
        self.judged(&live, answers.map(Value::Array))
    }

    /// The same for a key that is being moved to this server.
    pub(super) async fn run_asking(
        &self,
        call: &Call<'_>,
        and: Option<&Cmd>,
        until: Instant,
    ) -> Result<Value, Failure> {
        let live = self.live(until).await?;
        let mut connection = live.connection.clone();
        let mut both = redis::pipe();
        // The text: a server that is new may not know the hash, and asking twice would need `ASKING` twice.
        both.cmd("ASKING").ignore().add_command(call.by_text());
        if let Some(and) = and {
            both.add_command(and.clone());
        }
        let answer = both.query_async::<Vec<Value>>(&mut connection).await;
        self.judged(
            &live,
            answer.map(|mut values| match and {
                Some(_) => Value::Array(values),
                None => values.pop().unwrap_or(Value::Nil),
            }),
        )
    }

    /// The answer of the server, which may be an error of its own, to a question that changes nothing.
    pub(super) async fn ask(
        &self,
        question: &Cmd,
        until: Instant,
    ) -> Result<Result<Value, RedisError>, Failure> {
        loop {
            match self.send(question, until).await {
                Ok(value) => return Ok(Ok(value)),
                Err(failure) if Instant::now() < until && failure.next == Next::Again => {}
                Err(failure) if matches!(failure.error.kind(), ErrorKind::Server(_)) => {
                    return Ok(Err(failure.error));
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn send(&self, command: &Cmd, until: Instant) -> Result<Value, Failure> {
        let mut live = self.live(until).await?;
        let answer = live.connection.send_packed_command(command).await;
        let answer = answer.and_then(Value::extract_error);
        self.judged(&live, answer)
    }

    fn judged(&self, live: &Live, answer: Result<Value, RedisError>) -> Result<Value, Failure> {
        answer.map_err(|error| {
            let (failure, worth) = Failure::of(error);
            if worth == Worth::Replace {
                self.shared.give_up(live);
            }
            failure
        })
    }

    /// The connection, when there is one: the next try to make it decides, and the one after, until `until`.
    async fn live(&self, until: Instant) -> Result<Live, Failure> {
        let failures = {
            let status = self.shared.status.borrow();
            if let Some(live) = &status.live {
                return Ok(live.clone());
            }
            status.failures
        };
        let mut status = self.shared.status.subscribe();
        let decided = status.wait_for(|it| it.live.is_some() || it.failures > failures);
        // A failed try is waited for a little longer than the caller has, so that there is something to say.
        let patience = until.max(Instant::now() + self.shared.limits.connect / 2);
        let Ok(Ok(status)) = timeout_at(patience, decided).await else {
            return Err(Failure::unreachable(RedisError::from((
                ErrorKind::Io,
                "no connection in time",
            ))));
        };
        match (&status.live, &status.error) {
            (Some(live), _) => Ok(live.clone()),
            (None, error) => Err(Failure::unreachable(error.clone().unwrap_or_else(|| {
                RedisError::from((ErrorKind::Io, "the connection was closed"))
            }))),
        }
    }
}

impl Shared {
    /// Takes `live` out of use, unless that has happened.
    fn give_up(&self, live: &Live) {
        self.status.send_if_modified(|status| {
            let there = status.live.as_ref();
            if there.is_none_or(|it| !Arc::ptr_eq(&it.ended, &live.ended)) {
                return false;
            }
            status.live = None;
            true
        });
        live.ended.notify_one();
    }
}

fn needs(answer: &Result<Value, Failure>, next: &Next) -> bool {
    answer.as_ref().is_err_and(|failure| failure.next == *next)
}

/// Connects, waits for the end of the connection, and connects again.
async fn drive(shared: Arc<Shared>) {
    let mut pauses = RECONNECTS;
    loop {
        let ended = Arc::new(Notify::new());
        let closing = Arc::clone(&ended);
        let pushed = Box::new(move |push: redis::PushInfo| {
            if push.kind == PushKind::Disconnection {
                closing.notify_one();
            }
            Ok(())
        });
        match shared.origin.connect(shared.limits, pushed).await {
            Ok(connection) => {
                pauses = RECONNECTS;
                let live = Live {
                    connection,
                    ended: Arc::clone(&ended),
                };
                shared.status.send_modify(|status| {
                    status.live = Some(live.clone());
                    status.error = None;
                });
                ended.notified().await;
                shared.give_up(&live);
            }
            Err(error) => {
                shared.status.send_modify(|status| {
                    status.failures += 1;
                    status.error = Some(error);
                });
                sleep(pauses.next()).await;
            }
        }
    }
}
