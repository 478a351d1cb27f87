//! The sagas under test: three steps, each with one effect, two of them with a compensation that
//! matters.

use std::fmt;
use std::time::Duration;

use resilience::{Effect, Error, idempotent, saga, saga_step};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use crate::journal;
use crate::ledger::{Action, Ledger, Told};

/// How a saga goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Plan {
    /// All three steps succeed.
    Succeed,
    /// The third fails: two and one are undone.
    Fail,
    /// All three succeed, and then it fails: three, two and one are undone.
    FailLate,
    /// The third fails, two is undone, and one cannot be.
    FailForGood,
    /// All three succeed, and two is a row in the database of the journal.
    Transaction,
    /// All three succeed, and two is undone in doubt: it is written down before it begins again.
    Announced,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) plan: Plan,
}

/// What a saga that succeeds answers.
pub(crate) const RESULT: u32 = 123;

#[saga]
pub(crate) async fn purchase(#[state] ledger: &Ledger, order: Order) -> Result<u32, ShopError> {
    let one = first(ledger, &order).await?;
    let two = match order.plan {
        Plan::Transaction => {
            let mut conn = journal::connect(&ledger.database()).await?;
            enter(&mut conn, order.id).await?
        }
        Plan::Announced => announced(ledger, &order).await?,
        _ => second(ledger, &order, one).await?,
    };
    let three = third(ledger, &order, two).await?;
    match order.plan {
        Plan::FailLate => Err(ShopError::Refused),
        _ => Ok(three),
    }
}

#[idempotent(key = order.id, wait = 60s)]
#[saga]
pub(crate) async fn keyed_purchase(
    #[state] ledger: &Ledger,
    order: Order,
) -> Result<u32, ShopError> {
    let one = first(ledger, &order).await?;
    let two = second(ledger, &order, one).await?;
    third(ledger, &order, two).await
}

/// Broken on purpose: the first two steps are in no journal.
#[saga]
pub(crate) async fn forgetful_purchase(
    #[state] ledger: &Ledger,
    order: Order,
) -> Result<u32, ShopError> {
    ledger.effect(order.id, Action::Do(1)).await;
    ledger.effect(order.id, Action::Do(2)).await;
    third(ledger, &order, 12).await
}

#[saga_step(compensate = undo_first)]
async fn first(#[state] ledger: &Ledger, order: &Order) -> Result<u32, ShopError> {
    ledger.effect(order.id, Action::Do(1)).await;
    Ok(1)
}

#[saga_step(compensate = undo_second)]
async fn second(#[state] ledger: &Ledger, order: &Order, one: u32) -> Result<u32, ShopError> {
    ledger.effect(order.id, Action::Do(2)).await;
    Ok(one * 10 + 2)
}

#[saga_step(compensate = undo_announced, in_doubt = compensate)]
async fn announced(#[state] ledger: &Ledger, order: &Order) -> Result<u32, ShopError> {
    ledger.effect(order.id, Action::Do(2)).await;
    Ok(12)
}

/// Has its effect and is recorded in one commit.
#[saga_step(compensate = none, tx = conn)]
async fn enter(conn: &mut SqliteConnection, order: u64) -> Result<u32, ShopError> {
    journal::enter(conn, order).await?;
    Ok(12)
}

#[saga_step(compensate = undo_third)]
async fn third(#[state] ledger: &Ledger, order: &Order, two: u32) -> Result<u32, ShopError> {
    if matches!(order.plan, Plan::Fail | Plan::FailForGood) {
        ledger.reach(order.id, Action::Do(3), "before").await;
        return Err(ShopError::Refused);
    }
    ledger.effect(order.id, Action::Do(3)).await;
    Ok(two * 10 + 3)
}

async fn undo_first(ledger: &Ledger, order: &Order, one: &u32) -> Result<(), ShopError> {
    if order.plan == Plan::FailForGood && !ledger.is_mended() {
        ledger.reach(order.id, Action::Undo(1), "before").await;
        skip_pause();
        return Err(ShopError::Refused);
    }
    assert_eq!(*one, 1);
    ledger.effect(order.id, Action::Undo(1)).await;
    Ok(())
}

async fn undo_second(ledger: &Ledger, order: &Order, one: u32, two: &u32) -> Result<(), ShopError> {
    assert_eq!((one, *two), (1, 12));
    ledger.effect(order.id, Action::Undo(2)).await;
    Ok(())
}

async fn undo_announced(
    ledger: &Ledger,
    order: &Order,
    _two: Option<&u32>,
) -> Result<(), ShopError> {
    ledger.effect(order.id, Action::Undo(2)).await;
    Ok(())
}

async fn undo_third(
    ledger: &Ledger,
    order: &Order,
    _two: u32,
    _three: &u32,
) -> Result<(), ShopError> {
    ledger.effect(order.id, Action::Undo(3)).await;
    Ok(())
}

/// Lets the pause before the next attempt of a compensation be over at once. Only the sagas of
/// [`Plan::FailForGood`] come here, on runtimes with one thread, where time can be moved.
fn skip_pause() {
    tokio::spawn(async {
        tokio::time::pause();
        // The longest of four pauses, which double from 200 ms.
        tokio::time::advance(Duration::from_millis(1600)).await;
        tokio::time::resume();
    });
}

#[derive(Debug)]
pub(crate) enum ShopError {
    /// The shop's own error.
    Refused,
    Resilience(Error),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for ShopError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for ShopError {
    fn from(error: Error) -> Self {
        Self::Resilience(error)
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
        Err(ShopError::Refused) => Told::Failure,
        Err(ShopError::Resilience(Error::CompensationFailed { .. })) => Told::Stuck,
        Err(ShopError::Resilience(error)) if error.effect() == Effect::DidNotRun => Told::DidNotRun,
        Err(error) => Told::Unclear(error.to_string()),
    }
}
