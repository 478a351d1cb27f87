//! From a URL to a store.

use std::sync::Arc;
use std::time::Duration;

use super::OpenError;
use crate::BoxFuture;
use crate::core::Stores;
#[cfg(feature = "redis")]
use crate::error::StoreError;
#[cfg(feature = "redis")]
use crate::idempotency::store::IdempotencyStore;
#[cfg(feature = "redis")]
use crate::lock::redlock::{Node, Redlock};
use crate::lock::store::LockStore;
use crate::store::memory::MemoryStore;
#[cfg(feature = "postgres")]
use crate::store::postgres::PostgresStore;
#[cfg(feature = "redis")]
use crate::store::redis::RedisStore;
use crate::store::risk::Accepted;
#[cfg(feature = "redis")]
use crate::store::sagaless::Sagaless;
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
/// `lease`: see [`RuntimeBuilder::worker_lease`](super::RuntimeBuilder::worker_lease).
pub(super) async fn open(
    url: &str,
    accepted: &Accepted,
    lease: Duration,
) -> Result<Opened, OpenError> {
    let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
    match scheme {
        "memory" => Ok(memory()),
        "sqlite" => sqlite(sqlite_file(rest)?.path).await,
        "postgres" | "postgresql" => postgres(url, accepted, lease).await,
        _ => match redis_scheme(url) {
            Some(_) => redis_alone(url, accepted).await,
            None => Err(OpenError::UnknownScheme {
                scheme: scheme.to_owned(),
            }),
        },
    }
}

/// What follows `sqlite:`.
pub(super) struct SqliteFile<'a> {
    pub(super) path: &'a str,
    /// With `?mode=rw`; created where it is missing otherwise.
    must_exist: bool,
}

/// The path and the mode in what follows `sqlite:`.
pub(super) fn sqlite_file(rest: &str) -> Result<SqliteFile<'_>, OpenError> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, option) = match rest.split_once('?') {
        Some((path, option)) => (path, Some(option)),
        None => (rest, None),
    };
    if path.is_empty() {
        return Err(OpenError::NoPath { scheme: "sqlite" });
    }
    let must_exist = match option {
        None | Some("mode=rwc") => false,
        Some("mode=rw") => true,
        Some(_) => return Err(OpenError::UnknownOption { scheme: "sqlite" }),
    };
    Ok(SqliteFile { path, must_exist })
}

/// Whether the URL itself says that the store is to be there already.
pub(super) fn says_existing(url: &str) -> Result<bool, OpenError> {
    match url.split_once(':') {
        Some(("sqlite", rest)) => Ok(sqlite_file(rest)?.must_exist),
        _ => Ok(false),
    }
}

/// The schemes of Redis. With an `s` the connection is encrypted.
const REDIS: [&str; 6] = [
    "redis",
    "rediss",
    "redis-sentinel",
    "rediss-sentinel",
    "redis-cluster",
    "rediss-cluster",
];

/// The scheme of `url`, if it names a Redis.
pub(super) fn redis_scheme(url: &str) -> Option<&'static str> {
    let (scheme, _) = url.split_once(':')?;
    REDIS.into_iter().find(|it| *it == scheme)
}

/// Keeps no sagas.
#[cfg(feature = "redis")]
async fn redis_alone(url: &str, accepted: &Accepted) -> Result<Opened, OpenError> {
    let OnRedis { idempotency, locks } = redis(url, accepted).await?;
    Ok(Opened::unclosed(Stores {
        idempotency,
        locks,
        journal: Arc::new(Sagaless),
        queue: Arc::new(Sagaless),
    }))
}

#[cfg(not(feature = "redis"))]
async fn redis_alone(url: &str, accepted: &Accepted) -> Result<Opened, OpenError> {
    redis(url, accepted).await.map(|never| match never {})
}

/// The faces of a store that Redis has.
#[cfg(feature = "redis")]
pub(super) struct OnRedis {
    idempotency: Arc<dyn IdempotencyStore>,
    locks: Arc<dyn LockStore>,
}

#[cfg(not(feature = "redis"))]
pub(super) enum OnRedis {}

impl OnRedis {
    /// Puts them in the place of others.
    #[cfg(feature = "redis")]
    pub(super) fn replace(self, stores: &mut Stores) {
        stores.idempotency = self.idempotency;
        stores.locks = self.locks;
    }

    #[cfg(not(feature = "redis"))]
    pub(super) fn replace(self, _stores: &mut Stores) {
        match self {}
    }
}

