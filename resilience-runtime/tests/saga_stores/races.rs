//! Operators who do different things to one letter at once, while processes take up what they ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use resilience_runtime::dlq::{
    AuditEntry, DeadLetter, DeadLetterError, DeadLetterFilter, DeadLetterId, DeadLetterStatus,
    RetryAll, RetryAs,
};
use resilience_runtime::saga::CompensateOutcome;
use resilience_runtime::saga::journal::{SagaId, Status};
use tokio::task::JoinSet;

use crate::ground::{Ground, Process, at_last};
use crate::world::{Do, World};

on_every_store!(
    works_end_once_whatever_is_done_to_them,
    dead_sagas_end_once_whatever_is_done_to_them,
);

/// What an operator does to a letter, and under which name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Retry,
    RetryThere,
    Request,
    RequestUndo,
    Resolve,
    Discard,
    Compensate,
}

impl Act {
    const ON_WORKS: [Self; 5] = [
        Self::Retry,
        Self::Resolve,
        Self::RetryThere,
        Self::Request,
        Self::Discard,
    ];
    const ON_SAGAS: [Self; 7] = [
        Self::Retry,
        Self::RequestUndo,
        Self::Discard,
        Self::RetryThere,
        Self::Compensate,
        Self::Request,
        Self::Resolve,
    ];

    fn name(self) -> String {
        format!("{self:?}")
    }

    fn closes(self) -> bool {
        matches!(self, Self::Resolve | Self::Discard)
    }

