//! Sagas and steps of every shape, under all warnings.
#![deny(warnings)]

use std::time::Duration;

use async_trait::async_trait;
use resilience::{fallback, idempotent, saga, saga_step, saga_steps, timeout};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    tenant: String,
}

struct Db<D>(D);

const HOUR: Duration = Duration::from_secs(3600);
const MOST: u32 = 16;
const VERSION: u32 = 3;

type Done = Result<u64, std::io::Error>;

#[saga(name = "checkout")]
async fn checkout_1(order: Order) -> Done {
    Ok(order.id)
}

#[saga(name = "checkout", version = 2, key = (order.tenant, order.id), timeout = HOUR, max_concurrent = MOST)]
async fn checkout_2(order: Order) -> Done {
    Ok(order.id)
}

#[saga(name = "checkout", version = VERSION, id = order.id, recover = resume, on_dead = stop)]
#[timeout(2s)]
async fn checkout(order: Order) -> Done {
    pay(order.id).await
}

#[saga_step(compensate = none, pivot, retriable)]
async fn pay(id: u64) -> Done {
    Ok(id)
}

#[saga_step(compensate = give_back, compensate_attempts = MOST, compensate_timeout = HOUR)]
#[fallback(value = 0, allow(saga_takes_fallback))]
async fn take(id: u64) -> Done {
    Ok(id)
}

async fn give_back(_id: u64, _taken: &u64) -> Result<(), String> {
    Ok(())
}

mod elsewhere {
    // The same name in another module is the concern of the program.
    #[cfg(any())]
    #[resilience::saga_step(compensate = none)]
    async fn take(id: u64) -> super::Done {
        Ok(id)
    }

    #[cfg(not(any()))]
    #[resilience::saga_step(compensate = none, name = "take-elsewhere")]
    pub(crate) async fn take(id: u64) -> super::Done {
        Ok(id)
    }
}

#[saga_steps]
impl Db<String> {
    pub const SHELVES: u8 = { 9 };

    #[idempotent(key = id)]
    #[saga]
    async fn order(&self, id: u64) -> Done {
        let shelf = self.reserve(id).await?;
        Self::count(self, shelf).await
    }

    #[cfg_attr(all(), saga_step(compensate = release,))]
    #[timeout(1s)]
    async fn reserve(self: &Self, id: u64) -> Done {
        Ok(id + self.0.len() as u64)
    }

    async fn release(&self, _id: u64, _shelf: &u64) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[saga_step(compensate = uncount)]
    async fn count(#[state] db: &Self, shelf: u64) -> Done {
        Ok(shelf + db.0.len() as u64)
    }

    async fn uncount(_: &Self, _shelf: u64, _count: &u64) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[cfg(any())]
    #[saga_step(compensate = none, name = "twice")]
    async fn twice(&self) -> Done {
        Ok(1)
    }

    #[cfg(not(any()))]
    #[saga_step(compensate = Self::not_twice, name = "twice")]
    async fn twice(&self) -> Done {
        Ok(2)
    }

    async fn not_twice(&self, _: &u64) -> Result<(), std::io::Error> {
        Ok(())
    }
}

#[async_trait]
trait Stock {
    type Shelf;
    async fn find(&self, id: u64) -> Result<Self::Shelf, std::io::Error>;
    async fn lose(&self, id: u64, shelf: &Self::Shelf) -> Result<(), std::io::Error>;
}

#[saga_steps]
#[async_trait]
impl Stock for Db<u64> {
    type Shelf = Vec<u64>;

    #[saga_step(compensate = Self::lose)]
    async fn find(&self, id: u64) -> Result<Self::Shelf, std::io::Error> {
        Ok(vec![id, self.0])
    }

    async fn lose(&self, _id: u64, _shelf: &Self::Shelf) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {
    let order = || Order { id: 7, tenant: "a".to_owned() };
    drop((checkout_1(order()), checkout_2(order()), checkout(order()), take(1), elsewhere::take(2)));
    let (texts, numbers) = (Db(String::new()), Db(1));
    drop((texts.order(1), texts.twice(), numbers.find(1)));
    let _ = Db::<String>::SHELVES;
}
