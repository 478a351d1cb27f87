//! What keeps records: idempotent functions, sagas and their steps.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Declared, item, setter};
use crate::expand::Annotated;
use crate::policy::{Compensation, Idempotent, Saga, SagaStep};

impl Annotated {
    // Output: static __OPERATION: Idempotent = Idempotent::operation("..").ttl(..);
    pub(super) fn declare_idempotent(&self, policy: &Idempotent) -> Declared {
        let Idempotent {
            span: _,
            key: _,
            ttl,
            wait,
            name,
        } = policy;
        let ty = self.paths.private("Idempotent");
        let operation = match name {
            Some(name) => quote!(#name),
            None => self.full_name(),
        };
        let ttl = setter("ttl", ttl.as_ref());
        let wait = setter("wait", wait.as_ref());
        item(
            "idempotent",
            "__OPERATION",
            &ty,
            &quote!(#ty::operation(#operation) #ttl #wait),
        )
    }

    // Output: static __SAGA: Saga = Saga::named("checkout");
    pub(super) fn declare_saga(&self, policy: &Saga) -> Declared {
        let Saga { span: _, name } = policy;
        let ty = self.paths.private("Saga");
        let name = self.journal_name(name.as_ref());
        item("saga", "__SAGA", &ty, &quote!(#ty::named(#name)))
    }

    // Output: static __STEP: SagaStep = SagaStep::named("reserve");
    pub(super) fn declare_saga_step(&self, policy: &SagaStep) -> Declared {
        let SagaStep {
            span: _,
            compensation,
            name,
        } = policy;
        let ty = self.paths.private("SagaStep");
        let name = self.journal_name(name.as_ref());
        let in_doubt = match compensation {
            Compensation::By { in_doubt: true, .. } => quote!(.compensates_in_doubt()),
            Compensation::By { .. } | Compensation::None => TokenStream::new(),
        };
        item("step", "__STEP", &ty, &quote!(#ty::named(#name) #in_doubt))
    }

    /// The name in the journal, as a literal.
    pub(in crate::expand) fn journal_name(&self, given: Option<&syn::LitStr>) -> TokenStream {
        match given {
            Some(name) => quote!(#name),
            None => {
                let name = self.short_name();
                quote!(#name)
            }
        }
    }
}
