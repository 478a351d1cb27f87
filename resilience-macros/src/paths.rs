//! The names that an expansion uses.

use proc_macro2::{Ident, Span};
use quote::quote;
use syn::{Path, parse_quote};

/// Where the runtime is found: `::resilience`, or what `crate = ..` says.
#[derive(Clone)]
pub(crate) struct Paths {
    pub(crate) krate: Path,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            krate: parse_quote!(::resilience),
        }
    }
}

impl Paths {
    /// A public item of the facade.
    pub(crate) fn public(&self, name: &str) -> Path {
        let (krate, name) = (&self.krate, Ident::new(name, Span::mixed_site()));
        parse_quote!(#krate::#name)
    }

    /// An item that only generated code names.
    pub(crate) fn private(&self, name: &str) -> Path {
        let (krate, name) = (&self.krate, Ident::new(name, Span::mixed_site()));
        let path = quote!(#krate::__private::#name);
        parse_quote!(#path)
    }
}

/// A local variable that the user's body cannot see, whatever it is called.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
