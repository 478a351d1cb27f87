//! Writing into the attributes of a method whose method it is.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Meta, MetaList};

use super::block::Item;
use crate::allowed::Allowed;
use crate::diagnostics::Diagnostics;
use crate::expand::marker;
use crate::paths::Paths;
use crate::policy::{Kind, Owner, Policy, owner};
use crate::stack::{self, Layer};

/// A saga or a step of the block.
pub(super) struct Marked<'a> {
    /// How the journal knows it, where that can be seen.
    pub(super) known: Option<Known>,
    pub(super) cfgs: Vec<&'a Attribute>,
}

/// How the journal knows a saga or a step.
pub(super) struct Known {
    /// What there must not be two of in a module.
    pub(super) marker: Ident,
    /// Where its name is written.
    pub(super) name: TokenStream,
    /// What it is, in the plural.
    pub(super) noun: &'static str,
}

/// Marks the sagas and steps among the attributes of an item, also those in a `cfg_attr`.
pub(super) fn mark<'a>(item: &'a mut Item, owner: &Owner) -> Vec<Marked<'a>> {
    let Some(method) = name_of(&item.rest) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for attr in &mut item.attrs {
        let is_certain = !attr.path().is_ident("cfg_attr");
        mark_meta(&mut attr.meta, owner, &mut |kind, arguments| {
            let known = is_certain.then(|| known(kind, arguments, owner, &method));
            found.push(known.flatten());
        });
    }
    let attrs = item.attrs.iter();
    let cfgs: Vec<_> = attrs.filter(|attr| attr.path().is_ident("cfg")).collect();
    let marked = found.into_iter().map(|known| Marked {
        known,
        cfgs: cfgs.clone(),
    });
    marked.collect()
}

/// The name of the function in these tokens.
fn name_of(tokens: &[TokenTree]) -> Option<Ident> {
    let mut pairs = tokens.windows(2);
    pairs.find_map(|pair| match pair {
        [TokenTree::Ident(word), TokenTree::Ident(name)] if word == "fn" => Some(name.clone()),
        _ => None,
    })
}

// Input:  saga_step(compensate = release)
// Output: saga_step(compensate = release, __type = (Shop), __trait = (Stock))
fn mark_meta(meta: &mut Meta, owner: &Owner, found: &mut impl FnMut(Kind, &TokenStream)) {
    if meta.path().is_ident("cfg_attr") {
        let Meta::List(list) = meta else { return };
        list.tokens = mark_conditional(&list.tokens, owner, found);
        return;
    }
    let kind = stack::recognise(meta.path(), &Paths::default());
    let Some(kind @ (Kind::Saga | Kind::SagaStep)) = kind else {
        return;
    };
    let (arguments, delimiter) = match meta {
        Meta::List(list) => (list.tokens.clone(), list.delimiter.clone()),
        _ => (
            TokenStream::new(),
            syn::MacroDelimiter::Paren(Default::default()),
        ),
    };
    if stack::is_disarmed(&arguments) {
        return;
    }
    found(kind, &arguments);
    let needs_comma = !ends_with_comma(&arguments);
    let comma = needs_comma.then(|| quote!(,));
    let (ty, of) = (&owner.ty, owner.of.iter());
    let (type_option, trait_option) = (option(owner::TYPE), option(owner::TRAIT));
    *meta = Meta::List(MetaList {
        path: meta.path().clone(),
        delimiter,
        tokens: quote!(#arguments #comma #type_option = (#ty) #(, #trait_option = (#of))*),
    });
}

/// The attributes behind the condition of a `cfg_attr`.
fn mark_conditional(
    tokens: &TokenStream,
    owner: &Owner,
    found: &mut impl FnMut(Kind, &TokenStream),
) -> TokenStream {
    let mut parts = stack::split(tokens.clone()).into_iter();
    let condition = parts.next();
    let attributes = parts.map(|part| match syn::parse2::<Meta>(part.clone()) {
        Ok(mut meta) => {
            mark_meta(&mut meta, owner, found);
            meta.into_token_stream()
        }
        Err(_) => part,
    });
    quote!(#condition #(, #attributes)*)
}

/// Nothing before a comma would be a mistake of the user's.
fn ends_with_comma(arguments: &TokenStream) -> bool {
    let last = arguments.clone().into_iter().last();
    last.is_none_or(|last| matches!(last, TokenTree::Punct(comma) if comma.as_char() == ','))
}

fn option(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// The name in the journal, which the attribute gives, or the type and the method.
fn known(kind: Kind, arguments: &TokenStream, owner: &Owner, method: &Ident) -> Option<Known> {
    // Mistakes are reported by the method itself.
    let diagnostics = Diagnostics::new();
    let layer = Layer {
        kind,
        name: method.clone(),
        arguments: arguments.clone(),
    };
    let options = layer.options(&mut Allowed::default(), &diagnostics);
    let policy = Policy::parse(kind, options, &diagnostics);
    let _errors = diagnostics.into_tokens();
    let own = match owner.name() {
        Some(owner) => format!("{}::{}", owner.unraw(), method.unraw()),
        None => method.unraw().to_string(),
    };
    let own = (own, method.span());
    let (marker, name, noun) = match policy? {
        Policy::Saga(saga) => (marker::of_saga(&saga, &own)?, saga.name, "sagas"),
        Policy::SagaStep(step) => (marker::of_step(&step, &own)?, step.name, "steps"),
        _ => return None,
    };
    let name = name.map_or_else(|| method.to_token_stream(), |name| name.to_token_stream());
    Some(Known { marker, name, noun })
}