    /// Whether it was done.
    async fn on(self, here: &Process, there: &Process, letter: &DeadLetter) -> bool {
        let (id, by) = (letter.id, self.name());
        let (mine, theirs) = (here.runtime.dead_letters(), there.runtime.dead_letters());
        match self {
            Self::Retry => told(mine.retry(id, by).await),
            Self::RetryThere => told(theirs.retry(id, by).await),
            Self::Request => told(mine.request_retry(id, RetryAs::Itself, by).await),
            Self::RequestUndo => told(theirs.request_retry(id, RetryAs::Compensation, by).await),
            Self::Resolve => told(theirs.resolve(id, "by hand", by).await),
            Self::Discard => told(mine.discard(id, by).await),
            Self::Compensate => {
                let saga = letter.saga.clone().unwrap();
                match here.runtime.sagas().compensate(&saga, by).await.unwrap() {
                    CompensateOutcome::Undone => true,
                    CompensateOutcome::NotDead(_) => false,
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

fn told<T>(answer: Result<T, DeadLetterError>) -> bool {
    match answer {
        Ok(_) => true,
        Err(DeadLetterError::NotOpen(..)) => false,
        Err(error) => panic!("{error}"),
    }
}

/// All that `acts` came to, on every letter.
async fn race(
    here: &Arc<Process>,
    there: &Arc<Process>,
    letters: &[DeadLetter],
    acts: &[Act],
) -> BTreeMap<(DeadLetterId, Act), bool> {
    let mut tasks = JoinSet::new();
    for (number, letter) in letters.iter().enumerate() {
        // Each of them is the first one now and then.
        let mut acts = acts.to_vec();
        let first = number % acts.len();
        acts.rotate_left(first);
        for act in acts {
            let (here, there) = (Arc::clone(here), Arc::clone(there));
            let letter = letter.clone();
            tasks.spawn(async move {
                let done = at_last(act.on(&here, &there, &letter)).await;
                ((letter.id, act), done)
            });
        }
    }
    let mut came_to = BTreeMap::new();
    while let Some(ended) = tasks.join_next().await {
        let (what, done) = ended.unwrap();
        came_to.insert(what, done);
    }
    came_to
}

fn lines(audit: &[AuditEntry], act: Act) -> usize {
    let name = act.name();
    audit.iter().filter(|line| line.operator == name).count()
}

/// What the lists say is what the statistics say.
async fn statistics_equal_the_lists(process: &Process) {
    let letters = process.letters().await;
    let queue = process.runtime.dead_letters();
    let statistics = queue.statistics().await.unwrap();
    let mut counts = BTreeMap::new();
    for letter in &letters {
        *counts.entry(letter.status).or_insert(0_u64) += 1;
    }
    assert_eq!(statistics.counts, counts.into_iter().collect::<Vec<_>>());
    let unresolved = letters.iter().filter(|it| it.status.is_unresolved());
    let unresolved = u64::try_from(unresolved.count()).unwrap();
    assert_eq!(queue.unresolved().await.unwrap(), unresolved);
    let sum: u64 = statistics.by_operation.iter().map(|it| it.1).sum();
    assert_eq!(sum, unresolved);
    let mut counts = BTreeMap::new();
    for saga in process.sagas().await {
        *counts.entry(saga.status).or_insert(0_u64) += 1;
    }
    let counted = process.runtime.sagas().counts().await.unwrap();
    assert_eq!(counted, counts.into_iter().collect::<Vec<_>>());
}

async fn processes(ground: &Ground, world: &World) -> (Arc<Process>, Arc<Process>) {
    let (here, there) = tokio::join!(ground.open(world), ground.open(world));
    (Arc::new(here), Arc::new(there))
}

async fn works_end_once_whatever_is_done_to_them(ground: Ground) {
    const WORKS: usize = 100;
    let world = World::default();
    let (here, there) = processes(&ground, &world).await;
    let letters = here.runtime.dead_letters();
    for number in 0..WORKS {
        if number % 4 == 0 {
            world.script(&format!("send {number}"), &[Do::Fail]);
        }
        letters.add("send", &number, "full").await.unwrap();
    }
    let before = here.letters().await;
    assert_eq!(before.len(), WORKS);
    let many = async {
        let all = RetryAll::new().per_second(2_000);
        let letters = there.runtime.dead_letters();
        letters
            .retry_all(DeadLetterFilter::default(), all, "all")
            .await
    };
    let (many, came_to) = tokio::join!(many, race(&here, &there, &before, &Act::ON_WORKS));
    let many = many.unwrap();
    there.quiet().await;

    let after = here.letters().await;
    assert_eq!(after.len(), WORKS);
    let mut by_all = 0;
    for (number, letter) in after.iter().enumerate() {
        let id = letter.id;
        let audit = letters.audit(id).await.unwrap();
        let at = format!("{letter:?} {audit:#?}");
        assert_eq!(audit[0].action, "add", "{at}");
        let mut closed = 0;
        for act in Act::ON_WORKS {
            let done = came_to[&(id, act)];
            let lines = lines(&audit, act);
            match act {
                // It may have asked for it, and somebody else closed the letter after it had failed again.
                Act::Retry | Act::RetryThere if !done => assert!(lines <= 1, "{at}"),
                _ => assert_eq!(lines, usize::from(done), "{act:?} {at}"),
            }
            closed += usize::from(act.closes() && done);
        }
        by_all += audit.iter().filter(|line| line.operator == "all").count();
        let is_closed = matches!(
            letter.status,
            DeadLetterStatus::Resolved | DeadLetterStatus::Discarded
        );
        assert_eq!(closed, usize::from(is_closed), "{at}");
        let times = world.times(&format!("send {number}"));
        let successes = times - times.min(usize::from(number % 4 == 0));
        let is_settled = letter.status == DeadLetterStatus::Settled;
        assert_eq!(successes, usize::from(is_settled), "{at}");
        let requests = audit.iter().filter(|line| line.action == "retry");
        assert!(times <= requests.count(), "{at}");
    }
    assert_eq!(u64::try_from(by_all).unwrap(), many.requested);
    statistics_equal_the_lists(&there).await;
    here.shutdown().await;
    there.shutdown().await;
}

async fn dead_sagas_end_once_whatever_is_done_to_them(ground: Ground) {
    const SAGAS: u32 = 60;
    let world = World::default();
    let (here, there) = processes(&ground, &world).await;
    let dead = here.dead_sagas(SAGAS).await;
    let before = here.letters().await;
    assert_eq!(before.len(), dead.len());
    let came_to = race(&here, &there, &before, &Act::ON_SAGAS).await;
    there.quiet().await;

    let after = here.letters().await;
    assert_eq!(after.len(), before.len());
    for ((item, ..), letter) in dead.iter().zip(&after) {
        let saga: &SagaId = letter.saga.as_ref().unwrap();
        let record = there.saga(saga).await;
        let audit = there.runtime.sagas().audit(saga).await.unwrap();
        let at = format!("{letter:?} {audit:#?}");
        let mut closed = 0;
        for act in Act::ON_SAGAS {
            let done = came_to[&(letter.id, act)];
            assert_eq!(lines(&audit, act), usize::from(done), "{act:?} {at}");
            closed += usize::from(act.closes() && done);
        }
        let undone = match (record.status, letter.status) {
            (Status::Compensated, DeadLetterStatus::Settled) => 1,
            (Status::Resolved, DeadLetterStatus::Resolved | DeadLetterStatus::Discarded) => 0,
            other => panic!("{other:?} {at}"),
        };
        assert_eq!(closed + undone, 1, "{at}");
        // Twice in vain, before it was a letter.
        assert_eq!(
            world.times(&format!("give back {item}")),
            2 + undone,
            "{at}"
        );
    }
    statistics_equal_the_lists(&there).await;
    here.shutdown().await;
    there.shutdown().await;
}
