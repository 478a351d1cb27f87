//! Random operations, compared with a model of what a store does.

mod journal;
mod queue;
mod run;
mod saga;

use std::cell::Cell;

use proptest::prelude::{Strategy, any, prop, prop_oneof};
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use resilience_runtime::dlq::RetryAs;
use resilience_runtime::saga::journal::Event;
use tokio::runtime::Handle;

use self::run::Model;
use super::Workers;

/// There are two workers, two keys and two ids that are given.
#[derive(Debug, Clone)]
enum Operation {
    Start {
        worker: usize,
        key: Option<u32>,
        keeps: bool,
    },
    StartGiven {
        worker: usize,
        id: usize,
    },
    Step {
        saga: Index,
        pivots: bool,
    },
    Undo {
        saga: Index,
    },
    Happens {
        saga: Index,
        event: Event,
        position: u32,
    },
    Fails {
        saga: Index,
        position: u32,
    },
    Settle {
        saga: Index,
        position: Option<u32>,
    },
    WriteLate {
        saga: Index,
    },
    Cancel {
        saga: Index,
    },
    Revive {
        saga: Index,
        worker: usize,
        event: Event,
    },
    TakeOver {
        worker: usize,
    },
    TakeParked {
        worker: usize,
    },
    Park {
        saga: Index,
        worker: usize,
    },
    Retry {
        letter: Index,
        how: RetryAs,
    },
    Close {
        letter: Index,
        gives_up: bool,
    },
    End {
        worker: usize,
        in_order: bool,
    },
    Purge,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let saga = || any::<Index>();
    let events = || {
        prop::sample::select(vec![
            Event::Succeeded,
            Event::Failed,
            Event::FailedEmpty,
            Event::Undone,
            Event::CompensationFailed,
            Event::Parked,
        ])
    };
    let revivals = || prop::sample::select(vec![Event::Resumed, Event::Compensate]);
    let retries = || prop::sample::select(vec![RetryAs::Itself, RetryAs::Compensation]);
    let key = || prop::option::of(0..2_u32);
    prop_oneof![
        6 => (0..2_usize, key(), any::<bool>())
            .prop_map(|(worker, key, keeps)| Start { worker, key, keeps }),
        2 => (0..2_usize, 0..2_usize).prop_map(|(worker, id)| StartGiven { worker, id }),
        4 => (saga(), prop::bool::weighted(0.1)).prop_map(|(saga, pivots)| Step { saga, pivots }),
        2 => saga().prop_map(|saga| Undo { saga }),
        10 => (saga(), events(), 0..3_u32)
            .prop_map(|(saga, event, position)| Happens { saga, event, position }),
        1 => (saga(), 0..3_u32).prop_map(|(saga, position)| Fails { saga, position }),
        1 => (saga(), prop::option::of(0..3_u32))
            .prop_map(|(saga, position)| Settle { saga, position }),
        1 => saga().prop_map(|saga| WriteLate { saga }),
        2 => saga().prop_map(|saga| Cancel { saga }),
        4 => (saga(), 0..2_usize, revivals())
            .prop_map(|(saga, worker, event)| Revive { saga, worker, event }),
        4 => (0..2_usize).prop_map(|worker| TakeOver { worker }),
        1 => (0..2_usize).prop_map(|worker| TakeParked { worker }),
        4 => (saga(), 0..2_usize).prop_map(|(saga, worker)| Park { saga, worker }),
        4 => (saga(), retries()).prop_map(|(letter, how)| Retry { letter, how }),
        3 => (saga(), any::<bool>()).prop_map(|(letter, gives_up)| Close { letter, gives_up }),
        2 => (0..2_usize, any::<bool>()).prop_map(|(worker, in_order)| End { worker, in_order }),
        1 => prop::strategy::Just(Purge),
    ]
}

pub(crate) async fn random_operations_do_what_the_model_does(
    fixture: impl Workers + Send + 'static,
) {
    let tokio = Handle::current();
    let cases = move || {
        let mut runner = TestRunner::new(Config {
            cases: 24,
            max_shrink_iters: 200,
            failure_persistence: None,
            ..Config::default()
        });
        let case = Cell::new(0_u32);
        let operations = prop::collection::vec(operation(), 1..80);
        let ran = runner.run(&operations, |operations| {
            // All cases are on the same data, under different names.
            case.set(case.get() + 1);
            tokio.block_on(async {
                let mut model = Model::begin(&fixture, format!("case {}", case.get())).await;
                for operation in operations {
                    model.asked(operation).await;
                }
                model.compared().await;
                model.ended().await;
            });
            Ok(())
        });
        ran.unwrap_or_else(|failed| panic!("{failed}"));
    };
    tokio::task::spawn_blocking(cases).await.unwrap();
}
