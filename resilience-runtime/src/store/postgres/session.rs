//! What a session is set to, so that no setting of the server, the database or the role changes what our
//! statements mean: where their names are looked up, how long they may take, how they are planned.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::error::StoreError;

/// How long the server works on one statement at most.
const STATEMENT_MAX: &str = "10s";

/// The user's own limit may be too short for the questions at the start, and for the tables.
pub(super) const IN_TIME: &str = "SET LOCAL statement_timeout = '60s'; ";

/// The schema that has our tables, or gets them.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    /// As an identifier in quotes, from the server.
    quoted: String,
    /// Its name, as the text of an SQL literal.
    literal: String,
}

impl Schema {
    /// The first of the user's search path that has our tables, or else the first one.
    pub(super) async fn find(
        connection: &mut PgConnection,
        path: &[String],
        doing: &'static str,
    ) -> Result<Self, StoreError> {
        let mut found = None;
        for name in path.iter().filter(|name| *name != "pg_catalog") {
            let schema = Self::named(name);
            let has = schema.exists(connection, "resilience_schema").await;
            if has.map_err(|error| StoreError::refused(doing, error))? {
                return Ok(schema);
            }
            found.get_or_insert(schema);
        }
        found.ok_or_else(|| {
            let text = "the search_path of this user names no schema that exists; create one, or name one \
                        in the URL: `?options=-c%20search_path%3Dapp`";
            StoreError::refused(doing, text)
        })
    }

    fn named(name: &str) -> Self {
        Self {
            quoted: format!("\"{}\"", name.replace('"', "\"\"")),
            literal: hex_literal(name.as_bytes()),
        }
    }

    /// Whether it has a table of this name.
    pub(super) async fn exists(
        &self,
        connection: &mut PgConnection,
        table: &'static str,
    ) -> Result<bool, sqlx::Error> {
        let text = format!(
            "{}SELECT count(*)::text FROM pg_tables
             WHERE tablename = '{table}' AND schemaname = convert_from({}, 'UTF8')",
            self.local(),
            self.literal
        );
        let count: Option<String> = one(connection, text).await?;
        Ok(count.is_some_and(|it| it != "0"))
    }

    /// Sets it for the transaction that this begins a text of.
    pub(super) fn local(&self) -> String {
        format!("{IN_TIME}SET LOCAL search_path = {}; ", self.path())
    }

    /// Ours is the only one beside PostgreSQL's own, which comes first where it is not named: nobody can put a
    /// function, an operator or a table of the same name before it.
    fn path(&self) -> String {
        format!("{}, pg_temp", self.quoted)
    }
}

impl std::fmt::Display for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.quoted)
    }
}

/// The statements that set a session, or one transaction, up.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) session: String,
    pub(super) transaction: String,
}

impl Setup {
    pub(super) fn new(schema: &Schema, version: u32) -> Self {
        let path = schema.path();
        let mut settings = vec![
            ("search_path", path.as_str()),
            ("statement_timeout", STATEMENT_MAX),
            ("lock_timeout", STATEMENT_MAX),
            ("idle_in_transaction_session_timeout", STATEMENT_MAX),
            // A plan that was made when a table was small must not stay when it is large. Switched off, a
            // scan counts as costly, for which the compiler would be started.
            ("enable_seqscan", "off"),
            // The same for joins: a few rows of ours are looked up in a table, which is never read as a whole for them.
            ("enable_mergejoin", "off"),
            ("enable_hashjoin", "off"),
            ("jit", "off"),
        ];
        if version >= 120_000 {
            settings.push(("plan_cache_mode", "force_generic_plan"));
        }
        let text = |set: &str, isolation: &str| {
            let mut text = format!("{set} {isolation} = 'read committed'; ");
            for (name, value) in &settings {
                let value = match *name {
                    "search_path" => (*value).to_owned(),
                    _ => format!("'{value}'"),
                };
                text.push_str(&format!("{set} {name} = {value}; "));
            }
            text
        };
        Self {
            session: text("SET", "default_transaction_isolation"),
            transaction: text("SET LOCAL", "transaction_isolation"),
        }
    }
}

/// An expression for these bytes that means the same under every setting.
pub(super) fn hex_literal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 * bytes.len() + 16);
    text.push_str("decode('");
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push_str("','hex')");
    text
}

/// Asks a question of our own in one message, which is one transaction.
pub(super) async fn ask(
    connection: &mut PgConnection,
    text: String,
) -> Result<Vec<PgRow>, sqlx::Error> {
    use sqlx::Executor as _;
    connection
        .fetch_all(sqlx::raw_sql(AssertSqlSafe(text)))
        .await
}

/// The only text of the only row.
pub(super) async fn one(
    connection: &mut PgConnection,
    text: String,
) -> Result<Option<String>, sqlx::Error> {
    let rows = ask(connection, text).await?;
    rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)
}
