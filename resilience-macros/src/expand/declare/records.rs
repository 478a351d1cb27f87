//! What keeps records of calls, and what keeps calls apart or together: idempotent functions, locks and
//! flights.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Declared, at, item, setter};
use crate::expand::Annotated;
use crate::policy::{
    Idempotent, Leased, Locked, OnSchemaChange, Reach, Run, SingleFlight, WhenUnavailable,
};

impl Annotated {
    // Output: static __OPERATION: Idempotent = Idempotent::operation("..").ttl(..).lease(..).version(2);
    pub(super) fn declare_idempotent(&self, policy: &Idempotent) -> Declared {
        let Idempotent {
            span: _,
            key: _,
            scope: _,
            ttl,
            name,
            version,
            key_version,
            on_schema_change,
            store_errors: _,
            max_result,
            run,
        } = policy;
        let ty = self.paths.private("Idempotent");
        let operation = self.name_or_path(name.as_ref());
        let ttl = setter("ttl", ttl.as_ref());
        let version = setter("version", version.as_ref());
        let key_version = setter("key_version", key_version.as_ref());
        let on_change = on_schema_change.map(|change| {
            let changes = self.paths.private("OnSchemaChange");
            match change {
                OnSchemaChange::Error => quote!(.on_schema_change(#changes::Error)),
                OnSchemaChange::RunAgain => quote!(.on_schema_change(#changes::RunAgain)),
            }
        });
        let max_result = max_result
            .as_ref()
            .map(|size| at(&size.written(), quote!(.max_result(#size))));
        let (leased, unavailable) = match run {
            Run::Transaction(_) => (None, None),
            Run::Leased(leased) => {
                let Leased {
                    lease,
                    wait,
                    when_unavailable,
                    detach: _,
                } = &**leased;
                let wait = setter("wait", wait.as_ref());
                let lease = setter("lease", lease.as_ref());
                let unavailable = when_unavailable_run(*when_unavailable);
                (Some(quote!(#wait #lease)), unavailable)
            }
        };
        item(
            "idempotent",
            "__OPERATION",
            &ty,
            &quote! {
                #ty::operation(#operation) #ttl #leased #version #key_version #on_change #max_result
                    #unavailable
            },
        )
    }

    // Output: static __LOCK: Locked = Locked::named("documents").lease(..).wait(..);
    pub(super) fn declare_locked(&self, policy: &Locked) -> Declared {
        let Locked {
            span: _,
            key: _,
            name,
            wait,
            reach,
        } = policy;
        let ty = self.paths.private("Locked");
        let name = self.name_or_path(name.as_ref());
        let wait = setter("wait", wait.as_ref());
        let reach = match reach {
            Reach::Local => quote!(.local()),
            Reach::Store {
                lease,
                replicas,
                when_unavailable,
            } => {
                let lease = setter("lease", lease.as_ref());
                let replicas = setter("replicas", replicas.as_ref());
                let unavailable = when_unavailable_run(*when_unavailable);
                quote!(#lease #replicas #unavailable)
            }
        };
        item(
            "locked",
            "__LOCK",
            &ty,
            &quote!(#ty::named(#name) #wait #reach),
        )
    }

    // Output: static __FLIGHT: SingleFlight = SingleFlight::for_function("shop::quote");
    pub(super) fn declare_single_flight(&self, policy: &SingleFlight) -> Declared {
        let SingleFlight {
            span: _,
            key: _,
            name,
        } = policy;
        let ty = self.paths.private("SingleFlight");
        let constructor = self.constructor(name.as_ref());
        item("flight", "__FLIGHT", &ty, &quote!(#ty::#constructor))
    }

    fn name_or_path(&self, given: Option<&syn::LitStr>) -> TokenStream {
        match given {
            Some(name) => quote!(#name),
            None => self.full_name(),
        }
    }
}

// Output: .when_unavailable_run()
fn when_unavailable_run(when: Option<WhenUnavailable>) -> Option<TokenStream> {
    (when == Some(WhenUnavailable::Run)).then(|| quote!(.when_unavailable_run()))
}
