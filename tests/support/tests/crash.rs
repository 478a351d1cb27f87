//! Every durable write is found, each fault is what it says, and a program that is not crash-safe
//! is caught.

// Clippy lets tests panic, but not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use resilience_test_support::child;
use resilience_test_support::crash::{self, Fault, Point, at_every_write, at_writes};

const CONTENT: &[u8] = b"ten bytes!";

/// Writes a file in the safe way: beside it, synced, renamed into place.
fn write_safely(folder: &Path) -> std::io::Result<()> {
    let new = folder.join("new");
    let mut file = File::create(&new)?;
    file.write_all(CONTENT)?;
    file.sync_all()?;
    fs::rename(&new, folder.join("file"))
}

const SAFE_CALLS: [&str; 3] = ["write new", "fsync new", "rename file"];

#[test]
fn every_durable_write_is_a_point() {
    if let Some(folder) = child::role("every_durable_write_is_a_point") {
        return write_safely(Path::new(&folder)).expect("nothing fails");
    }
    for fault in [Fault::KillBefore, Fault::KillAfter, Fault::Torn] {
        let mut seen = Vec::new();
        let summary = at_every_write(
            fault,
            |folder| child::again("every_durable_write_is_a_point", folder),
            |point, folder| {
                assert_eq!(point.status.signal(), Some(9), "{point:?}");
                let file = fs::read(folder.join("file")).ok();
                let new = fs::read(folder.join("new")).ok().map(|new| new.len());
                seen.push((point.number, new, file.is_some()));
                assert!(file.is_none_or(|content| content == CONTENT));
            },
        );
        assert_eq!(summary.points, 3);
        assert_eq!(summary.calls, SAFE_CALLS);
        let expected = match fault {
            Fault::KillAfter => vec![(1, Some(10), false), (2, Some(10), false), (3, None, true)],
            // The others have no half: killed there, it is killed before them.
            Fault::Torn => vec![(1, Some(5), false)],
            _ => vec![
                (1, Some(0), false),
                (2, Some(10), false),
                (3, Some(10), false),
            ],
        };
        assert_eq!(seen, expected, "{fault:?}");
        assert_eq!(usize::try_from(summary.struck), Ok(expected.len()));
    }
}

#[test]
fn writes_that_are_like_others_are_left_out() {
    if let Some(folder) = child::role("writes_that_are_like_others_are_left_out") {
        return write_safely(Path::new(&folder)).expect("nothing fails");
    }
    let mut seen = Vec::new();
    let summary = at_writes(
        Fault::KillAfter,
        |number| number != 2,
        |folder| child::again("writes_that_are_like_others_are_left_out", folder),
        |point, _| seen.push(point.number),
    );
    assert_eq!(seen, [1, 3]);
    assert_eq!((summary.points, summary.struck), (3, 2));
    assert_eq!(summary.calls, SAFE_CALLS);
}

#[test]
fn a_full_or_broken_disk_stays_so() {
    if let Some(folder) = child::role("a_full_or_broken_disk_stays_so") {
        let folder = Path::new(&folder);
        let report = |error: std::io::Error| error.raw_os_error().unwrap_or(0);
        let first = write_safely(folder).map_err(report);
        let second = write_safely(folder).map_err(report);
        // The exit status is the report: nothing can be written any more.
        let code = match (first, second) {
            (Ok(()), Ok(())) => 0,
            (_, Err(code)) => code,
            (Err(_), Ok(())) => 255,
        };
        std::process::exit(code);
    }
    for (fault, code) in [(Fault::DiskFull, 28), (Fault::DiskBroken, 5)] {
        let summary = at_every_write(
            fault,
            |folder| child::again("a_full_or_broken_disk_stays_so", folder),
            |point: &Point, _| assert_eq!(point.status.code(), Some(code), "{point:?}"),
        );
        assert_eq!(summary.points, 6);
    }
}

#[test]
fn a_full_or_broken_disk_has_room_again() {
    if let Some(folder) = child::role("a_full_or_broken_disk_has_room_again") {
        let folder = Path::new(&folder);
        if write_safely(folder).is_err() {
            assert!(crash::has_struck());
            crash::make_room();
            write_safely(folder).expect("there is room");
        }
        return;
    }
    for fault in [Fault::DiskFull, Fault::DiskBroken] {
        let summary = at_every_write(
            fault,
            |folder| child::again("a_full_or_broken_disk_has_room_again", folder),
            |point, folder| {
                assert!(point.status.success(), "{point:?}");
                let content = fs::read(folder.join("file")).expect("a file");
                assert_eq!(content, CONTENT);
            },
        );
        assert_eq!(summary.points, 3);
    }
}

#[test]
fn a_write_in_place_is_caught() {
    if let Some(folder) = child::role("a_write_in_place_is_caught") {
        return fs::write(Path::new(&folder).join("file"), CONTENT).expect("nothing fails");
    }
    let mut violations = 0;
    let summary = at_every_write(
        Fault::Torn,
        |folder| child::again("a_write_in_place_is_caught", folder),
        |_, folder| {
            if fs::read(folder.join("file")).is_ok_and(|content| content != CONTENT) {
                violations += 1;
            }
        },
    );
    assert_eq!((summary.points, violations), (1, 1));
}

#[test]
fn files_elsewhere_do_not_count() {
    if let Some(folder) = child::role("files_elsewhere_do_not_count") {
        let sibling = Path::new(&folder).with_extension("elsewhere");
        fs::create_dir(&sibling).expect("a folder beside it");
        write_safely(&sibling).expect("nothing fails");
        return fs::remove_dir_all(&sibling).expect("it is removed");
    }
    let summary = at_every_write(
        Fault::KillBefore,
        |folder| child::again("files_elsewhere_do_not_count", folder),
        |point, _| panic!("{point:?}"),
    );
    assert_eq!((summary.points, summary.calls.len()), (0, 0));
}
