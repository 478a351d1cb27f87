//! A test that runs itself again as a child process.
//!
//! ```no_run
//! # use std::path::Path;
//! # use resilience_test_support::child;
//! # fn work_in(_: &Path) {}
//! // #[test]
//! fn survives_a_kill() {
//!     if let Some(folder) = child::role("survives_a_kill") {
//!         return work_in(Path::new(&folder));
//!     }
//!     let folder = Path::new("data");
//!     let mut child = child::again("survives_a_kill", folder).spawn().unwrap();
//!     child.kill().unwrap();
//!     // … and look at what is left in the folder.
//! }
//! ```

use std::ffi::OsStr;
use std::ffi::OsString;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::wait;

/// The environment variable that tells a child what it is, followed by its argument.
const ROLE: &str = "RESILIENCE_TEST_CHILD";
const ARGUMENT: &str = "RESILIENCE_TEST_CHILD_ARGUMENT";

/// In a child that was made by [`again`] for the test `name`: its argument. `None` in the parent.
#[must_use]
pub fn role(name: &str) -> Option<OsString> {
    if std::env::var_os(ROLE)? == *name {
        Some(std::env::var_os(ARGUMENT).unwrap_or_default())
    } else {
        None
    }
}

/// A command that runs the test `name` (its full path in this test binary) in a child process,
/// where [`role`] answers with `argument`. Its output is discarded unless the caller says
/// otherwise.
///
/// # Panics
/// When the running program cannot be found.
#[must_use]
pub fn again(name: &str, argument: impl AsRef<OsStr>) -> Command {
    let program = std::env::current_exe().expect("the path of this test binary");
    let mut command = Command::new(program);
    command
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, name)
        .env(ARGUMENT, argument)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Waits for `child` to end; kills it and panics when it does not within [`wait::PATIENCE`].
///
/// # Panics
/// When it hangs, or cannot be waited for.
pub fn wait(child: &mut Child) -> ExitStatus {
    let mut status = None;
    let ended = wait::holds_within(wait::PATIENCE, || {
        status = child.try_wait().expect("the state of a child");
        status.is_some()
    });
    if !ended {
        let _ = child.kill();
        let _ = child.wait();
        panic!("a child process hangs; it was killed");
    }
    status.expect("set when it ended")
}
