//! `#[saga_steps]` on an `impl` block: tells the sagas and steps in it whose methods they are.
//!
//! An attribute on a method sees neither the type nor the block. This one writes the type into the
//! attributes below it, which then register the method from inside of its body, and go on as they do
//! anywhere. Bodies are not read, and nothing else in the block is changed.

mod block;
mod mark;

#[cfg(test)]
mod snapshots;

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Type;

use crate::args::Args;
use crate::diagnostics::Diagnostics;
use crate::expand::marker;
use crate::fallback;
use crate::function::ungrouped_type;
use block::Block;
use mark::{Known, Marked};

/// What `#[saga_steps]` makes of `item`.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let diagnostics = Diagnostics::new();
    let span = Span::call_site();
    Args::parse("#[saga_steps]", span, arguments, &diagnostics).finish_without(&diagnostics);
    let mut block: Block = match syn::parse2(item.clone()) {
        Ok(block) => block,
        Err(error) => {
            let message = format!(
                "#[saga_steps] is for an `impl` block ({error})\n\
                 write it above the `impl` that has the methods"
            );
            diagnostics.error_at(error.span(), message);
            return fallback::with_item(diagnostics, item);
        }
    };
    check_type(&block, &diagnostics);
    let owner = match diagnostics.is_clean() {
        true => block.owner(),
        false => block::refused(),
    };
    let marked: Vec<Marked> = block
        .items
        .iter_mut()
        .flat_map(|item| mark::mark(item, &owner))
        .collect();
    if marked.is_empty() && diagnostics.is_clean() {
        diagnostics.error_at(
            span,
            "no method in this `impl` is a #[saga] or a #[saga_step]\nremove #[saga_steps]",
        );
    }
    check_names(&marked, &diagnostics);
    let markers: TokenStream = marked
        .iter()
        .filter(|_| diagnostics.is_clean())
        .filter_map(|marked| Some(marker::item(&marked.known.as_ref()?.marker, &marked.cfgs)))
        .collect();
    let errors = diagnostics.into_tokens();
    quote!(#errors #block #markers)
}

/// After a crash there is one value to call methods on, which the runtime was given for its type.
fn check_type(block: &Block, diagnostics: &Diagnostics) {
    if let Some(parameter) = block.generics.params.first() {
        diagnostics.error(
            parameter,
            "#[saga_steps] cannot stand on a generic `impl`: after a crash nobody knows the type\n\
             write it for one type, such as `impl Shop<Postgres>`",
        );
        return;
    }
    let ty = ungrouped_type(&block.ty);
    if !matches!(ty, Type::Path(_)) || block::borrows(ty) {
        diagnostics.error(
            ty,
            "#[saga_steps] needs a type of its own that borrows nothing: the runtime keeps the value\n\
             write the `impl` for a `struct` or an `enum` that owns what it holds",
        );
    }
}

/// Two of one name cannot be told apart in the journal.
fn check_names(marked: &[Marked], diagnostics: &Diagnostics) {
    let mut seen = BTreeSet::new();
    // Of two with a `cfg` one may not be there.
    let always = marked.iter().filter(|marked| marked.cfgs.is_empty());
    for Known { marker, name, noun } in always.filter_map(|marked| marked.known.as_ref()) {
        if !seen.insert(marker.to_string()) {
            diagnostics.error(
                name,
                format!(
                    "two {noun} of this `impl` have the same name in the journal\n\
                     give this one another `name`"
                ),
            );
        }
    }
}
