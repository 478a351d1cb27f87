//! The sagas under test.

pub(crate) mod builds;
mod hurried;
mod steps;

use std::fmt;
use std::time::Duration;

use resilience::saga::SagaHandle;
use resilience::{Error, saga};
use serde::{Deserialize, Serialize};

use crate::entries::Entries;
use crate::ledger::{Action, Ledger, Told};
use builds::assemble;
use hurried::{hurried, patient};
use steps::{count, dubious, first, fourth, hand_over, insist, second, third, venomous, write};

/// How a saga goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Plan {
    /// One, two, three.
    Succeed,
    /// Three fails: two and one are undone.
    Fail,
    /// One, two, three, and four fails: three, two and one are undone.
    FailLate,
    /// One, then two and three beside each other, then four.
    Beside,
    /// The same, and three fails: two and one are undone.
    FailBeside,
    /// Three fails, two is undone, and one cannot be.
    FailForGood,
    /// Two has its effect and fails: two and one are undone.
    InDoubt,
    /// There is no way back behind two, and three fails at first.
    Pivot,
    /// Two and three are a saga of their own, and four is not.
    Nested,
    /// The same, and four fails: three, two and one are undone.
    FailNested,
    /// One, a pause, two, three.
    Sleep,
    /// Two is a row in the database of the journal.
    Transaction,
    /// The same, and the pause is long.
    Rest,
    /// A text of so many bytes, and what no database likes in it, is made between one and two, and asked for behind them.
    Text(u32),
    /// So many steps without effects are between one and two.
    Steps(u32),
    /// Two kills its process.
    Poison,
    /// Two has its effect and kills its process, each time, until an operator undoes it: two and one are undone.
    Venom,
    /// The same, in a saga that it calls.
    NestedVenom,
    /// One, a pause that is longer than its `timeout`: one is undone.
    TimesOut,
    /// One, a pause that is shorter than its `timeout`, two, three.
    InTime,
    /// The same, and its `timeout` is over all the same, by the clock of its store: one is undone.
    OutOfTime,
    /// One, two, three, in a program of which there are several builds.
    Assemble,
    /// The same, and an operator undoes it behind two.
    Dismantle,
}

impl Plan {
    /// Those that come to an end by themselves.
    pub(crate) const ALL: [Self; 11] = [
        Self::Succeed,
        Self::Fail,
        Self::Beside,
        Self::FailBeside,
        Self::FailForGood,
        Self::InDoubt,
        Self::Pivot,
        Self::Nested,
        Self::FailNested,
        Self::Sleep,
        Self::Transaction,
    ];

