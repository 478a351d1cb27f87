//! One call of `acquire`: which nodes were asked, and what they said.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::nodes::{Ask, Failure, Nodes};
use crate::BoxFuture;
use crate::lock::store::{Acquired, Acquiring, FencingToken};

/// What is known of a node.
pub(super) enum Heard {
    /// It was not asked, or its lock was given back.
    Nothing,
    /// It was asked.
    Asked(Ask<Acquired>),
    Granted(FencingToken),
    Busy(Option<Duration>, BoxFuture<'static, ()>),
    Failed(Failure),
}

/// How a round ended.
pub(super) enum Verdict {
    /// A quorum granted the lock, and the node whose line counts is not against it.
    Quorum,
    /// The node whose line counts has a holder, or others in its line.
    InLine,
    /// Not enough for a quorum, and others have the rest.
    Split,
    /// Not enough nodes answer for any quorum.
    Unreachable,
}

/// An attempt to get the lock from a quorum. Whatever the nodes may have granted is given back in the background
/// when it is dropped.
pub(super) struct Attempt {
    nodes: Arc<Nodes>,
    acquiring: Acquiring,
    floor: FencingToken,
    pub(super) heard: Vec<Heard>,
}

impl Attempt {
    pub(super) fn new(nodes: Arc<Nodes>, acquiring: Acquiring) -> Self {
        Self {
            acquiring,
            floor: nodes.propose(),
            heard: (0..nodes.count()).map(|_| Heard::Nothing).collect(),
            nodes,
        }
    }

    /// Asks every node at once, and waits for as many answers as it takes to know. `line` is the node where the
    /// caller waits if it has to.
    pub(super) async fn ask(&mut self, line: usize) -> Verdict {
        for index in 0..self.nodes.count() {
            self.ask_one(index, index == line && self.acquiring.waits);
        }
        loop {
            if let Some(verdict) = self.verdict(line) {
                return verdict;
            }
            self.next().await;
        }
    }

    /// Asks one node and waits for its answer.
    pub(super) async fn enter(&mut self, line: usize) {
        self.ask_one(line, true);
        while matches!(self.heard[line], Heard::Asked(_)) {
            self.next().await;
        }
    }

    fn ask_one(&mut self, index: usize, waits: bool) {
        let acquiring = Acquiring {
            waits,
            ..self.acquiring
        };
        self.heard[index] = Heard::Asked(self.nodes.acquire(index, acquiring, self.floor));
    }

    /// Resolves when another answer is there.
    async fn next(&mut self) {
        poll_fn(|context| {
            let mut more = Poll::Pending;
            for heard in &mut self.heard {
                let Heard::Asked(ask) = heard else { continue };
                if let Poll::Ready(answer) = ask.as_mut().poll(context) {
                    *heard = match answer {
                        Ok(Acquired::Granted { token, .. }) => Heard::Granted(token),
                        Ok(Acquired::Busy { left, woken }) => Heard::Busy(left, woken),
                        Err(failure) => Heard::Failed(failure),
                    };
                    more = Poll::Ready(());
                }
            }
            more
        })
        .await;
    }

    fn verdict(&self, line: usize) -> Option<Verdict> {
        let count = |test: fn(&Heard) -> bool| self.heard.iter().filter(|it| test(it)).count();
        let granted = count(|it| matches!(it, Heard::Granted(_)));
        let open = count(|it| matches!(it, Heard::Asked(_)));
        if self.failed() > self.nodes.count() - self.nodes.quorum() {
            return Some(Verdict::Unreachable);
        }
        match &self.heard[line] {
            Heard::Busy(..) => Some(Verdict::InLine),
            Heard::Granted(_) | Heard::Failed(_) if granted >= self.nodes.quorum() => {
                Some(Verdict::Quorum)
            }
            Heard::Granted(_) | Heard::Failed(_) if granted + open < self.nodes.quorum() => {
                Some(Verdict::Split)
            }
            _ => None,
        }
    }

    /// The greatest token that was granted, once a quorum has it: from then on, whoever gets a quorum has a greater
    /// one. `None` when that could not be reached.
    pub(super) async fn agree(&mut self) -> Option<FencingToken> {
        let tokens = self.tokens().map(|(_, token)| token);
        let top = tokens.max()?;
        let lower = self.tokens().filter(|(_, token)| *token < top);
        let mut raises: Vec<(usize, Ask<bool>)> = lower
            .map(|(index, _)| (index, self.nodes.raise(index, self.acquiring, top)))
            .collect();
        while self.tokens().filter(|(_, token)| *token == top).count() < self.nodes.quorum() {
            let (index, raised) = first(&mut raises).await?;
            if raised.unwrap_or(false) {
                self.heard[index] = Heard::Granted(top);
            }
        }
        self.nodes.seen(top);
        Some(top)
    }

    fn tokens(&self) -> impl Iterator<Item = (usize, FencingToken)> {
        let tokens = self.heard.iter().enumerate();
        tokens.filter_map(|(index, heard)| match heard {
            Heard::Granted(token) => Some((index, *token)),
            _ => None,
        })
    }

    /// The lock is the caller's, who releases it; who has not answered yet may do so.
    pub(super) fn keep(mut self) {
        for (index, heard) in self.heard.iter_mut().enumerate() {
            if let Heard::Asked(ask) = std::mem::replace(heard, Heard::Nothing) {
                let place = (self.acquiring.key, self.acquiring.nonce, index);
                self.nodes.settle(place, ask);
            }
        }
    }

    /// Gives back in the background what the nodes granted or may have granted, but for `kept`, and answers with
    /// what that one said.
    pub(super) fn give_back(&mut self, kept: Option<usize>) -> Heard {
        let mut answer = Heard::Nothing;
        for (index, heard) in self.heard.iter_mut().enumerate() {
            let place = (self.acquiring.key, self.acquiring.nonce, index);
            match std::mem::replace(heard, Heard::Nothing) {
                heard if kept == Some(index) => answer = heard,
                Heard::Asked(ask) => self.nodes.release(place, Some(ask), None),
                Heard::Granted(_) | Heard::Failed(_) => {
                    self.nodes.release::<Acquired>(place, None, None);
                }
                // Without a place in its line, unless it is the one that is kept.
                Heard::Busy(..) | Heard::Nothing => {}
            }
        }
        answer
    }

    /// How many nodes did not answer.
    pub(super) fn failed(&self) -> usize {
        let failed = |it: &&Heard| matches!(it, Heard::Failed(_));
        self.heard.iter().filter(failed).count()
    }

    /// What they said, for an error.
    pub(super) fn failures(&self) -> String {
        let mut text = String::new();
        for (index, heard) in self.heard.iter().enumerate() {
            if let Heard::Failed(failure) = heard {
                text += &format!("; node {}: {failure}", index + 1);
            }
        }
        text
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let _ = self.give_back(None);
    }
}

/// The first of several questions that is answered, which is taken out; `None` when there are none.
pub(super) async fn first<T>(
    asks: &mut Vec<(usize, Ask<T>)>,
) -> Option<(usize, Result<T, Failure>)> {
    if asks.is_empty() {
        return None;
    }
    let (position, answer) = poll_fn(|context| {
        for (position, (_, ask)) in asks.iter_mut().enumerate() {
            if let Poll::Ready(answer) = ask.as_mut().poll(context) {
                return Poll::Ready((position, answer));
            }
        }
        Poll::Pending
    })
    .await;
    let (index, _) = asks.swap_remove(position);
    Some((index, answer))
}
