//! Switched off, and only counting.

use super::*;
use crate::outcome::errors;

fn is_needed(fallback: &'static Fallback) -> bool {
    let errors = errors::<Result<u32, &str>>();
    fallback.needed(Err("broke"), errors).is_continue()
}

#[test]
fn one_that_only_counts_hands_errors_on_and_counts_them() {
    static FALLBACK: Fallback = Fallback::new();
    FALLBACK.switch.set(PolicyMode::Shadow);
    assert!(!is_needed(&FALLBACK) && !is_needed(&FALLBACK));
    assert_eq!(FALLBACK.switch.would_have_acted(), 2);
    FALLBACK.switch.set(PolicyMode::Enforced);
    assert!(is_needed(&FALLBACK));
    assert_eq!(FALLBACK.switch.would_have_acted(), 2);
}

#[test]
fn one_that_is_off_hands_errors_on() {
    static FALLBACK: Fallback = Fallback::new();
    FALLBACK.switch.set(PolicyMode::Disabled);
    assert!(!is_needed(&FALLBACK));
    assert_eq!(FALLBACK.switch.would_have_acted(), 0);
}
