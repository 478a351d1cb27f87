//! What the catalog says of the attributes that hold keys and locks.

use resilience::{catalog, idempotent, locked, single_flight};

use super::Failure;

#[idempotent]
async fn keeps_results(order: u32) -> Result<u32, Failure> {
    Ok(order)
}

#[idempotent(
    key = order,
    scope = 7,
    ttl = 1h,
    wait = 1s,
    lease = 1m,
    version = 2,
    key_version = 3,
    on_schema_change = run_again,
    max_result = 64kb,
    when_unavailable = run
)]
async fn keeps_results_otherwise(order: u32) -> Result<u32, Failure> {
    Ok(order)
}

#[locked]
async fn locks() -> Result<(), Failure> {
    Ok(())
}

#[locked(lease = 10s, wait = 2s, replicas = 1, when_unavailable = run)]
async fn locks_otherwise() -> Result<(), Failure> {
    Ok(())
}

#[locked(local, wait = 0s)]
async fn locks_here() -> Result<(), Failure> {
    Ok(())
}

#[single_flight]
async fn joins(order: u32) -> Result<u32, Failure> {
    Ok(order)
}

fn options(function: &str) -> String {
    let name = format!("behaviour::policies::described::{function}");
    let catalog = catalog();
    let function = catalog.find(&name).expect("it is annotated");
    let [policy] = function.policies else {
        panic!("`{name}` has one policy");
    };
    format!("{}: {}", policy.kind(), policy.options())
}

#[test]
fn by_their_defaults() {
    assert_eq!(
        options("keeps_results"),
        "idempotent: ttl = 86400s, wait = 5s"
    );
    assert_eq!(options("locks"), "locked: lease = 30s, wait = 5s");
    assert_eq!(options("joins"), "single_flight: ");
}

#[test]
fn by_what_is_not_as_usual() {
    assert_eq!(
        options("keeps_results_otherwise"),
        "idempotent: ttl = 3600s, wait = 1s, lease = 60s, version = 2, key_version = 3, \
         on_schema_change = run_again, max_result = 65536, when_unavailable = run"
    );
    assert_eq!(
        options("locks_otherwise"),
        "locked: lease = 10s, wait = 2s, replicas = 1, when_unavailable = run"
    );
    assert_eq!(options("locks_here"), "locked: local, wait = 0ns");
}
