//! Every registered saga and step, by name.

use std::collections::HashMap;

use super::{SagaEntry, StepEntry};

/// The functions that the journal can name.
#[derive(Default)]
pub(crate) struct Catalog {
    pub(crate) sagas: HashMap<&'static str, &'static SagaEntry>,
    pub(crate) steps: HashMap<&'static str, &'static StepEntry>,
}

impl Catalog {
    pub(crate) fn saga(&self, name: &str) -> Option<&'static SagaEntry> {
        self.sagas.get(name).copied()
    }

    pub(crate) fn step(&self, name: &str) -> Option<&'static StepEntry> {
        self.steps.get(name).copied()
    }

    /// The names of the sagas that this process can resume.
    pub(crate) fn saga_names(&self) -> Vec<String> {
        self.sagas.keys().map(|&name| name.to_owned()).collect()
    }
}
