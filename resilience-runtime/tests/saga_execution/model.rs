//! Bodies of any shape, cut off at every write: the next process finishes them, and nothing is parked.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use resilience_runtime::BoxFuture;
use resilience_runtime::saga::journal::{SagaRecord, Status, StepOutcome};
use resilience_runtime::saga::{now, sleep};
use shape::{Branch, Plan, Segment, plans};

use crate::store::Trouble;
use crate::world::{Failed, Goes, Process, World, a, b, c, doubtful};

/// What bodies look like.
mod shape {
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    pub(super) struct Plan {
        pub(super) segments: Vec<Segment>,
        /// Whether all steps have one name.
        pub(super) alike: bool,
    }

    /// One thing after the other.
    #[derive(Debug, Clone)]
    pub(super) enum Segment {
        /// In a loop.
        Loop(Branch),
        /// Beside each other, each to its end.
        Join(Vec<Branch>),
        /// Beside each other, until one fails, and whether the body goes on then.
        TryJoin(Vec<Branch>, bool),
        Sleep,
        Now,
    }

    /// Steps after each other: how long each takes, in milliseconds, and whether it fails.
    #[derive(Debug, Clone)]
    pub(super) struct Branch(pub(super) Vec<(u64, bool)>);

    fn branch() -> impl Strategy<Value = Branch> {
        let step = (0..5_u64, prop::bool::weighted(0.15));
        vec(step, 1..4).prop_map(|steps| {
            let steps = steps.into_iter();
            Branch(steps.map(|(time, fails)| (time * 7, fails)).collect())
        })
    }

    pub(super) fn plans() -> impl Strategy<Value = Plan> {
        let segment = prop_oneof![
            3 => branch().prop_map(Segment::Loop),
            3 => vec(branch(), 2..4).prop_map(Segment::Join),
            3 => (vec(branch(), 2..4), any::<bool>())
                .prop_map(|(branches, goes_on)| Segment::TryJoin(branches, goes_on)),
            1 => Just(Segment::Sleep),
            1 => Just(Segment::Now),
        ];
        (vec(segment, 1..4), any::<bool>()).prop_map(|(segments, alike)| Plan { segments, alike })
    }
}

/// The steps of a branch are of one kind in some bodies, and of all in others.
fn step(world: &World, number: usize, item: u32) -> BoxFuture<'_, Result<String, Failed>> {
    match number % 4 {
        0 => Box::pin(a(world, item)),
        1 => Box::pin(b(world, item)),
        2 => Box::pin(c(world, item)),
        _ => Box::pin(doubtful(world, item)),
    }
}

const NAMES: [&str; 4] = ["a", "b", "c", "doubtful"];

async fn walk(world: World, branch: Branch, kind: usize, from: u32) -> Result<u32, Failed> {
    let mut done = 0;
    for (index, _) in branch.0.iter().enumerate() {
        let item = from + u32::try_from(index).unwrap();
        step(&world, kind_of(kind, index), item).await?;
        done += 1;
    }
    Ok(done)
}

/// Of a branch of only one kind of step, and of one of all kinds.
fn kind_of(kind: usize, index: usize) -> usize {
    match kind {
        ALIKE => 3,
        first => first + index,
    }
}

const ALIKE: usize = usize::MAX;

/// The body of `plan`.
async fn body(world: World, plan: Plan) -> Result<String, Failed> {
    let mut output = Vec::new();
    let alike = plan.alike;
    for (number, segment) in plan.segments.into_iter().enumerate() {
        let first = u32::try_from(number).unwrap() * 100;
        let start = |branches: Vec<Branch>| {
            let world = world.clone();
            let branches = branches.into_iter().enumerate();
            branches.map(move |(at, branch)| {
                let from = first + u32::try_from(at).unwrap() * 10;
                walk(world.clone(), branch, if alike { ALIKE } else { at }, from)
            })
        };
        match segment {
            Segment::Loop(branch) => {
                let steps = start(vec![branch]).next().unwrap().await?;
                output.push(format!("loop {steps}"));
            }
            Segment::Join(branches) => {
                let mut all: Vec<_> = start(branches).map(Box::pin).collect();
                all.resize_with(3, || {
                    Box::pin(walk(world.clone(), Branch(Vec::new()), 0, 0))
                });
                let [one, two, three] = <[_; 3]>::try_from(all).ok().unwrap();
                let all = tokio::join!(one, two, three);
                output.push(format!(
                    "join {:?} {:?} {:?}",
                    all.0.is_ok(),
                    all.1.is_ok(),
                    all.2
                ));
            }
            Segment::TryJoin(branches, goes_on) => {
                let mut all: Vec<_> = start(branches).map(Box::pin).collect();
                all.resize_with(3, || {
                    Box::pin(walk(world.clone(), Branch(Vec::new()), 0, 0))
                });
                let [one, two, three] = <[_; 3]>::try_from(all).ok().unwrap();
                match tokio::try_join!(one, two, three) {
                    Ok(all) => output.push(format!("{all:?}")),
                    Err(_) if goes_on => output.push("failed".to_owned()),
                    Err(error) => return Err(error),
                }
            }
            Segment::Sleep => sleep(Duration::from_secs(90)).await,
            Segment::Now => drop(now().await),
        }
    }
    Ok(output.join(", "))
}

