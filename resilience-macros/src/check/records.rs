//! What keys are made of, and arguments that are written down.

use super::Subject;
use crate::policy::Policy;

impl Subject<'_> {
    pub(super) fn check_records(&self) {
        self.a_key_is_made_of_something();
        self.the_key_of_a_method_is_written_down();
        self.state_is_for_records();
    }

    /// The policies whose key is made of all arguments.
    fn keyed_by_arguments(&self) -> impl Iterator<Item = &Policy> {
        self.policies.iter().filter(|policy| match policy {
            Policy::Idempotent(idempotent) => idempotent.key.is_none(),
            Policy::SingleFlight(flight) => flight.key.is_none(),
            _ => false,
        })
    }

    /// Without a key expression the key is made of the arguments; there must be some.
    fn a_key_is_made_of_something(&self) {
        if self.function.sig.receiver().is_some()
            || !self.parameters.iter().all(|parameter| parameter.state)
        {
            return;
        }
        for policy in self.keyed_by_arguments() {
            let name = policy.kind().name();
            self.diagnostics.error_at(
                policy.span(),
                format!(
                    "#[{name}] has nothing to make a key of\n\
                     write `#[{name}(key = ..)]`, or pass what identifies the operation"
                ),
            );
        }
    }

    /// `self` is no argument that can be hashed. Left out of a key that is made of all arguments, it
    /// would let one object answer with the result of another.
    fn the_key_of_a_method_is_written_down(&self) {
        let Some(receiver) = self.function.sig.receiver() else {
            return;
        };
        for policy in self.keyed_by_arguments() {
            let name = policy.kind().name();
            self.diagnostics.error(
                receiver,
                format!(
                    "`self` is not part of the key that #[{name}] makes of the arguments\n\
                     write `#[{name}(key = ..)]` with what identifies the operation"
                ),
            );
        }
    }

    /// `#[state]` says that an argument is not written down. Where nothing is written down it means
    /// nothing, and the author expected something.
    fn state_is_for_records(&self) {
        if self.policies.iter().any(Policy::reads_arguments) {
            return;
        }
        for parameter in self.parameters.iter().filter(|parameter| parameter.state) {
            self.diagnostics.error(
                &parameter.pat,
                "`#[state]` means nothing here: no attribute on this function keeps its arguments\n\
                 remove it",
            );
        }
    }
}
