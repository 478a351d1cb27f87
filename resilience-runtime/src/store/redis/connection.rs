//! The way to the servers: one multiplexed connection to each, which comes back by itself.
//!
//! A question is asked until it is answered or [`Limits::patience`] is over: everything that is asked here can be
//! asked again. What cannot be known in the end, because a question was sent and no answer came, is an error
//! [in doubt](StoreError::in_doubt).

mod cluster;
mod failure;
mod link;
mod origin;
mod slot;

use std::time::Duration;

use redis::{Cmd, RedisError, Value};
use tokio::time::{Instant, sleep};

use self::cluster::Cluster;
use self::failure::{Failure, Next};
use self::link::Link;
pub(super) use self::origin::Origin;
use super::address::{Address, Topology};
use super::script::Call;
use crate::error::StoreError;
use crate::pauses::Pauses;

/// How long is waited for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For a connection.
    pub(crate) connect: Duration,
    /// For the answer to a question that was sent.
    pub(crate) answer: Duration,
    /// For a server that can be asked: how long a question is asked again.
    pub(crate) patience: Duration,
}

impl Limits {
    /// One server is back at once or for a while not; where others stand in, a fail-over is waited for.
    pub(crate) fn of(address: &Address) -> Self {
        let patience = match address.topology {
            Topology::Single(_) => Duration::from_secs(1),
            Topology::Sentinel { .. } | Topology::Cluster(_) => Duration::from_secs(3),
        };
        Self {
            connect: Duration::from_secs(2),
            answer: Duration::from_secs(2),
            patience,
        }
    }
}

/// The pauses between two tries of something that a server is not ready for.
const PAUSES: Pauses = Pauses::new(Duration::from_millis(5), Duration::from_millis(100));

/// What one server said.
pub(super) struct Answered {
    pub(super) server: String,
    pub(super) answer: Result<Value, RedisError>,
}

/// Whether the error of a try to connect is that nobody is there, or not yet; any other is an answer.
pub(super) fn is_absence(error: &RedisError) -> bool {
    Failure::unreachable(error.clone()).next == Next::Later
}

/// The way to a Redis of any topology.
pub(crate) struct Connection {
    servers: Servers,
    limits: Limits,
}

enum Servers {
    One(Link),
    Cluster(Box<Cluster>),
}

impl Connection {
    /// Begins to connect, which goes on in the background for as long as this lives. Must be called in a tokio
    /// runtime.
    pub(crate) fn open(address: &Address, limits: Limits) -> Self {
        let Address {
            topology, access, ..
        } = address;
        let servers = match topology {
            Topology::Single(host) => {
                let origin = Origin::Node(access.clone(), host.clone());
                Servers::One(Link::start(origin, limits))
            }
            Topology::Sentinel { sentinels, master } => {
                let origin = Origin::Sentinel(access.clone(), sentinels.clone(), master.clone());
                Servers::One(Link::start(origin, limits))
            }
            Topology::Cluster(seeds) => {
                let cluster = Cluster::new(access.clone(), seeds.clone(), limits);
                Servers::Cluster(Box::new(cluster))
            }
        };
        Self { servers, limits }
    }

    /// Runs a script where its keys are, once or, when the way to it is disturbed, several times: it must not
    /// matter.
    ///
    /// One round trip, but for the first run of a script on a server: two.
    pub(crate) async fn run(&self, call: &Call<'_>) -> Result<Value, StoreError> {
        self.run_and(call, None).await
    }

    /// The same, with a command behind it in the same round trip and on the same connection: then the answer is an
    /// array of both.
    pub(super) async fn run_and(
        &self,
        call: &Call<'_>,
        and: Option<&Cmd>,
    ) -> Result<Value, StoreError> {
        let until = Instant::now() + self.limits.patience;
        let mut pauses = PAUSES;
        let mut in_doubt = false;
        loop {
            let failure = match &self.servers {
                Servers::One(link) => link.run(call, and, until).await,
                Servers::Cluster(cluster) => cluster.run(call, and, until).await,
            };
            let Failure {
                error,
                may_have_run,
                next,
            } = match failure {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            in_doubt |= may_have_run;
            if matches!(next, Next::GiveUp | Next::TextWithoutFlags) || Instant::now() >= until {
                return Err(if in_doubt {
                    StoreError::in_doubt(call.doing, error)
                } else {
                    StoreError::refused(call.doing, error)
                });
            }
            if matches!(next, Next::Later) {
                sleep(pauses.next()).await;
            }
        }
    }

    /// Asks every server a question that changes nothing. A server may answer with an error of its own.
    pub(super) async fn ask_all(&self, question: &Cmd) -> Result<Vec<Answered>, StoreError> {
        let until = Instant::now() + self.limits.patience + self.limits.connect;
        let answers = match &self.servers {
            Servers::One(link) => link.ask(question, until).await.map(|answer| {
                let server = link.origin().to_string();
                vec![Answered { server, answer }]
            }),
            Servers::Cluster(cluster) => cluster.ask_all(question, until).await,
        };
        answers
            .map_err(|failure| StoreError::refused("asking Redis for its settings", failure.error))
    }

    /// Where somebody who wants to listen may connect to: any server will do.
    pub(super) fn listening_post(&self) -> Origin {
        match &self.servers {
            Servers::One(link) => link.origin().clone(),
            Servers::Cluster(cluster) => cluster.any_origin(),
        }
    }

    /// How long is waited for what.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }
}
