//! Steps that are taken in a transaction of their own, on a connection that only plays one.
#![deny(warnings)]

use resilience::{retry, saga, saga_step, saga_steps, timeout};
use resilience_runtime::BoxFuture;
use resilience_runtime::error::StoreError;
use resilience_runtime::saga::journal::{SagaId, StepConnection, StepRecord, StepTransaction, Written};

struct Connection(u64);

struct Begun<'c>(&'c mut Connection);

impl StepConnection for Connection {
    type Transaction<'c> = Begun<'c>;

    fn begin_step(&mut self) -> BoxFuture<'_, Result<Begun<'_>, StoreError>> {
        Box::pin(async { Ok(Begun(self)) })
    }
}

impl StepTransaction for Begun<'_> {
    type Connection = Connection;

    fn connection(&mut self) -> &mut Connection {
        self.0
    }

    fn commit<'c>(
        self,
        _saga: SagaId,
        _epoch: i64,
        _step: StepRecord,
        _pivots: bool,
    ) -> BoxFuture<'c, Result<Written, StoreError>>
    where
        Self: 'c,
    {
        Box::pin(async { Ok(Written::Superseded) })
    }

    fn roll_back<'c>(self) -> BoxFuture<'c, Result<(), StoreError>>
    where
        Self: 'c,
    {
        Box::pin(async { Ok(()) })
    }
}

type Done = Result<u64, std::io::Error>;

#[saga_step(compensate = release, tx = conn)]
#[timeout(2s)]
async fn reserve(conn: &mut Connection, order: String) -> Done {
    conn.0 += order.len() as u64;
    Ok(conn.0)
}

/// It gets no connection: nobody knows which one, after a crash.
async fn release(_order: String, _reserved: &u64) -> Result<(), std::io::Error> {
    Ok(())
}

#[saga_step(compensate = none, tx = conn)]
#[retry(allow(retry_in_transaction))]
async fn count(order: String, conn: &mut Connection) -> Done {
    add(conn, order).await
}

async fn add(conn: &mut Connection, order: String) -> Done {
    conn.0 += order.len() as u64;
    Ok(conn.0)
}

struct Shop;

#[saga_steps]
impl Shop {
    #[saga]
    async fn checkout(&self, order: String) -> Done {
        let mut conn = Connection(0);
        reserve(&mut conn, order.clone()).await?;
        self.take(&mut conn, &order).await?;
        count(order, &mut conn).await
    }

    #[saga_step(compensate = give_back, tx = conn, retriable)]
    async fn take(&self, conn: &mut Connection, order: &str) -> Done {
        add(conn, order.to_owned()).await
    }

    async fn give_back(&self, _order: &str, _taken: &u64) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {
    drop(Shop.checkout(String::new()));
}
