//! A child process that is killed at its first durable write, its second, its third …
//!
//! A small library is preloaded into the child. It counts the system calls that make something
//! durable under one folder (`write`, `pwrite`, `writev`, `fsync`, `fdatasync`, `ftruncate`,
//! `unlink`, `rename`), and lets the n-th go wrong. The kernel keeps what a killed process has
//! written, so this says nothing about a power loss; [`Point::calls`] shows whether the syncs are
//! where they have to be for that.

use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::{child, scratch};

/// What happens at the chosen write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed (SIGKILL) instead of writing.
    KillBefore,
    /// The process is killed when it has written.
    KillAfter,
    /// Half of the write is made, and the process is killed.
    Torn,
    /// This write and all later ones fail: no space left on device.
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
        .get_or_init(|| {
            build().unwrap_or_else(|error| {
                panic!(
                    "the crash library cannot be built: {error}. It needs a C compiler under the \
                     name `cc`: install the package `gcc`, or run scripts/test, which does"
                )
            })
        })
        .as_os_str()
}

/// Builds it in the folder of the test binary, unless a test binary of the same source has.
fn build() -> io::Result<PathBuf> {
    const SOURCE: &str = include_str!("crash_shim.c");
    let mut hasher = DefaultHasher::new();
    SOURCE.hash(&mut hasher);
    let program = std::env::current_exe()?;
    let library = program.with_file_name(format!("crash-shim-{:016x}.so", hasher.finish()));
    if library.exists() {
        return Ok(library);
    }
    let parent = program.parent().unwrap_or(Path::new("."));
    let folder = TempDir::with_prefix_in("crash-shim", parent)?;
    let source = folder.path().join("crash_shim.c");
    let output = folder.path().join("crash_shim.so");
    fs::write(&source, SOURCE)?;
    let compiled = Command::new("cc")
        .args([
            "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
        ])
        .args([&output, &source])
        .output()?;
    if !compiled.status.success() {
        let complaint = String::from_utf8_lossy(&compiled.stderr).into_owned();
        return Err(io::Error::other(complaint));
    }
    // At once, so that no other test binary loads half of it.
    fs::rename(&output, &library)?;
    Ok(library)
}
