//! Connections on which it is waited for replicas: one that does so answers nothing else in the meantime.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{Value, cmd};

use super::address::Address;
use super::connection::{Connection, Limits};
use super::script::Call;
use crate::error::StoreError;

/// How long replicas may take to confirm. The answer must come before the connection is taken for dead.
pub(super) const CONFIRM: Duration = Duration::from_secs(1);

/// The connections that are free. There are as many as were used at the same time.
pub(super) struct Replicated {
    address: Address,
    limits: Limits,
    free: Mutex<Vec<Connection>>,
}

impl Replicated {
    pub(super) fn new(address: Address, limits: Limits) -> Self {
        Self {
            address,
            limits,
            free: Mutex::default(),
        }
    }

    /// Runs the script and waits, in the same round trip, for so many replicas to have what it wrote. Answers with
    /// what the script answered, and how many of them confirmed.
    pub(super) async fn run(
        &self,
        call: &Call<'_>,
        replicas: u32,
    ) -> Result<(Value, u32), StoreError> {
        let free = self.free().pop();
        let connection = free.unwrap_or_else(|| Connection::open(&self.address, self.limits));
        let mut wait = cmd("WAIT");
        wait.arg(replicas).arg(CONFIRM.as_millis().to_string());
        let answer = connection.run_and(call, Some(&wait)).await;
        // Dropped in between it is closed: nobody knows what would be answered on it next.
        self.free().push(connection);
        let Value::Array(answers) = answer? else {
            return Err(unreadable(call.doing));
        };
        match <[Value; 2]>::try_from(answers) {
            Ok([answer, Value::Int(confirmed)]) => {
                Ok((answer, u32::try_from(confirmed).unwrap_or(0)))
            }
            _ => Err(unreadable(call.doing)),
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreadable(doing: &'static str) -> StoreError {
    StoreError::in_doubt(doing, "the server answered with something else")
}
