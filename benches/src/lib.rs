//! What the benchmarks share: a runner that measures CPU time per call.
//!
//! The time is that of the thread, not of the wall: a busy machine makes a run longer, and leaves
//! its figures alone. Rows are measured in turn, a sample each, round after round, so that a
//! change of the processor's clock meets all of them; a figure is the median of its samples.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

mod report;

/// Whose row it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The call without any policy, which the others are compared with.
    Bare,
    /// This project's.
    Ours,
    /// A library's, or what is written by hand with libraries.
    Peer,
    /// A library's that does less than the others of its group, and is no measure for them.
    Partial,
}

/// The CPU time of a sample. Long against the cost of reading the clock, short against a change
/// of the processor's own clock.
const SAMPLE: Duration = Duration::from_millis(2);

/// How many samples a figure is the median of.
const SAMPLES: usize = 101;

/// As many with `--quick`, which only shows that every row runs.
const SAMPLES_QUICK: usize = 5;

/// One kind of call, and how often it has been measured.
struct Row {
    group: &'static str,
    side: Side,
    name: &'static str,
    /// Makes so many calls, and answers with the CPU time that they took.
    sample: Box<dyn FnMut(u64) -> Duration>,
    calls: u64,
    nanoseconds: Vec<f64>,
}

/// A benchmark: rows in groups, measured by [`run`](Self::run).
pub struct Bench {
    runtime: &'static Runtime,
    group: &'static str,
    rows: Vec<Row>,
}

impl Bench {
    /// An empty benchmark, whose calls run on a tokio runtime of one thread.
    ///
    /// # Errors
    /// When the runtime cannot be started.
    pub fn new() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        Ok(Self {
            // It lives as long as the rows, which is as long as the process.
            runtime: Box::leak(Box::new(runtime)),
            group: "",
            rows: Vec::new(),
        })
    }

    /// Begins a group: its rows are compared with one another.
    pub fn group(&mut self, group: &'static str) {
        self.group = group;
    }

    /// Runs `future` to its end, unmeasured: what a row needs to have happened before.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Adds a row: `call` is one call. What it answers with is not optimised away.
    pub fn row<T>(
        &mut self,
        side: Side,
        name: &'static str,
        mut call: impl AsyncFnMut() -> T + 'static,
    ) {
        let runtime = self.runtime;
        let sample = move |calls: u64| {
            runtime.block_on(async {
                let begun = thread_cpu_time();
                for _ in 0..calls {
                    black_box(call().await);
                }
                thread_cpu_time().saturating_sub(begun)
            })
        };
        self.rows.push(Row {
            group: self.group,
            side,
            name,
            sample: Box::new(sample),
            calls: 1,
            nanoseconds: Vec::new(),
        });
    }

    /// Measures every row and prints the table. The arguments of the program choose: `--quick`
    /// for a run that is too short to be quoted, any other word for the groups and rows that
    /// contain it.
    pub fn run(mut self) {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let quick = arguments.iter().any(|argument| argument == "--quick");
        let words: Vec<&String> = arguments
            .iter()
            .filter(|argument| !argument.starts_with("--"))
            .collect();
        self.rows.retain(|row| {
            // The bare call is what the others are compared with.
            let is_chosen = |word: &&String| row.group.contains(*word) || row.name.contains(*word);
            row.side == Side::Bare || words.is_empty() || words.iter().any(is_chosen)
        });
        for row in &mut self.rows {
            row.warm_up();
        }
        for _ in 0..if quick { SAMPLES_QUICK } else { SAMPLES } {
            for row in &mut self.rows {
                row.measure();
            }
        }
        report::print(&self.rows, quick);
    }
}

impl Row {
    /// Makes calls until a sample of them is long enough, which also fills the caches.
    fn warm_up(&mut self) {
        while (self.sample)(self.calls) < SAMPLE {
            self.calls *= 2;
        }
    }

    fn measure(&mut self) {
        let taken = (self.sample)(self.calls);
        // Exact up to 2^53: a sample is far shorter than that, in calls and in nanoseconds.
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        let per_call = taken.as_nanos() as f64 / self.calls as f64;
        self.nanoseconds.push(per_call);
    }

    fn median(&self) -> f64 {
        let mut sorted = self.nanoseconds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn minimum(&self) -> f64 {
        self.nanoseconds.iter().copied().fold(f64::NAN, f64::min)
    }
}

/// The CPU time that this thread has used.
#[must_use]
pub fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
