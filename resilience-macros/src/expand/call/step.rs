//! The call of a step whose effect and record are one commit.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::once::watched;
use crate::expand::Annotated;
use crate::expand::declare::at;
use crate::paths::local;
use crate::policy::{Kind, Policy};

impl Annotated {
    // Output: match lent(&mut *conn).begin(step, arguments, function, stored, kept).await {
    //             ControlFlow::Break(answer) => answer,
    //             ControlFlow::Continue(mut taken) => {
    //                 let scope = taken.scope();
    //                 let answer = {
    //                     let conn = taken.connection();
    //                     let call = async move { .. };
    //                     scope.run(call).await
    //                 };
    //                 taken.end(answer).await
    //             }
    //         }
    /// It is the outermost layer, as every step.
    pub(super) fn committed_step(&self, below: &[Policy]) -> TokenStream {
        let Some(connection) = self.connection(Kind::SagaStep) else {
            return TokenStream::new();
        };
        let (answer, begun, taken) = (local("answer"), local("begun"), local("taken"));
        let (step, arguments, function) = (local("step"), local("arguments"), local("function"));
        let (stored, kept) = (local("stored"), local("kept"));
        // A connection of another kind is one error, at the parameter.
        let lent = self.paths.private("lent");
        let place = connection.to_token_stream();
        let reborrowed = at(&place, quote!(&mut *#connection));
        let begin = at(&place, quote!(#lent(#reborrowed).begin));
        let begin = quote!(#begin(#step, #arguments, #function, #stored, #kept));
        let end = quote!(#taken.end(#answer));
        let (call, scope) = (local("call"), local("scope"));
        let (statements, last) = self.wrap(below, false);
        let (begin, end) = (watched(&begin), watched(&end));
        let run = watched(&quote!(#scope.run(#call)));
        quote! {
            let #begun = { #begin };
            match #begun {
                ::core::ops::ControlFlow::Break(#answer) => #answer,
                ::core::ops::ControlFlow::Continue(mut #taken) => {
                    let #scope = #taken.scope();
                    let #answer = {
                        let #connection = #taken.connection();
                        #statements
                        let #call = #last;
                        #run
                    };
                    #end
                }
            }
        }
    }
}
