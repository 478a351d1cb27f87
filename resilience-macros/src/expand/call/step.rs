//! The call of a step whose effect and record are one commit.

use proc_macro2::TokenStream;
use quote::quote;

use super::once::watched;
use crate::expand::Annotated;
use crate::paths::local;
use crate::policy::{Kind, Policy};

impl Annotated {
    // Output: match step.begin_in(&mut *conn, arguments, function, stored, kept).await {
    //             ControlFlow::Break(answer) => answer,
    //             ControlFlow::Continue(mut taken) => {
    //                 let answer = {
    //                     let conn = taken.connection();
    //                     ..
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
        let begin =
            quote!(#step.begin_in(&mut *#connection, #arguments, #function, #stored, #kept));
        let end = quote!(#taken.end(#answer));
        let (begin, end) = (watched(&begin), watched(&end));
        let inner = self.answer(below, false, true);
        quote! {
            let #begun = { #begin };
            match #begun {
                ::core::ops::ControlFlow::Break(#answer) => #answer,
                ::core::ops::ControlFlow::Continue(mut #taken) => {
                    let #answer = {
                        let #connection = #taken.connection();
                        #inner
                    };
                    #end
                }
            }
        }
    }
}
