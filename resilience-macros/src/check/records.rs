//! Idempotent functions, sagas and their steps: what is written down must be there, and must be enough
//! to make the call again.

use syn::{GenericParam, Type};

use super::Subject;
use crate::function::{Parameter, ungrouped_type};
use crate::policy::{Kind, Policy};

impl Subject<'_> {
    pub(super) fn check_records(&self) {
        self.a_key_is_made_of_something();
        self.the_key_of_a_method_is_written_down();
        self.state_is_for_records();
        self.saga_and_step_are_two_functions();
        self.only_idempotent_stands_above_a_saga();
        self.a_saga_is_not_run_again();
        self.a_step_stands_above_its_policies();
        self.journaled_function_can_be_called_again();
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

    /// A saga is made of steps; one function cannot be both.
    fn saga_and_step_are_two_functions(&self) {
        if let (Some(_), Some(step)) = (self.find(Kind::Saga), self.find(Kind::SagaStep)) {
            self.diagnostics.error_at(
                step.span(),
                "a function is a saga or a step of one, not both\n\
                 move the step into a function of its own",
            );
        }
    }

    /// A timeout above a saga would drop it, and it would go on in the background; a retry above it
    /// would start another one. `#[idempotent]` above is what makes a saga start once.
    fn only_idempotent_stands_above_a_saga(&self) {
        let Some(saga) = self.position(Kind::Saga) else {
            return;
        };
        for policy in self.policies.iter().take(saga) {
            if policy.kind() != Kind::Idempotent {
                let name = policy.kind().name();
                self.diagnostics.error_at(
                    policy.span(),
                    format!(
                        "#[{name}] cannot stand above #[saga]: the saga goes on without its caller\n\
                         put #[{name}] on the steps"
                    ),
                );
            }
        }
    }

    /// A second run of the body would take every step a second time; and a stored result inside a
    /// saga would skip them.
    fn a_saga_is_not_run_again(&self) {
        let Some(saga) = self.position(Kind::Saga) else {
            return;
        };
        for policy in self.policies.iter().skip(saga + 1) {
            let name = policy.kind().name();
            match policy.kind() {
                Kind::Retry => self.diagnostics.error_at(
                    policy.span(),
                    "#[retry] below #[saga] would take every step again\nput #[retry] on the steps",
                ),
                Kind::Hedge => self.diagnostics.error_at(
                    policy.span(),
                    "#[hedge] below #[saga] would take every step beside itself\n\
                     put #[hedge] on the steps",
                ),
                Kind::Idempotent => self.diagnostics.error_at(
                    policy.span(),
                    format!("#[{name}] stands above #[saga]\nmove #[{name}] up"),
                ),
                _ => {}
            }
        }
    }

    /// A finished step answers from the journal before any policy is asked.
    fn a_step_stands_above_its_policies(&self) {
        let Some(step) = self.position(Kind::SagaStep) else {
            return;
        };
        if let Some(first) = self.policies.first().filter(|_| step > 0) {
            let name = first.kind().name();
            self.diagnostics.error_at(
                self.policies
                    .get(step)
                    .map_or_else(|| first.span(), Policy::span),
                format!(
                    "#[saga_step] stands below #[{name}]\n\
                     move #[saga_step] to the top: a finished step answers from the journal before \
                     any policy is asked"
                ),
            );
        }
    }

    /// After a crash the runtime calls sagas and compensations by name, with arguments from the
    /// journal: it must be able to name the function and to own every argument.
    fn journaled_function_can_be_called_again(&self) {
        let journaled = self.find(Kind::Saga).or_else(|| self.find(Kind::SagaStep));
        let Some(name) = journaled.map(|policy| policy.kind().name()) else {
            return;
        };
        let sig = &self.function.sig;
        if let Some(receiver) = sig.receiver() {
            self.diagnostics.error(
                receiver,
                format!(
                    "#[{name}] is for free functions: after a crash there is no `self` to call it on\n\
                     pass what `self` holds as a `#[state]` parameter"
                ),
            );
        }
        for parameter in &sig.generics.params {
            if !matches!(parameter, GenericParam::Lifetime(_)) {
                self.diagnostics.error(
                    parameter,
                    format!(
                        "#[{name}] cannot be generic: after a crash nobody knows the type\n\
                         write the type"
                    ),
                );
            }
        }
        // A saga in a transaction is reported by itself.
        let reported = |parameter| name == Kind::Saga.name() && self.is_connection(parameter);
        for parameter in self
            .parameters
            .iter()
            .filter(|parameter| !reported(parameter))
        {
            self.parameter_can_be_journaled(name, parameter);
        }
    }

    fn parameter_can_be_journaled(&self, name: &str, parameter: &Parameter) {
        let complaint = match ungrouped_type(&parameter.ty) {
            Type::ImplTrait(_) => "after a crash nobody knows its type\nwrite the type",
            Type::Reference(reference) if reference.mutability.is_some() => {
                "a `&mut` borrow cannot be written into the journal\ntake it by value or by `&`"
            }
            _ if parameter.name().is_none() => {
                "the journal keeps arguments by name\nname it, and take it apart in the body"
            }
            _ if parameter.state && !parameter.is_reference() => {
                "the runtime lends `#[state]`, it does not give it away\ntake it by `&`"
            }
            _ => return,
        };
        self.diagnostics.error(
            &parameter.ty,
            format!("this parameter cannot stand under #[{name}]: {complaint}"),
        );
    }
}
