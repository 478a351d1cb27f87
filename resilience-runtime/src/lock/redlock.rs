//! Redlock: a lock on several independent nodes, which works as long as a majority of them does.

mod attempt;
mod node;
mod nodes;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

pub use node::Node;

use self::attempt::{Attempt, Heard, Verdict, first};
use self::nodes::{Ask, Nodes, Place};
use super::store::{Acquired, Acquiring, LockStore, Nonce, Ownership};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::key::Digest;
use crate::lease::kept::validity;

/// Fewer nodes have no majority that outlives the loss of one.
const NODES_MIN: usize = 3;
/// How often who is the first in line asks again, while others give back what they have of the rest.
const ROUNDS: u32 = 6;
/// The first pause before that is up to this long, or as long as the nodes took to answer.
const PAUSE: Duration = Duration::from_millis(1);

const ACQUIRING: &str = "taking a lock on a majority of nodes";
const RENEWING: &str = "renewing a lock on a majority of nodes";
const RELEASING: &str = "releasing a lock on a majority of nodes";

/// A lock store over several nodes that know nothing of each other. A lock is held by the caller to which a *quorum*,
/// more than half of the nodes, has granted it. It works as long as a quorum of the nodes works; otherwise it refuses.
///
/// All nodes are asked at once, and each has a twentieth of the lease at most (50 to 500 ms) to answer. A lock that a
/// quorum granted is valid for the lease minus the time that this took, minus the drift of the clocks (1 % and 2 ms). A
/// grant without a quorum, or to a caller that went away, is given back in the background. A renewal and a release go to
/// all nodes, and count when a quorum confirms them.
///
/// # Waiting
/// One node keeps the queue of a key, the same node for all processes that were given the nodes in the same order.
/// Nobody takes the lock past this queue, and the node wakes the next waiter. So there is no race between contenders that
/// each have some of the nodes: one that is not first in the queue gives back what it has, and the first one asks again
/// after a few random milliseconds. If that node fails, the queue begins again at the next node, in the order in which
/// the waiters ask there. While some processes reach the node and others do not, the lock is still exclusive, but the
/// order is not kept. A waiter notices the failure when it asks again, after a second at most.
///
/// # The fencing token
/// A token counts when it is the last token on a quorum of the nodes. Two quorums have a node in common, which grants the
/// lock to the second holder only after the first one, and with a greater token. So every holder's token is greater than
/// those of all earlier holders, whatever the clocks say. To make this cheap, the caller proposes a token taken from its
/// clock. Usually the nodes accept it at once; only if one of them already has a greater token (of a process whose clock is
/// ahead) are the others raised to that token, in a second round.
///
/// # What it does not promise
/// A node that forgets (because it was restarted without its data, or after a fail-over) can grant the lock a second time,
/// which can make up a second quorum. So the *lock* is only for efficiency: usually there is one holder at a time. The
/// *token* still distinguishes the two holders as long as the clocks of their processes are good enough: if the clock of
/// the second holder is behind by more than the time since the first one got the lock, the second token is smaller. Keep a
/// node away for the longest lease before it comes back empty, or make it sync every write. If neither is possible and the
/// resource cannot compare tokens, keep locks in PostgreSQL.
///
/// A clone is another handle to the same store.
#[derive(Clone)]
pub struct Redlock {
    nodes: Arc<Nodes>,
}

impl Redlock {
    /// A lock store over these nodes. An odd number is best, because one more node does not allow one more failure. All
    /// processes should be given the nodes in the same order. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When there are fewer than three nodes.
    pub fn new(nodes: Vec<Arc<dyn Node>>) -> Result<Self, StoreError> {
        if nodes.len() < NODES_MIN {
            let found = nodes.len();
            return Err(StoreError::refused(
                "opening Redlock",
                format!(
                    "it has {found} nodes, and needs {NODES_MIN}: of fewer there is no majority when one is lost"
                ),
            ));
        }
        Ok(Self {
            nodes: Arc::new(Nodes::new(nodes)),
        })
    }

    /// Asks every node, until a quorum says yes, or can no longer.
    async fn poll_all(
        nodes: Arc<Nodes>,
        mut asks: Vec<(usize, Ask<bool>)>,
        doing: &'static str,
    ) -> Result<bool, StoreError> {
        let (mut yes, mut no, mut failures) = (0, 0, String::new());
        while let Some((index, answer)) = first(&mut asks).await {
            match answer {
                Ok(true) => yes += 1,
                Ok(false) => no += 1,
                Err(failure) => failures += &format!("; node {}: {failure}", index + 1),
            }
            if yes >= nodes.quorum() {
                return Ok(true);
            }
            if no > nodes.count() - nodes.quorum() {
                return Ok(false);
            }
        }
        let text = format!("{yes} of {} nodes did{failures}", nodes.count());
        Err(StoreError::in_doubt(doing, text))
    }
}

