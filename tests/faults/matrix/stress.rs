//! Very many calls of many keys, from several runtimes of two processes.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use resilience::Runtime;
use resilience_test_support::server::say;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::effects::{Effects, Point, What};
use super::ground::{Ground, Kind};
use super::operations::Operation;
use super::process::{Job, Process};

/// What one of the processes does.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) runtimes: u32,
    tasks: u64,
    /// Of each runtime.
    calls: u64,
    keys: u64,
}

/// What it has seen.
#[derive(Debug, Serialize, Deserialize)]
struct Seen {
    calls: u64,
    /// The one result of each key.
    results: BTreeMap<u64, String>,
    longest: Duration,
}

/// Each task makes its part of the calls, one after the other. All tasks go through the keys at the same pace, so
/// that they meet.
pub(crate) async fn work(effects: &Effects, runtimes: &[Runtime], size: Size) {
    let mut tasks = Vec::new();
    for runtime in runtimes {
        for task in 0..size.tasks {
            let (runtime, effects) = (runtime.clone(), effects.clone());
            tasks.push(tokio::spawn(async move {
                runtime.scope(calls(&effects, size, task)).await
            }));
        }
    }
    let mut seen = Seen {
        calls: 0,
        results: BTreeMap::new(),
        longest: Duration::ZERO,
    };
    for task in tasks {
        let (results, longest) = task.await.expect("no call panics");
        seen.longest = seen.longest.max(longest);
        for (key, result) in results {
            seen.calls += 1;
            let first = seen.results.entry(key).or_insert_with(|| result.clone());
            assert_eq!(*first, result, "key {key}");
        }
    }
    let seen = serde_json::to_string(&seen).expect("it has a JSON form");
    effects.note(0, What::Note(seen));
}

async fn calls(effects: &Effects, size: Size, task: u64) -> (Vec<(u64, String)>, Duration) {
    let mut results = Vec::new();
    let mut longest = Duration::ZERO;
    for call in (task..size.calls).step_by(usize::try_from(size.tasks).expect("few")) {
        let key = call * size.keys / size.calls;
        // From 0 to 1.5 ms.
        let effects = effects.taking(Duration::from_micros(key % 16 * 100));
        let begun = Instant::now();
        let told = Operation::Pay.call(&effects, key).await;
        longest = longest.max(begun.elapsed());
        results.push((key, told.expect("every call has its result")));
    }
    (results, longest)
}

const PROCESSES: usize = 2;
const KEYS: u64 = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_runs_once_and_nobody_is_forgotten() {
    let Some(ground) = Ground::new(Kind::Redis) else {
        return;
    };
    let effects = ground.effects();
    let size = Size {
        runtimes: 2,
        tasks: 25,
        calls: 25_000,
        keys: KEYS,
    };
    let begun = Instant::now();
    let job = Job::Stress(size);
    let none = Duration::ZERO;
    let start = || {
        Process::start(
            &ground.address(),
            &effects,
            job.clone(),
            Point::Before,
            none,
        )
    };
    let processes: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
    effects.wait_for(PROCESSES, Point::Before);
    effects.release(Point::Before);
    processes.into_iter().for_each(Process::end);

    let seen: Vec<Seen> = effects
        .lines()
        .into_iter()
        .filter_map(|line| match line.what {
            What::Note(seen) => Some(serde_json::from_str(&seen).expect("what was seen")),
            _ => None,
        })
        .collect();
    let keys = usize::try_from(KEYS).unwrap();
    assert_eq!(effects.counts(), (keys, keys));
    assert_eq!(seen.iter().map(|seen| seen.calls).sum::<u64>(), 100_000);
    let mut runs = HashMap::new();
    for (key, result) in seen.iter().flat_map(|seen| &seen.results) {
        let first = runs.entry(key).or_insert(result);
        assert_eq!(first, &result, "key {key}");
    }
    assert_eq!(runs.len(), keys);
    for seen in &seen {
        say(&format!(
            "stress: {} calls, the longest took {:?}, {:?} in all",
            seen.calls,
            seen.longest,
            begun.elapsed(),
        ));
    }
}
