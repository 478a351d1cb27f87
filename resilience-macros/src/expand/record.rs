//! What is written down of a call: its keys, and its arguments.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Ident};

use super::Annotated;
use super::declare::at;
use crate::function::Parameter;
use crate::paths::local;
use crate::policy::{Idempotent, Identity, Kind, Locked, Policy, SingleFlight};

impl Annotated {
    // Output: let key = idempotent.key(&order.id).argument("order", &order);
    //         let arguments = saga.arguments().with_restorable("order", &order);
    pub(super) fn declare_records(&self) -> TokenStream {
        let keys = self.policies.iter().map(|policy| match policy {
            Policy::Idempotent(policy) => self.declare_key(policy),
            Policy::Locked(policy) => self.declare_lock_key(policy),
            Policy::SingleFlight(policy) => self.declare_flight_key(policy),
            _ => TokenStream::new(),
        });
        let key: TokenStream = keys.collect();
        let owner = match (self.find(Kind::Saga), self.find(Kind::SagaStep)) {
            (Some(_), _) => local("saga"),
            (None, Some(_)) => local("step"),
            (None, None) => return key,
        };
        let variable = local("arguments");
        // What is only compared need not be read back.
        let verb = match self.is_called_from_the_journal() {
            true => "with_restorable",
            false => "with",
        };
        let recorded = self.recorded(&variable, quote!(#owner.arguments()), verb);
        let identity = self.declare_identity();
        quote!(#key #recorded #identity)
    }

    // Output: let identity = saga.id(&order.id);
    //         let identity = saga.key(&(&tenant, &order.id));
    /// Which saga the call asks for, while the arguments are there.
    fn declare_identity(&self) -> TokenStream {
        let Some(Policy::Saga(policy)) = self.find(Kind::Saga) else {
            return TokenStream::new();
        };
        let Some(identity) = &policy.identity else {
            return TokenStream::new();
        };
        let (variable, saga) = (local("identity"), local("saga"));
        let value = match identity {
            Identity::Id(id) => {
                let id = borrowed(id);
                quote!(id(#id))
            }
            Identity::Key(key) => {
                let key = lent(key);
                quote!(key(#key))
            }
        };
        quote!(let #variable = #saga.#value;)
    }

    // Output: let key = idempotent.scoped_key(&tenant, &order.id).argument("order", &order);
    fn declare_key(&self, policy: &Idempotent) -> TokenStream {
        let (variable, idempotent) = (local("key"), local("idempotent"));
        let key = self.key_or_all(policy.key.as_ref());
        let key = match &policy.scope {
            Some(scope) => {
                let scope = lent(scope);
                quote!(#idempotent.scoped_key(#scope, #key))
            }
            None => quote!(#idempotent.key(#key)),
        };
        self.recorded(&variable, key, "argument")
    }

    // Output: let lock_key = locked.key(&document.id);
    //         let lock_key = locked.whole();
    fn declare_lock_key(&self, policy: &Locked) -> TokenStream {
        let (variable, locked) = (local("lock_key"), local("locked"));
        let key = match &policy.key {
            Some(key) => {
                let key = lent(key);
                quote!(key(#key))
            }
            None => quote!(whole()),
        };
        quote!(let #variable = #locked.#key;)
    }

    // Output: let flight_key = flight.key(&symbol);
    fn declare_flight_key(&self, policy: &SingleFlight) -> TokenStream {
        let (variable, flight) = (local("flight_key"), local("flight"));
        let key = self.key_or_all(policy.key.as_ref());
        quote!(let #variable = #flight.key(#key);)
    }

    /// The key that is given, or all arguments.
    fn key_or_all(&self, key: Option<&Expr>) -> TokenStream {
        if let Some(key) = key {
            return lent(key);
        }
        let names = self.recorded_bindings().map(|(parameter, argument)| {
            let cfgs = &parameter.cfgs;
            quote!(#(#cfgs)* &#argument,)
        });
        quote!(&(#(#names)*))
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

// Output: &order.id
//         &(&tenant, &order.id)
/// By reference, the parts of a tuple one by one: it would take what it is made of.
fn lent(expression: &Expr) -> TokenStream {
    match expression {
        Expr::Tuple(tuple) => {
            let parts = tuple.elems.iter();
            quote!(&(#(&#parts,)*))
        }
        expression => borrowed(expression),
    }
}

// Output: &order.id
/// The expression stays where it is, with each of its parts, and the `&` joins its beginning.
fn borrowed(expression: &Expr) -> TokenStream {
    let ampersand = at(&expression.to_token_stream(), quote!(&));
    quote!(#ampersand #expression)
}
