//! A server's process, and what is done to it.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A child process that cannot outlive this one.
///
/// When this process ends, however it ends, the pipe to a watchdog closes, and the watchdog kills
/// the server. (Linux can also tie a child to its parent, but to the *thread* that started it: a
/// server that several tests share would go with the first of them.)
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    watchdog: Child,
}

impl Process {
    /// Starts `command`, and a watchdog that kills it and then removes `folder` when this process
    /// is gone.
    pub(super) fn spawn(command: &mut Command, folder: &Path) -> io::Result<Self> {
        // A group of its own keeps an interrupt from the keyboard away: this process is the one
        // to react to it.
        let mut child = command.stdin(Stdio::null()).process_group(0).spawn()?;
        match Self::watch(child.id(), folder) {
            Ok(watchdog) => Ok(Self { child, watchdog }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    fn watch(server: u32, folder: &Path) -> io::Result<Child> {
        // `read` ends when the writing end of its standard input is closed, which only this
        // process holds: Rust opens everything close-on-exec.
        const SCRIPT: &str = r#"read -r line; kill -KILL "$1" 2>/dev/null; rm -rf -- "$2""#;
        Command::new("/bin/sh")
            .args(["-c", SCRIPT, "watchdog", &server.to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, signal: Signal) {
        // A process that has been waited for has no id any more; `Child` knows, the id does not.
        if let Ok(Some(pid)) = i32::try_from(self.child.id()).map(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends `signal`, and waits for the process to be gone.
    pub(super) fn end(mut self, signal: Signal) {
        self.end_in_place(signal);
    }

    fn end_in_place(&mut self, signal: Signal) {
        // First the watchdog: once the server is gone, its id can be somebody else's.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        if !self.has_ended() {
            self.signal(signal);
            // A stopped process takes a signal other than SIGKILL only when it goes on.
            self.signal(Signal::CONT);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end_in_place(Signal::KILL);
    }
}
