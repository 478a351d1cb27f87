//! A dead saga that somebody wants to go on, in this process.

use std::sync::Arc;

use super::journal::{Event, SagaRecord, StepOutcome};
use super::recovery::proceed::here;
use super::reruns::Reruns;
use super::step_name;
use crate::core::{Core, Permit};
use crate::registry::StateType;

/// What this process lacks to take `record` where `event` leads; `None`: nothing.
pub(crate) fn missing(core: &Core, record: &SagaRecord, event: Event) -> Option<String> {
    let of_type = |state: &StateType| {
        let name = (state.name)();
        format!("the runtime was given no state of type `{name}`")
    };
    if event == Event::Resumed {
        let (name, version) = (&record.name, record.version);
        if core.inspects {
            return Some("it was opened `without_recovery`, and runs no sagas".to_owned());
        }
        let Some(entry) = core.catalog.saga(name, version) else {
            return Some(format!("it has no saga `{name}` of version {version}"));
        };
        let mut states = entry.states.iter();
        return states.find(|it| !core.states.has(it)).map(of_type);
    }
    let mut to_undo = record.steps.iter().filter(|step| {
        !step.undone && step.outcome != StepOutcome::Failed && step.compensation.is_some()
    });
    to_undo.find_map(|step| {
        let name = &step.step;
        match core.catalog.step(name) {
            None if step_name::is_reserved(name) => None,
            None => Some(format!("it has no saga step `{name}`")),
            Some(entry) => {
                let mut states = entry.states.iter();
                states.find(|it| !core.states.has(it)).map(of_type)
            }
        }
    })
}

/// Brings a saga that was just revived to its end.
pub(crate) async fn finish(core: &Arc<Core>, record: SagaRecord, permit: Permit) {
    here(Arc::clone(core), record, permit, Reruns::default()).await;
}
