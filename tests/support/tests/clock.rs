//! The clock of the day jumps while a process runs, and the monotonic one does not.

// Clippy lets tests panic, but not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use resilience_test_support::clock::MovedClock;
use resilience_test_support::{child, scratch, wait};

const NAME: &str = "a_clock_jumps_under_a_process";
const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);
/// More than a loaded machine needs, and less than any jump.
const SOON: Duration = Duration::from_secs(600);

/// Waits until its clock has jumped to about there.
fn jumps_to(expected: SystemTime) {
    wait::until("a jump", || {
        let now = SystemTime::now();
        let apart = now.duration_since(expected);
        apart.unwrap_or_else(|error| error.duration()) < SOON
    });
}

fn lives_through_jumps(folder: &Path) {
    let (begun, right) = (Instant::now(), SystemTime::now());
    fs::write(folder.join("begun"), "").expect("a signal");
    jumps_to(right + DAY);
    fs::write(folder.join("ahead"), "").expect("a signal");
    jumps_to(right - HOUR);
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_clock_jumps_under_a_process() {
    if let Some(folder) = child::role(NAME) {
        return lives_through_jumps(Path::new(&folder));
    }
    let folder = scratch::folder("clock");
    let clock = MovedClock::new(&folder.path().join("clock"));
    let mut command = child::again(NAME, folder.path());
    clock.give_to(&mut command);
    let mut process = command.spawn().expect("it starts");
    let is_there = |signal: &str| folder.path().join(signal).exists();
    wait::until("the child", || is_there("begun"));
    clock.set(24 * 3600);
    wait::until("a day ahead", || is_there("ahead"));
    clock.set(-3600);
    assert!(child::wait(&mut process).success());
}
