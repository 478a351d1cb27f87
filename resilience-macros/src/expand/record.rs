//! What is written down of a call: its key, and its arguments.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Expr;

use super::Annotated;
use crate::paths::local;
use crate::policy::{Idempotent, Kind, Policy};

impl Annotated {
    // Output: let key = idempotent.key(&order.id).argument("order", &order);
    //         let arguments = saga.arguments().with("order", &order);
    pub(super) fn declare_records(&self) -> TokenStream {
        let key = match self.find(Kind::Idempotent) {
            Some(Policy::Idempotent(policy)) => self.declare_key(policy),
            _ => TokenStream::new(),
        };
        let owner = match (self.find(Kind::Saga), self.find(Kind::SagaStep)) {
            (Some(_), _) => local("saga"),
            (None, Some(_)) => local("step"),
            (None, None) => return key,
        };
        let (variable, arguments) = (local("arguments"), self.recorded("with"));
        quote!(#key let #variable = #owner.arguments() #arguments;)
    }

    fn declare_key(&self, policy: &Idempotent) -> TokenStream {
        let (variable, idempotent) = (local("key"), local("idempotent"));
        let key = match &policy.key {
            Some(Expr::Tuple(tuple)) => {
                // By reference, one by one: a tuple would take what it is made of.
                let parts = tuple.elems.iter();
                quote!(&(#(&#parts,)*))
            }
            Some(expression) => quote!(&#expression),
            None => {
                let names = self
                    .parameters
                    .iter()
                    .filter(|parameter| !parameter.state)
                    .flat_map(|parameter| parameter.bindings.iter().map(|binding| &binding.ident));
                quote!(&(#(&#names,)*))
            }
        };
        let arguments = self.recorded("argument");
        quote!(let #variable = #idempotent.key(#key) #arguments;)
    }

    // Output: .with("order", &order).with("amount", &amount)
    fn recorded(&self, verb: &str) -> TokenStream {
        let verb = local(verb);
        self.parameters
            .iter()
            .filter(|parameter| !parameter.state)
            .flat_map(|parameter| {
                parameter
                    .bindings
                    .iter()
                    .map(|binding| (&binding.ident, parameter.is_reference()))
            })
            .map(|(argument, is_reference)| {
                let name = argument.to_string();
                let value = if is_reference {
                    quote!(#argument)
                } else {
                    quote_spanned!(argument.span()=> &#argument)
                };
                quote!(.#verb(#name, #value))
            })
            .collect()
    }
}
