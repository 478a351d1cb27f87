//! Every annotated function of the process, and the switches of their policies.

// Clippy lets tests panic, but not their helpers.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use resilience_runtime::catalog::{
    Annotated, Entry, Policy, PolicyKind, Switchboard, UnknownPolicy, catalog, switchboard,
};
use resilience_runtime::error::Error;
use resilience_runtime::outcome::function;
use resilience_runtime::policy::switch::{PolicyMode, Switch};
use resilience_runtime::policy::timeout::Timeout;
use resilience_runtime::private::submit;
use resilience_test_support::log::{Log, Logged};
use tokio::time::sleep;
use tracing::Level;

/// A policy as the catalog sees it.
struct Fake {
    kind: PolicyKind,
    name: Option<&'static str>,
    options: &'static str,
    worst_case: fn(Option<Duration>) -> Option<Duration>,
    switch: Switch,
}

impl Fake {
    const fn new(kind: PolicyKind, options: &'static str) -> Self {
        Self {
            kind,
            name: None,
            options,
            worst_case: |inner| inner,
            switch: Switch::new(),
        }
    }
    const fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }
}

impl Policy for Fake {
    fn kind(&self) -> PolicyKind {
        self.kind
    }
    fn name(&self) -> Option<&'static str> {
        self.name
    }
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.options)
    }
    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        (self.worst_case)(inner)
    }
    fn switch(&self) -> Option<&Switch> {
        Some(&self.switch)
    }
}

const fn annotated(
    name: &'static str,
    line: u32,
    policies: &'static [&'static dyn Policy],
) -> Annotated {
    Annotated {
        name,
        file: "src/shop.rs",
        line,
        policies,
    }
}

/// Three attempts with pauses of 100 ms at most.
static RETRY: Fake = Fake {
    worst_case: |inner| Some(inner? * 3 + Duration::from_millis(200)),
    ..Fake::new(
        PolicyKind::Retry,
        "max_attempts = 3, backoff = fixed(100ms)",
    )
};
static GATEWAY: Fake =
    Fake::new(PolicyKind::CircuitBreaker, "failure_threshold = 5").named("gateway");
static TIMEOUT: Timeout = Timeout::after(Duration::from_millis(800));
static CHARGE: Annotated = annotated("shop::charge", 12, &[&RETRY, &GATEWAY, &TIMEOUT]);

static REFUND_RETRY: Fake = Fake::new(PolicyKind::Retry, "max_attempts = 2");
// Shared with `charge`: one policy, one switch.
static REFUND: Annotated = annotated("shop::refund", 30, &[&REFUND_RETRY, &GATEWAY]);

static OTHER_GATEWAY: Fake =
    Fake::new(PolicyKind::CircuitBreaker, "failure_threshold = 7").named("gateway");
static VOID: Annotated = annotated("shop::void", 50, &[&OTHER_GATEWAY]);

// The same name means nothing to another kind.
static BULKHEAD: Fake = Fake::new(PolicyKind::Bulkhead, "max_concurrent = 10").named("gateway");
static SAGA: Fake = Fake::new(PolicyKind::Saga, "");
static ORDER: Annotated = annotated("shop::order", 70, &[&SAGA, &BULKHEAD]);
// A method of another `impl` block.
static SECOND_ORDER: Annotated = annotated("shop::order", 90, &[]);

submit! { Entry(&VOID) }
submit! { Entry(&SECOND_ORDER) }
submit! { Entry(&CHARGE) }
submit! { Entry(&REFUND) }
submit! { Entry(&ORDER) }

/// The switches are of the whole process: one test at a time, and everything enforced before it.
fn alone() -> impl Drop {
    static ALONE: Mutex<()> = Mutex::new(());
    struct Alone(
        #[expect(dead_code, reason = "held, and not looked at")] std::sync::MutexGuard<'static, ()>,
    );
    impl Drop for Alone {
        fn drop(&mut self) {
            for row in switchboard().list() {
                switchboard()
                    .set(row.kind, row.name, PolicyMode::Enforced)
                    .unwrap();
            }
        }
    }
    Alone(ALONE.lock().unwrap_or_else(PoisonError::into_inner))
}