    /// What a caller is told.
    pub(crate) fn answer(self) -> Told {
        match self {
            Self::Beside => Told::Success(25),
            Self::Fail | Self::FailLate | Self::FailBeside | Self::InDoubt | Self::FailNested => {
                Told::Refused
            }
            Self::FailForGood => Told::Stuck,
            Self::Poison => Told::Parked,
            Self::TimesOut | Self::OutOfTime => Told::TimedOut,
            Self::Dismantle | Self::Venom | Self::NestedVenom => Told::Refused,
            _ => Told::Success(123),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) plan: Plan,
}

impl Order {
    /// Each plan in turn.
    pub(crate) fn any(id: u64) -> Self {
        let index = usize::try_from(id).expect("small") % Plan::ALL.len();
        let plan = Plan::ALL[index];
        Self { id, plan }
    }
}

/// Starts the saga of this order, or joins it.
pub(crate) async fn start(
    ledger: &Ledger,
    entries: &Entries,
    order: Order,
) -> Result<SagaHandle<u32, ShopError>, ShopError> {
    match order.plan {
        Plan::TimesOut => saga::start(hurried(ledger, order)).await,
        Plan::InTime | Plan::OutOfTime => saga::start(patient(ledger, order)).await,
        Plan::Assemble | Plan::Dismantle => saga::start(assemble(ledger, order)).await,
        _ => saga::start(purchase(ledger, entries, order)).await,
    }
}

#[saga(key = order.id, on_dead = stop)]
async fn purchase(
    #[state] ledger: &Ledger,
    #[state] entries: &Entries,
    order: Order,
) -> Result<u32, ShopError> {
    let one = first(ledger, &order).await?;
    match order.plan {
        Plan::Beside | Plan::FailBeside => {
            let beside = tokio::try_join!(second(ledger, &order, one), third(ledger, &order, one));
            let (two, three) = beside?;
            fourth(ledger, &order, two + three).await
        }
        Plan::Nested | Plan::FailNested => {
            let delivered = deliver(ledger, order, one).await?;
            fourth(ledger, &order, delivered).await
        }
        Plan::FailLate => {
            let two = second(ledger, &order, one).await?;
            let three = third(ledger, &order, two).await?;
            fourth(ledger, &order, three).await
        }
        Plan::InDoubt => dubious(ledger, &order, one).await,
        Plan::Venom => venomous(ledger, &order, one).await,
        Plan::NestedVenom => venom(ledger, order, one).await,
        Plan::Pivot => {
            let two = hand_over(ledger, &order, one).await?;
            insist(ledger, &order, two).await
        }
        Plan::Transaction => {
            let two = entries.enter(order.id).await?;
            third(ledger, &order, one * 10 + two).await
        }
        Plan::Sleep | Plan::Rest => {
            let pause = if order.plan == Plan::Rest { 1_500 } else { 20 };
            saga::sleep(Duration::from_millis(pause)).await;
            let two = second(ledger, &order, one).await?;
            third(ledger, &order, two).await
        }
        Plan::Text(bytes) => {
            let text = write(ledger, bytes).await?;
            let two = second(ledger, &order, one).await?;
            assert!(text == steps::text(bytes), "another text came back");
            third(ledger, &order, two).await
        }
        Plan::Steps(steps) => {
            for step in 0..steps {
                assert_eq!(count(ledger, step).await?, step);
            }
            let two = second(ledger, &order, one).await?;
            third(ledger, &order, two).await
        }
        // Those that are left are sagas of their own.
        _ => {
            let two = second(ledger, &order, one).await?;
            third(ledger, &order, two).await
        }
    }
}

#[saga]
async fn deliver(#[state] ledger: &Ledger, order: Order, one: u32) -> Result<u32, ShopError> {
    let two = second(ledger, &order, one).await?;
    third(ledger, &order, two).await
}

#[saga]
async fn venom(#[state] ledger: &Ledger, order: Order, one: u32) -> Result<u32, ShopError> {
    venomous(ledger, &order, one).await
}

#[derive(Debug)]
pub(crate) enum ShopError {
    /// The shop's own error.
    Refused,
    Resilience(Error),
    Database(sqlx::Error),
}

impl From<Error> for ShopError {
    fn from(error: Error) -> Self {
        Self::Resilience(error)
    }
}

impl From<sqlx::Error> for ShopError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused"),
            Self::Resilience(error) => error.fmt(f),
            Self::Database(error) => error.fmt(f),
        }
    }
}

/// What an answer means to a caller.
pub(crate) fn told(answer: &Result<u32, ShopError>) -> Told {
    match answer {
        Ok(result) => Told::Success(*result),
        Err(ShopError::Refused) => Told::Refused,
        Err(ShopError::Resilience(Error::SagaFailed { .. })) => Told::Refused,
        Err(ShopError::Resilience(Error::CompensationFailed { .. })) => Told::Stuck,
        Err(ShopError::Resilience(Error::SagaParked { .. })) => Told::Parked,
        Err(ShopError::Resilience(Error::SagaTimedOut { .. })) => Told::TimedOut,
        Err(ShopError::Resilience(Error::Superseded { .. })) => Told::Superseded,
        Err(error) => Told::Unclear(error.to_string()),
    }
}

/// What is done, in this order, by a saga that nothing interrupts; one of these.
pub(crate) fn sequences(plan: Plan) -> &'static [&'static [Action]] {
    use Action::{Do, Undo};
    match plan {
        Plan::Succeed
        | Plan::Pivot
        | Plan::Sleep
        | Plan::Rest
        | Plan::Text(_)
        | Plan::Steps(_)
        | Plan::InTime
        | Plan::Assemble => &[&[Do(1), Do(2), Do(3)]],
        Plan::TimesOut | Plan::OutOfTime => &[&[Do(1), Undo(1)]],
        // Two is in no ledger but a table.
        Plan::Transaction => &[&[Do(1), Do(3)]],
        Plan::Nested => &[&[Do(1), Do(2), Do(3), Do(4)]],
        Plan::Fail | Plan::InDoubt | Plan::Dismantle | Plan::Venom | Plan::NestedVenom => {
            &[&[Do(1), Do(2), Undo(2), Undo(1)]]
        }
        Plan::Beside => &[&[Do(1), Do(2), Do(3), Do(4)], &[Do(1), Do(3), Do(2), Do(4)]],
        // Two comes out before the failure of three decides, or never begins.
        Plan::FailBeside => &[&[Do(1), Do(2), Undo(2), Undo(1)], &[Do(1), Undo(1)]],
        Plan::FailForGood => &[&[Do(1), Do(2), Undo(2)]],
        Plan::FailLate | Plan::FailNested => &[&[Do(1), Do(2), Do(3), Undo(3), Undo(2), Undo(1)]],
        Plan::Poison => &[&[Do(1)]],
    }
}