/// Opens the Redis that `url` names.
#[cfg(feature = "redis")]
pub(super) async fn redis(url: &str, accepted: &Accepted) -> Result<OnRedis, OpenError> {
    if redis_scheme(url).is_none() {
        return Err(OpenError::UnknownScheme {
            scheme: url.split_once(':').map_or("", |it| it.0).to_owned(),
        });
    }
    let store = Arc::new(RedisStore::open(url, accepted).await?);
    Ok(OnRedis {
        idempotency: Arc::clone(&store) as Arc<dyn IdempotencyStore>,
        locks: store,
    })
}

#[cfg(not(feature = "redis"))]
pub(super) async fn redis(url: &str, _accepted: &Accepted) -> Result<OnRedis, OpenError> {
    Err(OpenError::NotBuilt {
        scheme: redis_scheme(url).unwrap_or("redis"),
        feature: "redis",
    })
}

/// Opens each of the Redis that `urls` name, as nodes that keep locks together. A minority may be missing, as at any
/// later time.
#[cfg(feature = "redis")]
pub(super) async fn redlock(
    urls: &[String],
    accepted: &Accepted,
) -> Result<Arc<dyn LockStore>, OpenError> {
    let mut nodes: Vec<Arc<dyn Node>> = Vec::new();
    let mut missing = 0;
    for (index, url) in urls.iter().enumerate() {
        if urls[..index].contains(url) {
            return Err(OpenError::Store(StoreError::refused(
                "opening Redlock",
                "two of its nodes are the same server, which would have two votes",
            )));
        }
        let (node, error) = RedisStore::open_node(url, accepted).await?;
        nodes.push(Arc::new(node));
        if let Some(error) = error {
            missing += 1;
            if missing > (urls.len() - 1) / 2 {
                return Err(OpenError::Store(error));
            }
            tracing::warn!(target: "resilience", node = index + 1, %error, "a node of Redlock is missing, and is not checked");
        }
    }
    Ok(Arc::new(Redlock::new(nodes)?))
}

#[cfg(not(feature = "redis"))]
pub(super) async fn redlock(
    _urls: &[String],
    _accepted: &Accepted,
) -> Result<Arc<dyn LockStore>, OpenError> {
    Err(OpenError::NotBuilt {
        scheme: "redis",
        feature: "redis",
    })
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
async fn postgres(url: &str, accepted: &Accepted, lease: Duration) -> Result<Opened, OpenError> {
    let store = PostgresStore::open_for(url, accepted, lease).await?;
    let closing = store.clone();
    Ok(Opened {
        stores: Stores::of(Arc::new(store)),
        close: Box::new(|| Box::pin(closing.close())),
    })
}

#[cfg(not(feature = "postgres"))]
async fn postgres(_url: &str, _accepted: &Accepted, _lease: Duration) -> Result<Opened, OpenError> {
    Err(OpenError::NotBuilt {
        scheme: "postgres",
        feature: "postgres",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refusal(url: &str) -> String {
        match open(url, &Accepted::default(), Duration::from_secs(30)).await {
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

    #[tokio::test]
    async fn what_stands_after_the_path_is_a_mode() {
        for (rest, must_exist) in [
            ("//a.db", false),
            ("//a.db?mode=rwc", false),
            ("a.db?mode=rw", true),
        ] {
            let file = sqlite_file(rest).unwrap();
            assert_eq!((file.path, file.must_exist), ("a.db", must_exist));
        }
        for url in [
            "sqlite://a.db?",
            "sqlite://a.db?mode=ro",
            "sqlite:a.db?cache=shared",
        ] {
            let text = refusal(url).await;
            assert!(
                text.contains("`?mode=rwc`") && text.contains("`?mode=rw`"),
                "{text}"
            );
        }
    }

    #[cfg(not(feature = "redis"))]
    #[tokio::test]
    async fn a_build_without_redis_names_the_feature() {
        let text = refusal("rediss-cluster://app:hunter2@db").await;
        assert!(text.contains("`rediss-cluster:`"), "{text}");
        assert!(text.contains("feature `redis`"), "{text}");
    }

    #[cfg(not(feature = "sqlite"))]
    #[tokio::test]
    async fn a_build_without_sqlite_names_the_feature() {
        let text = refusal("sqlite://app.db").await;
        assert!(text.contains("feature `sqlite`"), "{text}");
    }
}
