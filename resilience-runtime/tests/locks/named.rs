//! What the catalog knows of locks.

use std::time::Duration;

use resilience_runtime::catalog::{Annotated, Policy, catalog};
use resilience_runtime::lock::Locked;
use resilience_runtime::private::{Entry, submit};

use crate::LOCKED;

static PATIENT: Locked = LOCKED.replicas(2).when_unavailable_run();
static HASTY: Locked = LOCKED.wait(Duration::ZERO);
static LOCAL: Locked = LOCKED.local();
static PUBLISH: Annotated = annotated("shop::publish", &[&PATIENT]);
static PEEK: Annotated = annotated("shop::peek", &[&HASTY]);

const fn annotated(name: &'static str, policies: &'static [&'static dyn Policy]) -> Annotated {
    Annotated {
        name,
        file: "src/shop.rs",
        line: 1,
        policies,
    }
}

submit! { Entry(&PUBLISH) }
submit! { Entry(&PEEK) }

#[test]
fn locks_of_one_name_may_wait_for_different_times() {
    assert!(catalog().conflicts().is_empty());
}

#[test]
fn what_it_says_of_itself() {
    let told = |locked: &dyn Policy| locked.options().to_string();
    let patient = "lease = 30s, wait = 5s, replicas = 2, when_unavailable = run";
    assert_eq!(told(&PATIENT), patient);
    assert_eq!(told(&HASTY), "lease = 30s, wait = 0ns");
    assert_eq!(told(&LOCAL), "local, wait = 5s");
    let most = LOCKED.worst_case(Some(Duration::from_secs(1)));
    assert_eq!(most, Some(Duration::from_secs(6)));
    assert!(LOCKED.switch().is_none() && LOCKED.kind().keeps_records());
}