impl LockStore for Redlock {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    fn acquire(&self, acquiring: Acquiring) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        Box::pin(acquire(Arc::clone(&self.nodes), acquiring))
    }

    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let nodes = Arc::clone(&self.nodes);
        let asks = (0..nodes.count())
            .map(|index| (index, nodes.renew(index, key, nonce, lease)))
            .collect();
        Box::pin(Self::poll_all(nodes, asks, RENEWING))
    }

    /// Answers when a quorum and the node with the line have released it. The other nodes are tried again in the background, also when the
    /// future is dropped.
    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>> {
        let nodes = Arc::clone(&self.nodes);
        Box::pin(async move {
            let (told, mut answers) = mpsc::unbounded_channel();
            let line = nodes.line(key);
            for index in 0..nodes.count() {
                let place: Place = (key, nonce, index);
                nodes.release::<bool>(place, None, Some(told.clone()));
            }
            drop(told);
            let (mut released, mut failures) = (0, String::new());
            let mut is_next_woken = false;
            while let Some((index, answer)) = answers.recv().await {
                is_next_woken |= index == line;
                match answer {
                    Ok(()) => released += 1,
                    Err(failure) => failures += &format!("; node {}: {failure}", index + 1),
                }
                if released >= nodes.quorum() && is_next_woken {
                    return Ok(());
                }
            }
            let text = format!("{released} of {} nodes did{failures}", nodes.count());
            Err(StoreError::in_doubt(RELEASING, text))
        })
    }
}

impl fmt::Debug for Redlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redlock")
            .field("nodes", &self.nodes.count())
            .finish()
    }
}

async fn acquire(nodes: Arc<Nodes>, acquiring: Acquiring) -> Result<Acquired, StoreError> {
    let asked = Instant::now();
    let mut attempt = Attempt::new(Arc::clone(&nodes), acquiring);
    let mut contended = None;
    for round in 1..=ROUNDS {
        let line = nodes.line(acquiring.key);
        let begun = Instant::now();
        match attempt.ask(line).await {
            Verdict::Quorum => {
                if let Some(token) = attempt.agree().await {
                    if asked.elapsed() >= validity(acquiring.lease) {
                        return Err(StoreError::refused(
                            ACQUIRING,
                            "it took longer than the lease",
                        ));
                    }
                    attempt.keep();
                    // It counts from before the first question, so that the time this took is left out.
                    let validity = None;
                    return Ok(Acquired::Granted { token, validity });
                }
            }
            Verdict::InLine => return Ok(busy(attempt.give_back(Some(line)))),
            Verdict::Split => {
                let busy = |heard: &Heard| matches!(heard, Heard::Busy(..));
                contended = attempt.heard.iter().position(busy);
            }
            Verdict::Unreachable => {
                let answered = nodes.count() - attempt.failed();
                let text = format!(
                    "{answered} of {} nodes answered, and {} are needed{}",
                    nodes.count(),
                    nodes.quorum(),
                    attempt.failures()
                );
                return Err(StoreError::refused(ACQUIRING, text));
            }
        }
        // The lock of the node with the line is kept: it is the place at its head.
        let head = attempt.give_back(Some(line));
        attempt.heard[line] = head;
        pause(begun.elapsed(), round).await;
    }
    let _ = attempt.give_back(None);
    // Whoever has the other nodes does not know this line: it is waited for in one of its own.
    if let Some(other) = contended.filter(|_| acquiring.waits) {
        attempt.enter(other).await;
        if matches!(attempt.heard[other], Heard::Busy(..)) {
            return Ok(busy(attempt.give_back(Some(other))));
        }
    }
    Ok(Acquired::Busy {
        left: None,
        woken: match acquiring.waits {
            true => Box::pin(pause(PAUSE, ROUNDS)),
            false => Box::pin(std::future::pending()),
        },
    })
}

/// The answer of the node in whose line the caller is.
fn busy(heard: Heard) -> Acquired {
    match heard {
        Heard::Busy(left, woken) => Acquired::Busy { left, woken },
        _ => Acquired::Busy {
            left: None,
            woken: Box::pin(std::future::pending()),
        },
    }
}

/// A random time, longer from round to round and with the time that an answer takes.
async fn pause(answer: Duration, round: u32) {
    let most = answer.clamp(PAUSE, 20 * PAUSE) * round;
    let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    sleep(Duration::from_nanos(fastrand::u64(0..=nanos))).await;
}
