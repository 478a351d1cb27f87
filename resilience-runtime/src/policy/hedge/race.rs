//! The attempts of one call, side by side.

mod state;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Hedge;
use crate::outcome::{Answer, Errors, Outcome};
use crate::policy::timer::Timer;
use state::{Next, State, Who};

pin_project! {
    /// A call under a [`Hedge`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Race<A, F, T, E> {
        // In place, as long as it runs: a call that needs no hedge allocates nothing.
        #[pin]
        first: Option<F>,
        hedges: Vec<Pin<Box<F>>>,
        // Set when a hedge is waited for.
        #[pin]
        timer: Timer,
        attempt: A,
        errors: Errors<Result<T, E>>,
        state: State,
    }
}

impl<A, F, T, E> Race<A, F, T, E> {
    pub(super) const fn new(
        hedge: &'static Hedge,
        attempt: A,
        function: &'static str,
        errors: Errors<Result<T, E>>,
    ) -> Self {
        Self {
            first: None,
            hedges: Vec::new(),
            timer: Timer::none(),
            attempt,
            errors,
            state: State::new(hedge, function),
        }
    }
}

impl<A, F, T, E> fmt::Debug for Race<A, F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl<A, F, T, E> Future for Race<A, F, T, E>
where
    A: FnMut() -> F,
    F: Future<Output: Outcome<Ok = T, Err = E>>,
{
    type Output = Answer<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        if this.state.begin() {
            this.first.set(Some((this.attempt)()));
        }
        if let Some(first) = this.first.as_mut().as_pin_mut()
            && let Poll::Ready(outcome) = first.poll(context)
        {
            this.first.set(None);
            let answer = outcome.into_answer();
            let running = this.hedges.len();
            if let Some(answer) = this.state.ended(answer, this.errors, Who::First, running) {
                return Poll::Ready(self.answer(answer));
            }
        }
        self.poll_hedges(context)
    }
}

impl<A, F, T, E> Race<A, F, T, E>
where
    A: FnMut() -> F,
    F: Future<Output: Outcome<Ok = T, Err = E>>,
{
    /// All but the first attempt, and whether another one is due.
    fn poll_hedges(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer<T, E>> {
        let mut next = 0;
        loop {
            let mut this = self.as_mut().project();
            while let Some(hedge) = this.hedges.get_mut(next) {
                let Poll::Ready(outcome) = hedge.as_mut().poll(context) else {
                    next += 1;
                    continue;
                };
                drop(this.hedges.remove(next));
                let running = this.hedges.len() + usize::from(this.first.is_some());
                let answer = outcome.into_answer();
                if let Some(answer) = this.state.ended(answer, this.errors, Who::Hedge, running) {
                    return Poll::Ready(self.answer(answer));
                }
            }
            match this.state.next() {
                Next::Nothing => return Poll::Pending,
                Next::AtOnce => {}
                Next::At(due) => {
                    if this.timer.as_mut().poll_at(due, context).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
            if this.state.start() {
                let hedge = (this.attempt)();
                this.hedges.push(Box::pin(hedge));
            }
        }
    }

    /// The answer; what still runs is dropped now, and not when the caller drops the future.
    fn answer(self: Pin<&mut Self>, answer: Answer<T, E>) -> Answer<T, E> {
        let mut this = self.project();
        this.first.set(None);
        this.timer.clear();
        this.hedges.clear();
        answer
    }
}

#[cfg(test)]
mod tests;
