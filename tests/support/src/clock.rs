//! Child processes whose clock jumps.
//!
//! A small library is preloaded into them. It moves the clock of the day (`CLOCK_REALTIME`, `gettimeofday`, `time`) by an offset that
//! can be changed while they run, and leaves the monotonic clocks alone: what happens when somebody sets the time of a machine.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::shim;

/// The clock of a machine, as the processes see it that are started on it.
#[derive(Debug, Clone)]
pub struct MovedClock(PathBuf);

impl MovedClock {
    /// One that is right; its offset is kept in `file`, which is made.
    ///
    /// # Panics
    /// When there can be no such file.
    #[must_use]
    pub fn new(file: &Path) -> Self {
        let clock = Self(file.to_owned());
        clock.set(0);
        clock
    }

    /// From now on it is so many seconds ahead of the right time, or behind where it is negative.
    ///
    /// # Panics
    /// When its file is gone.
    pub fn set(&self, seconds: i64) {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&self.0)
            .expect("the file of the clock");
        let offset = (seconds * 1_000_000_000).to_ne_bytes();
        // One write of eight bytes, and the file is never shorter: who has it mapped sees the old offset or the new one.
        file.write_all_at(&offset, 0).expect("the offset");
    }

    /// Lets the process that `command` starts live by this clock.
    ///
    /// # Panics
    /// When the library cannot be built.
    pub fn give_to(&self, command: &mut Command) {
        static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
        let library = LIBRARY.get_or_init(|| shim::library("clock", include_str!("clock_shim.c")));
        command
            .env("LD_PRELOAD", library)
            .env("CLOCK_FILE", &self.0);
    }
}