/// How the steps of `plan` go, for as long as there is a plan.
fn script(world: &World, plan: &Plan) {
    for (number, segment) in plan.segments.iter().enumerate() {
        let branches = match segment {
            Segment::Loop(branch) => std::slice::from_ref(branch),
            Segment::Join(branches) | Segment::TryJoin(branches, _) => branches,
            Segment::Sleep | Segment::Now => &[],
        };
        for (at, branch) in branches.iter().enumerate() {
            for (index, (time, fails)) in branch.0.iter().enumerate() {
                let item = number * 100 + at * 10 + index;
                let kind = kind_of(if plan.alike { ALIKE } else { at }, index);
                let action = format!("{} {item}", NAMES[kind % 4]);
                let goes = match fails {
                    true => Goes::SlowFail(*time),
                    false => Goes::Slow(*time),
                };
                world.goes(&action, &[goes; 20]);
            }
        }
    }
}

async fn process(plan: &Plan) -> Process {
    let process = Process::first().await;
    script(&process.world, plan);
    let plan = plan.clone();
    process.world.body(move |world| body(world, plan.clone()));
    process
}

/// What must hold at the end, however often the saga was interrupted.
fn check(process: &Process, expected: &SagaRecord, interruptions: usize, when: &str) {
    let saga = process.saga();
    let when = format!("{when}: {:?}, {:?}", process.world.effects(), saga.error);
    assert_eq!(saga.status, expected.status, "{when}");
    if saga.status == Status::Completed {
        assert_eq!(saga.output, expected.output, "{when}");
    }
    let undone = { process.world.effects() }
        .into_iter()
        .filter(|effect| effect.starts_with("undo"));
    let mut undone: Vec<String> = undone.collect();
    undone.dedup();
    let mut steps = saga.steps.clone();
    steps.sort_by_key(|step| std::cmp::Reverse(step.position));
    let mut to_undo = Vec::new();
    for step in steps.iter().filter(|step| !step.step.starts_with("saga::")) {
        let arguments: serde_json::Value = serde_json::from_str(&step.arguments).unwrap();
        let action = format!("{} {}", step.step, arguments["item"]);
        let times = process.world.times(&action);
        // Of what was given up before it began nobody knows whether an earlier run had begun it.
        let least = usize::from(step.outcome != StepOutcome::InDoubt || interruptions == 0);
        assert!(
            (least..=1 + interruptions).contains(&times),
            "{when}: {action}"
        );
        match step.outcome {
            StepOutcome::Done => to_undo.push(format!("undo {action}")),
            StepOutcome::InDoubt if step.step == "doubtful" => {
                to_undo.push(format!("undo {action} in doubt"));
            }
            _ => {}
        }
    }
    match saga.status {
        Status::Compensated => assert_eq!(undone, to_undo, "{when}"),
        _ => assert!(undone.is_empty(), "{when}"),
    }
}

async fn sweep(plan: Plan) {
    let uninterrupted = process(&plan).await;
    let _ = uninterrupted.run().await;
    let expected = uninterrupted.saga();
    check(&uninterrupted, &expected, 0, "uninterrupted");
    let writes = uninterrupted.writes().len();
    for first in 0..writes {
        for trouble in [Trouble::DieBefore(first), Trouble::DieAfter(first)] {
            let process = process(&plan).await;
            process.store.expect(trouble);
            tokio::select! {
                biased;
                () = process.store.died() => {}
                // With another interleaving there are fewer writes.
                _ = process.run() => {}
            }
            let before: Vec<_> = match process.store.disk.is_empty() {
                true => continue,
                false => process.saga().steps,
            };
            let effects = process.world.effects();
            let second = Trouble::DieAfter(process.writes().len());
            let process = process.restart_with(second).await;
            tokio::select! {
                biased;
                () = process.store.died() => {}
                () = process.runtime.recovered() => {}
            }
            let process = process.restart().await;
            process.runtime.recovered().await;
            let when = format!("{plan:?}, {trouble:?}");
            check(&process, &expected, 2, &when);
            // What has an answer in the journal is not asked again.
            for step in before.iter().filter(|step| {
                step.outcome != StepOutcome::InDoubt && !step.step.starts_with("saga::")
            }) {
                let arguments: serde_json::Value = serde_json::from_str(&step.arguments).unwrap();
                let action = format!("{} {}", step.step, arguments["item"]);
                let times = effects.iter().filter(|effect| **effect == action).count();
                assert_eq!(process.world.times(&action), times, "{when}: {action}");
            }
        }
    }
}

#[test]
fn bodies_of_any_shape_are_finished_whenever_they_are_cut_off() {
    let mut runner = TestRunner::new(Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&plans(), |plan| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build()
                .unwrap();
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                runtime.block_on(sweep(plan));
            }));
            caught.map_err(|panic| {
                let text = panic.downcast_ref::<String>().cloned();
                TestCaseError::fail(text.unwrap_or_else(|| "a panic".to_owned()))
            })
        })
        .unwrap();
}
