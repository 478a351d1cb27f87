//! A saga of a program that is built again with other code while its sagas are under way.

use std::sync::OnceLock;

use resilience::{saga, saga_step};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::steps::{count, second, third};
use super::{Order, ShopError};
use crate::ledger::{Action, Ledger};

/// How the program was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Build {
    #[default]
    Original,
    /// The third step comes before the second one.
    Reordered,
    /// The second step has another name.
    Renamed,
    /// There is a step between the first two.
    Inserted,
    /// The second step is gone.
    Removed,
    /// The first step returns something else.
    Retyped,
}

static BUILD: OnceLock<Build> = OnceLock::new();

impl Build {
    /// Every other one than the original.
    pub(crate) const CHANGED: [Self; 5] = [
        Self::Reordered,
        Self::Renamed,
        Self::Inserted,
        Self::Removed,
        Self::Retyped,
    ];

    /// This process was built so.
    pub(crate) fn applies(self) {
        BUILD.set(self).expect("a process is built once");
    }

    fn here() -> Self {
        BUILD.get().copied().unwrap_or_default()
    }

    /// What of the steps of the original a person reads in the difference.
    pub(crate) fn difference(self) -> &'static [&'static str] {
        match self {
            Self::Original => &[],
            Self::Reordered => &["`third`", "`second`"],
            Self::Renamed => &["`other`", "`second`"],
            Self::Inserted => &["`count`", "`second`"],
            Self::Removed => &["`third`", "`second`"],
            Self::Retyped => &["`part`"],
        }
    }
}

#[saga(key = order.id, on_dead = stop)]
pub(super) async fn assemble(#[state] ledger: &Ledger, order: Order) -> Result<u32, ShopError> {
    match Build::here() {
        Build::Original | Build::Retyped => {
            let Part(one) = part(ledger, &order).await?;
            let two = second(ledger, &order, one).await?;
            third(ledger, &order, two).await
        }
        Build::Reordered => {
            let Part(one) = part(ledger, &order).await?;
            let three = third(ledger, &order, one * 10 + 2).await?;
            second(ledger, &order, one).await?;
            Ok(three)
        }
        Build::Renamed => {
            let Part(one) = part(ledger, &order).await?;
            let two = other(ledger, &order, one).await?;
            third(ledger, &order, two).await
        }
        Build::Inserted => {
            let Part(one) = part(ledger, &order).await?;
            let none = count(ledger, 0).await?;
            let two = second(ledger, &order, one + none).await?;
            third(ledger, &order, two).await
        }
        Build::Removed => {
            let Part(one) = part(ledger, &order).await?;
            third(ledger, &order, one * 10 + 2).await
        }
    }
}

#[saga_step(compensate = undo_part)]
async fn part(#[state] ledger: &Ledger, order: &Order) -> Result<Part, ShopError> {
    ledger.effect(order.id, Action::Do(1)).await;
    Ok(Part(1))
}

async fn undo_part(ledger: &Ledger, order: &Order, part: &Part) -> Result<(), ShopError> {
    assert_eq!(part.0, 1);
    ledger.effect(order.id, Action::Undo(1)).await;
    Ok(())
}

#[saga_step(compensate = none)]
async fn other(#[state] ledger: &Ledger, order: &Order, one: u32) -> Result<u32, ShopError> {
    ledger.effect(order.id, Action::Do(2)).await;
    Ok(one * 10 + 2)
}

/// A number, and in a later build a text.
struct Part(u32);

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match Build::here() {
            Build::Retyped => serializer.serialize_str(&self.0.to_string()),
            _ => serializer.serialize_u32(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Build::here() {
            Build::Retyped => {
                let text = String::deserialize(deserializer)?;
                text.parse().map(Self).map_err(serde::de::Error::custom)
            }
            _ => u32::deserialize(deserializer).map(Self),
        }
    }
}
