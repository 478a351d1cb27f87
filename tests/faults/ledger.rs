//! The effects, in a file that the runtime knows nothing of, and the places at which a process dies.

use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

/// Where a process kills itself: `do2:after`, or `7/do2:after` for order 7 alone.
pub(crate) const KILL_AT: &str = "FAULTS_KILL_AT";
/// Where a process waits until the file of [`Ledger::release`] is there.
pub(crate) const HOLD_AT: &str = "FAULTS_HOLD_AT";

/// What is done to the world outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The effect of a step, by its number.
    Do(u32),
    /// Its compensation.
    Undo(u32),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Do(step) => write!(f, "do{step}"),
            Self::Undo(step) => write!(f, "undo{step}"),
        }
    }
}

/// What a caller was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// The result.
    Success(u32),
    /// The saga's own error: everything is undone.
    Failure,
    /// Something could not be undone.
    Stuck,
    /// The body did not run, and calling again is safe.
    DidNotRun,
    /// Anything else.
    Unclear(String),
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// An effect, by the process with this id.
    Effect {
        order: u64,
        action: Action,
        process: u32,
    },
    /// An answer.
    Answer { order: u64, told: Told },
}

/// A file of one line per effect, appended and synced. A state of every saga here.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(PathBuf);

impl Ledger {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Has the effect, unless the process dies before it.
    pub(crate) async fn effect(&self, order: u64, action: Action) {
        self.reach(order, action, "before").await;
        self.append(&format!("{order} {action} {}", std::process::id()));
        self.reach(order, action, "after").await;
    }

    /// Comes to a place at which a process may die or wait.
    pub(crate) async fn reach(&self, order: u64, action: Action, moment: &str) {
        let of_any = format!("{action}:{moment}");
        let of_this = format!("{order}/{of_any}");
        let is_here =
            |variable| std::env::var(variable).is_ok_and(|at| at == of_any || at == of_this);
        if is_here(KILL_AT) {
            die();
        }
        if is_here(HOLD_AT) {
            self.hold().await;
        }
    }

    /// Waits for [`release`](Self::release).
    pub(crate) async fn hold(&self) {
        File::create(self.beside("held")).expect("a file beside the ledger");
        while !self.beside("go").exists() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Whether a process waits.
    pub(crate) fn is_held(&self) -> bool {
        self.beside("held").exists()
    }

    /// Lets it go on.
    pub(crate) fn release(&self) {
        File::create(self.beside("go")).expect("a file beside the ledger");
    }

    pub(crate) fn answer(&self, order: u64, told: &Told) {
        let told = match told {
            Told::Success(result) => format!("success {result}"),
            Told::Failure => "failure".to_owned(),
            Told::Stuck => "stuck".to_owned(),
            Told::DidNotRun => "did-not-run".to_owned(),
            Told::Unclear(text) => format!("unclear {}", text.replace('\n', " ")),
        };
        self.append(&format!("{order} answer {told}"));
    }

    fn append(&self, line: &str) {
        let file = File::options().create(true).append(true).open(&self.0);
        let mut file = file.expect("the ledger opens");
        // One write, so that lines of two processes do not mix.
        file.write_all(format!("{line}\n").as_bytes())
            .expect("it is written");
        file.sync_data().expect("it is synced");
    }

    pub(crate) fn read(&self) -> Vec<Entry> {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        text.lines()
            .map(|line| parse(line).unwrap_or_else(|| panic!("a ledger with {line:?}")))
            .collect()
    }

    /// The actions for `order`, in their order.
    pub(crate) fn actions(&self, order: u64) -> Vec<Action> {
        let of_order = |entry| match entry {
            Entry::Effect {
                order: of, action, ..
            } if of == order => Some(action),
            _ => None,
        };
        self.read().into_iter().filter_map(of_order).collect()
    }

    /// From now on the first step can be undone, whatever the plan was.
    pub(crate) fn mend(&self) {
        File::create(self.beside("mended")).expect("a file beside the ledger");
    }

    pub(crate) fn is_mended(&self) -> bool {
        self.beside("mended").exists()
    }

    /// Where a process writes down what it logs as an error.
    pub(crate) fn errors(&self) -> PathBuf {
        self.beside("errors")
    }

    /// The database of the place that this is beside.
    pub(crate) fn database(&self) -> PathBuf {
        self.0.with_extension("").join("a.db")
    }

    /// Makes `other` the same.
    pub(crate) fn copy_to(&self, other: &Self) {
        if self.0.exists() {
            fs::copy(&self.0, &other.0).expect("a copy");
        }
        if self.is_mended() {
            other.mend();
        }
    }

    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.0);
        for beside in ["held", "go", "mended", "errors"] {
            let _ = fs::remove_file(self.beside(beside));
        }
    }

    fn beside(&self, extension: &str) -> PathBuf {
        Path::with_extension(&self.0, extension)
    }
}

fn parse(line: &str) -> Option<Entry> {
    let mut words = line.splitn(3, ' ');
    let order = words.next()?.parse().ok()?;
    let (what, rest) = (words.next()?, words.next()?);
    if what == "answer" {
        let told = parse_told(rest)?;
        return Some(Entry::Answer { order, told });
    }
    let action = match what.strip_prefix("undo") {
        Some(step) => Action::Undo(step.parse().ok()?),
        None => Action::Do(what.strip_prefix("do")?.parse().ok()?),
    };
    let process = rest.parse().ok()?;
    Some(Entry::Effect {
        order,
        action,
        process,
    })
}

fn parse_told(text: &str) -> Option<Told> {
    Some(match text.split_once(' ') {
        Some(("success", result)) => Told::Success(result.parse().ok()?),
        Some(("unclear", text)) => Told::Unclear(text.to_owned()),
        _ => match text {
            "failure" => Told::Failure,
            "stuck" => Told::Stuck,
            "did-not-run" => Told::DidNotRun,
            _ => return None,
        },
    })
}

/// Kills this process: nothing is flushed, no handler runs.
fn die() -> ! {
    let _ = kill_process(getpid(), Signal::KILL);
    loop {
        std::thread::park();
    }
}
