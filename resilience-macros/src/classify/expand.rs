//! The `impl` of a classified type.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Fields, Generics, Ident, Type, parse_quote};

use super::class::{After, Class};
use super::{Case, Cases, Classified};
use crate::paths::{Paths, local};

impl Classified {
    pub(super) fn expand(mut self) -> TokenStream {
        self.bind_parameters();
        let class = self.paths.public("Class");
        let body = match &self.cases {
            Cases::Variants(variants) if variants.is_empty() => quote!(match *self {}),
            Cases::Variants(variants) => {
                let arms = variants.iter().map(|case| {
                    let name = &case.name;
                    case.arm(&quote!(Self::#name), &class, &self.paths)
                });
                quote!(match self { #(#arms)* })
            }
            Cases::Struct(case) => {
                let arm = case.arm(&quote!(Self), &class, &self.paths);
                quote!(match self { #arm })
            }
        };
        implementation(&self.name, &self.generics, &self.paths, &body)
    }

    /// A field that is asked and whose type depends on a parameter is a bound of the `impl`.
    fn bind_parameters(&mut self) {
        let parameters: Vec<Ident> = self
            .generics
            .type_params()
            .map(|parameter| parameter.ident.clone())
            .collect();
        let trait_ = self.paths.public("Classify");
        let cases = match &self.cases {
            Cases::Variants(variants) => variants.iter().collect(),
            Cases::Struct(case) => vec![case],
        };
        let fields = cases
            .into_iter()
            .filter(|case| matches!(case.class, Class::Transparent))
            .flat_map(|case| &case.fields);
        let bound: Vec<&Type> = fields
            .map(|field| &field.ty)
            .filter(|ty| mentions(ty.to_token_stream(), &parameters))
            .collect();
        for ty in bound {
            let predicate = parse_quote!(#ty: #trait_);
            self.generics.make_where_clause().predicates.push(predicate);
        }
    }
}

/// Beside the errors, an `impl` that makes whoever uses it compile.
pub(super) fn with_errors(
    errors: &TokenStream,
    name: &Ident,
    generics: &Generics,
    paths: &Paths,
) -> TokenStream {
    let class = paths.public("Class");
    let implementation = implementation(name, generics, paths, &quote!(#class::Permanent));
    quote!(#errors #implementation)
}

fn implementation(
    name: &Ident,
    generics: &Generics,
    paths: &Paths,
    body: &TokenStream,
) -> TokenStream {
    let (trait_, class) = (paths.public("Classify"), paths.public("Class"));
    let (parameters, arguments, bounds) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #parameters #trait_ for #name #arguments #bounds {
            fn classify(&self) -> #class {
                #body
            }
        }
    }
}

impl Case {
    fn arm(&self, path: &TokenStream, class: &impl ToTokens, paths: &Paths) -> TokenStream {
        match &self.class {
            Class::Transient => self.plain(path, &quote!(#class::Transient)),
            Class::Permanent => self.plain(path, &quote!(#class::Permanent)),
            Class::Ignored => self.plain(path, &quote!(#class::Ignored)),
            Class::Throttled { after: None } => {
                let none = quote!(::core::option::Option::None);
                self.plain(path, &quote!(#class::Throttled { retry_after: #none }))
            }
            Class::Throttled {
                after: Some(After { position, span }),
            } => {
                // Under the field's name in the attribute, where a wrong type is reported.
                let after = local_at("after", *span);
                let pattern = self.pattern(path, *position, &after);
                let read = paths.private("retry_after");
                quote!(#pattern => #class::Throttled { retry_after: #read(#after) },)
            }
            Class::Transparent => {
                let ty = self.fields.iter().next().map(|field| &field.ty);
                let inner = local_at("inner", ty.span());
                let pattern = self.pattern(path, 0, &inner);
                let ask = paths.public("Classify");
                quote!(#pattern => #ask::classify(#inner),)
            }
        }
    }

    fn plain(&self, path: &TokenStream, class: &TokenStream) -> TokenStream {
        match self.fields {
            Fields::Unit => quote!(#path => #class,),
            Fields::Unnamed(_) => quote!(#path(..) => #class,),
            Fields::Named(_) => quote!(#path { .. } => #class,),
        }
    }

    /// A pattern that calls the field at `position` by the name `local`.
    fn pattern(&self, path: &TokenStream, position: usize, local: &Ident) -> TokenStream {
        let name = self.fields.iter().nth(position).map(|field| &field.ident);
        match name {
            Some(Some(name)) => quote!(#path { #name: #local, .. }),
            _ => {
                let before = std::iter::repeat_n(quote!(_,), position);
                quote!(#path(#(#before)* #local, ..))
            }
        }
    }
}

/// A local variable, whose type errors are reported under `span`.
fn local_at(name: &str, span: Span) -> Ident {
    let mut local = local(name);
    local.set_span(local.span().located_at(span));
    local
}

/// Whether one of `names` occurs in `tokens`.
fn mentions(tokens: TokenStream, names: &[Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(name) => names.contains(&name),
        TokenTree::Group(group) => mentions(group.stream(), names),
        _ => false,
    })
}