#[test]
fn the_catalog_lists_every_function_by_name_and_place() {
    let catalog = catalog();
    let listed: Vec<_> = catalog.iter().map(|it| (it.name, it.line)).collect();
    let expected = [
        ("shop::charge", 12),
        ("shop::order", 70),
        ("shop::order", 90),
        ("shop::refund", 30),
        ("shop::void", 50),
    ];
    assert_eq!(listed, expected);
    assert_eq!((catalog.len(), catalog.is_empty()), (5, false));
    let found = catalog.find("shop::refund").unwrap();
    let policies: Vec<_> = found
        .policies
        .iter()
        .map(|policy| {
            (
                policy.kind().name(),
                policy.name(),
                policy.options().to_string(),
            )
        })
        .collect();
    let expected = [
        ("retry", None, "max_attempts = 2".to_owned()),
        (
            "circuit_breaker",
            Some("gateway"),
            "failure_threshold = 5".to_owned(),
        ),
    ];
    assert_eq!(policies, expected);
    assert!(catalog.find("shop").is_none());
    assert_eq!((&catalog).into_iter().count(), catalog.into_iter().count());
}

#[test]
fn the_worst_case_is_reckoned_from_the_inside_out() {
    let _alone = alone();
    // Three times 800 ms and two pauses.
    assert_eq!(CHARGE.worst_case(), Some(Duration::from_millis(2_600)));
    assert_eq!(REFUND.worst_case(), None);
    assert_eq!(SECOND_ORDER.worst_case(), None);
}

#[test]
fn the_catalog_prints_as_a_tree() {
    let _alone = alone();
    switchboard()
        .set(PolicyKind::Retry, "shop::charge", PolicyMode::Shadow)
        .unwrap();
    let expected = "\
shop::charge  src/shop.rs:12  worst case 800ms
├─ retry            max_attempts = 3, backoff = fixed(100ms)  [shadow]
├─ circuit_breaker  `gateway` failure_threshold = 5
└─ timeout          after = 800ms

shop::order  src/shop.rs:70  worst case unbounded
├─ saga
└─ bulkhead         `gateway` max_concurrent = 10

shop::order  src/shop.rs:90  worst case unbounded

shop::refund  src/shop.rs:30  worst case unbounded
├─ retry            max_attempts = 2
└─ circuit_breaker  `gateway` failure_threshold = 5

shop::void  src/shop.rs:50  worst case unbounded
└─ circuit_breaker  `gateway` failure_threshold = 7
";
    assert_eq!(catalog().to_string(), expected);
}

#[test]
fn one_name_with_two_configurations_is_a_conflict_with_both_places() {
    let conflicts = catalog().conflicts();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].kind, "circuit_breaker");
    assert_eq!(conflicts[0].first.name, "shop::charge");
    assert_eq!(conflicts[0].second.name, "shop::void");
    assert_eq!(
        conflicts[0].to_string(),
        "two different configurations for circuit_breaker `gateway`: `failure_threshold = 5` at \
         src/shop.rs:12 (`shop::charge`), and `failure_threshold = 7` at src/shop.rs:50 \
         (`shop::void`); make them equal, or give one another name"
    );
}

#[test]
fn every_policy_of_a_name_is_switched_and_a_shared_one_is_one() {
    const BOARD: Switchboard = switchboard();
    let _alone = alone();
    let set = BOARD.set(PolicyKind::CircuitBreaker, "gateway", PolicyMode::Disabled);
    // One to the calls, although the two were configured differently.
    assert_eq!(set, Ok(1));
    assert_eq!(GATEWAY.switch.mode(), PolicyMode::Disabled);
    assert_eq!(OTHER_GATEWAY.switch.mode(), PolicyMode::Disabled);
    assert_eq!(BULKHEAD.switch.mode(), PolicyMode::Enforced);
    // Without a name of its own a policy goes by its function.
    let set = BOARD.set(PolicyKind::Retry, "shop::charge", PolicyMode::Shadow);
    assert_eq!(set, Ok(1));
    assert_eq!(RETRY.switch.mode(), PolicyMode::Shadow);
    assert_eq!(REFUND_RETRY.switch.mode(), PolicyMode::Enforced);
    assert_eq!(
        BOARD.set_all(PolicyKind::Retry, PolicyMode::Disabled),
        Ok(2)
    );
    assert_eq!(REFUND_RETRY.switch.mode(), PolicyMode::Disabled);
    assert_eq!(
        BOARD.set_all(PolicyKind::Hedge, PolicyMode::Disabled),
        Ok(0)
    );
}

