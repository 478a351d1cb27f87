//! From a URL to a store.

use std::sync::Arc;

use super::OpenError;
use crate::BoxFuture;
use crate::core::Stores;
use crate::store::memory::MemoryStore;
#[cfg(feature = "postgres")]
use crate::store::postgres::PostgresStore;
use crate::store::risk::Accepted;
#[cfg(feature = "sqlite")]
use crate::store::sqlite::SqliteStore;

/// How a store is closed once nothing uses it any more.
pub(super) type Close = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// An open store, and how it is closed.
pub(super) struct Opened {
    pub(super) stores: Stores,
    pub(super) close: Close,
}

impl Opened {
    /// A store that needs no closing, or is closed by its owner.
    pub(super) fn unclosed(stores: Stores) -> Self {
        Self {
            stores,
            close: Box::new(|| Box::pin(async {})),
        }
    }
}

/// Opens the store that `url` names.
pub(super) async fn open(url: &str, accepted: &Accepted) -> Result<Opened, OpenError> {
    let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
    match scheme {
        "memory" => Ok(memory()),
        "sqlite" => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if path.is_empty() {
                return Err(OpenError::NoPath { scheme: "sqlite" });
            }
            sqlite(path).await
        }
        "postgres" | "postgresql" => postgres(url, accepted).await,
        _ => Err(OpenError::UnknownScheme {
            scheme: scheme.to_owned(),
        }),
    }
}

fn memory() -> Opened {
    Opened::unclosed(Stores::of(Arc::new(MemoryStore::new())))
}

#[cfg(feature = "sqlite")]
async fn sqlite(path: &str) -> Result<Opened, OpenError> {
    let store = SqliteStore::open(std::path::Path::new(path)).await?;
    let closing = store.clone();
    Ok(Opened {
        stores: Stores::of(Arc::new(store)),
        close: Box::new(|| {
            Box::pin(async {
                if let Err(error) = closing.close().await {
                    tracing::warn!(target: "resilience", %error, "the store was not closed cleanly");
                }
            })
        }),
    })
}

#[cfg(not(feature = "sqlite"))]
async fn sqlite(_path: &str) -> Result<Opened, OpenError> {
    Err(OpenError::NotBuilt {
        scheme: "sqlite",
        feature: "sqlite",
    })
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str, accepted: &Accepted) -> Result<Opened, OpenError> {
    let store = PostgresStore::open(url, accepted).await?;
    let closing = store.clone();
    Ok(Opened {
        stores: Stores::of(Arc::new(store)),
        close: Box::new(|| Box::pin(closing.close())),
    })
}

#[cfg(not(feature = "postgres"))]
async fn postgres(_url: &str, _accepted: &Accepted) -> Result<Opened, OpenError> {
    Err(OpenError::NotBuilt {
        scheme: "postgres",
        feature: "postgres",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refusal(url: &str) -> String {
        match open(url, &Accepted::default()).await {
            Ok(_) => panic!("{url} opened"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn an_unknown_scheme_is_named_and_nothing_else_of_the_url() {
        let text = refusal("mysql://root:hunter2@db/shop").await;
        assert!(text.contains("`mysql:`"), "{text}");
        assert!(text.contains("`memory:`"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        let text = refusal("hunter2").await;
        assert!(
            text.contains("no scheme") && !text.contains("hunter2"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_url_without_a_file_says_what_to_write() {
        let text = refusal("sqlite://").await;
        assert!(text.contains("sqlite://app.db"), "{text}");
    }

    #[cfg(not(feature = "sqlite"))]
    #[tokio::test]
    async fn a_build_without_sqlite_names_the_feature() {
        let text = refusal("sqlite://app.db").await;
        assert!(text.contains("feature `sqlite`"), "{text}");
    }
}
