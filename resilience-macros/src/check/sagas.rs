//! Sagas and their steps: what stands above and below them, and what must be there to make the call
//! again after a crash.

use quote::ToTokens;
use syn::{GenericParam, Receiver, ReceiverKind, Type};

use super::Subject;
use super::owned::{owned, sized_state};
use crate::allowed::Rule;
use crate::diagnostics::readable;
use crate::function::{Parameter, last_segment, ungrouped_type};
use crate::policy::{Compensation, Kind, Policy};

impl Subject<'_> {
    pub(super) fn check_sagas(&self) {
        self.saga_and_step_are_two_functions();
        self.a_saga_has_one_identity();
        self.only_idempotent_stands_above_a_saga();
        self.a_saga_is_not_run_again();
        self.a_step_stands_above_its_policies();
        self.a_saga_sees_failures();
        self.journaled_function_can_be_called_again();
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

    /// `#[idempotent]` forgets its key when the `ttl` is over, and an id is for good: a call could not
    /// obey both.
    fn a_saga_has_one_identity(&self) {
        let Some(Policy::Saga(saga)) = self.find(Kind::Saga) else {
            return;
        };
        if let (Some(identity), Some(_)) = (&saga.identity, self.find(Kind::Idempotent)) {
            let (option, expression) = identity.written();
            self.diagnostics.error(
                expression,
                format!(
                    "`{option}` and #[idempotent] both say which saga a call asks for\n\
                     remove `{option}`, or remove #[idempotent]: with `{option}` a saga is started once, for good"
                ),
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
            let name = policy.kind().name();
            let remedy = match policy.kind() {
                // A step is reported by itself.
                Kind::Idempotent | Kind::SagaStep => continue,
                Kind::Fallback => "put #[fallback] on the function that calls the saga".to_owned(),
                Kind::Timeout => {
                    "write `#[saga(timeout = ..)]` for all of it, or put #[timeout] on the steps"
                        .to_owned()
                }
                _ => format!("put #[{name}] on the steps"),
            };
            self.diagnostics.error_at(
                policy.span(),
                format!(
                    "#[{name}] cannot stand above #[saga]: the saga goes on without its caller\n{remedy}"
                ),
            );
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

    /// What a fallback answers is no failure any more: a saga goes on, or is complete, as if the work
    /// was done, and nothing is undone.
    fn a_saga_sees_failures(&self) {
        let (Some(fallback), Some(position)) =
            (self.find(Kind::Fallback), self.position(Kind::Fallback))
        else {
            return;
        };
        let messages = [
            (
                Kind::Saga,
                "#[fallback] hides the failure of the saga above it, whose steps are not undone then\n\
                 move #[fallback] to the function that calls the saga",
            ),
            (
                Kind::SagaStep,
                "#[fallback] hides the failure of the step above it: the saga goes on with its answer, and \
                 undoes that\nmove #[fallback] to a function that is no step",
            ),
        ];
        for (kind, message) in messages {
            if self.position(kind).is_some_and(|above| above < position) {
                self.warn_at(Rule::SagaTakesFallback, fallback.span(), message);
            }
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
            self.receiver_can_be_lent(name, receiver);
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
        // The connection of the step's own transaction is not written down. A saga in a transaction is
        // reported by itself.
        let is_reported = self.find(Kind::Saga).is_some();
        let is_lent = self
            .find(Kind::SagaStep)
            .is_some_and(|step| step.transaction().is_some());
        for parameter in self.parameters {
            if !(parameter.connection && (is_reported || is_lent)) {
                self.parameter_can_be_journaled(name, parameter);
            }
        }
    }

    /// The runtime lends `self` to many calls at once; and it must be told whose method it is.
    fn receiver_can_be_lent(&self, name: &str, receiver: &Receiver) {
        if !is_lent(receiver) {
            self.diagnostics.error(
                receiver,
                format!(
                    "this `self` cannot stand under #[{name}]: the runtime lends it, to many calls at once\n\
                     write `&self`"
                ),
            );
        } else if !self.policies.iter().any(|policy| policy.owner().is_some()) {
            self.diagnostics.error(
                receiver,
                format!(
                    "#[{name}] on a method needs `#[saga_steps]` on its `impl`: after a crash there is no `self` to call it on\n\
                     write `#[saga_steps] impl ..`, or pass what `self` holds as a `#[state]` parameter of a free function"
                ),
            );
        }
    }

    fn transaction_of(&self, parameter: &Parameter) -> Transaction {
        let step = self.find(Kind::SagaStep);
        if step.is_some_and(|step| step.transaction().is_some()) {
            let is_found = self.parameters.iter().any(|parameter| parameter.connection);
            return match is_found {
                true => Transaction::None,
                false => Transaction::Misspelt,
            };
        }
        let is_connection = last_segment(parameter.owned_type()).is_some_and(|ty| {
            let ty = ty.to_string();
            ty.ends_with("Connection") || ty.ends_with("Transaction")
        });
        match (parameter.name().filter(|_| is_connection), step) {
            (None, _) => Transaction::None,
            (Some(name), Some(_)) => Transaction::Meant(format!(
                "write `#[saga_step(tx = {name})]`, and the step's effect and record are one commit"
            )),
            (Some(_), None) => Transaction::Meant(
                "take a pool as `#[state]`, and acquire the connection in the body".to_owned(),
            ),
        }
    }

    /// Whether arguments are read from the journal: of a step, for its compensation.
    fn is_read_back(&self) -> bool {
        match self.find(Kind::SagaStep) {
            Some(Policy::SagaStep(step)) => !matches!(step.compensation, Compensation::None),
            _ => true,
        }
    }

    fn parameter_can_be_journaled(&self, name: &str, parameter: &Parameter) {
        let complaint = match ungrouped_type(&parameter.ty) {
            Type::ImplTrait(_) => "after a crash nobody knows its type\nwrite the type".to_owned(),
            Type::Reference(reference) if reference.mutability.is_some() => {
                match self.transaction_of(parameter) {
                    Transaction::Misspelt => return,
                    Transaction::Meant(remedy) => {
                        format!("a connection cannot be written into the journal\n{remedy}")
                    }
                    Transaction::None => "a `&mut` borrow cannot be written into the journal\n\
                                          take it by value or by `&`"
                        .to_owned(),
                }
            }
            _ if parameter.name().is_none() => {
                "the journal keeps arguments by name\nname it, and take it apart in the body"
                    .to_owned()
            }
            _ if parameter.state && !parameter.is_reference() => {
                "the runtime lends `#[state]`, it does not give it away\ntake it by `&`".to_owned()
            }
            _ if parameter.state => match sized_state(parameter.owned_type()) {
                Some(remedy) => format!(
                    "the runtime finds a state by its type, and a type without a size has none\n{remedy}"
                ),
                None => return,
            },
            _ if self.is_read_back() => match owned(parameter.owned_type()) {
                Some(ty) => {
                    let by = if parameter.is_reference() { "&" } else { "" };
                    let ty = readable(&ty.to_token_stream());
                    format!(
                        "what it borrows inside cannot be read back from the journal\nwrite `{by}{ty}`"
                    )
                }
                None => return,
            },
            _ => return,
        };
        self.diagnostics.error(
            &parameter.ty,
            format!("this parameter cannot stand under #[{name}]: {complaint}"),
        );
    }
}

/// What a parameter that is borrowed mutably has to do with a transaction of the step.
enum Transaction {
    /// Nothing.
    None,
    /// It is a connection: what to write.
    Meant(String),
    /// The name that `tx` has is that of no parameter, which is reported by itself.
    Misspelt,
}

/// `&self` in one of its forms.
fn is_lent(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
        ReceiverKind::Typed(_, ty) => match ungrouped_type(ty) {
            Type::Reference(reference) => {
                reference.mutability.is_none()
                    && matches!(ungrouped_type(&reference.elem), Type::Path(path) if path.path.is_ident("Self"))
            }
            _ => false,
        },
        _ => false,
    }
}
