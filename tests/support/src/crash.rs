//! A child process that is killed at its first durable write, its second, its third …
//!
//! A small library is preloaded into the child. It counts the system calls that make something
//! durable under one folder (`write`, `pwrite`, `writev`, `fsync`, `fdatasync`, `ftruncate`,
//! `unlink`, `rename`), and lets the n-th go wrong. The kernel keeps what a killed process has
//! written, so this says nothing about a power loss; [`Point::calls`] shows whether the syncs are
//! where they have to be for that.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;

use crate::{child, scratch, shim};

/// What happens at the chosen write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed (SIGKILL) instead of writing.
    KillBefore,
    /// The process is killed when it has written.
    KillAfter,
    /// Half of the write is made, and the process is killed.
    Torn,
    /// This write and all later ones fail: no space left on device. The child can make room: [`make_room`].
    DiskFull,
    /// This write and all later ones fail: input/output error.
    DiskBroken,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 5] = [
        Self::KillBefore,
        Self::KillAfter,
        Self::Torn,
        Self::DiskFull,
        Self::DiskBroken,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::KillBefore => "before",
            Self::KillAfter => "after",
            Self::Torn => "torn",
            Self::DiskFull => "full",
            Self::DiskBroken => "broken",
        }
    }
}

/// One run of the child in which the fault has struck.
#[derive(Debug)]
pub struct Point {
    /// At which durable call, counted from 1.
    pub number: u64,
    /// How the child ended.
    pub status: ExitStatus,
    /// Its durable calls, `<call> <path under the folder>`, up to its end. Not all of them
    /// succeeded: the fault struck at number [`number`](Self::number).
    pub calls: Vec<String>,
}

/// What [`at_every_write`] did.
#[derive(Debug)]
pub struct Summary {
    /// How many durable calls a run has.
    pub points: u64,
    /// In how many runs the fault struck: one for each of them that is not like another one.
    pub struck: u64,
    /// The durable calls of the last run, which nothing disturbed.
    pub calls: Vec<String>,
}

/// More durable writes than any child under test makes: it does not come to an end.
const POINTS_MAX: u64 = 20_000;

/// Runs a child that writes under a folder, with `fault` at its first durable write, its second,
/// its third …, until it runs to its end undisturbed. For each run, `child` is given a new
/// empty folder and answers with the command that works in it, usually [`child::again`]. When the
/// fault has struck, `check` looks at what is left in the folder: it recovers, and panics if
/// something is wrong.
///
/// [`Fault::Torn`] is left out at calls that write nothing, as a sync does: there it is [`Fault::KillBefore`].
///
/// # Panics
/// When the undisturbed run fails, a child hangs, or the library cannot be built.
pub fn at_every_write(
    fault: Fault,
    child: impl FnMut(&Path) -> Command,
    check: impl FnMut(&Point, &Path),
) -> Summary {
    at_writes(fault, |_| true, child, check)
}

/// The same at those durable writes that are not like another one, by their numbers.
///
/// # Panics
/// As [`at_every_write`].
pub fn at_writes(
    fault: Fault,
    is_new: impl Fn(u64) -> bool,
    mut child: impl FnMut(&Path) -> Command,
    mut check: impl FnMut(&Point, &Path),
) -> Summary {
    let writes = |call: &String| ["write", "pwrite", "pwritev", "writev"].contains(&name_of(call));
    let (mut known, mut struck) = (Vec::new(), 0);
    let mut number = POINTS_MAX;
    loop {
        let folder = scratch::folder("crash");
        // The library compares paths as the kernel shows them.
        let path = folder.path().canonicalize().expect("its path");
        let run = run_once(child(&path), &path, fault, number);
        if run.fired {
            assert!(
                number < POINTS_MAX,
                "the child still writes after {POINTS_MAX} durable writes"
            );
            struck += 1;
            let point = Point {
                number,
                status: run.status,
                calls: run.calls,
            };
            check(&point, &path);
        } else {
            assert!(
                run.status.success(),
                "the child fails where nothing disturbs it ({}); its calls: {:#?}",
                run.status,
                run.calls
            );
            // The first run is one that nothing disturbs, and so is the last one.
            if number < POINTS_MAX {
                return Summary {
                    points: number - 1,
                    struck,
                    calls: run.calls,
                };
            }
            known = run.calls;
            number = 0;
        }
        number += 1;
        while let Some(call) = usize::try_from(number - 1)
            .ok()
            .and_then(|it| known.get(it))
            && (!is_new(number) || (fault == Fault::Torn && !writes(call)))
        {
            number += 1;
        }
    }
}

/// Of `<call> <path under the folder>`.
fn name_of(call: &str) -> &str {
    call.split(' ').next().unwrap_or_default()
}

/// In a child that [`at_every_write`] has started: whether the fault has struck.
#[must_use]
pub fn has_struck() -> bool {
    let log = std::env::var_os("CRASH_LOG").expect("a child with a fault");
    let calls = fs::read_to_string(log).unwrap_or_default();
    calls.lines().any(|line| line == "fired")
}

/// In a child that [`at_every_write`] has started: from now on its writes succeed, and the fault strikes no more.
///
/// # Panics
/// When it is no such child.
pub fn make_room() {
    let room = std::env::var_os("CRASH_ROOM").expect("a child with a fault");
    fs::write(room, "").expect("a file beside the log");
}

struct Run {
    fired: bool,
    status: ExitStatus,
    calls: Vec<String>,
}

fn run_once(mut command: Command, folder: &Path, fault: Fault, number: u64) -> Run {
    let log = scratch::folder("crash-log");
    let log_path = log.path().join("log");
    command
        .env("LD_PRELOAD", library())
        .env("CRASH_FOLDER", folder)
        .env("CRASH_FAULT", fault.as_str())
        .env("CRASH_AT", number.to_string())
        .env("CRASH_ROOM", log.path().join("room"))
        .env("CRASH_LOG", &log_path);
    let mut process = command.spawn().expect("the child starts");
    let status = child::wait(&mut process);
    let log = fs::read_to_string(&log_path).unwrap_or_default();
    Run {
        fired: log.lines().any(|line| line == "fired"),
        status,
        calls: log
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(_, call)| call.to_owned())
            .collect(),
    }
}

/// The library, built once per process.
fn library() -> &'static OsStr {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY
        .get_or_init(|| shim::library("crash", include_str!("crash_shim.c")))
        .as_os_str()
}