#[tokio::test(start_paused = true)]
async fn the_list_has_each_switch_once_with_what_it_would_have_done() {
    let _alone = alone();
    switchboard()
        .set(PolicyKind::Timeout, "shop::charge", PolicyMode::Shadow)
        .unwrap();
    for _ in 0..2 {
        let slow = async {
            sleep(Duration::from_secs(1)).await;
            Ok::<_, Error>(())
        };
        let call = TIMEOUT.limit(slow, function::<Result<(), Error>>("shop::charge"));
        call.await.into_result().unwrap();
    }
    let list: Vec<_> = switchboard()
        .list()
        .into_iter()
        .map(|row| {
            (
                row.kind,
                row.name,
                row.function,
                row.mode,
                row.would_have_acted,
            )
        })
        .collect();
    let enforced = |kind, name, function| (kind, name, function, PolicyMode::Enforced, 0);
    let expected = [
        enforced(PolicyKind::Bulkhead, "gateway", "shop::order"),
        enforced(PolicyKind::CircuitBreaker, "gateway", "shop::charge"),
        enforced(PolicyKind::Retry, "shop::charge", "shop::charge"),
        enforced(PolicyKind::Retry, "shop::refund", "shop::refund"),
        (
            PolicyKind::Timeout,
            "shop::charge",
            "shop::charge",
            PolicyMode::Shadow,
            2,
        ),
    ];
    assert_eq!(list, expected);
}

fn error(kind: PolicyKind, name: &str) -> UnknownPolicy {
    switchboard()
        .set(kind, name, PolicyMode::Disabled)
        .unwrap_err()
}

#[test]
fn an_unknown_name_is_an_error_that_says_what_was_meant() {
    let of = |kind, name| error(kind, name).to_string();
    assert_eq!(
        of(PolicyKind::Retry, "shop::chrage"),
        "there is no `#[retry]` called `shop::chrage`; did you mean `shop::charge`?"
    );
    assert_eq!(error(PolicyKind::Retry, "refund").near, ["shop::refund"]);
    // Its breaker has a name of its own.
    assert_eq!(
        error(PolicyKind::CircuitBreaker, "shop::charge").near,
        ["gateway"]
    );
    assert_eq!(
        of(PolicyKind::Bulkhead, "colour"),
        "there is no `#[bulkhead]` called `colour`; `switchboard().list()` has all names"
    );
}

#[test]
fn what_keeps_records_cannot_be_turned_off() {
    for kind in [
        PolicyKind::Idempotent,
        PolicyKind::Saga,
        PolicyKind::SagaStep,
    ] {
        let why = format!(
            "`#[{kind}]` has no switch: it keeps records, and a call that is not in them would not \
             be replayed, resumed or undone"
        );
        assert_eq!(error(kind, "shop::order").to_string(), why);
        let all = switchboard()
            .set_all(kind, PolicyMode::Disabled)
            .unwrap_err();
        assert_eq!(all.to_string(), why);
    }
    assert_eq!(SAGA.switch.mode(), PolicyMode::Enforced);
}

#[test]
fn every_change_is_a_warning_and_no_change_is_none() {
    let _alone = alone();
    let log = Log::default();
    let listening = log.listen();
    for _ in 0..2 {
        let set = switchboard().set(PolicyKind::Retry, "shop::refund", PolicyMode::Shadow);
        assert_eq!(set, Ok(1));
    }
    drop(listening);
    let text = "message=policy switched policy=\"retry\" name=\"shop::refund\" function=\"shop::refund\" \
                from=\"enforced\" to=\"shadow\"";
    let level = Level::WARN;
    let text = text.to_owned();
    assert_eq!(log.entries(), [Logged { level, text }]);
}
