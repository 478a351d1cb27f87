//! Looking at a file without changing it.

use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _};

use super::connection::{check_place, explain, options};
use super::{SqliteStore, migrations};
use crate::error::StoreError;
use crate::store::schema::SchemaVersion;

impl SqliteStore {
    /// Which tables the file at `path` has; `None` where there is no file. Changes nothing.
    ///
    /// # Errors
    /// When it cannot be read, or is not an SQLite database.
    pub async fn schema(path: &Path) -> Result<Option<SchemaVersion>, StoreError> {
        check_place(path)?;
        if !path.exists() {
            return Ok(None);
        }
        let explain = |error: sqlx::Error| explain(path, &error);
        let mut connection = options(path)
            .read_only(true)
            .connect()
            .await
            .map_err(explain)?;
        let found = migrations::version(&mut connection)
            .await
            .map_err(explain)?;
        // It has written nothing.
        drop(connection.close().await);
        Ok(Some(SchemaVersion {
            found,
            known: migrations::known(),
        }))
    }
}
