//! What was done, in a file that no store knows of, and the places at which a process is held.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use resilience::{attempt, fencing_token, interrupted};
use resilience_test_support::wait;
use serde::{Deserialize, Serialize};

/// A place in a call at which it can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Point {
    /// The store is open, and nothing is asked of it.
    Before,
    /// The first moment in the body.
    Claimed,
    /// In the body, which has begun to act.
    Begun,
    /// In the body, which has acted and has nothing left to do.
    Ended,
    /// The call has answered, and its caller has not heard of it.
    Answered,
}

/// What a body knows of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) attempt: u32,
    pub(crate) interrupted: bool,
    pub(crate) token: u64,
}

/// A result, or the name of the error.
pub(crate) type Told = Result<String, String>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// A body has begun.
    Begun(Run),
    /// It has come to its end.
    Ended,
    /// A caller was answered.
    Told(Told),
    /// A call is held.
    Held(Point),
    /// Anything else that a process has to say.
    Note(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) process: u32,
    pub(crate) key: u64,
    pub(crate) what: What,
}

/// A folder with the file. The kernel puts lines one after the other, whichever process they are of: their order
/// is the order in which things happened.
#[derive(Debug, Clone)]
pub(crate) struct Effects {
    folder: PathBuf,
    file: Arc<File>,
    held_at: Option<Point>,
    takes: Duration,
}

impl Effects {
    pub(crate) fn at(folder: &Path) -> Self {
        let file = File::options()
            .create(true)
            .append(true)
            .open(folder.join("effects"))
            .expect("the file opens");
        Self {
            folder: folder.to_owned(),
            file: Arc::new(file),
            held_at: None,
            takes: Duration::ZERO,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// With bodies that take so long.
    pub(crate) fn taking(&self, takes: Duration) -> Self {
        Self {
            takes,
            ..self.clone()
        }
    }

    /// With calls that are held at `point` until it is released.
    pub(crate) fn held_at(&self, point: impl Into<Option<Point>>) -> Self {
        Self {
            held_at: point.into(),
            ..self.clone()
        }
    }

    /// The body of every operation.
    pub(crate) async fn act(&self, key: u64) -> String {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        self.reach(key, Point::Claimed).await;
        let run = Run {
            attempt: attempt(),
            interrupted: interrupted(),
            token: fencing_token().map_or(0, resilience::FencingToken::as_u64),
        };
        self.note(key, What::Begun(run));
        self.reach(key, Point::Begun).await;
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        self.note(key, What::Ended);
        self.reach(key, Point::Ended).await;
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        format!("run {number} of process {}", std::process::id())
    }

    /// Comes to a place at which it may be held.
    pub(crate) async fn reach(&self, key: u64, point: Point) {
        if self.held_at != Some(point) {
            return;
        }
        self.note(key, What::Held(point));
        while !self.sign(point).exists() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Lets go on what is held at `point`, now and later.
    pub(crate) fn release(&self, point: Point) {
        File::create(self.sign(point)).expect("a file beside the effects");
    }

    fn sign(&self, point: Point) -> PathBuf {
        self.folder.join(format!("{point:?}"))
    }

    pub(crate) fn note(&self, key: u64, what: What) {
        let process = std::process::id();
        let line = Line { process, key, what };
        let line = serde_json::to_string(&line).expect("it has a JSON form");
        // One write, so that lines of two processes do not mix.
        let mut file = &*self.file;
        let written = file.write_all(format!("{line}\n").as_bytes());
        written.expect("it is written");
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        let text = fs::read_to_string(self.folder.join("effects")).expect("the effects");
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("a line {line:?}"));
        // What has no end yet is being written.
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        whole.map(parse).collect()
    }

    /// The runs that have begun, in their order.
    pub(crate) fn begun(&self) -> Vec<Run> {
        let of = |line: Line| match line.what {
            What::Begun(run) => Some(run),
            _ => None,
        };
        self.lines().into_iter().filter_map(of).collect()
    }

    /// How many runs have begun, and how many have come to their end.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let ended = |line: &Line| line.what == What::Ended;
        (
            self.begun().len(),
            self.lines().iter().filter(|line| ended(line)).count(),
        )
    }

    /// What callers were told, where that is written down: with the process and the key.
    pub(crate) fn told(&self) -> Vec<(u32, u64, Told)> {
        let of = |line: Line| match line.what {
            What::Told(told) => Some((line.process, line.key, told)),
            _ => None,
        };
        self.lines().into_iter().filter_map(of).collect()
    }

    /// Waits until so many calls are held at `point`.
    pub(crate) fn wait_for(&self, calls: usize, point: Point) {
        wait::until("calls to be held", || {
            let lines = self.lines();
            let held = lines.iter().filter(|line| line.what == What::Held(point));
            held.count() >= calls
        });
    }
}
