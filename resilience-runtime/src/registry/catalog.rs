//! Every registered saga and step, by name.

use std::collections::HashMap;

use super::{SagaEntry, StepEntry};
use crate::saga::journal::SagaVersion;

/// The functions that the journal can name.
#[derive(Default)]
pub(crate) struct Catalog {
    pub(crate) sagas: HashMap<(&'static str, u32), &'static SagaEntry>,
    pub(crate) steps: HashMap<&'static str, &'static StepEntry>,
}

impl Catalog {
    pub(crate) fn saga(&self, name: &str, version: u32) -> Option<&'static SagaEntry> {
        self.sagas.get(&(name, version)).copied()
    }

    pub(crate) fn step(&self, name: &str) -> Option<&'static StepEntry> {
        self.steps.get(name).copied()
    }

    /// The sagas that this process can resume.
    pub(crate) fn known(&self) -> Vec<SagaVersion> {
        let known = self.sagas.keys().map(|&(name, version)| SagaVersion {
            name: name.to_owned(),
            version,
        });
        known.collect()
    }
}
