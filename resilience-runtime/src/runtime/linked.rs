//! The sagas and steps that were linked into this program, and whether they can be run from a
//! journal.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use super::{MissingState, OpenError};
use crate::registry::{Catalog, Place, SagaEntry, StateType, States, StepEntry};

/// What was linked into this program.
pub(super) fn collect() -> Result<Catalog, OpenError> {
    Ok(Catalog {
        sagas: index("saga", inventory::iter::<SagaEntry>.into_iter(), |entry| {
            (entry.saga.name, entry.saga.version)
        })?,
        steps: index(
            "saga step",
            inventory::iter::<StepEntry>.into_iter(),
            |entry| entry.step.name,
        )?,
    })
}

/// Whether every function of the catalog can be called from the journal with these states.
pub(super) fn check_states(catalog: &Catalog, states: &States) -> Result<(), OpenError> {
    let sagas = catalog.sagas.values();
    let sagas = sagas.map(|saga| Needs::of("saga", *saga));
    let steps = catalog.steps.values();
    let steps = steps.map(|step| Needs::of("saga step", *step));
    let mut missing: Vec<MissingState> = sagas
        .chain(steps)
        .flat_map(|needs| needs.missing(states))
        .collect();
    // All at once, each type with one function, and always in the same order.
    missing.sort_by_key(|it| (it.type_name, it.name));
    missing.dedup_by_key(|it| it.type_name);
    match missing.is_empty() {
        true => Ok(()),
        false => Err(OpenError::MissingStates { missing }),
    }
}

/// Whether no sagas are linked into this program, whose store would not keep them.
pub(super) fn check_none(catalog: &Catalog, scheme: &'static str) -> Result<(), OpenError> {
    match catalog.sagas.values().min_by_key(|saga| saga.saga.name) {
        None => Ok(()),
        Some(saga) => Err(OpenError::NoSagas {
            scheme,
            name: saga.saga.name,
            place: saga.place,
        }),
    }
}

/// What the two kinds of entry have in common.
trait Named {
    fn name(&self) -> &'static str;
    fn place(&self) -> Place;
    fn states(&self) -> &'static [StateType];
}

impl Named for SagaEntry {
    fn name(&self) -> &'static str {
        self.saga.name
    }
    fn place(&self) -> Place {
        self.place
    }
    fn states(&self) -> &'static [StateType] {
        self.states
    }
}

impl Named for StepEntry {
    fn name(&self) -> &'static str {
        self.step.name
    }
    fn place(&self) -> Place {
        self.place
    }
    fn states(&self) -> &'static [StateType] {
        self.states
    }
}

struct Needs {
    kind: &'static str,
    name: &'static str,
    place: Place,
    states: &'static [StateType],
}

impl Needs {
    fn of(kind: &'static str, entry: &dyn Named) -> Self {
        Self {
            kind,
            name: entry.name(),
            place: entry.place(),
            states: entry.states(),
        }
    }

    fn missing(self, states: &States) -> impl Iterator<Item = MissingState> {
        let missing = self.states.iter().filter(|state| !states.has(state));
        missing.map(move |state| MissingState {
            type_name: (state.name)(),
            kind: self.kind,
            name: self.name,
            place: self.place,
        })
    }
}

/// By what the journal knows them by.
fn index<E: Named, K: Eq + Hash>(
    kind: &'static str,
    entries: impl Iterator<Item = &'static E>,
    key: fn(&E) -> K,
) -> Result<HashMap<K, &'static E>, OpenError> {
    let mut index = HashMap::new();
    for entry in entries {
        match index.entry(key(entry)) {
            Entry::Vacant(free) => {
                free.insert(entry);
            }
            Entry::Occupied(taken) => {
                let mut places = [taken.get().place(), entry.place()];
                // The order of registration is the linker's.
                places.sort_by_key(|place| (place.file, place.line));
                let [first, second] = places;
                return Err(OpenError::DuplicateName {
                    kind,
                    name: entry.name(),
                    first,
                    second,
                });
            }
        }
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saga::{Saga, SagaStep};

    fn step(line: u32) -> &'static StepEntry {
        Box::leak(Box::new(StepEntry {
            step: SagaStep::named("reserve"),
            place: Place {
                file: "shop.rs",
                line,
            },
            states: &[],
            compensate: None,
        }))
    }

    #[test]
    fn two_functions_of_one_name_are_refused_with_both_places() {
        let Err(error) = index("saga step", [step(30), step(7)].into_iter(), |entry| {
            entry.step.name
        }) else {
            panic!("two steps have one name");
        };
        let text = error.to_string();
        assert!(text.contains("saga step `reserve`"), "{text}");
        assert!(text.contains("shop.rs:7 and shop.rs:30"), "{text}");
    }

    #[test]
    fn all_states_that_are_missing_are_named_at_once() {
        const TEXT: StateType = StateType::of::<String>();
        const SMALL: StateType = StateType::of::<u8>();
        const LARGE: StateType = StateType::of::<u64>();
        let mut catalog = Catalog::default();
        for (name, states) in [("reserve", &[TEXT, SMALL][..]), ("charge", &[SMALL, LARGE])] {
            let entry: &'static StepEntry = Box::leak(Box::new(StepEntry {
                step: SagaStep::named(name),
                states,
                ..*step(7)
            }));
            catalog.steps.insert(name, entry);
        }
        let mut states = States::default();
        states.0.insert((LARGE.id)(), std::sync::Arc::new(1_u64));
        let Err(error) = check_states(&catalog, &states) else {
            panic!("two are missing");
        };
        let text = error.to_string();
        let expected = "saga step `reserve` (shop.rs:7) has a `#[state]` parameter of type `alloc::string::String`; \
                        saga step `charge` (shop.rs:7) has a `#[state]` parameter of type `u8`: the runtime";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn a_store_without_sagas_is_refused_to_a_program_that_has_one() {
        let mut catalog = Catalog::default();
        assert!(check_none(&catalog, "redis").is_ok());
        for name in ["ship", "checkout"] {
            let saga: &'static SagaEntry = Box::leak(Box::new(SagaEntry {
                saga: Saga::named(name),
                place: Place {
                    file: "shop.rs",
                    line: 7,
                },
                states: &[],
                resume: |_| Box::pin(async { Ok(()) }),
            }));
            catalog.sagas.insert((name, 1), saga);
        }
        let Err(error) = check_none(&catalog, "redis") else {
            panic!("there are sagas");
        };
        let text = error.to_string();
        assert!(text.contains("saga `checkout` (shop.rs:7)"), "{text}");
        let instead = "Runtime::builder(\"sqlite://app.db\").redis(url).open()";
        assert!(text.contains(instead), "{text}");
    }
}
