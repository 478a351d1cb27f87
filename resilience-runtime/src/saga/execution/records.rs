//! What came out in a saga, and what of it is in the journal.

use crate::saga::journal::{StepOutcome, StepRecord};

/// The records of a saga, in the order in which they came about.
#[derive(Default)]
pub(super) struct Records {
    entries: Vec<Entry>,
    next_position: u32,
    /// The first position that the journal did not have when this run began.
    first_new: u32,
    /// The positions, from there on, of steps that were recorded before they began.
    announced: Vec<u32>,
    /// So many at least, from the first on, are durable.
    durable: usize,
    /// Whether a write is under way.
    writing: bool,
}

struct Entry {
    record: StepRecord,
    pivot: bool,
    state: State,
    /// The step is in doubt for the journal, but has certainly had no effect.
    is_void: bool,
}

/// Not the records before one say whether it is durable: a step can bring its record into the journal by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unwritten,
    Writing,
    Durable,
}

/// What one write brings into the journal.
pub(super) struct Batch {
    pub(super) steps: Vec<StepRecord>,
    pub(super) pivots: bool,
}

impl Records {
    /// What the journal has.
    pub(super) fn durable(steps: Vec<StepRecord>) -> Self {
        let next = steps
            .iter()
            .map(|step| step.position.saturating_add(1))
            .max();
        let entry = |record| Entry {
            record,
            pivot: false,
            state: State::Durable,
            is_void: false,
        };
        Self {
            durable: steps.len(),
            entries: steps.into_iter().map(entry).collect(),
            next_position: next.unwrap_or(0),
            first_new: next.unwrap_or(0),
            announced: Vec::new(),
            writing: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&StepRecord> {
        self.entries.get(at).map(|entry| &entry.record)
    }

    /// All but the void ones.
    pub(super) fn iter(&self) -> impl Iterator<Item = &StepRecord> {
        let entries = self.entries.iter().filter(|entry| !entry.is_void);
        entries.map(|entry| &entry.record)
    }

    /// A position that no record has.
    pub(super) fn reserve(&mut self) -> u32 {
        let position = self.next_position;
        self.next_position += 1;
        position
    }

    /// Adds what came out. One that has the position of a record in doubt takes its place.
    pub(super) fn add(&mut self, record: StepRecord, pivot: bool) {
        self.put(record, pivot, State::Unwritten);
    }

    /// Adds a step that is about to begin, as in doubt. Its outcome replaces this record.
    pub(super) fn announce(&mut self, record: StepRecord) {
        self.announced.push(record.position);
        self.add(record, false);
    }

    /// Makes the record that was announced at `position`, if there is one, void: the step has certainly had no effect, so there
    /// is nothing to undo.
    pub(super) fn take_back(&mut self, position: Option<u32>) {
        let found = position.and_then(|position| self.replaceable(position));
        if let Some(entry) = found.and_then(|at| self.entries.get_mut(at)) {
            entry.is_void = true;
            // In case it is still to be written.
            entry.record.compensation = None;
        }
    }

    /// Adds what its own transaction brought into the journal.
    pub(super) fn add_durable(&mut self, record: StepRecord) {
        self.put(record, false, State::Durable);
    }

    fn put(&mut self, record: StepRecord, pivot: bool, state: State) {
        let entry = Entry {
            record,
            pivot,
            state,
            is_void: false,
        };
        let found = self.replaceable(entry.record.position);
        match found.and_then(|at| Some((at, self.entries.get_mut(at)?))) {
            Some((at, there)) => {
                *there = entry;
                self.durable = self.durable.min(at);
            }
            None => self.entries.push(entry),
        }
    }

    /// The index of the record that one with this position replaces. Most positions are new, and need no search.
    fn replaceable(&self, position: u32) -> Option<usize> {
        if position >= self.first_new && !self.announced.contains(&position) {
            return None;
        }
        let mut entries = self.entries.iter();
        entries.position(|entry| entry.record.position == position)
    }

    /// Whether the first `count` records are durable.
    pub(super) fn are_durable(&mut self, count: usize) -> bool {
        let more = self.entries.iter().skip(self.durable);
        self.durable += more
            .take_while(|entry| entry.state == State::Durable)
            .count();
        self.durable >= count
    }

    /// How many records there are up to the last one that must not get lost although nothing follows it: the value of a
    /// step. Who fails or is cut off is asked again.
    pub(super) fn values(&self) -> usize {
        let last = self.entries.iter().rposition(|entry| {
            entry.state != State::Durable && entry.record.outcome == StepOutcome::Done
        });
        last.map_or(0, |last| last + 1)
    }

    /// Whether the value of a step is in no write that is under way.
    pub(super) fn is_behind(&self) -> bool {
        let mut rest = self.entries.iter().skip(self.durable);
        rest.any(|entry| {
            entry.state == State::Unwritten && entry.record.outcome == StepOutcome::Done
        })
    }

    /// What the next write is to bring into the journal, unless one is under way.
    pub(super) fn take_batch(&mut self) -> Option<Batch> {
        if self.writing {
            return None;
        }
        self.writing = true;
        let mut batch = Batch {
            steps: Vec::new(),
            pivots: false,
        };
        let unwritten = self.entries.iter_mut().skip(self.durable);
        for entry in unwritten.filter(|entry| entry.state == State::Unwritten) {
            entry.state = State::Writing;
            batch.pivots |= entry.pivot;
            batch.steps.push(entry.record.clone());
        }
        Some(batch)
    }

    /// The write has ended.
    pub(super) fn written(&mut self, is_durable: bool) {
        self.writing = false;
        let state = match is_durable {
            true => State::Durable,
            false => State::Unwritten,
        };
        for entry in self.entries.iter_mut().skip(self.durable) {
            if entry.state == State::Writing {
                entry.state = state;
            }
        }
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing
    }

    /// Forgets what is not in the journal and is no value.
    pub(super) fn forget_failures(&mut self) {
        self.entries.retain(|entry| {
            entry.state != State::Unwritten || entry.record.outcome == StepOutcome::Done
        });
    }

    /// What is not in the journal, and whether a pivot is among it.
    pub(super) fn unwritten(&self) -> (Vec<StepRecord>, bool) {
        let unwritten = self.entries.iter();
        let unwritten = unwritten.filter(|entry| entry.state != State::Durable);
        let pivots = { unwritten.clone() }.any(|entry| entry.pivot);
        (
            unwritten.map(|entry| entry.record.clone()).collect(),
            pivots,
        )
    }
}
