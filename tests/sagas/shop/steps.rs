//! The steps, and how each is undone.

use std::time::Duration;

use resilience::saga_step;

use super::{Order, Plan, ShopError};
use crate::ledger::{self, Action, Ledger};

#[saga_step(compensate = undo_first, compensate_attempts = 1)]
pub(super) async fn first(#[state] ledger: &Ledger, order: &Order) -> Result<u32, ShopError> {
    ledger.effect(order.id, Action::Do(1)).await;
    Ok(1)
}

#[saga_step(compensate = undo_second)]
pub(super) async fn second(
    #[state] ledger: &Ledger,
    order: &Order,
    one: u32,
) -> Result<u32, ShopError> {
    if order.plan == Plan::Poison {
        // Those beside it get further meanwhile.
        tokio::time::sleep(Duration::from_millis(300)).await;
        ledger::die();
    }
    ledger.effect(order.id, Action::Do(2)).await;
    Ok(one * 10 + 2)
}

#[saga_step(compensate = undo_third)]
pub(super) async fn third(
    #[state] ledger: &Ledger,
    order: &Order,
    two: u32,
) -> Result<u32, ShopError> {
    match order.plan {
        Plan::Fail | Plan::FailBeside | Plan::FailForGood => Err(ShopError::Refused),
        _ => {
            ledger.effect(order.id, Action::Do(3)).await;
            Ok(two * 10 + 3)
        }
    }
}

#[saga_step(compensate = none)]
pub(super) async fn fourth(
    #[state] ledger: &Ledger,
    order: &Order,
    sum: u32,
) -> Result<u32, ShopError> {
    if matches!(order.plan, Plan::FailLate | Plan::FailNested) {
        return Err(ShopError::Refused);
    }
    ledger.effect(order.id, Action::Do(4)).await;
    Ok(sum)
}

/// Has its effect, and nobody learns of it.
#[saga_step(compensate = undo_dubious, in_doubt = compensate)]
pub(super) async fn dubious(
    #[state] ledger: &Ledger,
    order: &Order,
    _one: u32,
) -> Result<u32, ShopError> {
    ledger.effect(order.id, Action::Do(2)).await;
    Err(ShopError::Refused)
}

/// Has its effect, and its process dies of it.
#[saga_step(compensate = undo_dubious, in_doubt = compensate)]
pub(super) async fn venomous(
    #[state] ledger: &Ledger,
    order: &Order,
    _one: u32,
) -> Result<u32, ShopError> {
    ledger.effect(order.id, Action::Do(2)).await;
    ledger::die();
}

#[saga_step(compensate = none, pivot)]
pub(super) async fn hand_over(
    #[state] ledger: &Ledger,
    order: &Order,
    one: u32,
) -> Result<u32, ShopError> {
    ledger.effect(order.id, Action::Do(2)).await;
    Ok(one * 10 + 2)
}

#[saga_step(compensate = none, retriable)]
pub(super) async fn insist(
    #[state] ledger: &Ledger,
    order: &Order,
    two: u32,
) -> Result<u32, ShopError> {
    if resilience::attempt() == 1 {
        return Err(ShopError::Refused);
    }
    ledger.effect(order.id, Action::Do(3)).await;
    Ok(two * 10 + 3)
}

/// A text of so many bytes, or a few more.
pub(super) fn text(bytes: u32) -> String {
    let length = usize::try_from(bytes).expect("small");
    let mut text = "a\0\u{1F980}'\"\\\u{2028}\u{FFFF}".repeat(length / 16);
    text.extend(std::iter::repeat_n('x', length.saturating_sub(text.len())));
    text
}

#[saga_step(compensate = none)]
pub(super) async fn write(#[state] _ledger: &Ledger, bytes: u32) -> Result<String, ShopError> {
    Ok(text(bytes))
}

#[saga_step(compensate = none)]
pub(super) async fn count(#[state] _ledger: &Ledger, step: u32) -> Result<u32, ShopError> {
    Ok(step)
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

async fn undo_dubious(
    ledger: &Ledger,
    order: &Order,
    _one: u32,
    two: Option<&u32>,
) -> Result<(), ShopError> {
    assert_eq!(two, None);
    ledger.effect(order.id, Action::Undo(2)).await;
    Ok(())
}

async fn undo_third(
    ledger: &Ledger,
    order: &Order,
    _two: u32,
    three: &u32,
) -> Result<(), ShopError> {
    assert_eq!(*three, 123);
    ledger.effect(order.id, Action::Undo(3)).await;
    Ok(())
}
