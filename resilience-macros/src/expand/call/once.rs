//! The call of an idempotent function: in place, in a task of its own, or in a transaction.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

use super::calls_again;
use crate::expand::Annotated;
use crate::paths::local;
use crate::policy::{Idempotent, Kind, Policy};

impl Annotated {
    // Output: idempotent.once(key, call, function, stored)
    //         idempotent.once_detached(key, call, function, stored)
    pub(super) fn once(&self, policy: &Idempotent) -> TokenStream {
        let (idempotent, call, function) = (local("idempotent"), local("call"), local("function"));
        let once = match policy.detach() {
            Some(_) => local("once_detached"),
            None => local("once"),
        };
        let (key, records) = (self.own_key("key", Kind::Idempotent), self.records());
        quote!(#idempotent.#once(#key, #call, #function, #records))
    }

    // Output: let order = order.take(last);     where there may be another call
    //         let call = async move { .. };
    /// The statements that leave the call in the variable `call`, with everything that it needs: it
    /// goes on in a task of its own.
    pub(super) fn leave(&self, below: &[Policy]) -> TokenStream {
        let above = self.policies.len().saturating_sub(below.len() + 1);
        let arguments = match self.policies.iter().take(above).any(calls_again) {
            true => self.arguments_to_leave(below.iter().any(calls_again)),
            false => TokenStream::new(),
        };
        let call = local("call");
        let left = if below.is_empty() {
            self.attempt(true)
        } else {
            // With what the layers below borrow from variables of this call.
            let answer = self.answer(below, true, false);
            quote!(async move { #answer })
        };
        quote!(#arguments let #call = #left;)
    }

    // Output: match idempotent.begin_in(&mut *conn, key, function, stored).await {
    //             ControlFlow::Break(answer) => answer,
    //             ControlFlow::Continue(begun) => {
    //                 let answer = { .. };
    //                 begun.end_in(&mut *conn, answer).await
    //             }
    //         }
    pub(super) fn transaction(&self, below: &[Policy], top: bool) -> TokenStream {
        let Some(connection) = self.connection(Kind::Idempotent) else {
            return TokenStream::new();
        };
        let (answer, begun) = (local("answer"), local("begun"));
        let (key, records) = (self.own_key("key", Kind::Idempotent), self.records());
        let (idempotent, function) = (local("idempotent"), local("function"));
        let begin = quote!(#idempotent.begin_in(&mut *#connection, #key, #function, #records));
        let end = quote!(#begun.end_in(&mut *#connection, #answer));
        let (begin, end) = if top {
            let begin = watched(&begin);
            (quote!(let #begun = { #begin }; match #begun), watched(&end))
        } else {
            (quote!(match #begin.await), quote!(#end.await))
        };
        // The body gets the connection for its time. Where it runs again, each attempt does so.
        let lent = (!self.repeats()).then(|| quote!(let #connection = &mut *#connection;));
        let inner = self.answer(below, false, top);
        quote! {
            #begin {
                ::core::ops::ControlFlow::Break(#answer) => #answer,
                ::core::ops::ControlFlow::Continue(#begun) => {
                    let #answer = { #lent #inner };
                    #end
                }
            }
        }
    }

    /// The variable of the parameter that is the connection of this policy.
    pub(super) fn connection(&self, kind: Kind) -> Option<&Ident> {
        let wanted = self.find(kind)?.transaction()?;
        let mut names = self
            .parameters
            .iter()
            .filter_map(|parameter| parameter.name());
        names.find(|name| *name == wanted)
    }

    /// The variable that knows what is stored, and how.
    fn records(&self) -> Ident {
        match self.stored_errors() {
            Some(_) => local("records"),
            None => local("stored"),
        }
    }
}

// Output: let call = pin!(..);
//         observed.watch(call).await
pub(super) fn watched(future: &TokenStream) -> TokenStream {
    let (call, observed) = (local("call"), local("observed"));
    quote! {
        let #call = ::core::pin::pin!(#future);
        #observed.watch(#call).await
    }
}
