//! The sagas under test.

use std::fmt;

use resilience::{Error, saga, saga_step};
use serde::{Deserialize, Serialize};

use crate::ledger::{Action, Ledger, Told};

/// How a saga goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Plan {
    /// One, two, three.
    Succeed,
    /// Three fails: two and one are undone.
    Fail,
    /// One, then two and three beside each other, then four.
    Beside,
    /// The same, and three fails: two and one are undone.
    FailBeside,
    /// Three fails, two is undone, and one cannot be.
    FailForGood,
}

impl Plan {
    pub(crate) const ALL: [Self; 5] = [
        Self::Succeed,
        Self::Fail,
        Self::Beside,
        Self::FailBeside,
        Self::FailForGood,
    ];

    pub(crate) fn of(order: u64) -> Self {
        let index = usize::try_from(order).expect("small") % Self::ALL.len();
        Self::ALL[index]
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) plan: Plan,
}

impl Order {
    pub(crate) fn new(id: u64) -> Self {
        Self {
            id,
            plan: Plan::of(id),
        }
    }
}

#[saga(key = order.id, on_dead = stop)]
pub(crate) async fn purchase(#[state] ledger: &Ledger, order: Order) -> Result<u32, ShopError> {
    let one = first(ledger, &order).await?;
    match order.plan {
        Plan::Succeed | Plan::Fail | Plan::FailForGood => {
            let two = second(ledger, &order, one).await?;
            third(ledger, &order, two).await
        }
        Plan::Beside | Plan::FailBeside => {
            let beside = tokio::try_join!(second(ledger, &order, one), third(ledger, &order, one));
            let (two, three) = beside?;
            fourth(ledger, &order, two + three).await
        }
    }
}

#[saga_step(compensate = undo_first, compensate_attempts = 1)]
async fn first(#[state] ledger: &Ledger, order: &Order) -> Result<u32, ShopError> {
    ledger.effect(order.id, Action::Do(1)).await;
    Ok(1)
}

#[saga_step(compensate = undo_second)]
async fn second(#[state] ledger: &Ledger, order: &Order, one: u32) -> Result<u32, ShopError> {
    ledger.effect(order.id, Action::Do(2)).await;
    Ok(one * 10 + 2)
}

#[saga_step(compensate = undo_third)]
async fn third(#[state] ledger: &Ledger, order: &Order, two: u32) -> Result<u32, ShopError> {
    match order.plan {
        Plan::Succeed | Plan::Beside => {
            ledger.effect(order.id, Action::Do(3)).await;
            Ok(two * 10 + 3)
        }
        Plan::Fail | Plan::FailBeside | Plan::FailForGood => Err(ShopError::Refused),
    }
}

#[saga_step(compensate = none)]
async fn fourth(#[state] ledger: &Ledger, order: &Order, sum: u32) -> Result<u32, ShopError> {
    ledger.effect(order.id, Action::Do(4)).await;
    Ok(sum)
}

async fn undo_first(ledger: &Ledger, order: &Order, one: &u32) -> Result<(), ShopError> {
    assert_eq!(*one, 1);
    if order.plan == Plan::FailForGood {
        return Err(ShopError::Refused);
    }
    ledger.effect(order.id, Action::Undo(1)).await;
    Ok(())
}

async fn undo_second(
    ledger: &Ledger,
    order: &Order,
    _one: u32,
    two: &u32,
) -> Result<(), ShopError> {
    assert_eq!(*two, 12);
    ledger.effect(order.id, Action::Undo(2)).await;
    Ok(())
}

async fn undo_third(ledger: &Ledger, order: &Order, _two: u32, _: &u32) -> Result<(), ShopError> {
    ledger.effect(order.id, Action::Undo(3)).await;
    Ok(())
}

#[derive(Debug)]
pub(crate) enum ShopError {
    /// The shop's own error.
    Refused,
    Resilience(Error),
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
        Err(ShopError::Resilience(error)) => Told::Unclear(error.to_string()),
    }
}
