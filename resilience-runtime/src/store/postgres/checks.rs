//! What is looked at before a database is used.

use std::time::SystemTime;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection, Row};

use super::session::{IN_TIME, Schema, ask, one};
use super::{OPENING, migrations, pool};
use crate::error::StoreError;
use crate::store::risk::{Accepted, Risk, Unopened};

/// How far the clocks may be apart.
const CLOCKS_APART_MAX: f64 = 60.0;
/// The oldest server that is supported, as it numbers itself.
const VERSION_MIN: u32 = 130_000;
/// How often a session is asked whether it is still the same.
const LOOKS: usize = 3;

/// What the server says of itself.
pub(super) struct Facts {
    pub(super) version: u32,
    /// The schemas that the user's search path names and that exist.
    pub(super) path: Vec<String>,
    fsync: String,
    synchronous_commit: String,
    read_only: String,
    is_standby: String,
    encoding: String,
    /// How many seconds the server's clock is ahead of ours.
    ahead: f64,
}

/// Every name with its schema, and no operators: nothing is known of the search path yet.
const FACTS: &str = "
SELECT pg_catalog.current_setting('server_version_num'),
       pg_catalog.array_to_json(pg_catalog.current_schemas(false))::pg_catalog.text,
       pg_catalog.current_setting('fsync'),
       pg_catalog.current_setting('synchronous_commit'),
       pg_catalog.current_setting('default_transaction_read_only'),
       pg_catalog.pg_is_in_recovery()::pg_catalog.text,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::pg_catalog.text,
       pg_catalog.current_setting('server_encoding')";

impl Facts {
    pub(super) async fn learn(connection: &mut PgConnection) -> Result<Self, StoreError> {
        let refused = |error: sqlx::Error| StoreError::refused(OPENING, error);
        let before = seconds_now();
        let rows = ask(connection, format!("{IN_TIME}{FACTS}"))
            .await
            .map_err(refused)?;
        let ours = f64::midpoint(before, seconds_now());
        let row = rows
            .first()
            .ok_or_else(|| refused(sqlx::Error::RowNotFound))?;
        let text = |index: usize| row.try_get::<String, _>(index).map_err(refused);
        let path = serde_json::from_str(&text(1)?);
        Ok(Self {
            version: text(0)?.parse().unwrap_or(0),
            path: path.map_err(|error| StoreError::refused(OPENING, error))?,
            fsync: text(2)?,
            synchronous_commit: text(3)?,
            read_only: text(4)?,
            is_standby: text(5)?,
            encoding: text(7)?,
            ahead: text(6)?.parse().map_or(0.0, |theirs: f64| theirs - ours),
        })
    }

    pub(super) fn check(&self, accepted: &Accepted) -> Result<(), Unopened> {
        if self.is_standby == "true" {
            let text = "the server is a standby, which takes no writes; connect to the primary";
            return Err(StoreError::refused(OPENING, text).into());
        }
        if self.read_only == "on" {
            let text = "default_transaction_read_only is on for this user, database or server: nothing could \
                        be written";
            return Err(StoreError::refused(OPENING, text).into());
        }
        if !matches!(self.encoding.as_str(), "UTF8" | "SQL_ASCII") {
            let text = format!(
                "the encoding of this database is {}, which has not all characters: a result with another one \
                 could not be stored after its body has run; create one with ENCODING 'UTF8'",
                self.encoding
            );
            return Err(StoreError::refused(OPENING, text).into());
        }
        if self.version < VERSION_MIN {
            let finding = format!(
                "the server says that its version is {}, and the oldest that is supported is {VERSION_MIN}",
                self.version
            );
            refuse_unless(accepted, Risk::OldServer, finding)?;
        }
        for (name, value) in [
            ("fsync", &self.fsync),
            ("synchronous_commit", &self.synchronous_commit),
        ] {
            if value == "off" {
                let finding = format!(
                    "{name} is off: a commit that was confirmed can be lost when the machine of the server \
                     fails, and its operation is run again; set it to on"
                );
                refuse_unless(accepted, Risk::NotDurable, finding)?;
            }
        }
        if self.ahead.abs() > CLOCKS_APART_MAX {
            let finding = format!(
                "the server's clock is {:.0} s {} the clock of this machine",
                self.ahead.abs(),
                if self.ahead > 0.0 {
                    "ahead of"
                } else {
                    "behind"
                }
            );
            refuse_unless(accepted, Risk::Clock, finding)?;
        }
        Ok(())
    }
}

/// The refusal of a risk that nobody has accepted.
pub(super) fn refuse_unless(
    accepted: &Accepted,
    risk: Risk,
    finding: String,
) -> Result<(), Unopened> {
    if accepted.covers(risk) {
        return Ok(());
    }
    Err(Unopened::Risky { risk, finding })
}

fn seconds_now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// Whether one connection gets several sessions of the server, or several connections get one. The two look in
/// turn: a pooler that hands out the session that was used last gives each the other's, and one that hands them
/// out in turn cannot give the first connection the same one every time.
pub(super) async fn shares_sessions(
    first: &mut PgConnection,
    options: &PgConnectOptions,
) -> Result<bool, sqlx::Error> {
    const MARK: &str = "SELECT pg_catalog.concat(pg_catalog.pg_backend_pid(), pg_catalog.set_config(\
                        'resilience.session', 'ours', false))";
    const LOOK: &str = "SELECT pg_catalog.concat(pg_catalog.pg_backend_pid(), pg_catalog.current_setting(\
                        'resilience.session', true))";
    let begun_with = one(first, MARK.to_owned()).await?;
    let mut second = pool::connect(options).await?;
    ask(&mut second, "BEGIN".to_owned()).await?;
    let mut shares = one(&mut second, LOOK.to_owned()).await? == begun_with;
    shares |= one(first, LOOK.to_owned()).await? != begun_with;
    ask(&mut second, "ROLLBACK".to_owned()).await?;
    for _ in 0..LOOKS {
        shares |= one(first, LOOK.to_owned()).await? != begun_with;
        shares |= one(&mut second, LOOK.to_owned()).await? == begun_with;
    }
    for _ in 0..LOOKS {
        shares |= one(first, LOOK.to_owned()).await? != begun_with;
    }
    let _ = second.close().await;
    Ok(shares)
}

/// What the server says when the tables cannot be created, with what is to be done.
pub(super) fn explain_migration(schema: &Schema, error: sqlx::Error) -> StoreError {
    const INSUFFICIENT_PRIVILEGE: &str = "42501";
    let database = error.as_database_error();
    if database.is_some_and(|it| it.code().as_deref() == Some(INSUFFICIENT_PRIVILEGE)) {
        let text = format!(
            "the tables of this crate are not in the schema {schema} or are older than the crate, and this \
             user may not create them ({error}); open the store once as one who may"
        );
        return StoreError::refused(OPENING, text);
    }
    StoreError::refused(OPENING, error)
}

pub(super) fn check_schema(schema: &Schema, version: i32) -> Result<(), StoreError> {
    let known = migrations::known();
    if version <= known {
        return Ok(());
    }
    let text = format!(
        "the tables of this crate in the schema {schema} have schema version {version}, and this version of \
         the crate knows {known} at most; upgrade the crate, or give it another schema"
    );
    Err(StoreError::refused(OPENING, text))
}
