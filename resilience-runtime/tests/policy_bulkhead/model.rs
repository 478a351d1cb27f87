//! Whatever happens in whatever order: as a list of those who run and a list of those who wait.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;
use resilience_runtime::error::Error;
use resilience_runtime::outcome::Answer;
use tokio::sync::watch;
use tokio::time::{Instant, advance};

use crate::{bulkhead, call, counts, leak};

const MAX_WAIT: u64 = 50;

#[derive(Debug, Clone, Copy)]
enum Event {
    Enter,
    /// The body of one of those who run answers.
    Finish(usize),
    /// One of those who run or wait is dropped.
    Drop(usize),
    Advance(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Enter),
        2 => (0..8_usize).prop_map(Event::Finish),
        2 => (0..16_usize).prop_map(Event::Drop),
        1 => (1..40_u64).prop_map(Event::Advance),
    ]
}

type Call = Pin<Box<dyn Future<Output = Answer<u32, Error>>>>;

struct Live {
    call: Call,
    finish: watch::Sender<bool>,
    since: Instant,
}

impl Live {
    fn poll(&mut self) -> Poll<Result<u32, Error>> {
        let mut context = Context::from_waker(Waker::noop());
        self.call
            .as_mut()
            .poll(&mut context)
            .map(Answer::into_result)
    }
}

async fn check(most: (u32, u32), events: Vec<Event>) {
    let (places, seats) = (most.0 as usize, most.1 as usize);
    let limits = bulkhead(most.0, most.1);
    let bulkhead = leak(limits.max_wait(Duration::from_millis(MAX_WAIT)));
    let mut running: Vec<Live> = Vec::new();
    let mut waiting: VecDeque<Live> = VecDeque::new();
    for event in events {
        match event {
            Event::Enter => {
                let (finish, mut finished) = watch::channel(false);
                let body = async move {
                    let _ = finished.wait_for(|finished| *finished).await;
                    Ok(7)
                };
                let call = Box::pin(bulkhead.enter(body, call()));
                let since = Instant::now();
                let mut live = Live {
                    call,
                    finish,
                    since,
                };
                let polled = live.poll();
                if running.len() < places {
                    assert!(polled.is_pending());
                    running.push(live);
                } else if waiting.len() < seats {
                    assert!(polled.is_pending());
                    waiting.push_back(live);
                } else {
                    assert!(matches!(
                        polled,
                        Poll::Ready(Err(Error::BulkheadFull { .. }))
                    ));
                }
            }
            Event::Finish(index) if !running.is_empty() => {
                let mut live = running.remove(index % running.len());
                live.finish.send_replace(true);
                assert!(matches!(live.poll(), Poll::Ready(Ok(7))));
            }
            Event::Drop(index) if running.len() + waiting.len() > 0 => {
                let index = index % (running.len() + waiting.len());
                if index < running.len() {
                    drop(running.remove(index));
                } else {
                    drop(waiting.remove(index - running.len()));
                }
            }
            Event::Advance(time) => {
                advance(Duration::from_millis(time)).await;
                waiting.retain_mut(|live| {
                    let over = live.since.elapsed() >= Duration::from_millis(MAX_WAIT);
                    assert_eq!(live.poll().is_ready(), over);
                    !over
                });
            }
            Event::Finish(_) | Event::Drop(_) => {}
        }
        while running.len() < places
            && let Some(mut live) = waiting.pop_front()
        {
            assert!(live.poll().is_pending(), "it has a place now");
            running.push(live);
        }
        let (now_running, now_waiting) = counts(bulkhead);
        let counted = (now_running as usize, now_waiting as usize);
        assert_eq!(counted, (running.len(), waiting.len()), "after {event:?}");
    }
    drop((running, waiting));
    assert_eq!(counts(bulkhead), (0, 0));
}

proptest! {
    #[test]
    fn it_does_as_the_model_does(
        places in 1..4_u32,
        seats in 0..5_u32,
        events in proptest::collection::vec(event(), 1..80),
    ) {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(check((places, seats), events));
    }
}
