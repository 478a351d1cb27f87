//! What is written down of a call: its key, and its arguments.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Expr, Ident};

use super::Annotated;
use crate::function::Parameter;
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
        let variable = local("arguments");
        let recorded = self.recorded(&variable, quote!(#owner.arguments()), "with");
        quote!(#key #recorded)
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
                let names = self.recorded_bindings().map(|(parameter, argument)| {
                    let cfgs = &parameter.cfgs;
                    quote!(#(#cfgs)* &#argument,)
                });
                quote!(&(#(#names)*))
            }
        };
        self.recorded(&variable, quote!(#idempotent.key(#key)), "argument")
    }

    // Output: let arguments = saga.arguments().with("order", &order).with("amount", &amount);
    //         #[cfg(audited)]
    //         let arguments = arguments.with("auditor", &auditor);
    /// An argument that is not always there stands in a statement of its own, which has its `cfg`.
    fn recorded(&self, variable: &Ident, start: TokenStream, verb: &str) -> TokenStream {
        let verb = local(verb);
        let mut always = start;
        let mut sometimes = TokenStream::new();
        for (parameter, argument) in self.recorded_bindings() {
            let (name, cfgs) = (argument.to_string(), &parameter.cfgs);
            let value = if parameter.is_reference() {
                quote!(#argument)
            } else {
                quote_spanned!(argument.span()=> &#argument)
            };
            if cfgs.is_empty() {
                always.extend(quote!(.#verb(#name, #value)));
            } else {
                sometimes.extend(quote! {
                    #(#cfgs)* let #variable = #variable.#verb(#name, #value);
                });
            }
        }
        quote!(let #variable = #always; #sometimes)
    }

    fn recorded_bindings(&self) -> impl Iterator<Item = (&Parameter, &Ident)> {
        self.parameters
            .iter()
            .filter(|parameter| !parameter.state)
            .flat_map(|parameter| {
                let bindings = parameter.bindings.iter();
                bindings.map(move |binding| (parameter, &binding.ident))
            })
    }
}
