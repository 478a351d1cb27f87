//! How far the work is.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// A bar on a terminal, a line now and then elsewhere; on standard error, so that the result can
/// be piped.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    done: usize,
    total: usize,
    last_line: Instant,
}

impl Progress {
    /// Nothing of `total` is done.
    pub fn new(total: usize) -> Self {
        let template = "{bar:40} {pos}/{len} documents, {eta} left";
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = io::stderr().is_terminal().then(|| {
            let length = total.try_into().unwrap_or(u64::MAX);
            ProgressBar::new(length).with_style(style)
        });
        Self {
            bar,
            done: 0,
            total,
            last_line: Instant::now(),
        }
    }

    /// One more is done.
    pub fn advance(&mut self) {
        self.done += 1;
        if let Some(bar) = &self.bar {
            bar.inc(1);
        } else if self.last_line.elapsed() >= EVERY {
            self.last_line = Instant::now();
            note(&format!("{} of {} documents", self.done, self.total));
        }
    }

    /// Writes a line that stays.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(line)),
            None => note(line),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
