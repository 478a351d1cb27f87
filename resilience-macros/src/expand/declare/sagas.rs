//! Sagas and their steps.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::{Declared, item, setter};
use crate::expand::Annotated;
use crate::policy::{Compensation, OnDead, Recover, Saga, SagaStep};

impl Annotated {
    // Output: static __SAGA: Saga = Saga::named("checkout").version(2);
    pub(super) fn declare_saga(&self, policy: &Saga) -> Declared {
        let ty = self.paths.private("Saga");
        item("saga", "__SAGA", &ty, &self.saga(policy))
    }

    // Output: Saga::named("checkout").version(2).timeout(..).recover(Recover::Compensate)
    //             .on_dead(OnDead::Continue).max_concurrent(16)
    /// What the saga was told, in the static and in the registration.
    pub(in crate::expand) fn saga(&self, policy: &Saga) -> TokenStream {
        let Saga {
            span: _,
            name,
            version,
            identity: _,
            timeout,
            recover,
            on_dead,
            max_concurrent,
            owner: _,
        } = policy;
        let ty = self.paths.private("Saga");
        let name = self.journal_name(name.as_ref());
        let version = setter("version", version.as_ref());
        let timeout = setter("timeout", timeout.as_ref());
        let recover = recover.map(|recover| {
            let recovers = self.paths.private("Recover");
            match recover {
                Recover::Resume => quote!(.recover(#recovers::Resume)),
                Recover::Compensate => quote!(.recover(#recovers::Compensate)),
            }
        });
        let on_dead = on_dead.map(|on_dead| {
            let dead = self.paths.private("OnDead");
            match on_dead {
                OnDead::Stop => quote!(.on_dead(#dead::Stop)),
                OnDead::Continue => quote!(.on_dead(#dead::Continue)),
            }
        });
        let most = setter("max_concurrent", max_concurrent.as_ref());
        quote!(#ty::named(#name) #version #timeout #recover #on_dead #most)
    }

    // Output: static __STEP: SagaStep = SagaStep::named("reserve");
    pub(super) fn declare_saga_step(&self, policy: &SagaStep) -> Declared {
        let ty = self.paths.private("SagaStep");
        item("step", "__STEP", &ty, &self.saga_step(policy))
    }

    // Output: SagaStep::named("reserve").compensated_by("stock::release").compensate_attempts(3).pivot()
    /// What the step was told, in the static and in the registration.
    pub(in crate::expand) fn saga_step(&self, policy: &SagaStep) -> TokenStream {
        let SagaStep {
            span: _,
            compensation,
            name,
            is_pivot,
            is_retriable,
            transaction: _,
            owner: _,
        } = policy;
        let ty = self.paths.private("SagaStep");
        let name = self.journal_name(name.as_ref());
        let compensation = match compensation {
            Compensation::By {
                function,
                in_doubt,
                attempts,
                timeout,
            } => {
                let path = function.to_token_stream().to_string().replace(' ', "");
                let in_doubt = in_doubt.then(|| quote!(.compensates_in_doubt()));
                let attempts = setter("compensate_attempts", attempts.as_ref());
                let timeout = setter("compensate_timeout", timeout.as_ref());
                quote!(.compensated_by(#path) #in_doubt #attempts #timeout)
            }
            Compensation::None => TokenStream::new(),
        };
        let pivot = is_pivot.then(|| quote!(.pivot()));
        let retriable = is_retriable.then(|| quote!(.retriable()));
        quote!(#ty::named(#name) #compensation #pivot #retriable)
    }

    /// The name in the journal, as a literal.
    fn journal_name(&self, given: Option<&syn::LitStr>) -> TokenStream {
        match given {
            Some(name) => quote!(#name),
            None => {
                let name = self.own_name();
                quote!(#name)
            }
        }
    }
}
