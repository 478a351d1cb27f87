//! Says which tests could not run for want of a server. Those tests themselves say it too, where
//! they are.

use resilience_test_support::server::{Kind, say, servers_are_required};

#[test]
fn servers_found() {
    let missing: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| !kind.is_installed())
        .collect();
    if missing.is_empty() {
        return;
    }
    let names: Vec<&str> = missing.iter().map(|kind| kind.program()).collect();
    let packages: Vec<&str> = missing.iter().map(|kind| kind.package()).collect();
    let names = names.join(" and ");
    assert!(
        !servers_are_required(),
        "RESILIENCE_REQUIRE_SERVERS is set, and there is no {names}: install {}, or run \
         scripts/test, which does",
        packages.join(" ")
    );
    say(&format!(
        "NOT EVERYTHING WAS TESTED: there is no {names}, and the tests that need one were skipped. \
         scripts/test installs what is missing and runs them all."
    ));
}
