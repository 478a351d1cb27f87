//! `resilience migrate`.

use resilience_runtime::runtime::{OpenError, Runtime};
use serde_json::json;

use crate::failure::{Failure, FailureKind};
use crate::output::Output;
use crate::store;

/// Brings the tables of the store to this version.
pub(crate) async fn run(url: &str, output: &Output) -> Result<(), Failure> {
    let before = match Runtime::schema(url).await {
        Ok(schema) => schema,
        Err(OpenError::Missing { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(schema) = before.filter(|schema| schema.is_newer()) {
        let message = format!(
            "the store has schema version {}, and this `resilience` ({}) knows {} at most: nothing was changed; use the \
             version of the tool that belongs to the programs on this store",
            schema.found,
            env!("CARGO_PKG_VERSION"),
            schema.known
        );
        return Err(Failure::new(FailureKind::Store, message));
    }
    let (runtime, _) = store::open_as_it_is(url, false).await?;
    runtime.shutdown().await;
    let after = Runtime::schema(url).await?.map_or(0, |it| it.found);
    let from = before.map_or(0, |it| it.found);
    output.value(&json!({ "from": from, "to": after, "changed": from != after }));
    output.say(&match (from, from == after) {
        (_, true) => format!("the store has schema version {after}: nothing to do"),
        (0, false) => format!("the tables are made: schema version {after}"),
        (_, false) => format!("migrated from schema version {from} to {after}"),
    });
    Ok(())
}
