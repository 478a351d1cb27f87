//! The flow that is written by hand, one command after another: look for a result, take the key, look again, run, store
//! the result, release the key.

use std::sync::LazyLock;

use redis::aio::MultiplexedConnection;
use redis::{Script, cmd};

use crate::Failure;

/// What compares before it deletes.
static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end",
    )
});

/// A first run, of a body that does nothing.
pub(crate) async fn first_run(
    mut connection: MultiplexedConnection,
    key: &str,
    result: &str,
) -> Result<(), Failure> {
    let record = format!("result:{key}");
    let lock = format!("lock:{key}");
    let owner = uuid::Uuid::new_v4().to_string();
    let found: Option<String> = cmd("GET").arg(&record).query_async(&mut connection).await?;
    if found.is_some() {
        return Err("the key was used".into());
    }
    let mut take = cmd("SET");
    take.arg(&lock).arg(&owner).arg("NX").arg("PX").arg(30_000);
    let taken: Option<String> = take.query_async(&mut connection).await?;
    if taken.is_none() {
        return Err("the key is taken".into());
    }
    let found: Option<String> = cmd("GET").arg(&record).query_async(&mut connection).await?;
    if found.is_some() {
        return Err("the key was used".into());
    }
    let mut store = cmd("SETEX");
    store.arg(&record).arg(86_400).arg(result);
    let () = store.query_async(&mut connection).await?;
    let released: i64 = RELEASE
        .key(&lock)
        .arg(&owner)
        .invoke_async(&mut connection)
        .await?;
    if released == 1 {
        Ok(())
    } else {
        Err("the key was lost".into())
    }
}
