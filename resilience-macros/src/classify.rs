//! `#[derive(Classify)]`, on the same floors as the attributes: `class` parses, `expand` writes.

mod class;
mod expand;
#[cfg(test)]
mod snapshots;

use proc_macro2::TokenStream;
use syn::{Attribute, Fields, Generics, Ident, Item};

use crate::diagnostics::Diagnostics;
use crate::paths::Paths;
use class::{Class, Classes, Place};

/// An error type whose every case has a class.
struct Classified {
    name: Ident,
    generics: Generics,
    paths: Paths,
    cases: Cases,
}

/// What there is to tell apart.
enum Cases {
    /// The variants of an enum.
    Variants(Vec<Case>),
    /// A struct is one case.
    Struct(Case),
}

/// A variant, or a struct.
struct Case {
    name: Ident,
    fields: Fields,
    class: Class,
}

/// What the derive makes of `item`.
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let diagnostics = Diagnostics::new();
    let item: Item = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => {
            diagnostics.push(error);
            return diagnostics.into_tokens();
        }
    };
    let (name, generics, paths, cases) = match item {
        Item::Enum(item) => {
            let classes = Classes::parse(Place::Enum, &item.attrs, &diagnostics);
            let variants: Vec<_> = item
                .variants
                .into_iter()
                .map(|variant| {
                    Case::parse(variant.ident, variant.fields, &variant.attrs, &diagnostics)
                })
                .collect();
            let cases = variants
                .into_iter()
                .collect::<Option<_>>()
                .map(Cases::Variants);
            (item.ident, item.generics, classes.paths, cases)
        }
        Item::Struct(item) => {
            let classes = Classes::parse(Place::Struct, &item.attrs, &diagnostics);
            let paths = classes.paths.clone();
            let case = Case::of(item.ident.clone(), item.fields, classes, &diagnostics);
            (item.ident, item.generics, paths, case.map(Cases::Struct))
        }
        Item::Union(item) => {
            diagnostics.error(
                &item.ident,
                "`Classify` is for enums and structs, and this is a union\n\
                 write `impl Classify` by hand",
            );
            (item.ident, item.generics, Paths::default(), None)
        }
        other => {
            diagnostics.error(other, "`Classify` is for enums and structs");
            return diagnostics.into_tokens();
        }
    };
    let is_clean = diagnostics.is_clean();
    let errors = diagnostics.into_tokens();
    match cases {
        Some(cases) if is_clean => Classified {
            name,
            generics,
            paths,
            cases,
        }
        .expand(),
        _ => expand::with_errors(&errors, &name, &generics, &paths),
    }
}

impl Case {
    fn parse(
        name: Ident,
        fields: Fields,
        attrs: &[Attribute],
        diagnostics: &Diagnostics,
    ) -> Option<Self> {
        let classes = Classes::parse(Place::Variant, attrs, diagnostics);
        Self::of(name, fields, classes, diagnostics)
    }

    /// The one class that it has; `None` after an error.
    fn of(
        name: Ident,
        fields: Fields,
        mut classes: Classes,
        diagnostics: &Diagnostics,
    ) -> Option<Self> {
        classes.reject_on_fields(&fields, diagnostics);
        let class = classes.only(&name, &fields, diagnostics)?;
        Some(Self {
            name,
            fields,
            class,
        })
    }
}
