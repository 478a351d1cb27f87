//! Which tables the store at a URL has.

use super::open::{redis_scheme, sqlite_file};
use super::{OpenError, Runtime};
use crate::store::schema::SchemaVersion;

impl Runtime {
    /// Which tables the store at `url` has, without opening it for work: nothing is created and nothing is changed. `None` for
    /// a store without tables: Redis, and the memory of this process.
    ///
    /// # Errors
    /// [`OpenError::Missing`] where there is no SQLite file; else as [`Runtime::open`].
    pub async fn schema(url: &str) -> Result<Option<SchemaVersion>, OpenError> {
        let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
        match scheme {
            "memory" => Ok(None),
            "sqlite" => sqlite(sqlite_file(rest)?.path).await.map(Some),
            "postgres" | "postgresql" => postgres(url).await.map(Some),
            _ if redis_scheme(url).is_some() => Ok(None),
            _ => Err(OpenError::UnknownScheme {
                scheme: scheme.to_owned(),
            }),
        }
    }
}

/// Refuses a store at which something would have to be made before this build can work on it.
pub(super) async fn check_existing(url: &str) -> Result<(), OpenError> {
    match Runtime::schema(url).await? {
        // Opening a newer one says what is to be done about it.
        Some(schema) if !schema.is_current() && !schema.is_newer() => {
            Err(OpenError::Outdated(schema))
        }
        _ => Ok(()),
    }
}

#[cfg(feature = "sqlite")]
async fn sqlite(path: &str) -> Result<SchemaVersion, OpenError> {
    let schema = crate::store::sqlite::SqliteStore::schema(std::path::Path::new(path)).await?;
    schema.ok_or_else(|| OpenError::Missing {
        path: path.to_owned(),
    })
}

#[cfg(not(feature = "sqlite"))]
async fn sqlite(_path: &str) -> Result<SchemaVersion, OpenError> {
    Err(OpenError::NotBuilt {
        scheme: "sqlite",
        feature: "sqlite",
    })
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str) -> Result<SchemaVersion, OpenError> {
    Ok(crate::store::postgres::PostgresStore::schema(url).await?)
}

#[cfg(not(feature = "postgres"))]
async fn postgres(_url: &str) -> Result<SchemaVersion, OpenError> {
    Err(OpenError::NotBuilt {
        scheme: "postgres",
        feature: "postgres",
    })
}
