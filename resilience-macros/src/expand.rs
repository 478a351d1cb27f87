//! The model as tokens. What comes out is read by people (`cargo expand`), so it is laid out as one
//! would write it: the policies, the state of this call, then the call, wrapped from the inside
//! out.

mod body;
mod call;
mod compensation;
mod declare;
pub(crate) mod marker;
mod owned;
mod record;
mod register;
mod verify;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Pat};

use crate::check::Question;
use crate::function::{Body, Function, Parameter, Passing, strip_mut};
use crate::paths::Paths;
use crate::policy::{Compensation, Kind, Owner, Policy};

/// A function with its policies, everything checked.
pub(crate) struct Annotated {
    pub(crate) function: Function,
    pub(crate) parameters: Vec<Parameter>,
    /// Outermost first.
    pub(crate) policies: Vec<Policy>,
    /// What only the compiler can decide.
    pub(crate) questions: Vec<Question>,
    pub(crate) paths: Paths,
}

impl Annotated {
    // Input:  #[timeout(2s)] async fn ping(&self) -> Result<(), E> { body }
    // Output: async fn ping(&self) -> Result<(), E> { statements }
    //         registration, for sagas and steps: in a method it stands in the body
    pub(crate) fn expand(mut self) -> TokenStream {
        let mut statements = self.statements();
        let mut registration = self.registration();
        if self.owner().is_some() {
            statements = quote!(#registration #statements);
            registration = TokenStream::new();
        }
        if self.repeats() {
            self.strip_mut_of_replayed_parameters();
        }
        let head = self.function.head();
        let block = match &self.function.body {
            Body::Boxed { constructor, .. } => quote!({ #constructor(async move { #statements }) }),
            Body::Block(_) | Body::Missing(_) => quote!({ #statements }),
        };
        quote!(#head #block #registration)
    }

    // Output: let (annotated, timeout) = { .. };    the policies
    //         let function = ..;                      what they stand on
    //         let mut order = Replay::new(order);
    //         let mut observed = annotated.observe();
    //         let answer = { .. };                    the call, inside out
    //         observed.end(answer)
    fn statements(&self) -> TokenStream {
        let policies = self.declare_policies();
        let keys = self.declare_keys();
        let witnesses = self.declare_witnesses();
        let records = self.declare_records();
        let replays = self.declare_replays();
        let call = self.call();
        quote!(#policies #keys #witnesses #records #replays #call)
    }

    /// Whose method it is, where that is known.
    pub(crate) fn owner(&self) -> Option<&Owner> {
        self.policies.iter().find_map(Policy::owner)
    }

    pub(crate) fn find(&self, kind: Kind) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.kind() == kind)
    }

    /// Whether something calls the body, or a function in its place, a second time.
    pub(crate) fn repeats(&self) -> bool {
        self.find(Kind::Retry).is_some() || self.keeps_arguments()
    }

    /// Whether the arguments are needed after, or beside, the last attempt.
    pub(crate) fn keeps_arguments(&self) -> bool {
        self.find(Kind::Hedge).is_some() || self.calls_a_fallback()
    }

    /// The pattern of errors that are stored.
    pub(crate) fn stored_errors(&self) -> Option<&Pat> {
        match self.find(Kind::Idempotent)? {
            Policy::Idempotent(policy) => policy.store_errors.as_ref(),
            _ => None,
        }
    }

    fn calls_a_fallback(&self) -> bool {
        self.policies.iter().any(
            |policy| matches!(policy, Policy::Fallback(fallback) if fallback.function().is_some()),
        )
    }

    /// Whether a policy can refuse a call, so that the error type must be able to say so.
    pub(crate) fn can_refuse(&self) -> bool {
        self.policies.iter().any(|policy| policy.kind().refuses())
    }

    /// Whether a policy has to know what the error type can do.
    pub(crate) fn asks_errors(&self) -> bool {
        let mut kinds = self.policies.iter().map(Policy::kind);
        kinds.any(|kind| kind.judges() || kind == Kind::SingleFlight)
    }

    /// Whether the function, or its compensation, is called with arguments from the journal.
    pub(crate) fn is_called_from_the_journal(&self) -> bool {
        self.policies.iter().any(|policy| match policy {
            Policy::Saga(_) => true,
            Policy::SagaStep(step) => matches!(step.compensation, Compensation::By { .. }),
            _ => false,
        })
    }

    pub(crate) fn keeps_records(&self) -> bool {
        self.policies
            .iter()
            .any(|policy| policy.kind().keeps_records())
    }

    /// The variables that every attempt gets a copy of, with the `cfg`s of their parameter.
    pub(crate) fn replayed(
        &self,
    ) -> impl Iterator<Item = (&crate::function::Binding, &[Attribute])> {
        self.bindings_passed(Passing::Replayed)
    }

    /// The variables of parameters that reach an attempt in this way. A name that begins with `_`
    /// says that the body does not use it; a fallback may.
    pub(crate) fn bindings_passed(
        &self,
        passing: Passing,
    ) -> impl Iterator<Item = (&crate::function::Binding, &[Attribute])> {
        self.parameters
            .iter()
            .filter(move |parameter| parameter.passing() == passing)
            .flat_map(|parameter| {
                parameter
                    .bindings
                    .iter()
                    .map(|binding| (binding, parameter.cfgs.as_slice()))
            })
            .filter(|(binding, _)| !is_unused(&binding.ident) || self.calls_a_fallback())
    }

    fn strip_mut_of_replayed_parameters(&mut self) {
        let replayed: Vec<Pat> = self
            .parameters
            .iter()
            .filter(|parameter| parameter.passing() == Passing::Replayed)
            .map(|parameter| parameter.pat.clone())
            .collect();
        for input in &mut self.function.sig.inputs {
            if let syn::FnArg::Typed(typed) = input
                && replayed.iter().any(|pat| same_tokens(pat, &typed.pat))
            {
                strip_mut(&mut typed.pat);
            }
        }
    }
}

/// Whether the name of a variable says that the body does not use it. (`#[async_trait]` calls
/// parameters that are taken apart `__arg0`.)
fn is_unused(name: &syn::Ident) -> bool {
    let name = name.to_string();
    name.starts_with('_') && !name.starts_with("__arg")
}

fn same_tokens(left: &Pat, right: &Pat) -> bool {
    quote!(#left).to_string() == quote!(#right).to_string()
}
