//! Looking at a database without changing it.

use sqlx::Connection as _;

use super::checks::Facts;
use super::session::Schema;
use super::{OPENING, PostgresStore, migrations, options, pool};
use crate::error::StoreError;
use crate::store::schema::SchemaVersion;

impl PostgresStore {
    /// Which tables the database that `url` names has. Changes nothing.
    ///
    /// # Errors
    /// When the server cannot be reached. Errors do not name the password.
    pub async fn schema(url: &str) -> Result<SchemaVersion, StoreError> {
        let options = options(url)?;
        let mut connection = pool::connect(&options).await.map_err(|error| {
            let (host, port) = (options.get_host(), options.get_port());
            StoreError::refused(OPENING, format!("{host}:{port}: {error}"))
        })?;
        let facts = Facts::learn(&mut connection).await?;
        let schema = Schema::find(&mut connection, &facts.path, OPENING).await?;
        let found = migrations::version(&mut connection, &schema)
            .await
            .map_err(|error| StoreError::refused(OPENING, error))?;
        drop(connection.close().await);
        Ok(SchemaVersion {
            found: i64::from(found),
            known: i64::from(migrations::known()),
        })
    }
}
