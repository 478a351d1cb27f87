//! One statement and its values: one message to the server, one transaction.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Postgres, query::Query};
use tokio::time::timeout;

use super::failure::{self, Meaning};
use super::pool::{self, Held, Pool};
use super::session::{Setup, hex_literal};
use crate::error::StoreError;

/// How long an answer may take. The server gives up a statement after 10 s by itself.
const ANSWER_MAX: Duration = Duration::from_secs(12);

/// A statement with its values.
#[derive(Debug)]
pub(super) struct Call {
    /// What is being done, for the error.
    pub(super) doing: &'static str,
    text: &'static str,
    values: Vec<Value>,
    /// Whether it is made again when its answer is lost.
    again: bool,
}

#[derive(Debug)]
enum Value {
    Bytes(Option<Vec<u8>>),
    Text(Option<String>),
    Number(Option<i64>),
    Flag(bool),
}

impl Call {
    /// `text` is one statement. It must be one that can be made again, because it is when its answer is lost:
    /// see [`carry_out`](Self::carry_out). Its parameters are `$1`, `$2` …, and nothing
    /// else in it looks like one.
    pub(super) fn new(doing: &'static str, text: &'static str) -> Self {
        Self {
            doing,
            text,
            values: Vec::new(),
            again: true,
        }
    }

    /// Not to be made again when its answer is lost: what is made a second time while the first one may still be under way
    /// does not see what that one does.
    pub(super) fn once(self) -> Self {
        Self {
            again: false,
            ..self
        }
    }

    /// The next parameter, a `bytea`.
    pub(super) fn bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(Value::Bytes(Some(bytes.into())))
    }

    /// The next parameter, a `bytea` or NULL.
    pub(super) fn maybe_bytes(self, bytes: Option<Vec<u8>>) -> Self {
        self.with(Value::Bytes(bytes))
    }

    /// The next parameter, a `text`. NUL in it is an error of the server.
    pub(super) fn text(self, text: impl Into<String>) -> Self {
        self.with(Value::Text(Some(text.into())))
    }

    /// The next parameter, a `text` or NULL.
    pub(super) fn maybe_text(self, text: Option<String>) -> Self {
        self.with(Value::Text(text))
    }

    /// The next parameter, a `bigint`.
    pub(super) fn number(self, number: i64) -> Self {
        self.with(Value::Number(Some(number)))
    }

    /// The next parameter, a `bigint` or NULL.
    pub(super) fn maybe_number(self, number: Option<i64>) -> Self {
        self.with(Value::Number(number))
    }

    /// The next parameter, a `boolean`.
    pub(super) fn flag(self, flag: bool) -> Self {
        self.with(Value::Flag(flag))
    }

    fn with(mut self, value: Value) -> Self {
        self.values.push(value);
        self
    }

    /// Carries it out. When its answer is lost, or it came into conflict with another one, it is made once more on
    /// a new connection.
    pub(super) async fn carry_out(self, pool: &Arc<Pool>) -> Result<Vec<PgRow>, StoreError> {
        let mut maybe_done = false;
        let mut again = true;
        loop {
            let mut held = match pool.acquire(self.doing).await {
                Ok(held) => held,
                Err(error) if maybe_done => return Err(StoreError::in_doubt(self.doing, error)),
                Err(error) => return Err(error),
            };
            let error = match timeout(ANSWER_MAX, self.make(pool, &mut held)).await {
                Ok(Ok(rows)) => {
                    held.give_back();
                    return Ok(rows);
                }
                Ok(Err(error)) => error,
                Err(_) => {
                    held.discard();
                    let error = pool::took_too_long("the server did not answer in time");
                    return Err(StoreError::in_doubt(self.doing, error));
                }
            };
            match Meaning::of(&error) {
                Meaning::Refused => {
                    held.give_back();
                    again = false;
                }
                Meaning::Again => held.discard(),
                Meaning::ReadOnly => {
                    held.discard();
                    pool.forget_idle();
                }
                Meaning::Lost => {
                    held.discard();
                    pool.forget_idle();
                    maybe_done = true;
                    again &= self.again;
                }
            }
            if !std::mem::take(&mut again) {
                return Err(failure::error(self.doing, maybe_done, error));
            }
        }
    }

    async fn make(&self, pool: &Pool, held: &mut Held) -> Result<Vec<PgRow>, sqlx::Error> {
        let connection = held.connection()?;
        if pool.shares_sessions {
            self.at_once(connection, &pool.setup).await
        } else {
            self.prepared(connection).await
        }
    }

    /// As a statement that is prepared on its connection the first time.
    pub(super) async fn prepared(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut query: Query<'_, Postgres, PgArguments> = sqlx::query(self.text);
        for value in &self.values {
            query = match value {
                Value::Bytes(bytes) => query.bind(bytes.as_deref()),
                Value::Text(text) => query.bind(text.as_deref()),
                Value::Number(number) => query.bind(number),
                Value::Flag(flag) => query.bind(flag),
            };
        }
        connection.fetch_all(query).await
    }

    /// As one text with the settings that it needs: behind a pooler that gives each transaction another
    /// session, nothing of an earlier message can be relied on.
    async fn at_once(
        &self,
        connection: &mut PgConnection,
        setup: &Setup,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let text = format!("{}{}", setup.transaction, self.written_out());
        connection
            .fetch_all(sqlx::raw_sql(AssertSqlSafe(text)))
            .await
    }

    /// The statement with its values in place of the parameters: digits, and digits in `decode`, so that no
    /// value can be read as anything else.
    fn written_out(&self) -> String {
        let mut parts = self.text.split('$');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = part.split_at(digits);
            let index = number.parse::<usize>().unwrap_or(0).wrapping_sub(1);
            match self.values.get(index) {
                Some(value) => text.push_str(&value.literal()),
                None => text.push('$'),
            }
            text.push_str(rest);
        }
        text
    }
}

impl Value {
    fn literal(&self) -> String {
        match self {
            Self::Bytes(Some(bytes)) => hex_literal(bytes),
            Self::Text(Some(text)) => {
                format!("convert_from({},'UTF8')", hex_literal(text.as_bytes()))
            }
            Self::Number(Some(number)) => format!("({number})::bigint"),
            Self::Flag(flag) => format!("{flag}"),
            Self::Bytes(None) => "NULL::bytea".to_owned(),
            Self::Text(None) => "NULL::text".to_owned(),
            Self::Number(None) => "NULL::bigint".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_digits() {
        let call = Call::new("testing", "SELECT $2, $1::text, $10, $3")
            .text("a'b")
            .bytes([0xff])
            .number(-7);
        assert_eq!(
            call.written_out(),
            "SELECT decode('ff','hex'), convert_from(decode('612762','hex'),'UTF8')::text, $, (-7)::bigint"
        );
    }
}
